#include "geometry.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "maths.h"
#include "size_limits.h"

namespace vary {
namespace {

struct Affine {
  double m[6];
};

// old canvas -> new canvas: `l` takes new coordinates to old ones.
void follow(View& v, const Affine& l, int height, int width) {
  const double* const m = v.m;
  const View next{
      height,
      width,
      {m[0] * l.m[0] + m[1] * l.m[3], m[0] * l.m[1] + m[1] * l.m[4], (m[0] * l.m[2] + m[1] * l.m[5]) + m[2],
       m[3] * l.m[0] + m[4] * l.m[3], m[3] * l.m[1] + m[4] * l.m[4], (m[3] * l.m[2] + m[4] * l.m[5]) + m[5]}};
  v = next;
}

// A linear map about the centre of the canvas, given as output -> input.
void about_centre(View& v, double a, double b, double c, double d) {
  const double x = v.width * .5, y = v.height * .5;
  follow(v, {{a, b, x - (a * x + b * y), c, d, y - (c * x + d * y)}}, v.height, v.width);
}

void window(View& v, double top, double left, int height, int width) {
  follow(v, {{1, 0, left, 0, 1, top}}, height, width);
}

void stretch(View& v, int height, int width) {
  follow(v, {{static_cast<double>(v.width) / width, 0, 0, 0, static_cast<double>(v.height) / height, 0}}, height,
         width);
}

// Offset of a window of `size` in `canvas` for a draw in [0, 1): whole pixels, each offset equally likely; a window
// larger than the canvas hangs over it by as much on average.
double place(double draw, int canvas, int size) {
  const int room = canvas - size;
  const double offset = std::floor(draw * ((room < 0 ? -room : room) + 1));
  return room < 0 ? -offset : offset;
}

double middle(int canvas, int size) { return nearest_integer((canvas - size) * .5); }

// One side of a canvas scaled in whole numbers, rounded down, at least a pixel.
int scaled(int side, int numerator, int denominator) {
  const std::int64_t size = std::int64_t{side} * numerator / denominator;
  return static_cast<int>(std::clamp<std::int64_t>(size, 1, kMostSide + 1));  // refused later
}

// Modes: 0 stretch, 1 fit (the whole picture inside), 2 letterbox (fit, then padded to size), 3 cover (fills the size).
void resize(View& v, int height, int width, int mode) {
  if (mode == 0) return stretch(v, height, width);
  const bool flat = std::int64_t{v.height} * width <= std::int64_t{v.width} * height;  // wider than the box
  const bool by_width = (mode == 3) != flat;
  const int h = by_width ? scaled(v.height, width, v.width) : height;
  const int w = by_width ? width : scaled(v.width, height, v.height);
  stretch(v, h, w);
  if (mode == 2) window(v, std::floor((h - height) * .5), std::floor((w - width) * .5), height, width);
}

// A crop of `area` (a share of the canvas) and aspect `ratio` (width / height); a side that does not fit is cut to the
// canvas. Then stretched to height x width.
void resized_crop(View& v, int height, int width, const double* a) {
  const double area = a[0] * v.height * v.width;
  const auto side = [](double length, int most) {
    const double whole = nearest_integer(std::sqrt(length));
    return !(whole >= 1) ? 1 : whole > most ? most : static_cast<int>(whole);
  };
  const int w = side(area * a[1], v.width), h = side(area / a[1], v.height);
  window(v, place(a[2], v.height, h), place(a[3], v.width, w), h, w);
  stretch(v, height, width);
}

void quarter_turns(View& v, int turns) {
  const double h = v.height, w = v.width;
  switch (turns & 3) {
    case 0: return;
    case 1: return follow(v, {{0, -1, w, 1, 0, 0}}, v.width, v.height);
    case 2: return follow(v, {{-1, 0, w, 0, -1, h}}, v.height, v.width);
    default: return follow(v, {{0, 1, 0, -1, 0, h}}, v.width, v.height);
  }
}

void flip_horizontal(View& v) { follow(v, {{-1, 0, static_cast<double>(v.width), 0, 1, 0}}, v.height, v.width); }
void flip_vertical(View& v) { follow(v, {{1, 0, 0, 0, -1, static_cast<double>(v.height)}}, v.height, v.width); }
void transpose(View& v) { follow(v, {{0, 1, 0, 1, 0, 0}}, v.width, v.height); }

void shear(View& v, double x, double y) {  // output = [1 x; y 1] input
  const double d = 1 - x * y;
  about_centre(v, 1 / d, -x / d, -y / d, 1 / d);
}

[[noreturn]] void refuse(const Concrete& instruction, const std::string& what) {
  throw std::runtime_error(name_of(instruction) + what);
}

void check_arguments(const Concrete& instruction) {
  for (int i = 0; i < instruction.count; ++i)
    if (!(std::fabs(instruction.a[i]) <= 1e15))
      refuse(instruction, " has an argument that is not finite, or too large");
}

// Products of a map's numbers and the pixels of any canvas must be finite, and so must those of the way back.
void check_view(const Concrete& instruction, const View& v) {
  constexpr double most = 1e290;
  if (v.height < 1 || v.width < 1) refuse(instruction, " leaves no pixel of the canvas");
  if (v.height > kMostSide || v.width > kMostSide)
    refuse(instruction, " makes a canvas with a side over " + std::to_string(kMostSide) +
                            " pixels; use smaller sizes, or fewer such transforms");
  for (const double* const row : {v.m, v.m + 3}) {
    const double size = std::max(std::fabs(row[0]), std::fabs(row[1]));
    const bool finite = std::fabs(row[0]) <= most && std::fabs(row[1]) <= most && std::fabs(row[2]) <= most;
    if (!finite || size < 1 / most)
      refuse(instruction,
             " stretches, shrinks or moves the picture without end, together with the transforms before "
             "it; use milder arguments, or fewer such transforms");
  }
}

void change(const Concrete& instruction, View& v) {
  const double* const a = instruction.a;
  const auto whole = [a](int i) {
    return static_cast<int>(std::clamp<double>(a[i], -kMostSide - 1, kMostSide + 1));  // refused later
  };
  switch (instruction.op) {
    case Op::resize: return resize(v, whole(0), whole(1), whole(2));
    case Op::rotate: {
      const SinCos t = sincos_degrees(a[0]);
      return about_centre(v, t.cos, -t.sin, t.sin, t.cos);
    }
    case Op::shear: return shear(v, a[0], a[1]);
    case Op::shear_degrees: return shear(v, tan_degrees(a[0]), tan_degrees(a[1]));
    case Op::zoom: return about_centre(v, 1 / a[0], 0, 0, 1 / a[1]);
    case Op::translate: return window(v, -a[1] * v.height, -a[0] * v.width, v.height, v.width);
    case Op::flip_horizontal: return flip_horizontal(v);
    case Op::flip_vertical: return flip_vertical(v);
    case Op::transpose: return transpose(v);
    case Op::rotate90: return quarter_turns(v, whole(0));
    case Op::crop:
      return window(v, place(a[2], v.height, whole(0)), place(a[3], v.width, whole(1)), whole(0), whole(1));
    case Op::center_crop: return window(v, middle(v.height, whole(0)), middle(v.width, whole(1)), whole(0), whole(1));
    case Op::resized_crop: return resized_crop(v, whole(0), whole(1), a + 2);
    case Op::pad: return window(v, -a[0], -a[3], v.height + whole(0) + whole(2), v.width + whole(1) + whole(3));
    default: return;
  }
}

}  // namespace

void apply(const Concrete& instruction, View& v) {
  check_arguments(instruction);
  change(instruction, v);
  check_view(instruction, v);
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
    default: return;
  }
}

}  // namespace vary
