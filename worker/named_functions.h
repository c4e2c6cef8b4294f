// NamedFunctions are functions under names that stay the same from build to build: what is called
// by name, from another executable too, and all that a cluster with `registered_only` runs.
//
// A name stands for the code that decodes, calls and encodes (an entry), the callable's state, and
// values that were bound to it. Thread-safe; what was found stays valid when it is replaced.
#ifndef TROUPE_WORKER_NAMED_FUNCTIONS_H_
#define TROUPE_WORKER_NAMED_FUNCTIONS_H_

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.h"
#include "worker/task_call.h"

namespace troupe::worker {

struct NamedFunction {
  TaskEntry entry = nullptr;   // null of a method whose objects cannot travel
  TaskEntry method = nullptr;  // of a member function: for calls of actors
  // The same for calls that ask for each part of what it returns, a tuple or a vector; null of one
  // that returns neither.
  TaskEntry apart = nullptr;
  TaskEntry method_apart = nullptr;
  std::string callable;
  std::string signature;           // "double(std::vector<double>,int)", without what is bound
  std::string method_signature;    // without the object
  std::vector<std::string> bound;  // encoded values, before the arguments

  size_t bytes() const;
};

class NamedFunctions {
 public:
  // Of this process: filled while statics are initialised, or later.
  static NamedFunctions& Global();
  // Where RegisterFunction puts: Global(), or those of the shared object that this thread loads.
  static NamedFunctions& BeingFilled();
  // While one lives, its thread fills `functions`.
  class FillScope {
   public:
    explicit FillScope(NamedFunctions* functions);
    ~FillScope();
    FillScope(const FillScope&) = delete;
    FillScope& operator=(const FillScope&) = delete;

   private:
    NamedFunctions* outer_;
  };

  // Replaces one of that name.
  void Add(std::string name, NamedFunction function);
  // Null where there is none.
  std::shared_ptr<const NamedFunction> Find(std::string_view name) const;
  std::vector<std::string> names() const;
  // Which names are nearest to one that is unknown.
  ErrorInfo UnknownError(std::string_view name) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const NamedFunction>, std::less<>> functions_;
};

// What is missing for a call of a named function with this signature; the entry where nothing is.
struct NamedCall {
  TaskEntry entry = nullptr;
  std::shared_ptr<const NamedFunction> function;  // keeps what the call's arguments look into
};
// A signature with kApart behind it asks for the results one by one. Puts its callable and its
// bound values into the call.
inline constexpr std::string_view kApart = " apart";
std::variant<NamedCall, ErrorInfo> PrepareNamed(const NamedFunctions& functions,
                                                std::string_view name, std::string_view signature,
                                                bool of_actor, TaskCall* call);

}  // namespace troupe::worker

#endif  // TROUPE_WORKER_NAMED_FUNCTIONS_H_
