// A function that returns a Generator<T> gives its results one by one, with co_yield; as a task, it
// is a Stream<T> of references, which come while it runs.
//
//   troupe::Generator<Frame> Decode(std::string path) {
//     Film film(path);
//     while (std::optional<Frame> frame = film.Next()) co_yield *frame;
//   }
//   for (const Frame& frame : Decode("film.mp4")) ...                  // here
//   for (troupe::ObjectRef<Frame> frame : troupe::Task(Decode).Remote("film.mp4"))
//     Show(troupe::Get(frame));                                        // in a worker
//
// A Generator does nothing until it is iterated, and goes on only when the next item is asked for.
// What it throws comes after its last item. Parameters that are references must outlive it: in a
// task they do. Move-only. Not thread-safe.   After std::generator.
#ifndef TROUPE_SDK_GENERATOR_H_
#define TROUPE_SDK_GENERATOR_H_

#include <coroutine>
#include <cstddef>
#include <exception>
#include <iterator>
#include <memory>
#include <type_traits>
#include <utility>

namespace troupe {

template <typename T>
class [[nodiscard]] Generator {
 public:
  using value_type = T;

  struct promise_type {  // NOLINT(readability-identifier-naming): the language's name
    const T* item = nullptr;
    std::exception_ptr error;

    Generator get_return_object() {
      return Generator(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    // The item lives until the generator goes on.
    std::suspend_always yield_value(const T& value) noexcept {
      item = std::addressof(value);
      return {};
    }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { error = std::current_exception(); }
  };

  Generator(Generator&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Generator& operator=(Generator&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Generator() {
    if (handle_ != nullptr) handle_.destroy();
  }

  // The next item, valid until the next call; null at the end. Throws what the function throws.
  const T* Next() {
    if (handle_ == nullptr || handle_.done()) return nullptr;
    handle_.resume();
    if (!handle_.done()) return handle_.promise().item;
    if (handle_.promise().error != nullptr)
      std::rethrow_exception(std::exchange(handle_.promise().error, nullptr));
    return nullptr;
  }

  class iterator {  // NOLINT(readability-identifier-naming): a range's name
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using pointer = const T*;
    using reference = const T&;

    explicit iterator(Generator* generator) : generator_(generator), item_(generator->Next()) {}
    const T& operator*() const { return *item_; }
    iterator& operator++() {
      item_ = generator_->Next();
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const iterator& it, std::default_sentinel_t) {
      return it.item_ == nullptr;
    }

   private:
    Generator* generator_;
    const T* item_;
  };
  iterator begin() { return iterator(this); }
  std::default_sentinel_t end() { return {}; }

 private:
  explicit Generator(std::coroutine_handle<promise_type> handle) : handle_(handle) {}

  std::coroutine_handle<promise_type> handle_;
};

namespace internal {

template <typename T>
struct IsGenerator : std::false_type {};
template <typename T>
struct IsGenerator<Generator<T>> : std::true_type {};

}  // namespace internal
}  // namespace troupe

#endif  // TROUPE_SDK_GENERATOR_H_
