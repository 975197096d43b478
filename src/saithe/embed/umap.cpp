#include "saithe/embed/umap.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "saithe/core/parallel.h"
#include "saithe/core/random.h"
#include "saithe/core/types.h"
#include "saithe/embed/fuzzy_graph.h"
#include "saithe/embed/optimize_layout.h"
#include "saithe/embed/spectral_layout.h"

namespace saithe {
namespace {

constexpr std::int64_t kLargeData = 10000;
constexpr int kEpochsSmall = 500;
constexpr int kEpochsLarge = 200;

/// Moves the start into a box of 10 x 10, with a little noise so that equal points part.
void scale_start(DenseMatrix& layout, std::uint64_t seed) {
  const Random random(seed, stream::kUmap + 1000);
  float largest = 1e-12F;
  for (std::int64_t i = 0; i < 2 * layout.n_rows(); ++i) {
    largest = std::max(largest, std::abs(layout.data()[i]));
  }
  for (std::int64_t i = 0; i < 2 * layout.n_rows(); ++i) {
    layout.data()[i] = layout.data()[i] * 10.0F / largest +
                       static_cast<float>(1e-4 * random.normal(static_cast<std::uint64_t>(i)));
  }
  for (std::int64_t d = 0; d < 2; ++d) {
    float low = layout(0, d);
    float high = layout(0, d);
    for (std::int64_t r = 0; r < layout.n_rows(); ++r) {
      low = std::min(low, layout(r, d));
      high = std::max(high, layout(r, d));
    }
    const float range = std::max(high - low, 1e-12F);
    for (std::int64_t r = 0; r < layout.n_rows(); ++r) {
      layout(r, d) = 10.0F * (layout(r, d) - low) / range;
    }
  }
}

}  // namespace

void require_umap_options(const UmapOptions& options) {
  const auto require = [](bool is_valid, const char* name, auto value, const char* expected) {
    if (!is_valid) fail(ErrorKind::InvalidArgument, "--{}: {} is not {}", name, value, expected);
  };
  require(options.n_neighbors >= 2, "umap-neighbors", options.n_neighbors, "2 or more");
  require(options.spread > 0, "umap-spread", options.spread, "above 0");
  require(options.min_dist >= 0 && options.min_dist <= options.spread, "umap-min-dist",
          options.min_dist, "between 0 and the spread");
  require(options.n_epochs >= 0, "umap-epochs", options.n_epochs,
          "0 (by the number of cells) or more");
  require(options.negative_sample_rate >= 0, "umap-negative-samples", options.negative_sample_rate,
          "0 or more");
  require(options.learning_rate > 0, "umap-learning-rate", options.learning_rate, "above 0");
}

DenseMatrix umap(DenseView points, const UmapOptions& options, const Context& context) {
  require_umap_options(options);
  if (points.n_rows < kMinUmapPoints) {
    fail(ErrorKind::BadFormat, "UMAP needs {} points or more; there are {}", kMinUmapPoints,
         points.n_rows);
  }
  const auto n_neighbors =
      static_cast<int>(std::min<std::int64_t>(options.n_neighbors, points.n_rows));
  const Neighbors neighbors = find_neighbors(points, n_neighbors - 1, context);
  const CsrMatrix graph = embed::fuzzy_graph(neighbors, n_neighbors, context);
  DenseMatrix layout = embed::spectral_layout(graph.view(), points, context);
  scale_start(layout, context.seed());

  embed::LayoutOptions layout_options;
  layout_options.curve = embed::fit_curve(options.min_dist, options.spread);
  layout_options.n_epochs = options.n_epochs > 0
                                ? options.n_epochs
                                : (points.n_rows <= kLargeData ? kEpochsSmall : kEpochsLarge);
  layout_options.negative_sample_rate = options.negative_sample_rate;
  layout_options.learning_rate = options.learning_rate;
  embed::optimize_layout(graph.view(), layout_options, layout, context);
  return layout;
}

}  // namespace saithe
