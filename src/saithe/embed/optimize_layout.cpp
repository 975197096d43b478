#include "saithe/embed/optimize_layout.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "saithe/core/parallel.h"
#include "saithe/core/random.h"
#include "saithe/core/types.h"

namespace saithe::embed {
namespace {

constexpr std::int64_t kChunkPoints = 512;
// Points that move at the same time, from the same positions: one in kGroups. One group alone would
// let linked points jump past each other.
constexpr std::int64_t kGroups = 4;
// A move is at most this long in each direction.
constexpr float kLongestMove = 4.0F;

}  // namespace

Curve fit_curve(double min_dist, double spread) {
  std::array<double, 300> x;
  std::array<double, 300> y;
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = 3 * spread * static_cast<double>(i) / static_cast<double>(x.size() - 1);
    y[i] = x[i] < min_dist ? 1.0 : std::exp(-(x[i] - min_dist) / spread);
  }
  // Levenberg-Marquardt in two parameters, from (1, 1) as SciPy's curve_fit.
  const auto residuals = [&](const Curve& curve) {
    double sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double r = y[i] - 1 / (1 + curve.a * std::pow(x[i], 2 * curve.b));
      sum += r * r;
    }
    return sum;
  };
  Curve curve;
  double error = residuals(curve);
  double damping = 1e-3;
  for (int round = 0; round < 500; ++round) {
    double jaa = 0;
    double jab = 0;
    double jbb = 0;
    double ra = 0;
    double rb = 0;
    for (std::size_t i = 1; i < x.size(); ++i) {  // at 0 the curve is 1 whatever a and b
      const double power = std::pow(x[i], 2 * curve.b);
      const double value = 1 / (1 + curve.a * power);
      const double by_a = -power * value * value;
      const double by_b = by_a * curve.a * 2 * std::log(x[i]);
      const double r = y[i] - value;
      jaa += by_a * by_a;
      jab += by_a * by_b;
      jbb += by_b * by_b;
      ra += by_a * r;
      rb += by_b * r;
    }
    const double daa = jaa * (1 + damping);
    const double dbb = jbb * (1 + damping);
    const double determinant = daa * dbb - jab * jab;
    const Curve next{curve.a + (dbb * ra - jab * rb) / determinant,
                     curve.b + (daa * rb - jab * ra) / determinant};
    const double next_error = next.a > 0 && next.b > 0 ? residuals(next) : error + 1;
    if (next_error < error) {
      const bool is_settled = error - next_error < 1e-16 * error;
      curve = next;
      error = next_error;
      damping *= 0.3;
      if (is_settled) break;
    } else {
      damping *= 5;
      if (damping > 1e12) break;
    }
  }
  return curve;
}

namespace {

/// Everything a move needs.
struct Forces {
  float a = 0;
  float b = 0;
  float attract = 0;  // -2 a b
  float repel = 0;    // 2 b

  explicit Forces(const Curve& curve)
      : a(static_cast<float>(curve.a)),
        b(static_cast<float>(curve.b)),
        attract(static_cast<float>(-2 * curve.a * curve.b)),
        repel(static_cast<float>(2 * curve.b)) {}

  static float clip(float move) { return std::clamp(move, -kLongestMove, kLongestMove); }

  /// Moves (x, y) towards the other end of a link.
  void pull(float& x, float& y, float other_x, float other_y, float rate) const {
    const float dx = x - other_x;
    const float dy = y - other_y;
    const float d2 = dx * dx + dy * dy;
    if (d2 <= 0) return;
    const float power = std::exp2(b * std::log2(d2));  // d^(2b)
    const float coefficient = attract * power / (d2 * (1.0F + a * power));
    x += clip(coefficient * dx) * rate;
    y += clip(coefficient * dy) * rate;
  }
  /// Moves (x, y) away from a point that it is not linked with.
  void push(float& x, float& y, float other_x, float other_y, float rate) const {
    const float dx = x - other_x;
    const float dy = y - other_y;
    const float d2 = dx * dx + dy * dy;
    if (d2 <= 0) return;
    const float power = std::exp2(b * std::log2(d2));
    const float coefficient = repel / ((0.001F + d2) * (1.0F + a * power));
    x += clip(coefficient * dx) * rate;
    y += clip(coefficient * dy) * rate;
  }
};

}  // namespace

void optimize_layout(const CsrView& graph, const LayoutOptions& options, DenseMatrix& layout,
                     const Context& context) {
  const std::int64_t n = graph.n_rows;
  const float largest =
      graph.values.empty() ? 0.0F : *std::max_element(graph.values.begin(), graph.values.end());
  if (largest <= 0) return;
  const Forces forces(options.curve);
  DenseMatrix next = layout;

  // A link of weight w acts in every (largest / w)-th epoch: as often as its weight says.
  const auto is_due = [&](float weight, int epoch) {
    const double share = static_cast<double>(weight) / static_cast<double>(largest);
    return std::floor(share * (epoch + 1)) > std::floor(share * epoch);
  };
  const auto move_point = [&](std::int64_t point, int epoch, float rate, const Random& random) {
    float x = layout(point, 0);
    float y = layout(point, 1);
    const auto columns = graph.row_columns(point);
    const auto weights = graph.row_values(point);
    std::uint64_t index =
        static_cast<std::uint64_t>(graph.row_start[as_size(point)] - graph.row_start.front()) *
        static_cast<std::uint64_t>(options.negative_sample_rate);
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (is_due(weights[i], epoch)) {
        const float other_x = layout(columns[i], 0);
        const float other_y = layout(columns[i], 1);
        // umap-learn meets the link from both ends and moves both ends each time.
        forces.pull(x, y, other_x, other_y, rate);
        forces.pull(x, y, other_x, other_y, rate);
        for (int s = 0; s < options.negative_sample_rate; ++s) {
          const auto other = static_cast<std::int64_t>(
              random.below(index + static_cast<std::uint64_t>(s), static_cast<std::uint64_t>(n)));
          if (other == point) continue;
          forces.push(x, y, layout(other, 0), layout(other, 1), rate);
        }
      }
      index += static_cast<std::uint64_t>(options.negative_sample_rate);
    }
    next(point, 0) = x;
    next(point, 1) = y;
  };

  for (int epoch = 0; epoch < options.n_epochs; ++epoch) {
    context.throw_if_cancelled();
    context.report("UMAP", epoch, options.n_epochs);
    const auto rate = static_cast<float>(options.learning_rate *
                                         (1.0 - static_cast<double>(epoch) / options.n_epochs));
    const Random random(context.seed(), stream::kUmap + 2000 + static_cast<std::uint64_t>(epoch));
    for (std::int64_t group = 0; group < kGroups; ++group) {
      const std::int64_t n_members = (n - group + kGroups - 1) / kGroups;
      if (n_members <= 0) continue;
      parallel_for(context, n_members, kChunkPoints, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t m = begin; m < end; ++m)
          move_point(group + m * kGroups, epoch, rate, random);
      });
      parallel_for(context, n_members, 16 * kChunkPoints,
                   [&](std::int64_t begin, std::int64_t end) {
                     for (std::int64_t m = begin; m < end; ++m) {
                       const std::int64_t point = group + m * kGroups;
                       layout(point, 0) = next(point, 0);
                       layout(point, 1) = next(point, 1);
                     }
                   });
    }
  }
  context.report("UMAP", options.n_epochs, options.n_epochs);
}

}  // namespace saithe::embed
