// Geometry: each instruction makes a new canvas and says where its points come from (geometry.h).
// src/vary/ops/geometry.py defines the same in float64 NumPy.
#include "../geometry.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <stdexcept>

#include "../maths.h"
#include "../size_limits.h"
#include "op.h"

namespace vary {
namespace {

// A whole number, clamped to a little more than any canvas: `apply` refuses such sizes.
int whole(double value) { return static_cast<int>(std::clamp<double>(value, -kMostSide - 1, kMostSide + 1)); }

// Offset of a window of `size` in `canvas` for a uniform draw in [0, 1): all whole offsets are equally likely. A window
// larger than the canvas contains it.
double place(double draw, int canvas, int size) {
  const int free = canvas - size;
  const double offset = std::floor(draw * ((free < 0 ? -free : free) + 1));
  return free < 0 ? -offset : offset;
}

double middle(int canvas, int size) { return nearest_integer((canvas - size) * .5); }

// One side of a canvas scaled in whole numbers, rounded down, at least a pixel.
int scaled(int side, int numerator, int denominator) {
  const std::int64_t size = std::int64_t{side} * numerator / denominator;
  return static_cast<int>(std::clamp<std::int64_t>(size, 1, kMostSide + 1));  // refused later
}

// Modes: 0 stretch, 1 fit (the whole picture inside), 2 letterbox (fit, then padded to size), 3 cover (fills the size).
void resize(Arguments a, View& v) {
  const int height = whole(a[0]), width = whole(a[1]), mode = whole(a[2]);
  if (mode == 0) return stretch(v, height, width);
  const bool wider = std::int64_t{v.height} * width <= std::int64_t{v.width} * height;  // than the size asked for
  const bool by_width = (mode == 3) != wider;
  const int h = by_width ? scaled(v.height, width, v.width) : height;
  const int w = by_width ? width : scaled(v.width, height, v.height);
  stretch(v, h, w);
  if (mode == 2) window(v, std::floor((h - height) * .5), std::floor((w - width) * .5), height, width);
}

void crop(Arguments a, View& v) {
  const int height = whole(a[0]), width = whole(a[1]);
  window(v, place(a[2], v.height, height), place(a[3], v.width, width), height, width);
}

void center_crop(Arguments a, View& v) {
  const int height = whole(a[0]), width = whole(a[1]);
  window(v, middle(v.height, height), middle(v.width, width), height, width);
}

// A crop with this area (a fraction of the canvas) and aspect ratio (width / height), whose sides are clamped to the
// canvas, resized to height x width.
void resized_crop(Arguments a, View& v) {
  const double area = a[2] * v.height * v.width;
  const auto side = [](double length, int most) {
    const double rounded = nearest_integer(std::sqrt(length));
    return !(rounded >= 1) ? 1 : rounded > most ? most : static_cast<int>(rounded);
  };
  const int w = side(area * a[3], v.width), h = side(area / a[3], v.height);
  window(v, place(a[4], v.height, h), place(a[5], v.width, w), h, w);
  stretch(v, whole(a[0]), whole(a[1]));
}

void pad(Arguments a, View& v) {
  window(v, -a[0], -a[3], v.height + whole(a[0]) + whole(a[2]), v.width + whole(a[1]) + whole(a[3]));
}

void rotate(Arguments a, View& v) {
  const SinCos t = sincos_degrees(a[0]);
  about_centre(v, t.cos, -t.sin, t.sin, t.cos);
}

void slant(View& v, double x, double y) {  // output = [1 x; y 1] input
  const double d = 1 - x * y;
  about_centre(v, 1 / d, -x / d, -y / d, 1 / d);
}
void shear(Arguments a, View& v) { slant(v, a[0], a[1]); }
void shear_degrees(Arguments a, View& v) { slant(v, tan_degrees(a[0]), tan_degrees(a[1])); }

void zoom(Arguments a, View& v) { about_centre(v, 1 / a[0], 0, 0, 1 / a[1]); }
void translate(Arguments a, View& v) { window(v, -a[1] * v.height, -a[0] * v.width, v.height, v.width); }

// A matrix given as numbers: (x, y) of the canvas comes from (a x + b y + c, d x + e y + f), in pixels.
void affine(Arguments a, View& v) { append(v, {{a[0], a[1], a[2], a[3], a[4], a[5]}}, v.height, v.width); }

// Points move by [a b; d e] about the centre, then by the fractions c and f of width and height.
void matrix(Arguments a, View& v) {
  const double d = a[0] * a[4] - a[1] * a[3];
  about_centre(v, a[4] / d, -a[1] / d, -a[3] / d, a[0] / d);
  window(v, -a[5] * v.height, -a[2] * v.width, v.height, v.width);
}

// A projective matrix given as numbers: as `affine`, divided by g x + h y + i.
void projective(Arguments a, View& v) {
  append(v, {{a[0], a[1], a[2], a[3], a[4], a[5]}, {a[6], a[7], a[8]}}, v.height, v.width);
}

// Each corner of the canvas (top left, top right, bottom right, bottom left) moves inwards by `a[0]` times its two
// shares, as fractions of width and height. The map from the square to a quadrilateral is that of Heckbert,
// "Fundamentals of Texture Mapping and Image Warping" (1989), section 2.2.3; pixels come from its inverse.
void perspective(Arguments a, View& v) {
  const double w = v.width, h = v.height;
  const auto move = [&](std::size_t i) { return a[0] * a[i]; };
  const double x0 = move(1), x1 = 1 - move(3), x2 = 1 - move(5), x3 = move(7);
  const double y0 = move(2), y1 = move(4), y2 = 1 - move(6), y3 = 1 - move(8);
  const double dx1 = x1 - x2, dx2 = x3 - x2, sx = x0 - x1 + x2 - x3;
  const double dy1 = y1 - y2, dy2 = y3 - y2, sy = y0 - y1 + y2 - y3;
  const double d = dx1 * dy2 - dx2 * dy1;
  const double g = (sx * dy2 - dx2 * sy) / d, i = (dx1 * sy - sx * dy1) / d;
  const double m[9] = {x1 - x0 + g * x1, x3 - x0 + i * x3, x0, y1 - y0 + g * y1, y3 - y0 + i * y3, y0, g, i, 1};
  const double n[9] = {m[4] * m[8] - m[5] * m[7], m[2] * m[7] - m[1] * m[8], m[1] * m[5] - m[2] * m[4],
                       m[5] * m[6] - m[3] * m[8], m[0] * m[8] - m[2] * m[6], m[2] * m[3] - m[0] * m[5],
                       m[3] * m[7] - m[4] * m[6], m[1] * m[6] - m[0] * m[7], m[0] * m[4] - m[1] * m[3]};
  const Map back{
      {n[0] / n[8], n[1] / n[8] * (w / h), n[2] / n[8] * w, n[3] / n[8] * (h / w), n[4] / n[8], n[5] / n[8] * h},
      {n[6] / n[8] / w, n[7] / n[8] / h, 1}};
  append(v, back, v.height, v.width);
}

// A dense field over the canvas: rows, columns, then for each point of the grid where it comes from: its distance in x
// and y, in fractions of the sides.
void displace(Arguments a, View& v) {
  const int rows = whole(a[0]), columns = whole(a[1]);
  if (rows < 2 || columns < 2 || std::int64_t{rows} * columns != static_cast<std::int64_t>(a.size() - 2) / 2 ||
      a.size() % 2 != 0)
    throw std::runtime_error("displace needs 2 numbers for each of rows x columns points, and at least 2 x 2 points");
  add_field(v, rows, columns, {a.begin() + 2, a.end()});
}

constexpr Op kOps[] = {
    {"resize", Kind::map, 3, 0, resize},
    {"crop", Kind::map, 4, 0, crop},
    {"center_crop", Kind::map, 2, 0, center_crop},
    {"resized_crop", Kind::map, 6, 0, resized_crop},
    {"pad", Kind::map, 4, 0, pad},
    {"rotate", Kind::map, 1, 0, rotate},
    {"shear", Kind::map, 2, 0, shear},
    {"shear_degrees", Kind::map, 2, 0, shear_degrees},
    {"zoom", Kind::map, 2, 0, zoom},
    {"translate", Kind::map, 2, 0, translate},
    {"flip_horizontal", Kind::map, 0, 0, [](Arguments, View& v) { flip_horizontal(v); }},
    {"flip_vertical", Kind::map, 0, 0, [](Arguments, View& v) { flip_vertical(v); }},
    {"transpose", Kind::map, 0, 0, [](Arguments, View& v) { transpose(v); }},
    {"rotate90", Kind::map, 1, 0, [](Arguments a, View& v) { quarter_turns(v, whole(a[0])); }},
    {"affine", Kind::map, 6, 0, affine},
    {"matrix", Kind::map, 6, 0, matrix},
    {"projective", Kind::map, 9, 0, projective},
    {"perspective", Kind::map, 9, 0, perspective},
    {"displace", Kind::map, 2, -1, displace},
};

}  // namespace

std::span<const Op> geometry_ops() { return kOps; }

}  // namespace vary
