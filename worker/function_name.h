// The name of a function of this program, for people: its symbol without return type, parameters
// and anonymous namespaces.
//
//   int Twice<int>(int)                       Twice<int>
//   (anonymous namespace)::Add(int, int)      Add
//   Model::Score(double) const                Model::Score
//   Run(int)::{lambda(double)#1}::_FUN(...)   Run()::{lambda #1}
//
// The dynamic linker knows exported functions only. The others (static ones, those of anonymous
// namespaces, captureless lambdas as pointers) are in the symbol table of the file, which has one
// unless it was stripped. absl::Symbolize reads it, too, but names neither the arguments of
// templates nor, in clang's spelling, functions that return a std::string, and opens the file by
// its path, where another build may be by now. Thread-safe.
#ifndef TROUPE_WORKER_FUNCTION_NAME_H_
#define TROUPE_WORKER_FUNCTION_NAME_H_

#include <string>
#include <string_view>

namespace troupe::worker {

// Of the function that begins there; empty where it has no symbol. For those that are not exported
// it goes through the symbol table: 0.3 ms for an executable of 26 MB, and as long as the disk
// takes where that part of the file is not in memory.
std::string FunctionName(const void* function);

// The same from a demangled symbol.
std::string NameInSignature(std::string_view signature);

}  // namespace troupe::worker

#endif  // TROUPE_WORKER_FUNCTION_NAME_H_
