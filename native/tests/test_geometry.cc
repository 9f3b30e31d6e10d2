// Every geometric instruction on a small canvas, compared with a map that was computed by hand.
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "check.h"
#include "geometry.h"
#include "made.h"

namespace {

using vary::Concrete;
using Op = made::Name;
using vary::View;

View canvas(int height, int width) {
  View view;
  view.height = height;
  view.width = width;
  return view;
}

View after(View view, Op op, const std::vector<double>& arguments) {
  apply(made::concrete(op, arguments), view);
  return view;
}

bool close(const View& a, const View& b, double tolerance) {
  bool same = a.height == b.height && a.width == b.width;
  for (int i = 0; i < 6; ++i) same = same && std::fabs(a.m[i] - b.m[i]) <= tolerance;
  for (int i = 0; i < 3; ++i) same = same && std::fabs(a.p[i] - b.p[i]) <= tolerance;
  return same;
}

std::string text(const View& v) {
  std::string out = std::to_string(v.height) + " x " + std::to_string(v.width);
  for (const double m : v.m) out.append(1, ' ').append(std::to_string(m));
  for (const double p : v.p) out.append(1, ' ').append(std::to_string(p));
  return out;
}

void check_view(const View& seen, const View& expected, int line, double tolerance = 0) {
  const bool same = close(seen, expected, tolerance);
  check::that(same, __FILE__, line, same ? "" : (text(seen) + ", expected " + text(expected)).c_str());
}

void test_instructions() {
  const struct {
    int line;
    Op op;
    std::vector<double> arguments;
    View before, expected;
  } cases[] = {
      {__LINE__, "flip_horizontal", {}, canvas(2, 3), {2, 3, {-1, 0, 3, 0, 1, 0}}},
      {__LINE__, "flip_vertical", {}, canvas(2, 3), {2, 3, {1, 0, 0, 0, -1, 2}}},
      {__LINE__, "transpose", {}, canvas(2, 3), {3, 2, {0, 1, 0, 1, 0, 0}}},
      {__LINE__, "rotate90", {0}, canvas(2, 3), {2, 3, {1, 0, 0, 0, 1, 0}}},
      {__LINE__, "rotate90", {1}, canvas(2, 3), {3, 2, {0, -1, 3, 1, 0, 0}}},  // the top right corner goes top left
      {__LINE__, "rotate90", {2}, canvas(2, 3), {2, 3, {-1, 0, 3, 0, -1, 2}}},
      {__LINE__, "rotate90", {3}, canvas(2, 3), {3, 2, {0, 1, 0, -1, 0, 2}}},
      {__LINE__, "rotate90", {-1}, canvas(2, 3), {3, 2, {0, 1, 0, -1, 0, 2}}},
      {__LINE__, "rotate", {0}, canvas(2, 4), {2, 4, {1, 0, 0, 0, 1, 0}}},
      {__LINE__, "rotate", {90}, canvas(2, 4), {2, 4, {0, -1, 3, 1, 0, -1}}},  // the canvas stays
      {__LINE__, "rotate", {180}, canvas(2, 4), {2, 4, {-1, 0, 4, 0, -1, 2}}},
      {__LINE__, "shear", {.5, 0}, canvas(2, 4), {2, 4, {1, -.5, .5, 0, 1, 0}}},
      {__LINE__, "shear", {0, .5}, canvas(2, 4), {2, 4, {1, 0, 0, -.5, 1, 1}}},
      {__LINE__, "shear", {.5, .5}, canvas(2, 2), {2, 2, {4. / 3, -2. / 3, 1. / 3, -2. / 3, 4. / 3, 1. / 3}}},
      {__LINE__, "shear_degrees", {45, 0}, canvas(2, 4), {2, 4, {1, -1, 1, 0, 1, 0}}},
      {__LINE__, "zoom", {2, 2}, canvas(2, 4), {2, 4, {.5, 0, 1, 0, .5, .5}}},
      {__LINE__, "zoom", {.5, 1}, canvas(2, 4), {2, 4, {2, 0, -2, 0, 1, 0}}},
      {__LINE__, "translate", {.25, -.5}, canvas(2, 4), {2, 4, {1, 0, -1, 0, 1, 1}}},
      {__LINE__, "pad", {1, 2, 3, 4}, canvas(2, 4), {6, 10, {1, 0, -4, 0, 1, -1}}},  // top right bottom left
      {__LINE__, "center_crop", {2, 2}, canvas(4, 7), {2, 2, {1, 0, 2, 0, 1, 1}}},   // 2.5 to even
      {__LINE__, "center_crop", {2, 2}, canvas(5, 5), {2, 2, {1, 0, 2, 0, 1, 2}}},   // 1.5 to even
      {__LINE__, "center_crop", {6, 6}, canvas(2, 4), {6, 6, {1, 0, -1, 0, 1, -2}}},
      {__LINE__, "crop", {2, 3, 0, 0}, canvas(4, 5), {2, 3, {1, 0, 0, 0, 1, 0}}},
      {__LINE__, "crop", {2, 3, .5, .99}, canvas(4, 5), {2, 3, {1, 0, 2, 0, 1, 1}}},
      {__LINE__, "crop", {6, 7, .5, .99}, canvas(4, 5), {6, 7, {1, 0, -2, 0, 1, -1}}},
      {__LINE__, "resized_crop", {2, 2, 1, 1, 0, 0}, canvas(4, 4), {2, 2, {2, 0, 0, 0, 2, 0}}},
      {__LINE__, "resized_crop", {4, 4, .25, 1, .99, 0}, canvas(4, 4), {4, 4, {.5, 0, 0, 0, .5, 2}}},
      {__LINE__, "resized_crop", {4, 4, .25, 4, 0, .99}, canvas(4, 4), {4, 4, {1, 0, 0, 0, .25, 0}}},
      {__LINE__, "resized_crop", {1, 1, 1, 100, 0, 0}, canvas(4, 4), {1, 1, {4, 0, 0, 0, 1, 0}}},   // cut to the canvas
      {__LINE__, "resized_crop", {1, 1, 1e-9, 1, 0, 0}, canvas(4, 4), {1, 1, {1, 0, 0, 0, 1, 0}}},  // at least a pixel
      {__LINE__, "resize", {4, 2, 0}, canvas(2, 4), {4, 2, {2, 0, 0, 0, .5, 0}}},
      {__LINE__, "affine", {2, 0, 1, 0, 3, -1}, canvas(2, 4), {2, 4, {2, 0, 1, 0, 3, -1}}},
      {__LINE__, "projective", {2, 0, 0, 0, 2, 0, .5, 0, 2}, canvas(2, 4), {2, 4, {1, 0, 0, 0, 1, 0}, {.25, 0, 1}}},
      {__LINE__, "perspective", {0, 1, 1, 1, 1, 1, 1, 1, 1}, canvas(2, 4), {2, 4}},
      // all corners inwards by a quarter of the sides: half as large, about the centre
      {__LINE__, "perspective", {.25, 1, 1, 1, 1, 1, 1, 1, 1}, canvas(2, 4), {2, 4, {2, 0, -2, 0, 2, -1}}},
      // the upper corners inwards by a quarter of the width: the top edge of the picture is 2 long, from x = 1
      {__LINE__, "perspective", {.25, 1, 0, 1, 0, 0, 0, 0, 0}, canvas(2, 4), {2, 4, {2, 1, -2, 0, 2, 0}, {0, .5, 1}}},
  };
  for (const auto& c : cases) {
    const double tolerance = c.op == "shear" || c.op == "shear_degrees" ? 1e-15 : 0;
    check_view(after(c.before, c.op, c.arguments), c.expected, c.line, tolerance);
  }
}

void test_resize_modes() {
  constexpr int fit = 1, letterbox = 2, cover = 3;
  const struct {
    int mode, from_height, from_width, height, width;  // asked for
    int out_height, out_width;
    double top, left;  // the canvas corner, in pixels of the scaled picture
  } cases[] = {
      {fit, 100, 200, 50, 50, 25, 50, 0, 0},          {fit, 200, 100, 50, 50, 50, 25, 0, 0},
      {fit, 100, 200, 400, 400, 200, 400, 0, 0},      {fit, 3, 1000, 10, 10, 1, 10, 0, 0},
      {fit, 100, 150, 64, 64, 42, 64, 0, 0},          {fit, 7, 7, 3, 5, 3, 3, 0, 0},
      {cover, 100, 200, 50, 50, 50, 100, 0, 0},       {cover, 200, 100, 50, 50, 100, 50, 0, 0},
      {cover, 100, 150, 64, 64, 64, 96, 0, 0},        {letterbox, 100, 200, 50, 50, 50, 50, -13, 0},
      {letterbox, 200, 100, 50, 50, 50, 50, 0, -13},  {letterbox, 50, 50, 50, 50, 50, 50, 0, 0},
      {letterbox, 100, 200, 50, 104, 50, 104, 0, -2},
  };
  for (const auto& c : cases) {
    const View seen =
        after(canvas(c.from_height, c.from_width), "resize", {double(c.height), double(c.width), double(c.mode)});
    CHECK_EQUAL(seen.height, c.out_height);
    CHECK_EQUAL(seen.width, c.out_width);
    CHECK_NEAR(seen.m[2] / seen.m[0], c.left, 1e-9);
    CHECK_NEAR(seen.m[5] / seen.m[4], c.top, 1e-9);
    if (c.mode != letterbox) {
      CHECK_NEAR(seen.m[0] * seen.width, c.from_width, 1e-9);  // all of the picture, edge to edge
      CHECK_NEAR(seen.m[4] * seen.height, c.from_height, 1e-9);
    }
  }
}

// Every whole offset as often as the others, for windows within the canvas and beyond it.
void test_places() {
  for (const int size : {1, 3, 4, 5, 9}) {
    constexpr int draws = 1200, canvas_size = 5;
    const int room = std::abs(canvas_size - size);
    std::vector<int> seen(static_cast<std::size_t>(room) + 1);
    for (int i = 0; i < draws; ++i) {
      const double draw = (i + .5) / draws;
      const View view = after(canvas(canvas_size, 1), "crop", {double(size), 1, draw, 0});
      ++seen.at(static_cast<std::size_t>(std::fabs(view.m[5])));
      CHECK(view.m[5] == 0 || (view.m[5] > 0) == (size < canvas_size));
    }
    for (const int count : seen) CHECK_EQUAL(count, draws / (room + 1));
  }
}

void test_order_of_maps() {  // the first listed acts first on the picture
  const View turned_then_cut = after(after(canvas(4, 4), "rotate90", {1}), "crop", {2, 2, 0, 0});
  check_view(turned_then_cut, {2, 2, {0, -1, 4, 1, 0, 0}}, __LINE__);
  const View cut_then_turned = after(after(canvas(4, 4), "crop", {2, 2, 0, 0}), "rotate90", {1});
  check_view(cut_then_turned, {2, 2, {0, -1, 2, 1, 0, 0}}, __LINE__);
}

void test_turns_come_home() {
  for (const Op op : {"rotate90", "rotate"}) {
    View view = canvas(4, 6);
    for (int i = 0; i < 4; ++i) view = after(view, op, {op == "rotate" ? 90. : 1.});
    check_view(view, canvas(4, 6), __LINE__);
  }
  for (const Op op : {"flip_horizontal", "flip_vertical", "transpose"})
    check_view(after(after(canvas(2, 3), op, {}), op, {}), canvas(2, 3), __LINE__);
}

// A picture of 2 x 3 letters as each EXIF orientation shows it.
void test_orientations() {
  const char* const stored[2] = {"abc", "def"};
  const char* const shown[9] = {"",         "abc/def",  "cba/fed",  "fed/cba", "def/abc",
                                "ad/be/cf", "da/eb/fc", "fc/eb/da", "cf/be/ad"};
  for (int orientation = 1; orientation <= 8; ++orientation) {
    View view = canvas(2, 3);
    vary::orient(orientation, view);
    std::string seen;
    for (int y = 0; y < view.height; ++y) {
      if (y > 0) seen += '/';
      for (int x = 0; x < view.width; ++x) {
        const double* const m = view.m;
        const double at_x = m[0] * (x + .5) + m[1] * (y + .5) + m[2], at_y = m[3] * (x + .5) + m[4] * (y + .5) + m[5];
        CHECK(at_x > 0 && at_x < 3 && at_y > 0 && at_y < 2);
        seen += stored[static_cast<int>(at_y)][static_cast<int>(at_x)];
      }
    }
    CHECK_EQUAL(seen, std::string(shown[orientation]));
  }
}

// The error of `apply` for one more instruction; empty if there is none.
std::string refusal(View view, Op op, const std::vector<double>& arguments, const std::string& name = {}) {
  Concrete c = made::concrete(op, arguments);
  c.name = &name;
  try {
    apply(c, view);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return {};
}

void test_without_end() {
  const double most = 1 << 28, infinity = std::numeric_limits<double>::infinity();
  CHECK_EQUAL(refusal(canvas(8, 8), "resize", {most, 1, 0}), std::string());
  CHECK(refusal(canvas(8, 8), "resize", {most + 1, 1, 0}).starts_with("resize makes a canvas with a side over"));
  CHECK(refusal(canvas(8, 8), "resize", {most + 1, 1, 0}, "Resize").starts_with("Resize makes a canvas"));
  CHECK(!refusal(canvas(8, 1 << 28), "resize", {9, 9, 3}).empty());  // covers a square: 2^28 9 / 8 wide
  CHECK(!refusal(canvas(8, 8), "pad", {most, most, most, most}).empty());
  CHECK(!refusal(canvas(1 << 28, 8), "pad", {1, 0, 0, 0}).empty());
  CHECK(refusal(canvas(8, 8), "crop", {0, 5, 0, 0}).find("no pixel") != std::string::npos);
  CHECK(refusal(canvas(8, 8), "pad", {-9, 0, 0, 0}).find("no pixel") != std::string::npos);
  for (const double wrong : {infinity, -infinity, std::nan(""), 1e16})
    for (const Op op : {"resize", "rotate", "shear", "shear_degrees", "zoom", "translate", "rotate90", "crop",
                        "center_crop", "resized_crop", "pad", "affine", "projective", "perspective"})
      CHECK(refusal(canvas(8, 8), op, std::vector<double>(9, wrong)).find("not finite") != std::string::npos);
  for (const auto& [op, arguments] : {std::pair<Op, std::vector<double>>{"zoom", {0, 1}},
                                      {"zoom", {1, 1e-300}},
                                      {"shear", {2, .5}},
                                      {"shear", {-1, -1}}})
    CHECK(refusal(canvas(8, 8), op, arguments).find("without end") != std::string::npos);
  for (const double factor : {.01, 100., 1e-9}) {
    View view = canvas(8, 8);
    int times = 0;
    while (refusal(view, "zoom", {factor, 1}).empty() && ++times < 1000)
      apply(made::concrete("zoom", {factor, 1}), view);
    CHECK(times == (factor == 1e-9 ? 32 : 144) || times == 145);  // 1e290, and a rounding
  }
}

}  // namespace

int main() {
  test_instructions();
  test_resize_modes();
  test_places();
  test_order_of_maps();
  test_turns_come_home();
  test_orientations();
  test_without_end();
  return check::report();
}
