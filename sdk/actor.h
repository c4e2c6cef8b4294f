// Actor<T>(args...).Remote() makes a T in a process of its own; its methods are called from
// anywhere by its handle.
//
// Calls of one caller run in the order in which it made them, one at a time (or more: see
// max_concurrency). Handles can be copied, passed to tasks and stored in values. When the last
// handle is gone, the actor ends, after the calls already made; with a name and `detached`, it
// lives until Kill.
//
//   auto counter = troupe::Actor<Counter>(10).Options({.name = "hits"}).Remote();
//   troupe::ObjectRef<int> a = counter.Task(&Counter::Add).Remote(1);
//   troupe::ObjectRef<int> b = counter.Task(&Counter::Add).Remote(a);  // in order; refs go in
//   troupe::ActorHandle<Counter> same = troupe::FindActor<Counter>("hits");
//
// A method that is a coroutine (it returns a troupe::Async<T>, see async.h) is suspended where it
// co_awaits what is not there: the actor begins its next calls, in order, and goes on with this one
// when what it waits for comes, on the same thread. So with max_concurrency 1 nothing else of the
// actor runs between two co_awaits. Its arguments live as long as the call. At most 1,000 calls of
// an actor are suspended, shared out among its groups; further ones wait in their queue. A co_await
// in a call that was cancelled fails. A blocking Get still holds up the thread, and with it what
// was suspended on it. SaveCheckpoint saves what the others have done so far, too.
//
//   troupe::Async<int> Price(std::string what) {            // of an actor's class
//     if (!prices_.contains(what)) prices_[what] = co_await troupe::Task(LookUp).Remote(what);
//     co_return prices_[what];
//   }
//
// Errors of calls: TaskError where the method throws; ActorDied with the cause where the process
// dies or the constructor throws; Unavailable where the process died in the call and is being
// restarted; ResourceExhausted in one whose wait can never end, since that waits for it. A call
// runs at most once. Thread-safe.   After Ray's actors.
#ifndef TROUPE_SDK_ACTOR_H_
#define TROUPE_SDK_ACTOR_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "absl/time/time.h"
#include "sdk/internal/method_coroutine.h"
#include "sdk/task.h"

namespace troupe {

struct ActorOptions {
  std::string name = {};  // to be found by; empty: none
  double cpus = 0;        // held for as long as it lives
  std::map<std::string, double> resources = {};
  Placement placement = {};  // a placement group: its resources
  bool detached = false;     // lives until Kill; needs a name
  int max_restarts = 0;      // after the death of its process; -1: without end
  // After the death of its process in a call: so often the call is made again; -1: without end.
  int max_task_retries = 0;
  int max_pending_calls = 0;  // more of them fail with ResourceExhausted; 0: without end
  // The class's std::string Checkpoint() const is asked after so many calls, and its
  // void Restore(std::string_view) is given the last answer after a restart; 0: when a method calls
  // SaveCheckpoint.
  int checkpoint_every = 0;
  bool get_if_exists = false;  // where one of that name lives: a handle on it
  // So many calls run at a time, each on a thread of its own: the class must be thread-safe, its
  // Checkpoint too. They begin in the order of their caller. At most 64, with all groups.
  int max_concurrency = 1;
  // By name: so many calls at a time of those that name the group in their CallOptions. They wait
  // for no call of another group.
  std::map<std::string, int> concurrency_groups = {};
};

// Of one call of a method.
struct CallOptions {
  std::string name = {};  // for people; default: the method's name
  // When its caller gets DeadlineExceeded, as of a task; the actor's process is not killed for it.
  absl::Time deadline = absl::InfiniteFuture();
  absl::Duration timeout = absl::InfiniteDuration();
  std::string concurrency_group = {};  // of the actor's concurrency_groups
};

namespace internal {

void Apply(const ActorOptions& options, OutgoingCall& call);
std::pair<Handle, std::string> FindActorHandle(std::string_view name);
void KillActor(const Handle& handle, bool no_restart);
// The living actor of that name, or what `creation` makes.
Handle GetOrCreateActor(const std::string& name, const std::string& type, OutgoingCall& creation);
ErrorInfo NoActorError();

template <typename C, typename M, typename List>
struct MethodResult;
template <typename C, typename M, typename... P>
struct MethodResult<C, M, ParameterList<P...>> {
  using type = std::remove_cvref_t<std::invoke_result_t<M, C&, P...>>;
};

// `List`: its parameters, as they travel.
template <typename C, typename M, typename List, typename Shape>
struct MethodEntry;
template <typename C, typename M, typename... P, typename Shape>
struct MethodEntry<C, M, ParameterList<P...>, Shape> {
  static void Run(worker::TaskCall& call) {
    M method = nullptr;
    if (!FindCallable(call, &method)) return;
    if (call.actor == nullptr || *call.actor == nullptr) return call.Fail(NoActorError());
    C& object = *static_cast<C*>(call.actor->get());
    using Result = typename MethodResult<C, M, typename MemberSignature<M>::Parameters>::type;
    if constexpr (IsAsync<Result>::value) {
      if (call.may_suspend) {
        BeginCoroutine<Result, P...>(call, [method, &object](auto&&... argument) {
          return std::invoke(method, object, std::forward<decltype(argument)>(argument)...);
        });
        return;
      }
    }
    DecodeAndCall<Shape, P...>(call, [&](auto&&... argument) -> decltype(auto) {
      return std::invoke(method, object, std::forward<decltype(argument)>(argument)...);
    });
  }
};

// Stands in the class body of what a Task(method) returns, so that it is looked at before Remote.
template <typename C, typename M>
constexpr bool AssertMethod() {
  static_assert(std::is_member_function_pointer_v<M>,
                "an actor runs its own methods: write handle.Task(&Class::Method)");
  if constexpr (std::is_member_function_pointer_v<M>) {
    static_assert(KnownMember<M>,
                  "a method that is volatile, && or variadic cannot be called: an actor stays");
    if constexpr (KnownMember<M>) {
      static_assert(std::is_base_of_v<typename MemberSignature<M>::Class, C>,
                    "the method belongs to another class than the actor");
    }
  }
  return true;
}

template <typename C, typename... P>
struct ConstructorEntry {
  static void Run(worker::TaskCall& call) {
    DecodeAndCall<OneResult, P...>(call, [&](auto&&... argument) {
      auto object = std::make_shared<C>(std::forward<decltype(argument)>(argument)...);
      if constexpr (requires(C & c, std::string_view state) { c.Restore(state); }) {
        if (call.checkpoint.has_value()) {
          const std::span<const std::byte> state = call.checkpoint->bytes();
          object->Restore(
              std::string_view(reinterpret_cast<const char*>(state.data()), state.size()));
        }
      }
      if constexpr (requires(const C& c) { std::string(c.Checkpoint()); }) {
        call.hooks->checkpoint = [](const void* c) {
          return std::string(static_cast<const C*>(c)->Checkpoint());
        };
      }
      if constexpr (requires(C & c) { c.Shutdown(); }) {
        call.hooks->shutdown = [](void* c) { static_cast<C*>(c)->Shutdown(); };
      }
      *call.actor = std::move(object);
    });
  }
};

}  // namespace internal

template <typename C>
class ActorHandle;
template <typename Signature, typename Shape = internal::OneResult>
class NamedTask;

// A method call that is being put together.
template <typename C, typename M, typename Shape = internal::OneResult>
class [[nodiscard]] MethodBuilder : public internal::SentByRemote {
 public:
  static_assert(internal::AssertMethod<C, M>());

  MethodBuilder(internal::Handle actor, M method, CallSite site, CallOptions options = {},
                uint32_t count = 1)
      : actor_(std::move(actor)),
        method_(method),
        site_(site),
        options_(std::move(options)),
        count_(count) {}

  MethodBuilder Options(CallOptions options) && {
    options_ = std::move(options);
    return std::move(*this);
  }

  // Several results, as TaskBuilder has them.
  template <typename... R>
  MethodBuilder<C, M, internal::TupleResults<R...>> Returns() const {
    return {actor_, method_, site_, options_, sizeof...(R)};
  }
  MethodBuilder<C, M, internal::VectorResults> Returns(uint32_t count) const {
    return {actor_, method_, site_, options_, count};
  }

  template <typename... A>
  auto Remote(A&&... arguments) const {
    return Submit(typename internal::MemberSignature<M>::Parameters(),
                  std::forward<A>(arguments)...);
  }

 private:
  template <typename... P, typename... A>
  auto Submit(internal::ParameterList<P...>, A&&... arguments) const {
    static_assert(sizeof...(P) == sizeof...(A), "the method takes another number of arguments");
    static_assert((internal::AssertParameter<P>() && ...));
    using Result = typename internal::MethodResult<C, M, internal::ParameterList<P...>>::type;
    using Returned = internal::Returned<Shape, Result>;
    static_assert(Returned::Assert());
    using Travelling = internal::ParameterList<internal::TravellingParameter<P, A>...>;
    if (actor_.id().is_null()) internal::Throw(internal::NullRefError("Remote"));
    internal::OutgoingCall call(actor_.session());
    call.SetEntry(&internal::MethodEntry<C, M, Travelling, Shape>::Run);
    call.SetCallSite(site_);
    call.SetCallable(internal::PackCallable(method_));
    call.SetName(options_.name.empty() ? internal::NameOfCallable(method_) : options_.name);
    internal::ApplyDeadline(options_.deadline, options_.timeout, call);
    call.spec().kind = wire::TaskKind::kActorCall;
    call.spec().actor = actor_.id();
    call.spec().concurrency_group = options_.concurrency_group;
    (call.Add<internal::TravellingParameter<P, A>>(std::forward<A>(arguments)), ...);
    call.SetResults(count_, Returned::kStream ? kDefaultStreamWindow : 0);
    return Returned::Make(call.Submit());
  }

  internal::Handle actor_;
  M method_;
  CallSite site_;
  CallOptions options_;
  uint32_t count_;  // of results
};

template <typename C>
class ActorHandle {
 public:
  // Refers to nobody; calls refuse it.
  ActorHandle() = default;
  explicit ActorHandle(internal::Handle handle) : handle_(std::move(handle)) {}

  template <typename M>
  MethodBuilder<C, M> Task(M method, CallSite site = CallSite::Here()) const {
    return MethodBuilder<C, M>(handle_, method, site);
  }

  // Of a method that is registered under a name, in whatever executable the actor runs: see
  // function_registry.h.
  template <typename Signature>
  NamedTask<Signature> CallNamed(std::string name) const;

  ActorId id() const { return handle_.id(); }
  explicit operator bool() const { return !id().is_null(); }
  friend bool operator==(const ActorHandle& a, const ActorHandle& b) { return a.id() == b.id(); }
  const internal::Handle& handle() const { return handle_; }

 private:
  internal::Handle handle_;
};

template <typename C, typename... A>
class [[nodiscard]] ActorBuilder {
 public:
  explicit ActorBuilder(A... arguments) : arguments_(std::move(arguments)...) {}

  ActorBuilder Options(ActorOptions options) && {
    options_ = std::move(options);
    return std::move(*this);
  }

  // Returns at once; the constructor's failure reaches the first caller.
  ActorHandle<C> Remote(CallSite site = CallSite::Here()) && {
    // An ObjectRef is resolved first where the class takes the value, and so are those in a
    // container.
    constexpr bool resolved =
        std::is_constructible_v<C, typename internal::DeducedParameter<A>::type...>;
    constexpr bool gathered = std::is_constructible_v<C, typename internal::ValuesOf<A>::type...>;
    static_assert(resolved || gathered || std::is_constructible_v<C, A...>,
                  "the class has no constructor for these arguments");
    if constexpr (resolved) {
      return Submit<typename internal::DeducedParameter<A>::type...>(site);
    } else if constexpr (gathered) {
      return Submit<typename internal::ValuesOf<A>::type...>(site);
    } else {
      return Submit<A...>(site);
    }
  }

 private:
  template <typename... P>
  ActorHandle<C> Submit(CallSite site) {
    static_assert((internal::AssertParameter<P>() && ...));
    internal::OutgoingCall call(internal::CurrentSession());
    call.SetEntry(&internal::ConstructorEntry<C, internal::TravellingParameter<P, A>...>::Run);
    call.SetCallSite(site);
    const std::string type(serialize::TypeName<C>());
    call.SetName(type);
    call.spec().type_name = type;
    call.spec().kind = wire::TaskKind::kActorCreation;
    internal::Apply(options_, call);
    std::apply(
        [&](auto&... argument) {
          (call.Add<internal::TravellingParameter<P, A>>(std::move(argument)), ...);
        },
        arguments_);
    if (options_.get_if_exists)
      return ActorHandle<C>(internal::GetOrCreateActor(options_.name, type, call));
    return ActorHandle<C>(std::move(call.Submit()[0]));
  }

  std::tuple<A...> arguments_;
  ActorOptions options_;
};

template <typename C, typename... A>
auto Actor(A&&... arguments) {
  static_assert(std::is_class_v<C>, "an actor is an object of a class");
  return ActorBuilder<C, internal::ValueFor<A>...>(std::forward<A>(arguments)...);
}

// The living actor of that name. Throws InvalidArgument where there is none, TypeMismatch where it
// is of another class.
template <typename C>
ActorHandle<C> FindActor(std::string_view name) {
  auto [handle, type] = internal::FindActorHandle(name);
  if (type != serialize::TypeName<C>()) {
    internal::Throw(ErrorKind::kTypeMismatch, "the actor \"" + std::string(name) + "\" is a " +
                                                  type + ", not a " +
                                                  std::string(serialize::TypeName<C>()));
  }
  return ActorHandle<C>(std::move(handle));
}

// Ends the actor's process at once; its calls fail with ActorDied. With no_restart false, it is
// restarted where it may be.
template <typename C>
void Kill(const ActorHandle<C>& actor, bool no_restart = true) {
  internal::KillActor(actor.handle(), no_restart);
}

// In a method: the actor ends in order when this call is done, and those of its calls that have
// been suspended (coroutines). Its other calls fail with ActorDied. An actor that ends in order
// (so, or with its last handle) has its void Shutdown() called, where its class has one, and 30
// seconds for it. Throws InvalidArgument outside of an actor's call.
void ExitActor();
// In a method: the actor's state is saved when this call is done (see checkpoint_every).
void SaveCheckpoint();

namespace serialize {

template <typename C>
struct RefTraits<ActorHandle<C>> {
  static constexpr std::string_view kName = "troupe::ActorHandle";
  static ObjectId Id(const ActorHandle<C>& actor) { return actor.id(); }
  static ActorHandle<C> Make(ObjectId id) {
    return ActorHandle<C>(
        id.is_null() ? troupe::internal::Handle()
                     : troupe::internal::Handle::New(troupe::internal::CurrentSession(), id));
  }
};

}  // namespace serialize
}  // namespace troupe

#endif  // TROUPE_SDK_ACTOR_H_
