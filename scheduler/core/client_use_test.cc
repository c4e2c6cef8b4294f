// What is counted for clients, whichever of them comes next.
#include "scheduler/core/client_use.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace troupe::scheduler {
namespace {

TEST(ClientUse, RandomRunsAgreeWithAMap) {
  std::mt19937_64 random(1);
  ClientUse use;
  std::map<ClientId, ClientUse::Amount> model;
  for (int step = 0; step < 20'000; ++step) {
    const auto client = ClientId(1 + random() % 9);
    ClientUse::Amount& known = model[client];
    ASSERT_EQ(use.of(client), known);
    const ClientUse::Amount amount{random() % 3, random() % 3};
    if (random() % 2 == 0) {
      use.Add(client, amount);
      known = {known.objects + amount.objects, known.bytes + amount.bytes};
    } else if (known.objects >= amount.objects && known.bytes >= amount.bytes) {
      use.Subtract(client, amount);
      known = {known.objects - amount.objects, known.bytes - amount.bytes};
    }
  }
}

TEST(ClientUse, AClientThatHasNothingIsForgotten) {
  ClientUse use, nothing;
  use.Add(ClientId(1), {2, 3});
  EXPECT_FALSE(use == nothing);
  use.Subtract(ClientId(1), {2, 3});
  EXPECT_TRUE(use == nothing);
  use.Add(ClientId(1), {1, 1});
  use.Add(ClientId(2), {1, 1});
  use.Subtract(ClientId(2), {1, 1});
  EXPECT_EQ(use.of(ClientId(1)), (ClientUse::Amount{1, 1}));
  use.Subtract(ClientId(1), {1, 1});
  EXPECT_TRUE(use == nothing);
}

}  // namespace
}  // namespace troupe::scheduler
