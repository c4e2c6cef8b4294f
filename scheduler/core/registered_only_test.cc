// A cluster that runs only what its operator has registered, event by event.
#include <gtest/gtest.h>

#include <string>

#include "scheduler/core/core_fixture.h"

namespace troupe::scheduler {
namespace {

class RegisteredOnlyTest : public CoreTest {
 protected:
  RegisteredOnlyTest()
      : CoreTest(Core::Config{
            .total = ResourceSet::Cpus(1), .store_bytes = kStoreBytes, .registered_only = true}) {}

  static wire::TaskSpec ByName(ClientId client, uint64_t sequence) {
    wire::TaskSpec spec = Spec(client, sequence);
    spec.function = "geometry.area";
    return spec;
  }
  void ExpectRefused(uint64_t sequence, const std::string& says) {
    const ErrorInfo* error = ErrorOf(ObjectId::Make(kDriver, sequence));
    ASSERT_NE(error, nullptr);
    EXPECT_EQ(error->kind, ErrorKind::kInvalidArgument);
    EXPECT_NE(error->message.find(says), std::string::npos) << error->message;
    EXPECT_NE(error->message.find("RegisterFunction"), std::string::npos) << error->message;
  }
};

TEST_F(RegisteredOnlyTest, ADriversCodeIsRefusedAndItsNamesAreNot) {
  ASSERT_TRUE(Submit(kDriver, Spec(kDriver, 1)).ok());
  wire::TaskSpec actor = ByName(kDriver, 2);  // its constructor is code all the same
  actor.kind = wire::TaskKind::kActorCreation;
  ASSERT_TRUE(Submit(kDriver, actor).ok());
  wire::TaskSpec retried = ByName(kDriver, 3);
  retried.retry_on = 4096;
  ASSERT_TRUE(Submit(kDriver, retried).ok());
  Perform();
  ExpectRefused(1, "Work is code of the caller");
  ExpectRefused(2, "Work is code of the caller");
  ExpectRefused(3, "the retry_on of Work");
  EXPECT_TRUE(started_.empty()) << "a process was started for it";
  ASSERT_TRUE(Submit(kDriver, ByName(kDriver, 4)).ok());
  Perform();
  ASSERT_NE(FindDispatch(TaskId::Make(kDriver, 4)), nullptr);
}

// It runs the operator's program: what that submits is the operator's.
TEST_F(RegisteredOnlyTest, AWorkerSubmitsWhatItsProgramHas) {
  ASSERT_TRUE(Submit(kDriver, ByName(kDriver, 1)).ok());
  Perform();
  const SendDispatch outer = *FindDispatch(TaskId::Make(kDriver, 1));
  Begin(outer);
  ASSERT_TRUE(Submit(outer.worker, Spec(outer.worker, 1)).ok());
  ASSERT_TRUE(core_.Blocked(outer.worker, {{ObjectId::Make(outer.worker, 1)}, 1, 0}).ok());
  Perform();
  EXPECT_NE(FindDispatch(TaskId::Make(outer.worker, 1)), nullptr);
}

}  // namespace
}  // namespace troupe::scheduler
