#pragma once

// Where the parts of the picture of a confusion matrix lie. Private to report/.

#include <string>
#include <vector>

#include "saithe/report/canvas.h"

namespace saithe {

struct ConfusionLayout {
  Rect matrix;
  double cell = 0;         ///< side of a cell of the matrix
  double number_size = 0;  ///< font size of the counts; 0: the cells have no room for them
  double label_size = 0;
  double degrees = 0;               ///< turn of the labels below the matrix
  std::vector<std::string> labels;  ///< names as shown
  double true_name_x = 0;
  double predicted_name_y = 0;
  Rect color_bar;
  double width = 0;
  double height = 0;
};

/// Room for every name: none is cut by the edge of the picture or runs into another part.
ConfusionLayout confusion_layout(const std::vector<std::string>& names, const std::string& title);

}  // namespace saithe
