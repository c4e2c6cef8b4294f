// The programs of docs/guide.md: promises, and what tasks wait for one another with.
#include <cstdio>
#include <utility>
#include <vector>

#include "sdk/sync/queue.h"
#include "sdk/sync/semaphore.h"
#include "sdk/sync/variable.h"
#include "sdk/troupe.h"

namespace {

int Square(int x) { return x * x; }

void Promises() {
  troupe::Promise<int> answer;
  const troupe::ObjectRef<int> square = troupe::Task(Square).Remote(answer.ref());  // begins when
  answer.Set(7);                                                                    // it is there
  std::printf("the answer squared is %d\n", troupe::Get(square));
}

void Book(const troupe::Lock& lock, const troupe::Variable<int>& balance, int amount) {
  const troupe::Permit permit = lock.Acquire();  // until the end of the scope, or of the process
  balance.Set(balance.Get() + amount);
}

void Locks() {
  const auto lock = troupe::Lock::New();
  const auto balance = troupe::Variable<int>::New();
  balance.Set(100);
  std::vector<troupe::ObjectRef<void>> bookings;
  for (int i = 0; i < 10; ++i)
    bookings.push_back(troupe::Task(Book).Remote(lock, balance, i % 2 == 0 ? 5 : -3));
  troupe::Get(bookings);
  std::printf("the balance is %d\n", balance.Get());
}

int SumOf(const troupe::Queue<int>& numbers, int count) {
  int sum = 0;
  for (int i = 0; i < count; ++i) sum += numbers.Get();  // waits while the queue is empty
  return sum;
}

void Queues() {
  const auto numbers = troupe::Queue<int>::New({.capacity = 10});
  const troupe::ObjectRef<int> sum = troupe::Task(SumOf).Remote(numbers, 100);
  for (int i = 1; i <= 100; ++i) numbers.Put(i);  // waits while it is full
  std::printf("the numbers add up to %d\n", troupe::Get(sum));
}

}  // namespace

int main() {
  const troupe::Cluster cluster = troupe::Init();
  Promises();
  Locks();
  Queues();
}
