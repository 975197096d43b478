// core/random.h against the published SplitMix64 and against its NumPy version
// (counter_random.py, which prints the values below).

#include <gtest/gtest.h>

#include <array>
#include <numeric>
#include <vector>

#include "saithe/core/random.h"
#include "saithe/nn/minibatches.h"
#include "saithe/nn/mlp.h"

namespace saithe {
namespace {

TEST(CounterRandom, IsSplitMix64) {
  // The seed for which the key of stream 0 is 1234567; SplitMix64's outputs from that state are
  // published with many implementations.
  const Random random(17196901287274910778U, 0);
  const std::array<std::uint64_t, 5> published = {6457827717110365317U, 3203168211198807973U,
                                                  9817491932198370423U, 4593380528125082431U,
                                                  16408922859458223821U};
  for (std::size_t i = 0; i < published.size(); ++i) EXPECT_EQ(random.bits(i), published[i]);
}

TEST(CounterRandom, DrawsWhatNumPyDraws) {
  const Random random(7, 1003);
  EXPECT_EQ(random.bits(0), 14024474247268416303U);
  EXPECT_EQ(random.bits(1), 16524332805741294164U);
  EXPECT_EQ(random.bits(std::uint64_t{1} << 40), 4883611663018864304U);
  EXPECT_EQ(random.uniform(0), 0.7602682723427713);
  EXPECT_EQ(random.uniform(2), 0.6043155361977787);
  EXPECT_EQ(random.uniform_float(0), 0.7602682709693909F);
  EXPECT_EQ(random.uniform_float(2), 0.6043155193328857F);
  const std::vector<std::uint64_t> expected = {760, 895, 604, 544, 273, 27, 201, 179};
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(random.below(i, 1000), expected[i]);
}

TEST(CounterRandom, MinibatchesVisitTheCellsInNumPysOrder) {
  std::vector<CellIndex> cells(12);
  std::iota(cells.begin(), cells.end(), CellIndex{0});
  const auto minibatches = Minibatches::shuffled(cells, 12, 7, 3);
  const auto order = minibatches.at(0);
  EXPECT_EQ(std::vector<CellIndex>(order.begin(), order.end()),
            (std::vector<CellIndex>{5, 3, 10, 2, 11, 0, 7, 1, 9, 4, 8, 6}));
}

TEST(CounterRandom, InitialParametersAreNumPys) {
  MlpShape shape;
  shape.n_inputs = 9;
  shape.hidden = {4};
  shape.n_outputs = 2;
  const auto layer = initial_parameters(shape, 7);
  EXPECT_EQ(layer.weights[1][4], 0.03881722688674927F);
  EXPECT_EQ(layer.weights[1][5], -0.08894354104995728F);
  EXPECT_EQ(layer.weights[1][6], 0.4380558133125305F);
  EXPECT_EQ(layer.weights[1][7], -0.17575442790985107F);
  EXPECT_EQ(layer.biases[1][0], 0.24485015869140625F);
  EXPECT_EQ(layer.biases[1][1], -0.07249122858047485F);
}

}  // namespace
}  // namespace saithe
