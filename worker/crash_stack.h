// A worker that dies by a signal of its own making first says where: the name of the signal and the
// innermost functions of the thread, demangled, on its standard error, whose last lines the report
// of its death quotes.
//
//   troupe: SIGSEGV in
//     #0 Model::Lookup(int) const
//     #1 Predict(Model const&, int)
//
// The process then dies of the signal as if nobody had looked. A handler that is there already, a
// sanitizer's or the user's, stays. What cannot be said within two seconds is not said.
#ifndef TROUPE_WORKER_CRASH_STACK_H_
#define TROUPE_WORKER_CRASH_STACK_H_

namespace troupe::worker {

// For SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT; also where this thread's stack has run out. To
// be called once, by the thread that runs tasks.
void TellStackOfCrashes();

}  // namespace troupe::worker

#endif  // TROUPE_WORKER_CRASH_STACK_H_
