#pragma once

// The shape of a distribution: a smoothed density and its quartiles. Private to report/.

#include <span>
#include <vector>

namespace saithe {

struct Violin {
  std::vector<double> at;       ///< evenly spaced from the least to the largest value
  std::vector<double> density;  ///< same length, scaled to a largest value of 1
  double low = 0;
  double lower_quartile = 0;
  double median = 0;
  double upper_quartile = 0;
  double high = 0;
};

/// Gaussian kernel density, bandwidth by Silverman's rule (1986), cut at the least and the largest
/// value. Values are counted in bins first, so that a million cost no more than a thousand. Values
/// that are not finite are left out; a single distinct value gives a density of one point.
Violin violin_of(std::span<const double> values);

}  // namespace saithe
