#include "field.h"

#include <algorithm>

namespace vary {
namespace {

constexpr double kFlattest = 1e-6;  // areas may shrink so far; less is called a fold

// Weights with which a sum over `count` points is the mean of what is linear between them.
double weight(int i, int count) { return (i == 0 || i == count - 1 ? .5 : 1) / (count - 1); }

}  // namespace

void add_displacements(const Field& f, int n, double* x, double* y) {
  const double across = (f.columns - 1) / static_cast<double>(f.width);
  const double down = (f.rows - 1) / static_cast<double>(f.height);
  const double last_x = f.columns - 1, last_y = f.rows - 1, width = f.width, height = f.height;
  for (int k = 0; k < n; ++k) {
    double u = x[k] * across, v = y[k] * down;
    u = u > 0 ? u : 0;  // a NaN, too
    v = v > 0 ? v : 0;
    u = u < last_x ? u : last_x;
    v = v < last_y ? v : last_y;
    const int column = std::min(static_cast<int>(u), f.columns - 2), row = std::min(static_cast<int>(v), f.rows - 2);
    const double s = u - column, t = v - row;
    const double *const a = f.at(row, column), *const b = f.at(row + 1, column);
    const double upper_x = a[0] + (a[2] - a[0]) * s, lower_x = b[0] + (b[2] - b[0]) * s;
    const double upper_y = a[1] + (a[3] - a[1]) * s, lower_y = b[1] + (b[3] - b[1]) * s;
    x[k] += (upper_x + (lower_x - upper_x) * t) * width;
    y[k] += (upper_y + (lower_y - upper_y) * t) * height;
  }
}

// The determinant of the derivative is linear within a cell, so it is positive if it is at the four corners. Beyond the
// canvas it is the stretch along the edge. The map is then one to one: it is continuous, keeps orientation everywhere,
// and is the identity but for a bounded displacement.
bool folds(const Field& f) {
  const double across = f.columns - 1, down = f.rows - 1;
  const auto slope = [](const double* from, const double* to, int axis, double per) {
    return (to[axis] - from[axis]) * per;
  };
  for (int row = 0; row < f.rows; ++row)
    for (int column = 0; column < f.columns; ++column) {
      const double* const here = f.at(row, column);
      for (const int beside : {column - 1, column + 1})
        for (const int above : {row - 1, row + 1}) {
          const bool in_x = beside >= 0 && beside < f.columns, in_y = above >= 0 && above < f.rows;
          const double* const next_x = in_x ? f.at(row, beside) : here;
          const double* const next_y = in_y ? f.at(above, column) : here;
          const double per_x = (beside - column) * across, per_y = (above - row) * down;
          const double xx = 1 + slope(here, next_x, 0, per_x), yx = slope(here, next_x, 1, per_x);
          const double xy = slope(here, next_y, 0, per_y), yy = 1 + slope(here, next_y, 1, per_y);
          if (!(xx * yy - xy * yx >= kFlattest)) return true;
        }
    }
  return false;
}

Steps mean_steps(const Field& f) {
  double xx = 0, yx = 0, xy = 0, yy = 0;
  for (int row = 0; row < f.rows; ++row) {
    const double *const left = f.at(row, 0), *const right = f.at(row, f.columns - 1), w = weight(row, f.rows);
    xx += w * (right[0] - left[0]);
    yx += w * (right[1] - left[1]);
  }
  for (int column = 0; column < f.columns; ++column) {
    const double *const top = f.at(0, column), *const bottom = f.at(f.rows - 1, column), w = weight(column, f.columns);
    xy += w * (bottom[0] - top[0]);
    yy += w * (bottom[1] - top[1]);
  }
  const double height = f.height, width = f.width;
  return {{1 + xx, xy * (width / height), yx * (height / width), 1 + yy}};
}

Displacements range_of(const Field& f) {
  const double* const first = f.at(0, 0);
  Displacements out{first[0], first[0], first[1], first[1]};
  for (std::size_t i = 0; i < f.numbers->size(); i += 2) {
    const double x = first[i], y = first[i + 1];
    out = {std::min(out.least_x, x), std::max(out.greatest_x, x), std::min(out.least_y, y),
           std::max(out.greatest_y, y)};
  }
  return {out.least_x * f.width, out.greatest_x * f.width, out.least_y * f.height, out.greatest_y * f.height};
}

}  // namespace vary
