// MapReduce(map, reduce, range) folds what `map` makes of the items; TreeReduce folds the items
// themselves, which are values or references, and returns a reference.
//
//   int64_t total = troupe::MapReduce(CountWords, std::plus<>(), lines);
//   troupe::ObjectRef<Histogram> all = troupe::TreeReduce(Merge, parts);
//   double sum = troupe::Get(troupe::TreeReduce(std::plus<>(), numbers));
//
// `reduce` takes two values and makes one; it must be associative, and need not be commutative: the
// order of the range is kept. Each task maps and folds a chunk of the range, or two references; the
// results are folded in the workers, two by two, and only the last one comes here.
// The range is read lazily, as far ahead as Map reads: it may be larger than memory. TreeReduce
// returns when it has read the range; references that are there already, as those of a std::vector,
// it reads without waiting. Options as for Map; on_error is fail_fast.
// Errors: InvalidArgument for an empty range; else as Map has them. Whatever MapReduce throws, and
// where TreeReduce throws or has met a failure, which is its result then, all that is under way is
// cancelled.   Thread-safe.
#ifndef TROUPE_SDK_REDUCE_H_
#define TROUPE_SDK_REDUCE_H_

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "sdk/map.h"

namespace troupe {

namespace internal {

// The functions of a MapReduce travel as one callable: the size of the first, then both.
std::vector<std::byte> JoinCallables(std::span<const std::byte> first,
                                     std::span<const std::byte> second);
std::pair<std::span<const std::byte>, std::span<const std::byte>> SplitCallables(
    std::span<const std::byte> both);

// Bound and Folding: what is bound to each of them.
template <typename M, typename R, typename X, typename Bound, typename Folding>
struct MapReduceEntry;
template <typename M, typename R, typename X, typename... B, typename... C>
struct MapReduceEntry<M, R, X, ParameterList<B...>, ParameterList<C...>> {
  using V = typename MapEntry<M, X, false, false, ParameterList<B...>>::R;
  static_assert(!std::is_void_v<V>, "what is mapped to nothing cannot be reduced");
  static_assert(std::is_invocable_r_v<V, R&, const std::remove_cvref_t<C>&..., V, V>,
                "the reduction takes two of what the map returns, and makes one of them");

  static void Run(worker::TaskCall& call) {
    const size_t first = TakeFirst(&call.callable);
    const auto [map_bytes, reduce_bytes] = SplitCallables(call.callable);
    M f{};
    R fold{};
    if (auto error = UnpackCallable(map_bytes, &f)) return call.Fail(*std::move(error));
    if (auto error = UnpackCallable(reduce_bytes, &fold)) return call.Fail(*std::move(error));
    IncomingArguments<Chunk<X>, SharedParameter<B>..., SharedParameter<C>...> arguments;
    if (auto error = arguments.Decode(call)) return call.Fail(*std::move(error));
    arguments.Call([&](std::vector<X>&& chunk, const std::remove_cvref_t<B>&... bound,
                       const std::remove_cvref_t<C>&... folding) {
      const StopBetweenItems stop;
      const int64_t start = MonotonicNanos();
      size_t i = 0;
      std::optional<V> value;
      try {
        value.emplace(CallForItem<false>(f, X(std::move(chunk[0])), bound...));
        for (i = 1; i < chunk.size() && !stop.requested(); ++i) {
          V next = CallForItem<false>(f, X(std::move(chunk[i])), bound...);
          *value = std::invoke(fold, folding..., *std::move(value), std::move(next));
        }
      } catch (...) {
        return FailAt(first + i, call);
      }
      stop.Check();
      AddResult(call, *value);
      AddResult(call, MonotonicNanos() - start);
    });
  }
};

// Folds neighbours of the same size as they come, so that few references are held.
template <typename R, typename V>
class ReductionStack {
 public:
  ReductionStack(const R* reduce, MapWindow* window) : reduce_(reduce), window_(window) {}

  void Push(ObjectRef<V> value) {
    int level = 0;
    for (; !stack_.empty() && stack_.back().first == level; ++level) {
      value = Fold(stack_.back().second, value);
      stack_.pop_back();
    }
    stack_.emplace_back(level, std::move(value));
  }
  // Throws InvalidArgument where nothing was pushed.
  ObjectRef<V> Finish() {
    if (stack_.empty()) {
      Throw(ErrorKind::kInvalidArgument,
            std::string(window_->what()) + ": the range is empty, and there is nothing to reduce");
    }
    ObjectRef<V> value = stack_.back().second;
    for (size_t i = stack_.size() - 1; i-- > 0;) value = Fold(stack_[i].second, value);
    stack_.clear();
    return value;
  }

 private:
  ObjectRef<V> Fold(const ObjectRef<V>& a, const ObjectRef<V>& b) {
    ObjectRef<V> folded =
        Task(*reduce_, window_->site()).Options(window_->fold_options()).Remote(a, b);
    window_->SentFold(folded.handle());
    return folded;
  }

  const R* reduce_;
  MapWindow* window_;
  std::vector<std::pair<int, ObjectRef<V>>> stack_;
};

// What MapReduce and TreeReduce have in common where the range has to travel: chunks of it are
// mapped and folded, and their results go on a stack in the order of the range.
template <typename M, typename R, typename Range>
class RangeReduction {
  static_assert(AssertRange<Range>());
  using Input = ItemReader<Range>;
  using Item = MapItemOf<typename Input::Iterator>;
  using X = MapInput<Item>;
  using Types = MapTypes<M, X, false>;
  static_assert(AssertCallable<typename Types::Function>());
  using Reduction = MapTypes<R, X, false>;
  static_assert(AssertCallable<typename Reduction::Function>());
  static_assert(AssertMappable<typename Types::Function, X, false>(typename Types::Bound()));
  using Entry = MapReduceEntry<typename Types::Function, typename Reduction::Function, X,
                               typename Types::Bound, typename Reduction::Bound>;

 public:
  using V = typename Entry::V;
  static_assert(AssertResult<V>());

  RangeReduction(const char* what, const M& map, const R& reduce, Range& range,
                 const MapOptions& options, CallSite site)
      : map_(map),
        reduce_(reduce),
        input_(range),
        window_(what, options, MostItems<X>(), TotalOf(range), site),
        stack_(&reduce, &window_) {}

  // The result, which has come; or the first failure, and the rest is cancelled.
  ObjectRef<V> Run() {
    while (!window_.idle() || !input_.AtEnd()) {
      Fill();
      if (const std::optional<ObjectRef<V>> failed = Land()) return *failed;
    }
    ObjectRef<V> last = stack_.Finish();
    while (!window_.idle()) {
      if (const std::optional<ObjectRef<V>> failed = Land()) return *failed;
    }
    return last;
  }
  // The same once the range has been read: the result may be yet to come.
  ObjectRef<V> Begin() {
    for (Fill(); !input_.AtEnd(); Fill()) {
      if (const std::optional<ObjectRef<V>> failed = Land()) return *failed;
    }
    for (auto& [number, mapped] : mapped_) stack_.Push(std::move(mapped));
    ObjectRef<V> last = stack_.Finish();
    window_.LetGo();
    return last;
  }

 private:
  void Fill() {
    while (window_.HasRoom() && !input_.AtEnd()) {
      window_.CheckTime();
      ChunkOf<Item> chunk = TakeChunk<Item>(window_, input_);
      if (chunk.failed.has_value()) {
        window_.ThrowAt(window_.next_index() + chunk.items.size(), *std::move(chunk.failed));
      }
      OutgoingCall call(window_.session());
      call.SetEntry(&Entry::Run);
      std::vector<std::byte> callables =
          JoinCallables(PackCallable(FunctionOf(map_)), PackCallable(FunctionOf(reduce_)));
      AppendFirst(window_.next_index(), &callables);
      call.SetCallable(std::move(callables));
      window_.Prepare(call, NameOfCallable(FunctionOf(map_)));
      call.SetResults(2, 0);
      AddChunk(call, map_, typename Types::Bound(), chunk.items);
      AddBound(call, reduce_, typename Reduction::Bound());
      std::vector<Handle> results = call.Submit();
      const size_t number = window_.Sent(std::move(results[1]), chunk.items.size(), chunk.bytes);
      mapped_.emplace(number, ObjectRef<V>(std::move(results[0])));
    }
  }

  // Waits for a task to end. What failed, where it has.
  std::optional<ObjectRef<V>> Land() {
    MapWindow::Landed task = window_.Wait();
    if (window_.ErrorOf(task).has_value()) {
      window_.CancelRest();
      return task.fold ? ObjectRef<V>(std::move(task.result)) : mapped_.at(task.number);
    }
    if (task.fold) return std::nullopt;
    window_.Measured(task.items, Get(ObjectRef<int64_t>(task.result)), 0);
    landed_.emplace(task.number, std::move(task));
    for (auto it = landed_.find(next_turn_); it != landed_.end(); it = landed_.find(++next_turn_)) {
      stack_.Push(std::move(mapped_.at(next_turn_)));
      mapped_.erase(next_turn_);
      window_.Done(it->second);
      landed_.erase(it);
    }
    return std::nullopt;
  }

  const M& map_;
  const R& reduce_;
  Input input_;
  MapWindow window_;
  ReductionStack<R, V> stack_;
  std::map<size_t, ObjectRef<V>> mapped_;       // by the number of their task, until their turn
  std::map<size_t, MapWindow::Landed> landed_;  // before their turn
  size_t next_turn_ = 0;
};

// Folds two references a task.
template <typename T, typename R, typename Range>
ObjectRef<T> ReduceRefs(const R& reduce, Range& range, CallSite site) {
  using Iterator = decltype(std::begin(range));
  // References that lie there need no room; those that a lazy range makes do.
  constexpr bool kAreThere =
      std::forward_iterator<Iterator> && std::is_reference_v<std::iter_reference_t<Iterator>>;
  MapWindow window("TreeReduce", {}, 1, 0, site);
  ReductionStack<R, T> stack(&reduce, &window);
  auto next = std::begin(range);
  const auto end = std::end(range);
  for (size_t index = 0; next != end; ++next, ++index) {
    if constexpr (kAreThere) window.ForgetEndedFolds();
    while (!kAreThere && !window.HasRoomForFold()) {
      MapWindow::Landed fold = window.Wait();
      if (!window.ErrorOf(fold).has_value()) continue;
      window.CancelRest();
      return ObjectRef<T>(std::move(fold.result));
    }
    ObjectRef<T> ref = *next;
    if (auto error = RefusalOf(window.what(), ref.handle(), window.session()))
      window.ThrowAt(index, *std::move(error));
    stack.Push(std::move(ref));
  }
  ObjectRef<T> last = stack.Finish();
  window.LetGo();
  return last;
}

// The item itself.
struct Itself {
  template <typename T>
  T operator()(T item) const {
    return item;
  }
};

}  // namespace internal

// Of a range of values or of references; neighbours are folded, level by level.
template <typename R, typename Range>
[[nodiscard]] auto TreeReduce(R reduce, Range&& range, CallSite site = CallSite::Here()) {
  static_assert(internal::AssertRange<Range>());
  using Held = std::remove_reference_t<Range>;
  using Item = internal::MapItemOf<decltype(std::begin(range))>;
  if constexpr (internal::IsObjectRef<Item>::value) {
    return internal::ReduceRefs<typename Item::value_type>(reduce, range, site);
  } else {
    const MapOptions options = {.name = internal::NameOfCallable(internal::FunctionOf(reduce))};
    const internal::Itself itself;
    return internal::RangeReduction<internal::Itself, R, Held>("TreeReduce", itself, reduce, range,
                                                               options, site)
        .Begin();
  }
}

template <typename M, typename R, typename Range>
[[nodiscard]] auto MapReduce(M map, R reduce, Range&& range, MapOptions options = {},
                             CallSite site = CallSite::Here()) {
  using Held = std::remove_reference_t<Range>;
  internal::RangeReduction<M, R, Held> reduction("MapReduce", map, reduce, range, options, site);
  return Get(reduction.Run());
}

}  // namespace troupe

#endif  // TROUPE_SDK_REDUCE_H_
