#pragma once

// The bins behind the expected calibration error, as evaluate() sums them up. Private to report/.

#include <array>
#include <cstdint>
#include <span>

#include "saithe/matrix/dense_matrix.h"

namespace saithe {

struct CalibrationBins {
  struct Bin {
    std::int64_t n_cells = 0;
    double mean_confidence = 0;
    double accuracy = 0;
    double lower = 0;  ///< 95 % interval of the accuracy (Wilson 1927)
    double upper = 0;
  };
  std::array<Bin, 15> bins;
  std::int64_t n_cells = 0;
  double error = 0;  ///< Evaluation::ece of the same cells
};

CalibrationBins calibration_bins(DenseView probabilities, std::span<const LabelIndex> truth);

}  // namespace saithe
