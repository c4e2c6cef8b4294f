// A coroutine runs once: co_await takes it.
#include <utility>

#include "sdk/troupe.h"

troupe::Async<int> Price();

troupe::Async<int> Total() {
  troupe::Async<int> price = Price();
#ifndef TROUPE_COMPILE_OK
  co_return co_await price;
#else
  co_return co_await std::move(price);
#endif
}
