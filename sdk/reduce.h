// MapReduce(map, reduce, range) folds what `map` makes of the items; TreeReduce folds references.
//
//   int64_t total = troupe::MapReduce(CountWords, std::plus<>(), lines);
//   troupe::ObjectRef<Histogram> all = troupe::TreeReduce(Merge, parts);
//
// `reduce` takes two values and makes one; it must be associative, and need not be commutative: the
// order of the range is kept. Each task maps and folds a chunk of the range; the results are folded
// in the workers, two by two, and only the last one comes here. Options as for Map; on_error is
// fail_fast. Throws InvalidArgument for an empty range.
#ifndef TROUPE_SDK_REDUCE_H_
#define TROUPE_SDK_REDUCE_H_

#include <cstddef>
#include <iterator>
#include <map>
#include <set>
#include <span>
#include <tuple>
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

template <typename M, typename R, typename X, typename Bound>
struct MapReduceEntry;
template <typename M, typename R, typename X, typename... B>
struct MapReduceEntry<M, R, X, ParameterList<B...>> {
  using V = typename MapEntry<M, X, false, false, ParameterList<B...>>::R;
  static_assert(!std::is_void_v<V>, "what is mapped to nothing cannot be reduced");
  static_assert(std::is_invocable_r_v<V, R&, V, V>,
                "the reduction takes two of what the map returns, and makes one of them");

  static void Run(worker::TaskCall& call) {
    const auto [map_bytes, reduce_bytes] = SplitCallables(call.callable);
    auto map = UnpackCallable<M>(map_bytes);
    auto reduce = UnpackCallable<R>(reduce_bytes);
    for (ErrorInfo* error : {std::get_if<1>(&map), std::get_if<1>(&reduce)}) {
      if (error == nullptr) continue;
      call.results.emplace_back(std::move(*error));
      return;
    }
    M& f = std::get<0>(map);
    R& fold = std::get<0>(reduce);
    DecodeAndCall<TupleResults<V, int64_t>, std::vector<X>, SharedParameter<B>...>(
        call, [&](std::vector<X>&& chunk, auto&&... bound) {
          const int64_t start = MonotonicNanos();
          V value = CallForItem<false>(f, X(std::move(chunk[0])), bound...);
          for (size_t i = 1; i < chunk.size(); ++i) {
            V next = CallForItem<false>(f, X(std::move(chunk[i])), bound...);
            value = std::invoke(fold, std::move(value), std::move(next));
          }
          return std::tuple<V, int64_t>(std::move(value), MonotonicNanos() - start);
        });
  }
};

// Folds neighbours of the same size as they come, so that few references are held.
template <typename R, typename V>
class ReductionStack {
 public:
  explicit ReductionStack(const R* reduce) : reduce_(reduce) {}
  void Push(ObjectRef<V> value) {
    int level = 0;
    for (; !stack_.empty() && stack_.back().first == level; ++level) {
      value = Fold(stack_.back().second, value);
      stack_.pop_back();
    }
    stack_.emplace_back(level, std::move(value));
  }
  ObjectRef<V> Finish() {
    ObjectRef<V> value = stack_.back().second;
    for (size_t i = stack_.size() - 1; i-- > 0;) value = Fold(stack_[i].second, value);
    stack_.clear();
    return value;
  }

 private:
  ObjectRef<V> Fold(const ObjectRef<V>& a, const ObjectRef<V>& b) {
    return Task(*reduce_).Remote(a, b);
  }

  const R* reduce_;
  std::vector<std::pair<int, ObjectRef<V>>> stack_;
};

}  // namespace internal

// Pairs of neighbours, level by level. Throws InvalidArgument where there are none.
template <typename F, typename T>
[[nodiscard]] ObjectRef<T> TreeReduce(F reduce, std::vector<ObjectRef<T>> refs) {
  if (refs.empty())
    internal::Throw(ErrorKind::kInvalidArgument, "TreeReduce: there is nothing to reduce");
  while (refs.size() > 1) {
    std::vector<ObjectRef<T>> folded;
    folded.reserve((refs.size() + 1) / 2);
    for (size_t i = 0; i + 1 < refs.size(); i += 2)
      folded.push_back(Task(reduce).Remote(refs[i], refs[i + 1]));
    if (refs.size() % 2 == 1) folded.push_back(std::move(refs.back()));
    refs = std::move(folded);
  }
  return std::move(refs[0]);
}

template <typename M, typename R, typename Range>
[[nodiscard]] auto MapReduce(M map, R reduce, Range&& range, MapOptions options = {}) {
  using Input = internal::MapItemOf<decltype(std::begin(range))>;
  using X = internal::MapInput<Input>;
  using Types = internal::MapTypes<M, X, false>;
  static_assert(internal::AssertCallable<typename Types::Function>());
  static_assert(internal::AssertCallable<R>());
  static_assert(
      internal::AssertMappable<typename Types::Function, X, false>(typename Types::Bound()));
  using Entry = internal::MapReduceEntry<typename Types::Function, R, X, typename Types::Bound>;
  using V = typename Entry::V;
  static_assert(internal::AssertResult<V>());

  internal::MapWindow window(options, internal::MostItems<X>(), internal::TotalOf(range));
  internal::ReductionStack<R, V> stack(&reduce);
  std::map<size_t, ObjectRef<V>> values;  // by the number of their task, until their turn
  std::set<size_t> landed;
  size_t next_turn = 0;
  auto next = std::begin(range);
  const auto end = std::end(range);
  for (;;) {
    while (window.HasRoom(landed.size()) && next != end) {
      const size_t wanted = window.NextSize();
      std::vector<Input> chunk;
      for (; chunk.size() < wanted && next != end; ++next) chunk.push_back(*next);
      internal::OutgoingCall call(window.session());
      call.SetEntry(&Entry::Run);
      call.SetCallable(internal::JoinCallables(internal::PackCallable(internal::FunctionOf(map)),
                                               internal::PackCallable(reduce)));
      window.Prepare(call, internal::NameOfCallable(internal::FunctionOf(map)));
      call.SetResults(2, 0);
      internal::AddChunk(call, map, typename Types::Bound(), chunk);
      std::vector<internal::Handle> results = call.Submit();
      values.emplace(window.Sent(std::move(results[1]), chunk.size()),
                     ObjectRef<V>(std::move(results[0])));
    }
    if (window.idle()) break;
    const internal::MapWindow::Landed task = window.Wait();
    window.Measured(task.items, Get(ObjectRef<int64_t>(task.result)));
    window.Done(task.items);
    landed.insert(task.number);
    for (; landed.erase(next_turn) > 0; ++next_turn) {
      stack.Push(std::move(values.at(next_turn)));
      values.erase(next_turn);
    }
  }
  if (next_turn == 0) internal::Throw(ErrorKind::kInvalidArgument, "MapReduce: the range is empty");
  return Get(stack.Finish(), window.TimeLeft());
}

}  // namespace troupe

#endif  // TROUPE_SDK_REDUCE_H_
