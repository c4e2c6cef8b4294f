// hardened WHERE SIZE COUNT: writes COUNT elements into an array of SIZE, on the stack (whose SIZE
// is always 4) or on the heap. Neither array is one that the compilers' defaults guard.
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

// Not known when compiling, so that no compiler refuses it.
[[gnu::noinline]] void Fill(int* numbers, size_t count) {
  for (size_t i = 0; i < count; ++i) numbers[i] = -1;
}

[[gnu::noinline]] int OverrunStack(size_t count) {
  int numbers[4];
  Fill(numbers, count);
  return numbers[3];
}

[[gnu::noinline]] int OverrunHeap(size_t size, size_t count, const char* from) {
  char* bytes = static_cast<char*>(std::malloc(size));
  std::memcpy(bytes, from, count);
  const int last = bytes[size - 1];
  std::free(bytes);
  return last;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const size_t size = std::strtoul(argv[2], nullptr, 10);
  const size_t count = std::strtoul(argv[3], nullptr, 10);
  static const char kZeros[256] = {};
  const int last =
      std::strcmp(argv[1], "stack") == 0 ? OverrunStack(count) : OverrunHeap(size, count, kZeros);
  std::printf("not noticed: %d\n", last);
  return 0;
}
