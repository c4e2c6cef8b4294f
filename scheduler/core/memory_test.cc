// Who gets the store's memory, event by event.
#include <gtest/gtest.h>

#include <cstdint>
#include <random>

#include "core/base/location.h"
#include "scheduler/core/core_fixture.h"

namespace troupe::scheduler {
namespace {

class SpillingTest : public CoreTest {
 protected:
  SpillingTest()
      : CoreTest(Core::Config{.total = ResourceSet::Cpus(1),
                              .store_bytes = uint64_t{4} << 20,
                              .spill = {{"/disk", 1ull << 40}}}) {}

  // Leases memory, and makes an object of all of it that is needed.
  bool Put(uint64_t sequence, uint64_t bytes) {
    leases_.clear();
    EXPECT_TRUE(core_.RequestLease(kDriver, bytes).ok());
    Perform();
    if (leases_.size() != 1) return false;
    const Location lease = leases_[0];
    const Location object{lease.chunk, lease.offset, bytes};
    EXPECT_TRUE(core_.Seal(kDriver, {ObjectId::Make(kDriver, sequence), {object, {}}}).ok());
    const uint64_t used = (bytes + Limits::kObjectAlignmentBytes - 1) /
                          Limits::kObjectAlignmentBytes * Limits::kObjectAlignmentBytes;
    if (lease.size > used) {
      EXPECT_TRUE(
          core_.ReturnLease(kDriver, {lease.chunk, lease.offset + used, lease.size - used}).ok());
    }
    Perform();
    return true;
  }
};

// Whatever the sizes: what makes room and what asks for room agree on how much is enough.
TEST_F(SpillingTest, AWriterGetsMemoryAsLongAsObjectsCanLeave) {
  std::mt19937_64 random(17);
  for (uint64_t i = 1; i <= 1000; ++i) {
    const uint64_t bytes = 1 + (random() % 1000 + 1) * (uint64_t{1} << random() % 20) / 1000;
    ASSERT_TRUE(Put(i, bytes)) << "object " << i << " of " << bytes << " bytes waits for ever";
  }
  EXPECT_GT(core_.residency().largest_away(), 0u) << "nothing has left";
}

}  // namespace
}  // namespace troupe::scheduler
