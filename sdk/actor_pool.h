// ActorPool shares calls out among several actors of one class: each gets its next call when it has
// answered one.
//
//   std::vector<troupe::ActorHandle<Model>> models;
//   for (int i = 0; i < 4; ++i) models.push_back(troupe::Actor<Model>("weights.bin").Remote());
//   troupe::ActorPool<Model> pool(models);
//   for (auto [i, score] : pool.Map(&Model::Score, images)) Use(i, score);       // in order
//   for (auto [i, score] : pool.Map(
//            [&](const auto& model, const Image& image) {                        // runs here
//              return model.Task(&Model::ScoreAs).Remote(image, label);
//            },
//            images, {.order = troupe::Order::kCompletion})) ...
//
// The range is read lazily, a bounded number of calls ahead of what was taken. Next throws what a
// call threw; the one after it goes on with the others. An actor that has died is given no more
// calls; ActorDied is thrown where none is left. Several ranges may use a pool at a time.
// Not thread-safe.   After Ray's ActorPool.
#ifndef TROUPE_SDK_ACTOR_POOL_H_
#define TROUPE_SDK_ACTOR_POOL_H_

#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "sdk/actor.h"
#include "sdk/as_completed.h"
#include "sdk/get.h"
#include "sdk/internal/item_reader.h"
#include "sdk/internal/next_iterator.h"
#include "sdk/map.h"

namespace troupe {

struct ActorPoolOptions {
  Order order = Order::kInput;
  int calls_per_actor = 2;  // given to an actor at a time, so that it need not wait for the next
};

namespace internal {

template <typename Ref>
struct PoolResult {
  static_assert(IsObjectRef<Ref>::value,
                "what is given to ActorPool::Map is a method, or calls one of an actor and returns "
                "its ObjectRef");
  using type = typename Ref::value_type;
};
template <>
struct PoolResult<ObjectRef<void>> {
  using type = Nothing;
};

}  // namespace internal

// The results of calls of a pool, as they are asked for. `Send` makes a call of an actor for an
// item.
template <typename C, typename Send, typename Range>
class PoolRange {
  using Input = internal::ItemReader<std::remove_reference_t<Range>>;
  using Ref = std::invoke_result_t<Send&, const ActorHandle<C>&,
                                   std::iter_reference_t<typename Input::Iterator>>;

 public:
  using R = typename internal::PoolResult<Ref>::type;

  PoolRange(std::vector<ActorHandle<C>> actors, Send send, Range&& range, ActorPoolOptions options)
      : actors_(std::move(actors)),
        send_(std::move(send)),
        range_(std::forward<Range>(range)),
        input_(range_),
        options_(options),
        window_(2 * actors_.size() * static_cast<size_t>(options.calls_per_actor)) {
    for (int i = 0; i < options.calls_per_actor; ++i) {
      for (size_t actor = 0; actor < actors_.size(); ++actor) free_.push_back(actor);
    }
  }
  PoolRange(const PoolRange&) = delete;
  PoolRange& operator=(const PoolRange&) = delete;

  // The next result; none at the end. Throws.
  std::optional<MapItem<R>> Next() {
    for (;;) {
      Fill();
      if (const auto it = landed_.begin();
          it != landed_.end() &&
          (options_.order == Order::kCompletion || it->first == next_number_)) {
        const size_t number = it->first;
        const Landed landed = std::move(it->second);
        landed_.erase(it);
        ++next_number_;
        if (landed.not_made != nullptr) std::rethrow_exception(landed.not_made);
        const Ref& ref = landed.ref;
        if constexpr (std::is_same_v<R, internal::Nothing>) {
          Get(ref);
          return MapItem<R>{number, {}};
        } else {
          return MapItem<R>{number, Get(ref)};
        }
      }
      if (flights_.empty()) {
        if (input_.AtEnd()) return std::nullopt;
        internal::Throw(
            ErrorKind::kActorDied,
            "ActorPool: none of its " + std::to_string(actors_.size()) + " actors is alive");
      }
      Land(*order_.Next(worker::kForever));
    }
  }
  // The rest, in the order in which it comes.
  std::vector<R> ToVector() {
    std::vector<R> values;
    while (std::optional<MapItem<R>> item = Next()) values.push_back(std::move(item->value));
    return values;
  }

  auto begin() { return internal::NextIterator<PoolRange, MapItem<R>>(this); }
  std::default_sentinel_t end() { return {}; }

 private:
  struct Flight {
    size_t actor = 0;
    Ref ref;
  };
  struct Landed {
    Ref ref;
    std::exception_ptr not_made;  // why there was no call
  };

  // Gives the actors what they can take.
  void Fill() {
    while (!free_.empty() && flights_.size() + landed_.size() < window_ && !input_.AtEnd()) {
      const size_t actor = free_.front();
      Flight flight{actor, {}};
      try {
        flight.ref = std::invoke(send_, std::as_const(actors_[actor]), input_.Read());
      } catch (...) {  // of this item: the others have their turn
        landed_.emplace(sent_++, Landed{{}, std::current_exception()});
        continue;
      }
      free_.pop_front();
      order_.Add(flight.ref.handle(), sent_);
      flights_.emplace(sent_++, std::move(flight));
    }
  }
  // A call has ended.
  void Land(size_t number) {
    const auto it = flights_.find(number);
    const ObjectId id = it->second.ref.id();
    const auto error = it->second.ref.handle().session()->FirstError(std::span(&id, 1));
    // Its own death, and not that of somebody from whom an argument came.
    const bool has_died =
        error.has_value() && error->kind == ErrorKind::kActorDied &&
        (error->task == id.task() || error->task == actors_[it->second.actor].id().task());
    if (!has_died) free_.push_back(it->second.actor);
    landed_.emplace(number, Landed{std::move(it->second.ref), nullptr});
    flights_.erase(it);
  }

  std::vector<ActorHandle<C>> actors_;
  Send send_;
  Range range_;  // a reference where it was an lvalue
  Input input_;
  ActorPoolOptions options_;
  size_t window_;
  std::deque<size_t> free_;  // actors that can take a call, once for each
  size_t sent_ = 0;
  std::map<size_t, Flight> flights_;
  internal::CompletionOrder order_;
  std::map<size_t, Landed> landed_;  // and not asked for yet
  size_t next_number_ = 0;           // of the call whose turn it is
};

template <typename C>
class ActorPool {
 public:
  // Throws InvalidArgument where there is no actor, or a handle is null.
  explicit ActorPool(std::vector<ActorHandle<C>> actors) : actors_(std::move(actors)) {
    if (actors_.empty())
      internal::Throw(ErrorKind::kInvalidArgument, "ActorPool: it needs at least one actor");
    for (const ActorHandle<C>& actor : actors_) {
      if (!actor) internal::Throw(internal::NullRefError("ActorPool"));
    }
  }

  // `call` is a method of C that takes an item, or is called as call(actor, item) in this process
  // and returns an ObjectRef. The range must outlive the result where it is no temporary.
  template <typename F, typename Range>
  [[nodiscard]] auto Map(F call, Range&& range, ActorPoolOptions options = {}) const {
    if (options.calls_per_actor < 1)
      internal::Throw(ErrorKind::kInvalidArgument, "ActorPool: calls_per_actor is at least 1");
    if constexpr (std::is_member_function_pointer_v<F>) {
      auto send = [call](const ActorHandle<C>& actor, auto&& item) {
        return actor.Task(call).Remote(std::forward<decltype(item)>(item));
      };
      return PoolRange<C, decltype(send), Range>(actors_, std::move(send),
                                                 std::forward<Range>(range), options);
    } else {
      return PoolRange<C, F, Range>(actors_, std::move(call), std::forward<Range>(range), options);
    }
  }

  const std::vector<ActorHandle<C>>& actors() const { return actors_; }

 private:
  std::vector<ActorHandle<C>> actors_;
};

}  // namespace troupe

#endif  // TROUPE_SDK_ACTOR_POOL_H_
