#include "saithe/embed/optimize_layout.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "saithe/core/error.h"
#include "saithe/core/parallel.h"
#include "saithe/core/types.h"
#include "saithe/embed/layout_moves.h"

namespace saithe::embed {
namespace {

constexpr std::int64_t kChunkPoints = 64;
// Points that move at the same time, from the same positions: one in kGroups. One group alone would
// let linked points jump past each other.
constexpr std::int64_t kGroups = 256;

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

/// The links that act often enough to matter, and when each acts next.
struct Schedule {
  std::vector<std::int64_t> first_link;  // of each point
  std::vector<std::int32_t> other;
  std::vector<float>
      period;  // in epochs: the strongest link acts in each, a weaker one more rarely
  std::vector<float> next;
  std::vector<std::int64_t> back;  // the same link from its other end

  Schedule(const CsrView& graph, float largest, int n_epochs) {
    first_link.push_back(0);
    for (CellIndex point = 0; point < graph.n_rows; ++point) {
      const auto columns = graph.row_columns(point);
      const auto weights = graph.row_values(point);
      for (std::size_t i = 0; i < columns.size(); ++i) {
        if (weights[i] * static_cast<float>(n_epochs) < largest) continue;
        other.push_back(columns[i]);
        period.push_back(largest / weights[i]);
      }
      first_link.push_back(static_cast<std::int64_t>(other.size()));
    }
    next = period;
    // The graph is symmetric with rising columns: the links into a point come in the order of its
    // own.
    std::vector<std::int64_t> next_back(first_link.begin(), first_link.end() - 1);
    back.reserve(other.size());
    for (const std::int32_t end : other) back.push_back(next_back[as_size(end)]++);
    SAITHE_ASSERT(std::equal(next_back.begin(), next_back.end(), first_link.begin() + 1));
  }
};

}  // namespace

// umap-learn moves both ends of a link when it acts. Here the other end takes its part at its own
// turn, so that no two threads write to a point. It must be the very move, reversed: were each end
// pulled anew at its own turn, pulls would carry points past their neighbours and tear clusters.
void optimize_layout(const CsrView& graph, const LayoutOptions& options, DenseMatrix& layout,
                     const Context& context) {
  const std::int64_t n = graph.n_rows;
  const float largest =
      graph.values.empty() ? 0.0F : *std::max_element(graph.values.begin(), graph.values.end());
  if (largest <= 0) return;
  Schedule schedule(graph, largest, options.n_epochs);
  DenseMatrix next = layout;
  std::vector<float> reactions(2 * schedule.other.size());

  LayoutMoves moves;
  moves.n_points = n;
  moves.first_link = schedule.first_link.data();
  moves.other = schedule.other.data();
  moves.period = schedule.period.data();
  moves.next_epoch = schedule.next.data();
  moves.back = schedule.back.data();
  moves.reactions = reactions.data();
  moves.positions = layout.data();
  moves.moved = next.data();
  moves.a = static_cast<float>(options.curve.a);
  moves.b = static_cast<float>(options.curve.b);
  moves.n_samples = options.negative_sample_rate;
  moves.seed = context.seed();

  for (int epoch = 0; epoch < options.n_epochs; ++epoch) {
    context.throw_if_cancelled();
    context.report("UMAP", epoch, options.n_epochs);
    moves.epoch = epoch;
    moves.rate = static_cast<float>(options.learning_rate *
                                    (1.0 - static_cast<double>(epoch) / options.n_epochs));
    for (std::int64_t group = 0; group < std::min(kGroups, n); ++group) {
      const std::int64_t n_members = (n - group + kGroups - 1) / kGroups;
      parallel_for(context, n_members, kChunkPoints, [&](std::int64_t begin, std::int64_t end) {
        take_reactions(moves, layout.data(), group + begin * kGroups, group + end * kGroups,
                       kGroups);
      });
      parallel_for(context, n_members, kChunkPoints, [&](std::int64_t begin, std::int64_t end) {
        move_points(moves, group + begin * kGroups, group + end * kGroups, kGroups);
      });
      for (std::int64_t point = group; point < n; point += kGroups) {
        layout(point, 0) = next(point, 0);
        layout(point, 1) = next(point, 1);
      }
    }
  }
  context.report("UMAP", options.n_epochs, options.n_epochs);
}

}  // namespace saithe::embed
