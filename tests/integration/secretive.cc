// A program that works with secrets, in its environment and as arguments, while everything goes
// wrong that can: secrets_test looks for them in what is said.
//
// It prints its errors, then the ids of tasks that wait and run, then "ready", and waits for its
// end.
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <string>

#include "absl/time/time.h"
#include "sdk/troupe.h"

namespace {

struct Account {
  std::string owner;
  std::string key;
};

size_t Length(const std::string& key) { return key.size(); }
int Fails(const Account&) { throw std::runtime_error("it fails as it should"); }
int Crashes(const std::string& key) {
  raise(SIGSEGV);
  return static_cast<int>(key.size());
}
int Exits(const std::string&) { _exit(3); }
int Waits(const std::string&) {
  for (;;) pause();
}
int Takes(const std::string&, int) { return 0; }
size_t Opens(const troupe::SecretRef& where) {
  const troupe::Secret<std::string> key = where.Resolve();
  std::cout << "the key is " << key << std::endl;
  return key.Reveal().size();
}

class Vault {
 public:
  explicit Vault(std::string key) : key_(std::move(key)) {}
  bool Fits(const std::string& key) const { return key == key_; }
  int Breaks(const std::string& key) { return Crashes(key); }

 private:
  std::string key_;
};

// All that a program may show of an error.
template <typename F>
void PrintErrorOf(F call) {
  try {
    (void)troupe::Get(call());
    std::printf("no error\n");
  } catch (const troupe::Error& error) {
    std::printf("%s\n", error.what());
    std::printf("%s\n", error.stack().c_str());
  }
  std::fflush(stdout);
}

}  // namespace

int main() {
  const char* const argument = std::getenv("SECRETIVE_ARGUMENT");
  if (argument == nullptr || std::getenv("SECRETIVE_KEY") == nullptr) return 2;
  const std::string value = argument;
  const Account account{"ann", value};
  std::string large;
  while (large.size() < 1'000'000) large += value;
  const troupe::Cluster cluster = troupe::Init();
  const troupe::TaskOptions once = {.max_retries = 0};

  const auto opened = troupe::Task(Opens).Remote(troupe::SecretRef("env:SECRETIVE_KEY"));
  if (troupe::Get(opened) == 0) return 3;
  const troupe::ObjectRef<std::string> stored = troupe::Put(large);
  if (troupe::Get(troupe::Task(Length).Remote(stored)) != large.size()) return 3;
  const auto vault = troupe::Actor<Vault>(value).Remote();
  if (!troupe::Get(vault.Task(&Vault::Fits).Remote(value))) return 3;

  PrintErrorOf([&] { return troupe::Task(Fails).Remote(account); });
  PrintErrorOf([&] { return troupe::Task(Crashes).Options(once).Remote(value); });
  PrintErrorOf([&] { return troupe::Task(Exits).Options(once).Remote(value); });
  PrintErrorOf([&] {
    return troupe::Task(Waits).Options({.timeout = absl::Milliseconds(100)}).Remote(value);
  });
  PrintErrorOf([&] { return vault.Task(&Vault::Breaks).Remote(value); });
  PrintErrorOf([&] { return vault.Task(&Vault::Fits).Remote(value); });
  PrintErrorOf([&] { return troupe::CallNamed<int(std::string)>("no.such").Remote(value); });
  PrintErrorOf([&] { return troupe::ObjectRef<int64_t>{stored.handle()}; });
  PrintErrorOf([&] {
    const auto bound = troupe::Bind(
        [](const std::string& key, int) -> int {
          throw std::invalid_argument(key.empty() ? "none" : "the bound one");
        },
        value);
    return troupe::Task(bound).Remote(1);
  });
  (void)troupe::Task(Fails).Remote(account);  // nobody reads it

  const troupe::Promise<int> never;
  const auto waits = troupe::Task(Waits).Remote(value);
  const auto takes = troupe::Task(Takes).Remote(value, never.ref());
  const auto failed = troupe::Task(Fails).Remote(account);
  (void)troupe::Wait(std::vector{failed});
  std::printf("id %s\nid %s\nid %s\nready\n", waits.id().ToString().c_str(),
              takes.id().ToString().c_str(), failed.id().ToString().c_str());
  std::fflush(stdout);
  (void)troupe::Get(waits);
}
