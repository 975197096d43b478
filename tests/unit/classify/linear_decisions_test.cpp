// Decisions in double: where float32 sums would be wrong, and beside the network's own.

#include "saithe/classify/linear_decisions.h"

#include <gtest/gtest.h>

#include <atomic>

#include "support/folder_for_test.h"

namespace saithe {
namespace {

Member member_of(std::int64_t n_inputs, int n_types, std::vector<float> weights,
                 std::vector<float> biases) {
  Member member;
  member.shape.n_inputs = n_inputs;
  member.shape.n_outputs = n_types;
  member.parameters.weights.emplace_back(weights.begin(), weights.end());
  member.parameters.biases.emplace_back(biases.begin(), biases.end());
  return member;
}

TEST(LinearDecisions, LargeTermsThatCancelLeaveTheSmallOnes) {
  // 2^24 + 1 is no float32; the sums are 0.25 + 1 and -0.5.
  const Member member =
      member_of(3, 2, {16777216.0F, 1.0F, 1.0F, -0.5F, -16777216.0F, -1.0F}, {0.25F, 0.0F});
  const CsrMatrix cells{2, 3, {0, 3, 3}, {0, 1, 2}, {1.0F, 1.0F, 1.0F}};
  const DenseMatrix found = LinearDecisions(member, {}).of(cells.view(), Context(2));
  EXPECT_EQ(found(0, 0), 1.25F);
  EXPECT_EQ(found(0, 1), -0.5F);
  EXPECT_EQ(found(1, 0), 0.25F);  // an empty cell
  EXPECT_EQ(found(1, 1), 0.0F);
}

TEST(LinearDecisions, TheShiftIsTakenOff) {
  const Member member = member_of(2, 1, {2.0F, 3.0F}, {1.0F});
  const std::vector<float> shift = {0.5F, -1.0F};
  const CsrMatrix cells{1, 2, {0, 1}, {1}, {4.0F}};
  const DenseMatrix found = LinearDecisions(member, shift).of(cells.view(), Context(1));
  EXPECT_EQ(found(0, 0), 1.0F - 0.5F * 2 + (4.0F + 1) * 3);
}

TEST(LinearDecisions, StopWhenCancelled) {
  const Member member = member_of(1, 1, {2.0F}, {1.0F});
  const CsrMatrix cells{1, 1, {0, 1}, {0}, {4.0F}};
  Context context(1);
  const std::atomic<bool> cancelled = true;
  context.cancelled = &cancelled;
  EXPECT_SAITHE_ERROR(LinearDecisions(member, {}).of(cells.view(), context), ErrorKind::Cancelled,
                      "stopped");
}

}  // namespace
}  // namespace saithe
