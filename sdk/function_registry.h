// Functions under names of their own: called by other builds and other executables, packed in
// little space, and the only ones that a cluster with --registered_only runs.
//
//   const bool registered = troupe::RegisterFunction("geometry.area", Area);
//
//   auto call = troupe::CallNamed<double(double, double)>("geometry.area");
//   troupe::ObjectRef<double> area = call.Remote(2.0, 3.0);
//
// At namespace scope, since workers never reach main. Signatures are compared: another one is a
// TypeMismatch that shows both; an unknown name is an UnknownFunction that names the nearest ones.
// The methods of an actor are called by its handle, whatever executable it runs:
//   const bool add = troupe::RegisterFunction("Counter.Add", &Counter::Add);
//   handle.CallNamed<int(int)>("Counter.Add").Remote(1);
//
// A FunctionRegistry keeps functions, with what is bound to them, for packed tasks:
//   troupe::FunctionRegistry registry;
//   registry.Register("score", troupe::Bind(Score, model));
//   std::string once = registry.PackFunction("score");     // with the model
//   std::string task = registry.PackTask("score", 0.5);    // without it: some hundred bytes
//   other.Load(once);
//   double y = troupe::UnpackResult<double>(other.ExecutePacked(task));
// They are called on the cluster as they are registered, by workers that run already, too; what is
// bound to one and large is stored once:
//   troupe::ObjectRef<double> y = registry.CallNamed<double(double)>("score").Remote(0.5);
// Thread-safe.
#ifndef TROUPE_SDK_FUNCTION_REGISTRY_H_
#define TROUPE_SDK_FUNCTION_REGISTRY_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sdk/array.h"
#include "sdk/pack.h"
#include "sdk/task.h"
#include "worker/named_functions.h"

namespace troupe {

namespace internal {

// A function of a registry, as what is called on a cluster. Thread-safe.
class RegisteredFunction {
 public:
  explicit RegisteredFunction(std::shared_ptr<const worker::NamedFunction> function)
      : function_(std::move(function)) {}

  const std::shared_ptr<const worker::NamedFunction>& function() const { return function_; }
  // Makes it a call of this function; its arguments come behind. `apart`: for each part of what it
  // returns.
  void BeginCall(OutgoingCall& call, bool apart);

 private:
  const std::shared_ptr<const worker::NamedFunction> function_;
  std::mutex mutex_;
  std::vector<Handle> stored_;  // of what is bound: null what travels in the message
};

}  // namespace internal

class FunctionRegistry {
 public:
  // Replaces one of that name.
  template <typename F>
  void Register(std::string name, F f) {
    functions_.Add(std::move(name), internal::MakeNamed(f));
  }
  // One of them as it is now, for calls in the current session. Throws UnknownFunction,
  // TypeMismatch. Remote throws NotSerializable of a method whose objects cannot travel.
  template <typename Signature>
  NamedTask<Signature> CallNamed(std::string name) const;
  std::vector<std::string> names() const { return functions_.names(); }
  // Throw UnknownFunction.
  size_t size(std::string_view name) const { return Find(name)->bytes(); }  // with what is bound
  std::string signature(std::string_view name) const { return Find(name)->signature; }

  // In space and time of the arguments alone. Throws UnknownFunction, TypeMismatch.
  template <typename... A>
  [[nodiscard]] std::string PackTask(std::string_view name, const A&... arguments) const {
    return Pack(name, internal::ParametersText(internal::ParameterList<Argument<A>...>()),
                {internal::EncodeArgument<Argument<A>>(arguments)...});
  }
  // The function itself, for the Load of a process of the same build.
  [[nodiscard]] std::string PackFunction(std::string_view name) const;
  // Its name. Throws BuildMismatch, InvalidArgument.
  std::string Load(std::string_view packed_function);
  [[nodiscard]] std::string ExecutePacked(std::string_view task) const {
    return internal::Execute(task, functions_);
  }

 private:
  // "abc" is a std::string.
  template <typename A>
  using Argument = internal::ValueFor<A>;

  std::shared_ptr<const worker::NamedFunction> Find(std::string_view name) const;
  std::shared_ptr<internal::RegisteredFunction> FindToCall(const std::string& name,
                                                           const std::string& signature) const;
  std::string Pack(std::string_view name, const std::string& parameters,
                   std::vector<std::string> arguments) const;

  worker::NamedFunctions functions_;
  mutable std::mutex called_mutex_;
  mutable std::map<std::string, std::shared_ptr<internal::RegisteredFunction>> called_;
};

template <typename F>
bool RegisterFunction(std::string name, F f) {
  worker::NamedFunctions::BeingFilled().Add(std::move(name), internal::MakeNamed(f));
  return true;
}

namespace internal {

// A shared object in the store (sdk/shared_code.h).
struct StoredCode {
  std::string path;
  std::string sha256;
  ObjectRef<Array<uint8_t>> bytes;
};
// Makes it a call of a function in there; its arguments come behind.
void CallStoredCode(const StoredCode& code, const std::string& function,
                    const std::string& signature, OutgoingCall& call);

}  // namespace internal

template <typename Signature, typename Shape>
class NamedTask {
  static_assert(internal::Signature<Signature*>::kKnown, "CallNamed<R(P...)>: a function's type");
};
template <typename R, typename... P, typename Shape>
class [[nodiscard]] NamedTask<R(P...), Shape> : public internal::SentByRemote {
 public:
  NamedTask(std::string name, internal::Handle actor,
            std::shared_ptr<const internal::StoredCode> code = nullptr)
      : name_(std::move(name)), actor_(std::move(actor)), code_(std::move(code)) {}
  NamedTask(std::string name, std::shared_ptr<internal::RegisteredFunction> registered)
      : name_(std::move(name)), registered_(std::move(registered)) {}

  NamedTask Options(TaskOptions options) && {
    options_ = std::move(options);
    return std::move(*this);
  }
  // Several results, as TaskBuilder has them.
  template <typename... T>
  NamedTask<R(P...), internal::TupleResults<T...>> Returns() const {
    return NamedTask<R(P...), internal::TupleResults<T...>>(*this, sizeof...(T));
  }
  NamedTask<R(P...), internal::VectorResults> Returns(uint32_t count) const {
    return NamedTask<R(P...), internal::VectorResults>(*this, count);
  }
  template <typename... A>
  auto Remote(A&&... arguments) const {
    static_assert(sizeof...(P) == sizeof...(A), "the function takes another number of arguments");
    static_assert((internal::AssertParameter<P>() && ...));
    static_assert((std::is_same_v<internal::TravellingParameter<P, A>, P> && ...),
                  "a function that is called by its name takes references by themselves or in a "
                  "std::vector: others, and Resolve, are for Task(f)");
    using Returned = internal::Returned<Shape, std::remove_cvref_t<R>>;
    static_assert(Returned::Assert());
    constexpr bool kApart = !std::is_same_v<Shape, internal::OneResult>;
    const bool of_actor = !actor_.id().is_null();
    internal::OutgoingCall call(of_actor ? actor_.session() : internal::CurrentSession());
    std::string signature = internal::SignatureText<R>(internal::ParameterList<P...>());
    if (kApart) signature += worker::kApart;
    if (registered_ != nullptr) {
      registered_->BeginCall(call, kApart);
    } else if (code_ != nullptr) {
      internal::CallStoredCode(*code_, name_, signature, call);
    } else {
      call.SetFunction(name_, signature);
    }
    call.SetName(options_.name.empty() ? name_ : options_.name);
    if (of_actor) {
      call.spec().kind = wire::TaskKind::kActorCall;
      call.spec().actor = actor_.id();
      internal::ApplyDeadline(options_.deadline, options_.timeout, call);
    } else {
      internal::Apply(options_, call);
    }
    call.SetResults(count_, Returned::kStream ? kDefaultStreamWindow : 0);
    (call.Add<P>(std::forward<A>(arguments)), ...);
    return Returned::Make(call.Submit());
  }

 private:
  template <typename, typename>
  friend class NamedTask;
  template <typename Other>
  NamedTask(const NamedTask<R(P...), Other>& other, uint32_t count)
      : name_(other.name_),
        actor_(other.actor_),
        code_(other.code_),
        registered_(other.registered_),
        options_(other.options_),
        count_(count) {}

  std::string name_;
  internal::Handle actor_;
  std::shared_ptr<const internal::StoredCode> code_;          // null: this executable's
  std::shared_ptr<internal::RegisteredFunction> registered_;  // null: of no FunctionRegistry
  TaskOptions options_;
  uint32_t count_ = 1;  // of results
};

template <typename Signature>
NamedTask<Signature> CallNamed(std::string name) {
  return NamedTask<Signature>(std::move(name), internal::Handle());
}

template <typename Signature>
NamedTask<Signature> FunctionRegistry::CallNamed(std::string name) const {
  auto registered = [&]<typename R, typename... P>(R (*)(P...)) {
    return FindToCall(name, internal::SignatureText<R>(internal::ParameterList<P...>()));
  }(static_cast<Signature*>(nullptr));
  return NamedTask<Signature>(std::move(name), std::move(registered));
}

template <typename C>
template <typename Signature>
NamedTask<Signature> ActorHandle<C>::CallNamed(std::string name) const {
  if (handle_.id().is_null()) internal::Throw(internal::NullRefError("CallNamed"));
  return NamedTask<Signature>(std::move(name), handle_);
}

}  // namespace troupe

#endif  // TROUPE_SDK_FUNCTION_REGISTRY_H_
