// A dense field: each point of a canvas comes from itself plus a displacement, which is given on a coarse grid.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace vary {

// rows x columns points spread evenly over a canvas of height x width, the outermost on its edges. Between them
// displacements are bilinear; beyond the canvas, they are those of the nearest point of its edge.
struct Field {
  int height = 0, width = 0;
  int rows = 0, columns = 0;                           // at least 2
  std::shared_ptr<const std::vector<double>> numbers;  // rows x columns x 2: in x, of the width, and y, of the height

  const double* at(int row, int column) const {
    return numbers->data() + 2 * (static_cast<std::ptrdiff_t>(row) * columns + column);
  }
};

// Points of the canvas become the points that they come from. A NaN stays one.
void add_displacements(const Field& field, int n, double* x, double* y);

// Does it fail to be invertible? Two points of the canvas, or beyond it, would come from the same point.
bool folds(const Field& field);

// The mean over the canvas of the map's derivative, in pixels: [d0 d1; d2 d3].
struct Steps {
  double d[4];
};
Steps mean_steps(const Field& field);

// The least and greatest displacements, in pixels.
struct Displacements {
  double least_x, greatest_x, least_y, greatest_y;
};
Displacements range_of(const Field& field);

}  // namespace vary
