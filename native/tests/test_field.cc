// Dense fields: where points go, worked out by hand; the order of fields and maps; what is refused.
#include "field.h"

#include <cmath>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include "check.h"
#include "cpu.h"
#include "geometry.h"
#include "made.h"

namespace {

using made::Bytes;
using vary::Element;
using vary::Fill;
using vary::Plan;
using vary::View;

using List = std::vector<double>;

View after(View view, made::Name op, const List& arguments) {
  apply(made::concrete(op, arguments), view);
  return view;
}

View canvas(int height, int width) {
  View view;
  view.height = height;
  view.width = width;
  return view;
}

List shift() { return {2, 2, .25, .5, .25, .5, .25, .5, .25, .5}; }
List corner_out() {
  return {2, 2, 0, 0, .5, 0, 0, 0, 0, 0};
}  // the upper right corner comes from half a width further right
List spread() { return {3, 2, 0, .1, 0, .1, 0, 0, 0, 0, 0, -.1, 0, -.1}; }

// Where the centre of pixel (0, 0) of a view lies in the source.
void check_first(const View& view, double x, double y, int line) {
  double at[2] = {};
  locate_row(view, 0, 1, &at[0], &at[1]);
  const bool same = std::fabs(at[0] - x) < 1e-12 && std::fabs(at[1] - y) < 1e-12;
  check::that(same, __FILE__, line, (std::to_string(at[0]) + ", " + std::to_string(at[1])).c_str());
}

void test_places_by_hand() {
  const View square = after(canvas(10, 20), "displace", shift());
  CHECK(square.height == 10 && square.width == 20 && !square.affine());
  check_first(square, 5.5, 5.5, __LINE__);
  double x[4] = {0, 20, 10, 40}, y[4] = {0, 0, 5, -8};
  add_displacements(after(canvas(10, 20), "displace", corner_out()).layers[0].field, 4, x, y);
  const double expected_x[4] = {0, 30, 12.5, 50}, expected_y[4] = {0, 0, 5, -8};  // beyond the canvas as at its edge
  for (int i = 0; i < 4; ++i) {
    CHECK_EQUAL(x[i], expected_x[i]);
    CHECK_EQUAL(y[i], expected_y[i]);
  }
  double lost[2] = {NAN, 3};
  add_displacements(square.layers[0].field, 1, &lost[0], &lost[1]);
  CHECK(std::isnan(lost[0]));
}

void test_order() {
  const View start = canvas(10, 20);
  // Of the result, the point (.5, .5) was moved last: a crop from (4, 2), after which the shift is smaller.
  check_first(after(after(start, "crop", {5, 8, .4, .35}), "displace", shift()), .5 + 2 + 4, .5 + 2.5 + 2, __LINE__);
  check_first(after(after(start, "displace", shift()), "crop", {5, 8, .4, .35}), .5 + 4 + 5, .5 + 2 + 5, __LINE__);
  check_first(after(after(start, "displace", shift()), "flip_horizontal", {}), 19.5 + 5, .5 + 5, __LINE__);
  check_first(after(after(start, "flip_horizontal", {}), "displace", shift()), 20 - 5.5, .5 + 5, __LINE__);
  check_first(after(after(start, "displace", shift()), "resize", {20, 20, 0}), 5.5, .25 + 5, __LINE__);
  check_first(after(after(start, "displace", shift()), "displace", shift()), 10.5, 10.5, __LINE__);
  View turned = after(after(start, "displace", shift()), "rotate90", {1});
  CHECK(turned.height == 20 && turned.width == 10 && turned.layers.size() == 1);
  check_first(turned, 19.5 + 5, .5 + 5, __LINE__);
  turned = after(turned, "displace", shift());
  CHECK_EQUAL(turned.layers[1].field.height, 20);
  CHECK_EQUAL(turned.layers[1].field.width, 10);
}

// What a perspective cannot show stays so on the way to the source, whatever lies between.
void test_behind_a_horizon() {
  const View behind = after(canvas(10, 20), "projective", {1, 0, 0, 0, 1, 0, -.25, 0, 1});
  const View small = after(after(canvas(10, 20), "affine", {1e-6, 0, 5, 0, 1e-6, 5}), "displace", shift());
  for (const View& view :
       {after(behind, "displace", shift()), after(small, "projective", {1, 0, 0, 0, 1, 0, -.25, 0, 1})}) {
    std::vector<double> x(20), y(20);
    locate_row(view, 0, 20, x.data(), y.data());
    for (std::size_t k = 0; k < 20; ++k)
      CHECK_EQUAL(std::isnan(x[k]), static_cast<double>(k) + .5 + (view.layers[0].map.p[0] == 0 ? 5 : 0) >= 4);
  }
  const made::Picture picture(10, 20, 1, Element::u8);
  Plan plan;
  plan.fill = Fill::constant;
  plan.fill_value[0] = 300;  // no value of the picture
  const Bytes seen = made::sampled(vary::live_kernels(), plan, picture.image,
                                   after(small, "projective", {1, 0, 0, 0, 1, 0, -.25, 0, 1}));
  float last = 0;
  std::memcpy(&last, seen.data() + 19 * 4, 4);
  CHECK_EQUAL(last, 150.f);  // sampled() halves the first channel
}

void test_mean_steps() {
  const vary::Steps at = steps_of(after(after(canvas(10, 20), "displace", spread()), "resize", {5, 20, 0}));
  const double expected[4] = {1, 0, 0, 2 * .8};  // from .1 to -.1 of the height over the height
  for (int i = 0; i < 4; ++i) CHECK_NEAR(at.d[i], expected[i], 1e-12);
  const vary::Steps corner = steps_of(after(canvas(10, 20), "displace", corner_out()));
  const double expected_corner[4] = {1.25, -.5, 0, 1};
  for (int i = 0; i < 4; ++i) CHECK_NEAR(corner.d[i], expected_corner[i], 1e-12);
}

std::string refusal(const List& arguments) {
  try {
    after(canvas(8, 8), "displace", arguments);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return {};
}

List field_of(int rows, int columns, int place, double number) {
  List out(2 + 2 * static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns));
  out[0] = rows;
  out[1] = columns;
  out[2 + static_cast<std::size_t>(place)] = number;
  return out;
}

void test_refusals() {
  for (const List& wrong : {List{2, 2, 0}, List{1, 4, 0, 0, 0, 0, 0, 0, 0, 0}, List{2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0},
                            List{2, 2, 0, 0, 0, 0, 0, 0}, List{1e9, 1e9, 0, 0}, List{-2, -2, 0, 0, 0, 0, 0, 0, 0, 0}})
    CHECK(refusal(wrong).starts_with("displace needs 2 numbers for each of rows x columns points"));
  CHECK(refusal(field_of(3, 3, 8, NAN)).find("not finite") != std::string::npos);
  // The middle point of 3 x 3, in x: cells are half as wide as the canvas, so it may move by less than that.
  CHECK_EQUAL(refusal(field_of(3, 3, 8, .499)), std::string());
  CHECK(refusal(field_of(3, 3, 8, .501)).find("folds the picture") != std::string::npos);
  CHECK(refusal(field_of(3, 3, 8, -.501)).find("by 0.250000 from left to right") != std::string::npos);
  // A corner that is pushed across the canvas, and one that is pushed along its edge.
  CHECK(refusal(field_of(2, 2, 0, 1.01)).find("folds") != std::string::npos);
  CHECK_EQUAL(refusal(field_of(2, 2, 0, -5)), std::string());
  // Turned by a quarter it keeps its orientation, but not beyond the canvas, where displacements are those of the edge.
  CHECK(refusal({2, 2, 0, 1, -1, 0, 1, 0, 0, -1}).find("folds") != std::string::npos);
}

// Fields read no more of a picture than the window that is decoded for them.
void test_windows() {
  made::Numbers numbers(5);
  int within = 0;
  for (int i = 0; i < 300; ++i) {
    List field = field_of(2 + numbers.below(4), 2 + numbers.below(4), 0, 0);
    for (std::size_t k = 2; k < field.size(); ++k) field[k] = (numbers.below(1000) - 500) / 1e3 * .2;
    View view = after(canvas(60, 80), "crop", {40, 30, numbers.below(9) / 10., numbers.below(9) / 10.});
    try {
      view = after(after(view, "displace", field), "rotate", {numbers.below(360) + 0.});
    } catch (const std::runtime_error&) {
      continue;
    }
    const vary::Window window = vary::window_of({}, view, 60, 80);
    std::vector<double> x(30), y(30);
    for (int row = 0; row < view.height; ++row) {
      locate_row(view, row, view.width, x.data(), y.data());
      for (std::size_t k = 0; k < x.size(); ++k) {
        const double at_x = std::fmin(std::fmax(x[k], 0), 79.99), at_y = std::fmin(std::fmax(y[k], 0), 59.99);
        CHECK(at_x >= window.left && at_x <= window.right && at_y >= window.top && at_y <= window.bottom);
      }
    }
    within += window.right - window.left < 80 || window.bottom - window.top < 60;
  }
  CHECK(within > 100);
}

}  // namespace

int main() {
  test_places_by_hand();
  test_order();
  test_behind_a_horizon();
  test_mean_steps();
  test_refusals();
  test_windows();
  return check::report();
}
