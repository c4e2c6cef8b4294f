// Where the user's code has thrown what CallUserCode catches: by then its stack is gone.
//
// The linker has each throw expression of the program call a wrapper of __cxa_throw (--wrap), which
// keeps the return addresses of the stack, on threads that record; and each end of a handler one
// that forgets them with the exception. What shared libraries throw by themselves does not come by
// there: the standard library's own checks, SharedCode. After kMostThrows on one thread within one
// call no more are recorded: code that throws and catches very often is not made slower.
// Thread-safe: what is kept belongs to the thread.
#ifndef TROUPE_WORKER_THROWN_STACK_H_
#define TROUPE_WORKER_THROWN_STACK_H_

#include <string>

namespace troupe::worker {

inline constexpr int kMostThrows = 1000;

// While one lives, its thread records. They may be nested: each call has its own count.
class RecordThrows {
 public:
  RecordThrows();
  ~RecordThrows();
  RecordThrows(const RecordThrows&) = delete;
  RecordThrows& operator=(const RecordThrows&) = delete;

 private:
  int outer_;
};

// The functions in which this exception object, the latest that was recorded on this thread, was
// thrown: the innermost first, a line for each, down to what called the user's code. Empty where
// another was recorded, or none. Looks names up: some µs for each new function.
std::string StackOfThrown(const void* exception);

}  // namespace troupe::worker

#endif  // TROUPE_WORKER_THROWN_STACK_H_
