// FreeBlocks keeps the memory of what was freed, for the next one of the same size.
//
// Problem: records that live for as long as a thousand others (a task, from its submission to its
// end) are freed long after malloc's own short lists are full, and go the long way through its bins
// each time. Here they go to a list, of their thread and of their size; what is above its bound is
// given back. Under AddressSanitizer nothing is kept, so that it sees who uses what was freed.
//
//   struct Task : Recycled<Task, 1024> { ... };   // new Task, std::make_unique<Task>()
//
// Thread-safety: any thread may free what another one has made; each has lists of its own.
#ifndef TROUPE_CORE_BASE_FREE_BLOCKS_H_
#define TROUPE_CORE_BASE_FREE_BLOCKS_H_

#include <cstddef>
#include <new>
#include <utility>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TROUPE_KEEPS_NO_BLOCKS 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define TROUPE_KEEPS_NO_BLOCKS 1
#endif

namespace troupe {

// At most `kMost` blocks of `kBytes` bytes, aligned as by operator new.
template <size_t kBytes, size_t kMost>
class FreeBlocks {
  static_assert(kBytes >= sizeof(void*));

 public:
  static void* Take() {
    if (first_ == nullptr) return ::operator new(kBytes);
    --count_;
    return std::exchange(first_, first_->next);
  }
  // REQUIRES: of Take.
  static void Give(void* block) noexcept {
#if !defined(TROUPE_KEEPS_NO_BLOCKS)
    if (count_ < kMost) {
      if (count_ == 0) end_.Arrange();
      ++count_;
      first_ = new (block) Block{first_};
      return;
    }
#endif
    ::operator delete(block);
  }

 private:
  struct Block {
    Block* next;
  };
  // Of the thread: by itself, since what has a destructor is looked at in each use.
  struct End {
    void Arrange() {}
    ~End() {
      while (first_ != nullptr) ::operator delete(std::exchange(first_, first_->next));
      count_ = kMost;  // what is freed after this is given back
    }
  };
  static inline thread_local constinit Block* first_ = nullptr;
  static inline thread_local constinit size_t count_ = 0;
  static inline thread_local End end_;
};

// A base of T: its objects take the blocks of those that were freed.
template <typename T, size_t kMost>
struct Recycled {
  static void* operator new(size_t bytes) {
    return bytes == sizeof(T) ? FreeBlocks<sizeof(T), kMost>::Take() : ::operator new(bytes);
  }
  static void operator delete(void* block, size_t bytes) noexcept {
    if (bytes != sizeof(T)) return ::operator delete(block);
    FreeBlocks<sizeof(T), kMost>::Give(block);
  }
};

// For containers and shared objects, of which each takes at most `kBytes` at a time; more comes
// from the heap.
template <typename T, size_t kBytes, size_t kMost>
struct RecyclingAllocator {
  using value_type = T;
  template <typename U>
  struct rebind {
    using other = RecyclingAllocator<U, kBytes, kMost>;
  };

  RecyclingAllocator() = default;
  template <typename U>
  RecyclingAllocator(const RecyclingAllocator<U, kBytes, kMost>&) {}

  T* allocate(size_t count) {
    static_assert(alignof(T) <= alignof(std::max_align_t));
    const size_t bytes = count * sizeof(T);
    return static_cast<T*>(bytes <= kBytes ? FreeBlocks<kBytes, kMost>::Take()
                                           : ::operator new(bytes));
  }
  void deallocate(T* block, size_t count) noexcept {
    if (count * sizeof(T) > kBytes) return ::operator delete(block);
    FreeBlocks<kBytes, kMost>::Give(block);
  }
  bool operator==(const RecyclingAllocator&) const { return true; }
};

}  // namespace troupe

#endif  // TROUPE_CORE_BASE_FREE_BLOCKS_H_
