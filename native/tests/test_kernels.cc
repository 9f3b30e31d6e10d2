// All instruction sets give the same bytes, and no kernel reads or writes out of bounds (for the sanitizer, all buffers
// here end where the data ends). A few values are computed by hand; tests/truth checks the others.
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <string_view>

#include "check.h"
#include "cpu.h"
#include "made.h"

namespace {

using made::Bytes;
using made::Numbers;
using made::Picture;
using made::Planes;
using vary::Element;
using vary::Fill;
using vary::Kernels;
using vary::Plan;
using vary::Step;
using vary::View;

constexpr Fill kFills[] = {Fill::constant, Fill::nearest, Fill::reflect, Fill::reflect101, Fill::wrap};
constexpr int kChannels[] = {1, 3, 4};
constexpr Element kTypes[] = {Element::u8, Element::f32};
constexpr float kInfinity = std::numeric_limits<float>::infinity(), kNan = std::numeric_limits<float>::quiet_NaN();

// `run(kernels)` returns bytes; `words()` describes what was run.
template <typename Run, typename Words>
void alike(Run run, Words words) {
  Bytes first;
  for (const std::string& target : vary::available_targets()) {
    const Bytes seen = run(vary::kernels_of(target));
    if (first.empty()) first = seen;
    check::that(seen == first, __FILE__, __LINE__, seen == first ? "" : (words() + " on " + target).c_str());
  }
}

template <typename Run>
void on_every_target(Run run) {
  for (const std::string& target : vary::available_targets()) run(vary::kernels_of(target));
}

struct Map {
  const char* name;
  double m[6];
};

struct Size {
  int height, width, left;  // left: columns that are left out, so that there are gaps between rows
};

void sweep(const Map* maps, std::size_t count, const Size* sizes, std::size_t size_count, bool antialias) {
  for (std::size_t m = 0; m < count; ++m)
    for (int width = 1; width <= 140; ++width) {
      View view;
      view.width = width;
      view.height = 1 + width % 3;
      std::copy(maps[m].m, maps[m].m + 6, view.m);
      const Size& size = sizes[(static_cast<std::size_t>(width) + m) % size_count];
      for (const Element type : kTypes)
        for (const int channels : kChannels) {
          const Picture picture(size.height, size.width, channels, type);
          for (int way = 0; way < (antialias ? 5 : 10); ++way) {
            Plan plan;
            plan.antialias = antialias;
            plan.nearest = way >= 5;
            plan.fill = kFills[way % 5];
            plan.fill_value = {77};
            alike([&](const Kernels& k) { return made::sampled(k, plan, picture.without_left(size.left), view); },
                  [&] {
                    return std::string(maps[m].name) + ", width " + std::to_string(width) + ", source " +
                           std::to_string(size.height) + " x " + std::to_string(size.width) + " x " +
                           std::to_string(channels) + (type == Element::u8 ? " bytes" : " floats") + ", way " +
                           std::to_string(way);
                  });
          }
        }
    }
}

void test_warp() {
  constexpr Map maps[] = {
      {"identity", {1, 0, 0, 0, 1, 0}},
      {"shifted", {1, 0, .25, 0, 1, -.5}},
      {"turned", {.8, -.6, 3, .6, .8, -2}},
      {"enlarged", {.03, .01, .4, -.02, .05, .3}},
      {"shrunk", {40, 3, -900, -7, 55, -80}},
      {"backwards", {-1, 0, 30, 0, -1.5, 20}},
      {"crossed", {0, 1, -3, -1, 0, 12}},
      {"one place", {0, 0, 1.2, 0, 0, .7}},
      {"far away", {1, .1, 1e12, -.1, 1, -1e12}},
      {"leaping", {700, 0, -4e4, 0, -900, 3e4}},
      {"leaping far", {-1e7, 1, 1e9, 1e7, 1, -1e9}},
      {"tiny steps", {1e-300, 0, 2.5, 0, 1e-300, 1.5}},
  };
  constexpr Size sizes[] = {{1, 1, 0}, {1, 5, 0}, {5, 1, 0},   {2, 2, 0},   {2, 3, 1},
                            {4, 4, 0}, {9, 6, 2}, {20, 30, 0}, {20, 30, 3}, {40, 15, 9}};
  sweep(maps, std::size(maps), sizes, std::size(sizes), false);
  sweep(maps + 2, 3, sizes, std::size(sizes), true);  // reduced where it shrinks
}

void test_resize() {
  constexpr Map maps[] = {
      {"a little smaller", {1.001, 0, -.2, 0, 1, 0}}, {"halved", {2, 0, 0, 0, 2, 0}},
      {"2.5 and 3", {2.5, 0, -10, 0, 3, 5}},          {"many taps", {7.3, 0, 0, 0, 5.9, -11}},
      {"backwards", {-3, 0, 90, 0, -2, 30}},          {"crossed", {0, 2.5, 0, -1.5, 0, 40}},
      {"all of it", {300, 0, -900, 0, 1, 0}},         {"far away", {1.5, 0, 1e9, 0, 1.5, -1e9}},
  };
  constexpr Size sizes[] = {{1, 1, 0}, {1, 5, 0}, {5, 1, 0}, {2, 2, 0}, {7, 3, 1}, {33, 64, 0}, {31, 200, 3}};
  sweep(maps, std::size(maps), sizes, std::size(sizes), true);
}

// A picture of 2 x 3 grey bytes along a map, as one row of floats after the other.
std::vector<float> grey(const Kernels& k, const Plan& plan, const View& view) {
  const Picture picture(2, 3, 1, Bytes{0, 100, 200, 40, 140, 240});
  Bytes bytes = made::sampled(k, plan, picture.image, view);
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  for (float& value : values) value *= 2;  // sampled() halves the first channel
  return values;
}

void test_sampling_by_hand() {
  struct Case {
    View view;
    Fill fill;
    bool nearest;
    std::vector<float> expected;
  };
  const std::vector<Case> cases = {
      {{2, 3, {1, 0, 0, 0, 1, 0}}, Fill::constant, false, {0, 100, 200, 40, 140, 240}},
      {{1, 3, {1, 0, .5, 0, 1, 0}}, Fill::nearest, false, {50, 150, 200}},
      {{1, 3, {1, 0, .5, 0, 1, 0}}, Fill::constant, false, {50, 150, 7}},  // centre of the last: exactly the far edge
      {{1, 3, {1, 0, -.5, 0, 1, .5}}, Fill::constant, false, {20, 70, 170}},
      {{1, 3, {1, 0, .5, 0, 1, 0}}, Fill::nearest, true, {100, 200, 200}},
      {{1, 3, {1, 0, .25, 0, 1, .25}}, Fill::nearest, false, {35, 135, 210}},
      {{1, 3, {-1, 0, 3, 0, 1, 1}}, Fill::constant, false, {240, 140, 40}},
      {{3, 2, {0, 1, 0, 1, 0, 0}}, Fill::constant, false, {0, 40, 100, 140, 200, 240}},
      {{1, 7, {1, 0, -2, 0, 1, 0}}, Fill::reflect, false, {100, 0, 0, 100, 200, 200, 100}},
      {{1, 7, {1, 0, -2, 0, 1, 0}}, Fill::reflect101, false, {200, 100, 0, 100, 200, 100, 0}},
      {{1, 7, {1, 0, -2, 0, 1, 0}}, Fill::wrap, false, {100, 200, 0, 100, 200, 0, 100}},
      {{1, 7, {1, 0, -2, 0, 1, 0}}, Fill::nearest, false, {0, 0, 0, 100, 200, 200, 200}},
      {{1, 7, {1, 0, -2, 0, 1, 0}}, Fill::constant, false, {7, 7, 0, 100, 200, 7, 7}},
      {{1, 1, {3, 0, 0, 0, 2, 0}}, Fill::nearest, false, {120}},  // the filter: all pixels alike but the outer columns
  };
  on_every_target([&](const Kernels& k) {
    for (const Case& c : cases) {
      Plan plan;
      plan.fill = c.fill;
      plan.nearest = c.nearest;
      plan.fill_value[0] = 7;
      const std::vector<float> seen = grey(k, plan, c.view);
      CHECK_EQUAL(seen.size(), c.expected.size());
      for (std::size_t i = 0; i < seen.size(); ++i) CHECK_NEAR(seen[i], c.expected[i], 1e-5);
    }
  });
}

// Whole steps to the right and down in pictures of every small size, up to where only the last pixel is seen. Loads of
// the last pixels would reach beyond the picture, and are made otherwise.
void test_last_pixels() {
  struct Case {
    int height, width, channels, step;
    bool nearest;
  };
  std::vector<Case> cases;
  for (int height = 1; height <= 4; ++height)
    for (int width = 1; width <= 9; ++width)
      for (const int channels : kChannels)
        for (const int step : {0, 1, 9})
          for (const bool nearest : {false, true}) cases.push_back({height, width, channels, step, nearest});
  for (const Case& c : cases) {
    const Picture picture(c.height, c.width, c.channels, Element::u8);
    Plan plan;
    plan.fill = Fill::nearest;
    plan.nearest = c.nearest;
    const auto step = static_cast<double>(c.step);
    Bytes expected;
    for (int y = 0; y < c.height; ++y)
      for (int channel = 0; channel < c.channels; ++channel)
        for (int x = 0; x < c.width; ++x) {
          const int row = std::min(y + c.step, c.height - 1), column = std::min(x + c.step, c.width - 1);
          const int at = (row * c.width + column) * c.channels + channel;
          constexpr float scale[4] = {.5f, 1, 2, 1}, bias[4] = {0, 1, -3, 0};  // of sampled()
          const float value = picture.bytes[static_cast<std::size_t>(at)] * scale[channel] + bias[channel];
          made::append(expected, &value, sizeof value);
        }
    on_every_target([&](const Kernels& k) {
      CHECK(made::sampled(k, plan, picture.image, {c.height, c.width, {1, 0, step, 0, 1, step}}) == expected);
    });
  }
}

// Positions far outside come back by the definition of the fill, whether a block spans less than the picture or more.
void test_folds() {
  for (const int size : {1, 2, 3, 7, 30, 200})
    for (const double step : {.4, -.9, 1., 3.7, -50.})
      for (const double start : {-1e4, -31.2, .3, 199.9, 5e5})
        for (const Fill fill : {Fill::wrap, Fill::reflect, Fill::reflect101}) {
          const Picture picture(1, size, 1, Element::u8);
          Plan plan;
          plan.antialias = false;
          plan.nearest = true;
          plan.fill = fill;
          const View view{1, 140, {step, 0, start, 0, 1, 0}};
          const auto pixel_at = [&](int x) {
            const auto at = static_cast<long>(std::floor(start + (x + .5) * step));
            const int same = fill == Fill::reflect101 ? 1 : 0;
            const long period = fill == Fill::wrap ? size : std::max(2 * size - 2 * same, 1);
            const long place = (at % period + period) % period;
            return picture.bytes[static_cast<std::size_t>(place < size ? place : 2 * size - 1 - same - place)];
          };
          on_every_target([&](const Kernels& k) {
            const Bytes seen = made::sampled(k, plan, picture.image, view);
            int wrong = 0;
            for (int x = 0; x < 140; ++x) {
              float value = 0;
              std::memcpy(&value, seen.data() + x * 4, 4);
              wrong += value * 2 != static_cast<float>(pixel_at(x));  // sampled() halves the first channel
            }
            CHECK_EQUAL(wrong, 0);
          });
        }
}

Step step_of(bool clip) {
  Step step;
  step.clip = clip;
  step.low = 16;
  step.high = 235;
  for (int c = 0; c < 4; ++c) {
    step.scale[c] = 1.5f - static_cast<float>(c) / 8;
    step.bias[c] = static_cast<float>(c) - 3;
  }
  for (int i = 0; i < 9; ++i) step.mix[i] = static_cast<float>(i * i % 7 - 2) / 4;
  step.value = .3f;
  step.key[0] = 0x12345678;
  step.key[1] = 0x9abcdef0;
  return step;
}

void test_colour() {
  constexpr std::string_view names[] = {"affine", "matrix", "hue", "solarize", "gauss_noise", "table", "polynomial"};
  constexpr double numbers[] = {.9, .1, .4, -.2, 1.3};
  for (const int channels : kChannels)
    for (int n = 0; n <= 140; ++n)
      for (const bool clip : {false, true})
        for (const std::string_view name : names) {
          if (channels == 1 && (name == "matrix" || name == "hue")) continue;
          const auto run = [&](const Kernels& k) {
            Planes planes(channels, n);
            planes.fill(Numbers(static_cast<std::uint64_t>(n)));
            Step step = step_of(clip);
            step.run = made::kernel(k, name);
            step.numbers = numbers;
            step.count = static_cast<int>(std::size(numbers));
            step.run(step, planes.get(), {7, n, channels});
            const std::int64_t sum = k.grey_sum(planes.get(), channels, n, 0, 255, nullptr);
            Bytes out;
            planes.append_to(out);
            made::append(out, &sum, sizeof sum);
            return out;
          };
          alike(run, [&] { return std::string(name) + ", n " + std::to_string(n); });
        }
}

void test_colour_by_hand() {
  struct Case {
    const char* kernel;
    Step step;
    float before[4], after[4];
  };
  Step hue, swap, clip;
  hue.value = 1.f / 3;
  swap.mix[2] = swap.mix[4] = swap.mix[6] = 1;
  swap.bias[0] = 10;
  clip.clip = true;
  clip.low = 0, clip.high = 255;
  std::fill(clip.scale, clip.scale + 4, 2.f);
  const Case cases[] = {
      {"hue", hue, {255, 0, 0, 9}, {0, 255, 0, 9}},
      {"hue", hue, {90, 90, 90, 9}, {90, 90, 90, 9}},
      {"hue", hue, {10, 20, 250, 9}, {250, 10, 20, 9}},
      {"matrix", swap, {1, 2, 3, 9}, {13, 2, 1, 9}},
      {"affine", clip, {-1, 100, 200, 200}, {0, 200, 255, 400}},
      {"affine", clip, {kNan, kInfinity, -kInfinity, 0}, {kNan, 255, 0, 0}},
      {"hue", hue, {kNan, 2, 3, 9}, {kNan, kNan, kNan, 9}},
      {"hue", hue, {1, kNan, 3, 9}, {kNan, kNan, kNan, 9}},
      {"hue", hue, {1, 2, kNan, 9}, {kNan, kNan, kNan, 9}},
      {"matrix", swap, {1, kNan, 3, 9}, {kNan, kNan, kNan, 9}},
  };
  on_every_target([&](const Kernels& k) {
    for (const Case& c : cases) {
      const Planes planes(4, 1);
      for (int i = 0; i < 4; ++i) planes.get()[i][0] = c.before[i];
      made::kernel(k, c.kernel)(c.step, planes.get(), {0, 1, 4});
      for (int i = 0; i < 4; ++i) {
        CHECK_EQUAL(std::isnan(planes.get()[i][0]), std::isnan(c.after[i]));
        if (!std::isnan(c.after[i])) CHECK_NEAR(planes.get()[i][0], c.after[i], 1e-4);
      }
    }
  });
}

void test_grey_sum_by_hand() {
  constexpr double unit = 1 << 20;
  struct Case {
    float r, g, b;
    double sum;
  };
  constexpr Case cases[] = {{255, 255, 255, unit},         {0, 0, 0, 0},
                            {255, 0, 0, .299 * unit},      {0, 255, 0, .587 * unit},
                            {-255, -255, -255, -unit},     {kInfinity, 0, 0, 9 * unit},
                            {-kInfinity, 0, 0, -8 * unit}, {kNan, 0, 0, -8 * unit}};
  on_every_target([&](const Kernels& k) {
    for (const Case& c : cases) {
      const Planes planes(3, 100);
      for (int i = 0; i < 100; ++i) planes.get()[0][i] = c.r, planes.get()[1][i] = c.g, planes.get()[2][i] = c.b;
      CHECK_NEAR(static_cast<double>(k.grey_sum(planes.get(), 3, 100, 0, 255, nullptr)), 100 * c.sum, 200);
      if (c.r == c.g)
        CHECK_NEAR(static_cast<double>(k.grey_sum(planes.get(), 1, 100, 0, 255, nullptr)), 100 * c.sum, 200);
      planes.get()[1][5] = 3;
      std::int64_t count = 7;  // what is not finite is left out of both
      const bool finite = std::isfinite(c.r);
      const std::int64_t sum = k.grey_sum(planes.get(), 3, 100, 0, 255, &count);
      CHECK_EQUAL(count, finite ? 107 : 7);
      CHECK_EQUAL(sum, finite ? k.grey_sum(planes.get(), 3, 100, 0, 255, nullptr) : 0);
    }
  });
}

void test_names() {
  for (const std::string& target : vary::available_targets()) CHECK_EQUAL(vary::kernels_of(target).name, target);
  std::string words;
  try {
    vary::kernels_of("v9");
  } catch (const std::runtime_error& error) {
    words = error.what();
  }
  CHECK(words.find("VARY_TARGET=v9 is not available here; choose one of: ") == 0);
  CHECK(words.find(vary::live_kernels().name) != std::string::npos);
}

}  // namespace

int main() {
  test_names();
  test_warp();
  test_sampling_by_hand();
  test_last_pixels();
  test_folds();
  test_resize();
  test_colour();
  test_colour_by_hand();
  test_grey_sum_by_hand();
  return check::report();
}
