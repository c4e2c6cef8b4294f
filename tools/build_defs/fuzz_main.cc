// Runs a fuzz target (LLVMFuzzerTestOneInput) on the files of its corpus, which are the program's
// arguments.
//
// Without libFuzzer this is main(): it runs each file, each file cut short, and some mutations of
// it that are the same in every run, so that a target is an ordinary test under every compiler and
// sanitizer. With libFuzzer
// (--config=fuzz) the library has main(), and this turns the arguments into what it wants: a
// directory that it may write to, filled with the corpus, since it would run a list of files only
// once.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

[[maybe_unused]] std::vector<uint8_t> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    std::fprintf(stderr, "cannot read %s\n", path.c_str());
    std::exit(1);
  }
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// The input is copied, so that a sanitizer sees a read behind its end.
[[maybe_unused]] void Run(const std::vector<uint8_t>& input, size_t size) {
  const std::vector<uint8_t> exact(input.begin(), input.begin() + static_cast<ptrdiff_t>(size));
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

[[maybe_unused]] std::string DirectoryFromEnvironment(const char* variable) {
  const char* value = std::getenv(variable);
  return value == nullptr ? std::filesystem::temp_directory_path().string() : std::string(value);
}

}  // namespace

#ifdef TROUPE_LIBFUZZER

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  // libFuzzer keeps pointers to the arguments.
  static auto* const arguments = new std::vector<std::string>;
  static auto* const pointers = new std::vector<char*>;

  const std::string corpus = DirectoryFromEnvironment("TEST_TMPDIR") + "/corpus";
  std::filesystem::create_directories(corpus);
  bool limited = false;
  int files = 0;
  arguments->push_back((*argv)[0]);
  // Inputs that reach rare code are not preferred: to know how rare it is takes most of the time
  // where an input reaches thousands of places, as those of the scheduler core do.
  arguments->push_back("-entropic=0");
  for (int i = 1; i < *argc; ++i) {
    const std::string argument = (*argv)[i];
    if (argument.rfind("-", 0) == 0) {
      limited =
          limited || argument.rfind("-max_total_time=", 0) == 0 || argument.rfind("-runs=", 0) == 0;
      arguments->push_back(argument);
    } else {
      std::filesystem::copy_file(argument, corpus + "/" + std::to_string(files++),
                                 std::filesystem::copy_options::overwrite_existing);
    }
  }
  if (!limited) arguments->push_back("-max_total_time=10");
  arguments->push_back("-timeout=10");
  arguments->push_back(
      "-artifact_prefix=" + DirectoryFromEnvironment("TEST_UNDECLARED_OUTPUTS_DIR") + "/");
  arguments->push_back(corpus);
  for (std::string& argument : *arguments) pointers->push_back(argument.data());
  pointers->push_back(nullptr);
  *argc = static_cast<int>(arguments->size());
  *argv = pointers->data();
  return 0;
}

#else

int main(int argc, char** argv) {
  constexpr size_t kMaxTruncations = 256;
  constexpr int kMutations = 200;

  int runs = 1;
  Run({}, 0);
  for (int i = 1; i < argc; ++i) {
    if (argv[i][0] == '-') continue;  // meant for libFuzzer
    const std::vector<uint8_t> input = ReadFile(argv[i]);
    Run(input, input.size());
    const size_t step = std::max<size_t>(1, input.size() / kMaxTruncations);
    for (size_t size = 0; size < input.size(); size += step, ++runs) Run(input, size);

    std::mt19937 random(static_cast<uint32_t>(i));
    for (int m = 0; m < kMutations && !input.empty(); ++m, ++runs) {
      std::vector<uint8_t> mutated = input;
      for (uint32_t changes = 1 + random() % 4; changes > 0; --changes) {
        mutated[random() % mutated.size()] =
            static_cast<uint8_t>(random() % 4 == 0 ? 0xff : random());
      }
      Run(mutated, mutated.size());
    }
    ++runs;
  }
  std::printf("%d files, %d inputs\n", argc - 1, runs);
  return 0;
}

#endif  // TROUPE_LIBFUZZER
