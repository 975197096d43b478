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

constexpr std::int64_t kChunkPoints = 16;
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

/// The points in the order in which they move: group after group.
std::vector<std::int32_t> order_of_moves(std::int64_t n) {
  std::vector<std::int32_t> order;
  order.reserve(as_size(n));
  for (std::int64_t group = 0; group < kGroups; ++group) {
    for (std::int64_t point = group; point < n; point += kGroups) {
      order.push_back(static_cast<std::int32_t>(point));
    }
  }
  return order;
}

/// The links that act often enough to matter, and when each acts next. Points are numbered by the
/// order of their moves, so that a group's links lie side by side: memory is read as it lies.
struct Schedule {
  std::vector<std::int64_t> first_link;  // of each point
  std::vector<std::int32_t> other;
  std::vector<float> period;  // in epochs: 1 for the strongest link, more for weaker ones
  std::vector<float> next;
  std::vector<std::int64_t> back;  // the same link from its other end

  Schedule(const CsrView& graph, const std::vector<std::int32_t>& order, float largest,
           int n_epochs) {
    std::vector<std::int32_t> number(order.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
      number[as_size(order[i])] = static_cast<std::int32_t>(i);
    }
    const auto acts = [&](float weight) {
      return weight * static_cast<float>(n_epochs) >= largest;
    };
    first_link.push_back(0);
    for (const std::int32_t point : order) {
      const auto n_of_point = std::ranges::count_if(graph.row_values(point), acts);
      first_link.push_back(first_link.back() + n_of_point);
    }
    const std::size_t n_links = as_size(first_link.back());
    other.assign(n_links, 0);
    period.assign(n_links, 0.0F);
    back.assign(n_links, 0);
    // The graph is symmetric: each link of a point is entered at its other end, so that the links
    // of every end come in rising order, and a link finds its place there the same way.
    std::vector<std::int64_t> write(first_link.begin(), first_link.end() - 1);
    for (std::size_t i = 0; i < order.size(); ++i) {
      const auto columns = graph.row_columns(order[i]);
      const auto weights = graph.row_values(order[i]);
      for (std::size_t k = 0; k < columns.size(); ++k) {
        if (!acts(weights[k])) continue;
        const auto at = as_size(write[as_size(number[as_size(columns[k])])]++);
        other[at] = static_cast<std::int32_t>(i);
        period[at] = largest / weights[k];
      }
    }
    SAITHE_ASSERT(std::equal(write.begin(), write.end(), first_link.begin() + 1));
    std::copy(first_link.begin(), first_link.end() - 1, write.begin());
    for (std::size_t link = 0; link < other.size(); ++link) {
      back[link] = write[as_size(other[link])]++;
    }
    next = period;
  }
};

/// Rows of `layout` in the order of moves.
DenseMatrix reordered(const DenseMatrix& layout, const std::vector<std::int32_t>& order) {
  DenseMatrix moved(layout.n_rows(), 2);
  for (std::int64_t i = 0; i < layout.n_rows(); ++i) {
    moved(i, 0) = layout(order[as_size(i)], 0);
    moved(i, 1) = layout(order[as_size(i)], 1);
  }
  return moved;
}

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
  const std::vector<std::int32_t> order = order_of_moves(n);
  Schedule schedule(graph, order, largest, options.n_epochs);
  DenseMatrix positions = reordered(layout, order);
  DenseMatrix next = positions;
  std::vector<float> reactions(2 * schedule.other.size());

  LayoutMoves moves;
  moves.n_points = n;
  moves.first_link = schedule.first_link.data();
  moves.other = schedule.other.data();
  moves.period = schedule.period.data();
  moves.next_epoch = schedule.next.data();
  moves.back = schedule.back.data();
  moves.reactions = reactions.data();
  moves.positions = positions.data();
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
    std::int64_t first = 0;
    for (std::int64_t group = 0; group < std::min(kGroups, n); ++group) {
      const std::int64_t n_members = (n - group + kGroups - 1) / kGroups;
      parallel_for(context, n_members, kChunkPoints, [&](std::int64_t begin, std::int64_t end) {
        take_reactions(moves, positions.data(), first + begin, first + end);
      });
      parallel_for(context, n_members, kChunkPoints, [&](std::int64_t begin, std::int64_t end) {
        move_points(moves, first + begin, first + end);
      });
      std::copy_n(next.data() + 2 * first, 2 * n_members, positions.data() + 2 * first);
      first += n_members;
    }
  }
  for (std::int64_t i = 0; i < n; ++i) {
    layout(order[as_size(i)], 0) = positions(i, 0);
    layout(order[as_size(i)], 1) = positions(i, 1);
  }
  context.report("UMAP", options.n_epochs, options.n_epochs);
}

}  // namespace saithe::embed
