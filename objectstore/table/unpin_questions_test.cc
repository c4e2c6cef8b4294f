#include "objectstore/table/unpin_questions.h"

#include <gtest/gtest.h>

namespace troupe::objectstore {
namespace {

constexpr ClientId kAnn{1}, kBen{2};
constexpr bool kAgrees = true, kRefuses = false;
const ObjectId kId = ObjectId::Make(kAnn, 1);

TEST(UnpinQuestions, AreAnsweredByWhoWasAsked) {
  UnpinQuestions questions;
  EXPECT_FALSE(questions.Answer(kAnn, kId, 1, kAgrees)) << "nobody was asked anything";
  questions.Ask(kAnn, kId, 1);
  EXPECT_FALSE(questions.Answer(kBen, kId, 1, kAgrees)) << "another client";
  EXPECT_FALSE(questions.Answer(kAnn, ObjectId::Make(kAnn, 2), 1, kAgrees)) << "another object";
  EXPECT_FALSE(questions.Answer(kAnn, kId, 2, kAgrees)) << "another telling";
  EXPECT_TRUE(questions.Answer(kAnn, kId, 1, kAgrees));
  EXPECT_FALSE(questions.Answer(kAnn, kId, 1, kAgrees)) << "twice";
  EXPECT_FALSE(questions.Answer(kAnn, kId, 1, kRefuses)) << "it has agreed";
  EXPECT_EQ(questions.clients(), 0u);
}

TEST(UnpinQuestions, AreRefusedOnceAndAgreedToLater) {
  UnpinQuestions questions;
  questions.Ask(kAnn, kId, 1);
  EXPECT_TRUE(questions.Answer(kAnn, kId, 1, kRefuses));
  EXPECT_FALSE(questions.Answer(kAnn, kId, 1, kRefuses));
  EXPECT_EQ(questions.count(kAnn), 1u);
  EXPECT_TRUE(questions.Answer(kAnn, kId, 1, kAgrees));
  EXPECT_EQ(questions.count(kAnn), 0u);
}

TEST(UnpinQuestions, EndWithTheAnswerToALaterOne) {
  UnpinQuestions questions;
  for (const uint32_t serial : {1, 3, 4}) questions.Ask(kAnn, kId, serial);
  EXPECT_TRUE(questions.Answer(kAnn, kId, 1, kRefuses));
  EXPECT_TRUE(questions.Answer(kAnn, kId, 3, kRefuses));
  EXPECT_FALSE(questions.Answer(kAnn, kId, 1, kAgrees));
  EXPECT_EQ(questions.count(kAnn), 2u);
  EXPECT_TRUE(questions.Answer(kAnn, kId, 4, kAgrees));
  EXPECT_EQ(questions.clients(), 0u);
}

TEST(UnpinQuestions, EndWithTheirClient) {
  UnpinQuestions questions;
  questions.Ask(kAnn, kId, 1);
  questions.Ask(kBen, kId, 2);
  questions.DropClient(kAnn);
  EXPECT_FALSE(questions.Answer(kAnn, kId, 1, kAgrees));
  EXPECT_EQ(questions.count(kBen), 1u);
}

}  // namespace
}  // namespace troupe::objectstore
