#include "geometry.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "size_limits.h"

namespace vary {
namespace {

bool affine(const double* p) { return p[0] == 0 && p[1] == 0 && p[2] == 1; }

// Of two 3 x 3 matrices, divided by the last number of the product.
Map product(const double* a, const double* b) {
  double c[9];
  for (int i = 0; i < 9; ++i) {
    const double *const row = a + i / 3 * 3, *const column = b + i % 3;
    c[i] = (row[0] * column[0] + row[1] * column[3]) + row[2] * column[6];
  }
  for (int i = 0; i < 8; ++i) c[i] /= c[8];
  return {{c[0], c[1], c[2], c[3], c[4], c[5]}, {c[6], c[7], 1}};
}

// First through `next`, then through [m; p].
Map product(const double* m, const double* p, const Map& next) {
  const double *const l = next.m, *const q = next.p;
  if (!affine(p) || !affine(q)) {
    const double a[9] = {m[0], m[1], m[2], m[3], m[4], m[5], p[0], p[1], p[2]};
    const double b[9] = {l[0], l[1], l[2], l[3], l[4], l[5], q[0], q[1], q[2]};
    return product(a, b);
  }
  return {{m[0] * l[0] + m[1] * l[3], m[0] * l[1] + m[1] * l[4], (m[0] * l[2] + m[1] * l[5]) + m[2],
           m[3] * l[0] + m[4] * l[3], m[3] * l[1] + m[4] * l[4], (m[3] * l[2] + m[4] * l[5]) + m[5]}};
}

// The map from the canvas to the one before it: of the last field, or to the source.
struct Newest {
  double *m, *p;
};
Newest newest(View& v) {
  if (v.layers.empty()) return {v.m, v.p};
  return {v.layers.back().map.m, v.layers.back().map.p};
}

void through(const double* m, const double* p, int n, double* x, double* y) {
  const bool plain = affine(p);
  for (int k = 0; k < n; ++k) {
    const double over = p[0] * x[k] + (p[1] * y[k] + p[2]);
    const double to_x = m[0] * x[k] + (m[1] * y[k] + m[2]), to_y = m[3] * x[k] + (m[4] * y[k] + m[5]);
    x[k] = plain ? to_x : over > kHorizon ? to_x / over : NAN;
    y[k] = plain ? to_y : over > kHorizon ? to_y / over : NAN;
  }
}

Steps product(const Steps& a, const Steps& b) {
  return {{a.d[0] * b.d[0] + a.d[1] * b.d[2], a.d[0] * b.d[1] + a.d[1] * b.d[3], a.d[2] * b.d[0] + a.d[3] * b.d[2],
           a.d[2] * b.d[1] + a.d[3] * b.d[3]}};
}

Steps steps_at(const double* m, const double* p, double x, double y) {
  if (affine(p)) return {{m[0], m[1], m[3], m[4]}};
  const double over = p[0] * x + (p[1] * y + p[2]);
  const double at_x = (m[0] * x + (m[1] * y + m[2])) / over, at_y = (m[3] * x + (m[4] * y + m[5])) / over;
  return {{(m[0] - at_x * p[0]) / over, (m[1] - at_x * p[1]) / over, (m[3] - at_y * p[0]) / over,
           (m[4] - at_y * p[1]) / over}};
}

[[noreturn]] void refuse(const Concrete& instruction, const std::string& what) {
  throw std::runtime_error(name_of(instruction) + what);
}

void check_arguments(const Concrete& instruction) {
  for (const double a : instruction.a)
    if (!(std::fabs(a) <= 1e15)) refuse(instruction, " has an argument that is not finite, or too large");
}

// Products of a map's numbers and the pixels of any canvas must be finite, and so must those of the way back.
void check_view(const Concrete& instruction, View& v) {
  constexpr double most = 1e290;
  if (v.height < 1 || v.width < 1) refuse(instruction, " leaves no pixel of the canvas");
  if (v.height > kMostSide || v.width > kMostSide)
    refuse(instruction, " makes a canvas with a side over " + std::to_string(kMostSide) +
                            " pixels; use smaller sizes, or fewer such transforms");
  const auto [m, p] = newest(v);
  const bool horizon = std::fabs(p[0]) <= most && std::fabs(p[1]) <= most;
  for (const double* const row : {m, m + 3}) {
    const double size = std::max(std::fabs(row[0]), std::fabs(row[1]));
    const bool finite = std::fabs(row[0]) <= most && std::fabs(row[1]) <= most && std::fabs(row[2]) <= most && horizon;
    if (finite && size >= 1 / most) continue;
    if (std::string_view(instruction.op->name) == "matrix")
      refuse(instruction,
             " has a singular matrix, or one that is not finite together with the transforms before it; "
             "make one that can be inverted");
    refuse(instruction,
           " stretches, shrinks or moves the picture without end, together with the transforms before "
           "it; use milder arguments, or fewer such transforms");
  }
}

void check_field(const Concrete& instruction, const Field& field) {
  if (!folds(field)) return;
  refuse(instruction,
         " folds the picture: several of its points would come from one point; make displacements of "
         "neighbouring points differ by less than half of the distance between the points: by " +
             std::to_string(.5 / (field.columns - 1)) + " from left to right, and by " +
             std::to_string(.5 / (field.rows - 1)) + " from top to bottom");
}

}  // namespace

void append(View& v, const Map& next, int height, int width) {
  const auto [m, p] = newest(v);
  const Map after = product(m, p, next);
  std::copy(after.m, after.m + 6, m);
  std::copy(after.p, after.p + 3, p);
  v.height = height;
  v.width = width;
}

void about_centre(View& v, double a, double b, double c, double d) {
  const double x = v.width * .5, y = v.height * .5;
  append(v, {{a, b, x - (a * x + b * y), c, d, y - (c * x + d * y)}}, v.height, v.width);
}

void window(View& v, double top, double left, int height, int width) {
  append(v, {{1, 0, left, 0, 1, top}}, height, width);
}

void stretch(View& v, int height, int width) {
  append(v, {{static_cast<double>(v.width) / width, 0, 0, 0, static_cast<double>(v.height) / height, 0}}, height,
         width);
}

void quarter_turns(View& v, int turns) {
  const double h = v.height, w = v.width;
  const int quarters = turns & 3;
  if (quarters == 1) append(v, {{0, -1, w, 1, 0, 0}}, v.width, v.height);
  if (quarters == 2) append(v, {{-1, 0, w, 0, -1, h}}, v.height, v.width);
  if (quarters == 3) append(v, {{0, 1, 0, -1, 0, h}}, v.width, v.height);
}

void flip_horizontal(View& v) { append(v, {{-1, 0, static_cast<double>(v.width), 0, 1, 0}}, v.height, v.width); }
void flip_vertical(View& v) { append(v, {{1, 0, 0, 0, -1, static_cast<double>(v.height)}}, v.height, v.width); }
void transpose(View& v) { append(v, {{0, 1, 0, 1, 0, 0}}, v.width, v.height); }

void add_field(View& v, int rows, int columns, std::vector<double> numbers) {
  v.layers.push_back(
      {{v.height, v.width, rows, columns, std::make_shared<const std::vector<double>>(std::move(numbers))}, {}});
}

void apply(const Concrete& instruction, View& v) {
  check_arguments(instruction);
  const std::size_t fields = v.layers.size();
  instruction.op->map(instruction.a, v);
  check_view(instruction, v);
  if (v.layers.size() > fields) check_field(instruction, v.layers.back().field);
}

Steps steps_of(const View& v) {
  double x = v.width * .5, y = v.height * .5;
  Steps steps{{1, 0, 0, 1}};
  for (std::size_t i = v.layers.size(); i-- > 0;) {
    const auto& [field, map] = v.layers[i];
    steps = product(steps_at(map.m, map.p, x, y), steps);
    through(map.m, map.p, 1, &x, &y);
    steps = product(mean_steps(field), steps);
    add_displacements(field, 1, &x, &y);
  }
  const Steps last = steps_at(v.m, v.p, x, y);
  return v.layers.empty() ? last : product(last, steps);
}

void locate_row(const View& v, int y, int n, double* to_x, double* to_y) {
  for (int k = 0; k < n; ++k) {
    to_x[k] = k + .5;
    to_y[k] = y + .5;
  }
  for (std::size_t i = v.layers.size(); i-- > 0;) {
    const auto& [field, map] = v.layers[i];
    through(map.m, map.p, n, to_x, to_y);
    add_displacements(field, n, to_x, to_y);
  }
  through(v.m, v.p, n, to_x, to_y);
}

void orient(int orientation, View& v) {  // 2..8 in the words of the EXIF 2.3 table: row 0 / column 0 of the scene
  switch (orientation) {
    case 2: return flip_horizontal(v);
    case 3: return quarter_turns(v, 2);
    case 4: return flip_vertical(v);
    case 5: return transpose(v);
    case 6: return quarter_turns(v, 3);
    case 7: transpose(v); return quarter_turns(v, 2);
    case 8: return quarter_turns(v, 1);
    default: return;  // 1, and numbers that EXIF does not have
  }
}

}  // namespace vary
