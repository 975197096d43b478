#include "saithe/report/plots.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "saithe/report/axes.h"

namespace saithe {
namespace {

constexpr double kWidth = 490;
constexpr double kHeight = 270;
constexpr Rect kPlot{58, 30, 280, 194};
/// Two lines of a label beside the end of a curve, and the gap to the next label.
constexpr double kLabelHeight = 28;

struct Curve {
  std::string name;
  Color color;
  std::vector<double> values;  ///< one per epoch; not finite where there is none
  std::optional<std::size_t> best;
  double label_y = 0;
};

/// What sets the picture of a loss apart from that of an accuracy.
struct CurvesKind {
  const char* y_name;
  const char* best_word;
  bool is_best_low;
};

std::optional<std::size_t> find_best(const std::vector<double>& values, bool is_best_low) {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) continue;
    if (!best || (is_best_low ? values[i] < values[*best] : values[i] > values[*best])) best = i;
  }
  return best;
}

/// The ends of the y axis: as narrow as the data allow, 0 included where it is near, never beyond
/// what the quantity can be.
std::vector<double> y_ticks(const std::vector<Curve>& curves, bool is_loss) {
  double low = std::numeric_limits<double>::max();
  double high = std::numeric_limits<double>::lowest();
  for (const Curve& curve : curves) {
    for (const double value : curve.values) {
      if (!std::isfinite(value)) continue;
      low = std::min(low, value);
      high = std::max(high, value);
    }
  }
  if (low > high) return {0, 0.5, 1};
  if (is_loss && low < 0.35 * high) low = 0;
  if (!is_loss) {
    high = 1;
    low = std::min(low, 0.9);
  }
  return round_ticks(low, high, 5);
}

/// Places the labels beside the ends of their curves, moved apart where they would overlap.
void place_labels(std::vector<Curve>& curves, const Scale& y) {
  std::vector<Curve*> shown;
  for (Curve& curve : curves) {
    if (!curve.best) continue;
    std::size_t last = curve.values.size() - 1;
    while (!std::isfinite(curve.values[last])) --last;
    curve.label_y = y(curve.values[last]);
    shown.push_back(&curve);
  }
  std::ranges::stable_sort(shown, {}, &Curve::label_y);
  if (shown.size() == 2) {
    const double overlap = kLabelHeight - (shown[1]->label_y - shown[0]->label_y);
    if (overlap > 0) {
      shown[0]->label_y -= overlap / 2;
      shown[1]->label_y += overlap / 2;
    }
  }
  for (Curve* curve : shown) {
    const double shift_up = curve->label_y + kLabelHeight / 2 - kPlot.bottom();
    const double shift_down = kPlot.y - (curve->label_y - kLabelHeight / 2);
    for (Curve* moved : shown)
      moved->label_y += std::max(0.0, shift_down) - std::max(0.0, shift_up);
  }
}

void draw_curve(Figure::Canvas& canvas, const Curve& curve, const Scale& x, const Scale& y,
                const CurvesKind& kind) {
  std::vector<Point> run;
  const auto flush = [&] {
    canvas.line(run, {.color = curve.color, .width = 1.8});
    run.clear();
  };
  for (std::size_t i = 0; i < curve.values.size(); ++i) {
    if (std::isfinite(curve.values[i])) {
      run.push_back({x(static_cast<double>(i)), y(curve.values[i])});
    } else {
      flush();
    }
  }
  flush();
  if (!curve.best) return;
  for (std::size_t i = 0; curve.values.size() <= 40 && i < curve.values.size(); ++i) {
    if (!std::isfinite(curve.values[i])) continue;
    canvas.circle({x(static_cast<double>(i)), y(curve.values[i])}, 2.3, curve.color);
  }
  const double best = curve.values[*curve.best];
  const Point at{x(static_cast<double>(*curve.best)), y(best)};
  canvas.circle(at, 4, kWhite);
  canvas.ring(at, 4, {.color = curve.color, .width = 1.6});
  // An accuracy that is not 1 is not rounded to it.
  const double shown = !kind.is_best_low && best < 1 ? std::min(best, 0.9999) : best;
  const double left = kPlot.right() + 14;
  canvas.text({left, curve.label_y - 6}, curve.name,
              {.size = 9, .is_bold = true, .color = curve.color});
  canvas.text({left, curve.label_y + 6.5},
              fmt::format("{} {:.4f}, epoch {}", kind.best_word, shown, *curve.best),
              {.size = 8, .color = kMutedInk});
}

void draw_curves(Figure::Canvas& canvas, std::vector<Curve> curves, const CurvesKind& kind,
                 const std::string& title) {
  draw_title(canvas, {kPlot.x, 14}, title);
  const std::size_t n_epochs = curves[0].values.size();
  if (n_epochs == 0) {
    draw_nothing(canvas, kPlot, "no epoch was completed");
    return;
  }
  const auto ticks = y_ticks(curves, kind.is_best_low);
  const Scale y{ticks.front(), ticks.back(), kPlot.bottom(), kPlot.y};
  // One epoch has no length: it stands in the middle.
  const double last = static_cast<double>(n_epochs) - 1;
  const Scale x = n_epochs == 1 ? Scale{-1, 1, kPlot.x, kPlot.right()}
                                : Scale{0, last, kPlot.x + 8, kPlot.right() - 8};
  draw_y_axis(canvas, kPlot, y, ticks, kind.y_name);
  draw_x_axis(canvas, kPlot, x, whole_ticks(static_cast<int>(n_epochs) - 1, 10), "Epoch");
  place_labels(curves, y);
  for (const Curve& curve : curves) draw_curve(canvas, curve, x, y, kind);
}

Figure curves_figure(const char* name, const TrainHistory& history, double EpochRecord::*training,
                     double EpochRecord::*validation, const CurvesKind& kind, std::string title,
                     std::string caption) {
  const auto palette = category_palette(6);
  std::vector<Curve> curves = {{"Training", palette[0], {}, {}, 0},
                               {"Validation", palette[5], {}, {}, 0}};
  for (const EpochRecord& epoch : history.epochs) {
    curves[0].values.push_back(epoch.*training);
    curves[1].values.push_back(epoch.*validation);
  }
  for (Curve& curve : curves) curve.best = find_best(curve.values, kind.is_best_low);
  auto draw = [curves, kind, title](Figure::Canvas& canvas) {
    draw_curves(canvas, curves, kind, title);
  };
  return {name, kWidth, kHeight, draw, title, std::move(caption)};
}

bool has_validation(const TrainHistory& history) {
  return std::ranges::any_of(history.epochs, [](const EpochRecord& epoch) {
    return std::isfinite(epoch.validation_loss);
  });
}

}  // namespace

Figure plot_loss(const TrainHistory& history) {
  return curves_figure(
      "loss", history, &EpochRecord::train_loss, &EpochRecord::validation_loss,
      {"Loss", "lowest", true}, "Loss",
      std::string("Mean loss of the minibatches of each epoch; the ring marks the lowest value. ") +
          (has_validation(history)
               ? "Training cells are seen with dropout on, validation cells with dropout off."
               : "No cells were held back from this network."));
}

Figure plot_accuracy(const TrainHistory& history) {
  return curves_figure(
      "accuracy", history, &EpochRecord::train_accuracy, &EpochRecord::validation_accuracy,
      {"Accuracy", "highest", false}, "Accuracy",
      "Share of the cells whose most probable type is their label, mean over the minibatches of "
      "each epoch; the ring marks the highest value.");
}

}  // namespace saithe
