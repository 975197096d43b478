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

// Points that move at the same time, from the same positions: one in kGroups. One group alone would
// let linked points jump past each other.
constexpr std::int64_t kGroups = 64;
// Fewer points of a group are not worth a thread.
constexpr std::int64_t kPointsOfPart = 4;
// Each has a layout of its own, and makes all moves.
constexpr std::int64_t kMaxParts = 16;

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
    std::size_t link = 0;
    for (const std::int32_t point : order) {
      const auto columns = graph.row_columns(point);
      const auto weights = graph.row_values(point);
      for (std::size_t k = 0; k < columns.size(); ++k) {
        if (!acts(weights[k])) continue;
        other[link] = number[as_size(columns[k])];
        period[link] = largest / weights[k];
        ++link;
      }
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

/// A thread's part of every group. Each part has a layout of its own and makes all moves in it, in
/// the same order: so threads read what they wrote themselves, and share the list of moves alone.
struct Part {
  DenseMatrix positions;
  std::vector<Move> found;
  std::vector<Move> found_before;  // in the last group; the other threads read it

  void make_moves_of(const std::vector<Part>& parts) {
    for (const Part& part : parts) {
      for (const Move& move : part.found_before) {
        positions.data()[2 * std::int64_t{move.point}] += move.x;
        positions.data()[2 * std::int64_t{move.point} + 1] += move.y;
      }
    }
  }
};

}  // namespace

// umap-learn moves both ends of a link when it acts, and so is it done here, group by group. Left
// to its own turn, the other end would be moved by a pull from an older place, and the layout would
// be coarser; pulled anew at its turn, points jump past each other and clusters tear.
void optimize_layout(const CsrView& graph, const LayoutOptions& options, DenseMatrix& layout,
                     const Context& context) {
  const std::int64_t n = graph.n_rows;
  const float largest =
      graph.values.empty() ? 0.0F : *std::max_element(graph.values.begin(), graph.values.end());
  if (largest <= 0) return;
  const std::vector<std::int32_t> order = order_of_moves(n);
  Schedule schedule(graph, order, largest, options.n_epochs);
  const std::int64_t n_parts = std::clamp<std::int64_t>(
      n / kGroups / kPointsOfPart, 1, std::min<std::int64_t>(context.n_threads(), kMaxParts));
  std::vector<Part> parts(as_size(n_parts));
  for (Part& part : parts) part.positions = reordered(layout, order);

  LayoutMoves moves;
  moves.n_points = n;
  moves.first_link = schedule.first_link.data();
  moves.other = schedule.other.data();
  moves.period = schedule.period.data();
  moves.next_epoch = schedule.next.data();
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
      // Even, because points move in pairs: the moves and their order are those of one part.
      const std::int64_t part_size = 2 * ((n_members + 2 * n_parts - 1) / (2 * n_parts));
      parallel_for(context, n_parts, 1, [&](std::int64_t number, std::int64_t) {
        Part& part = parts[as_size(number)];
        part.make_moves_of(parts);
        part.found.clear();
        LayoutMoves seen = moves;
        seen.positions = part.positions.data();
        find_moves(seen, first + std::min(n_members, number * part_size),
                   first + std::min(n_members, (number + 1) * part_size), part.found);
      });
      for (Part& part : parts) part.found.swap(part.found_before);
      first += n_members;
    }
  }
  Part& any = parts.front();
  any.make_moves_of(parts);
  for (std::int64_t i = 0; i < n; ++i) {
    layout(order[as_size(i)], 0) = any.positions(i, 0);
    layout(order[as_size(i)], 1) = any.positions(i, 1);
  }
  context.report("UMAP", options.n_epochs, options.n_epochs);
}

}  // namespace saithe::embed
