// Random programs: every instruction, with usual and with extreme arguments.
#pragma once

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <map>
#include <string_view>
#include <vector>

#include "made.h"

namespace fuzz {

using made::Numbers;

inline bool chance(Numbers& n, int percent) { return n.below(100) < percent; }

inline double between(Numbers& n, double low, double high) { return low + (high - low) * n() * 0x1p-32; }

template <typename T, std::size_t N>
T one_of(Numbers& n, const T (&values)[N]) {
  return values[n.below(static_cast<int>(N))];
}

inline double absurd(Numbers& n) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  constexpr double values[] = {0,    -0.,   1,           -1,          1e-9, -1e-9,   1e9,       -1e9,
                               1e15, -1e15, 2147483647., 2147483648., 1e18, .5,      1e300,     1e-300,
                               255,  90,    infinity,    -infinity,   NAN,  1 << 28, -(1 << 28)};
  return one_of(n, values);
}

inline double side(Numbers& n) { return chance(n, 5) ? 1 + n.below(700) : 1 + n.below(80); }

// The ends of the value range, and so many numbers.
inline std::vector<double> numbers(Numbers& n, double low, double high, int count) {
  std::vector<double> out = {low, high};
  out.reserve(static_cast<std::size_t>(count) + 2);
  for (int i = 0; i < count; ++i) out.push_back(between(n, -.5, 1.5));
  return out;
}

// Arguments in the ranges of the transforms, by the operation's name.
using Usual = std::vector<double> (*)(Numbers& n, int channels, double low, double high);
inline const std::map<std::string_view, Usual>& usual_arguments() {
  static const std::map<std::string_view, Usual> all = {
      {"resize",
       [](Numbers& n, int, double, double) -> std::vector<double> { return {side(n), side(n), n.below(4) + 0.}; }},
      {"rotate",
       [](Numbers& n, int, double, double) -> std::vector<double> {
         return {chance(n, 30) ? 90. * n.below(9) - 360 : between(n, -360, 360)};
       }},
      {"shear",
       [](Numbers& n, int, double, double) -> std::vector<double> { return {between(n, -2, 2), between(n, -.9, .9)}; }},
      {"shear_degrees",
       [](Numbers& n, int, double, double) -> std::vector<double> {
         return {between(n, -89, 89), between(n, -44, 44)};
       }},
      {"zoom",
       [](Numbers& n, int, double, double) -> std::vector<double> {
         const double x = std::pow(10, between(n, -2, 2));
         return {x, chance(n, 50) ? x : std::pow(10, between(n, -2, 2))};
       }},
      {"translate",
       [](Numbers& n, int, double, double) -> std::vector<double> {
         return {between(n, -1.5, 1.5), between(n, -1.5, 1.5)};
       }},
      {"flip_horizontal", [](Numbers&, int, double, double) -> std::vector<double> { return {}; }},
      {"flip_vertical", [](Numbers&, int, double, double) -> std::vector<double> { return {}; }},
      {"transpose", [](Numbers&, int, double, double) -> std::vector<double> { return {}; }},
      {"rotate90", [](Numbers& n, int, double, double) -> std::vector<double> { return {n.below(4) + 0.}; }},
      {"crop",
       [](Numbers& n, int, double, double) -> std::vector<double> {
         return {side(n), side(n), between(n, 0, 1), between(n, 0, 1)};
       }},
      {"center_crop", [](Numbers& n, int, double, double) -> std::vector<double> { return {side(n), side(n)}; }},
      {"resized_crop",
       [](Numbers& n, int, double, double) -> std::vector<double> {
         return {side(n),          side(n),         between(n, 1e-6, 1), std::pow(10, between(n, -2, 2)),
                 between(n, 0, 1), between(n, 0, 1)};
       }},
      {"pad",
       [](Numbers& n, int, double, double) -> std::vector<double> {
         return {n.below(30) + 0., n.below(30) + 0., n.below(30) + 0., n.below(30) + 0.};
       }},
      {"affine",
       [](Numbers& n, int, double, double) -> std::vector<double> {
         return {between(n, -3, 3), between(n, -3, 3), between(n, -90, 90),
                 between(n, -3, 3), between(n, -3, 3), between(n, -90, 90)};
       }},
      {"projective",
       [](Numbers& n, int, double, double) -> std::vector<double> {
         return {between(n, -3, 3),   between(n, -3, 3),   between(n, -90, 90), between(n, -3, 3), between(n, -3, 3),
                 between(n, -90, 90), between(n, -.1, .1), between(n, -.1, .1), between(n, .5, 2)};
       }},
      {"perspective",
       [](Numbers& n, int, double, double) -> std::vector<double> {
         return {between(n, 0, .33), n.below(2) + 0.,  between(n, 0, 1), between(n, 0, 1), between(n, 0, 1),
                 between(n, 0, 1),   between(n, 0, 1), between(n, 0, 1), between(n, 0, 1)};
       }},
      {"displace",
       [](Numbers& n, int, double, double) -> std::vector<double> {
         const int rows = 2 + n.below(5), columns = 2 + n.below(5);
         const double size = chance(n, 80) ? .5 / std::max(rows, columns) / 2 : 1;  // or mostly a fold
         std::vector<double> out = {rows + 0., columns + 0.};
         for (int i = 0; i < 2 * rows * columns; ++i) out.push_back(between(n, -size, size));
         return out;
       }},
      {"matrix",
       [](Numbers& n, int, double, double) -> std::vector<double> {
         return {between(n, -2, 2), between(n, -2, 2), between(n, -1, 1),
                 between(n, -2, 2), between(n, -2, 2), between(n, -1, 1)};
       }},
      {"table", [](Numbers& n, int, double low, double high) { return numbers(n, low, high, 1 + n.below(300)); }},
      {"polynomial", [](Numbers& n, int, double low, double high) { return numbers(n, low, high, 1 + n.below(5)); }},
      {"rescale",
       [](Numbers& n, int, double, double) -> std::vector<double> { return {between(n, -3, 3), between(n, -9, 9)}; }},
      {"normalize",
       [](Numbers& n, int channels, double low, double high) -> std::vector<double> {
         std::vector<double> out;
         out.reserve(2 * static_cast<std::size_t>(channels));
         for (int c = 0; c < channels; ++c) out.push_back(between(n, low, high));
         for (int c = 0; c < channels; ++c) out.push_back(between(n, .01, high));
         return out;
       }},
      {"hue",
       [](Numbers& n, int, double low, double high) -> std::vector<double> { return {between(n, -1, 1), low, high}; }},
      {"shift",
       [](Numbers& n, int, double low, double high) -> std::vector<double> {
         return {between(n, -1, 1), between(n, -1, 1), between(n, -1, 1), low, high};
       }},
      {"brightness",
       [](Numbers& n, int, double low, double high) -> std::vector<double> {
         return {chance(n, 20) ? 1 : between(n, 0, 3), low, high};
       }},
      {"contrast",
       [](Numbers& n, int, double low, double high) -> std::vector<double> {
         return {chance(n, 20) ? 1 : between(n, 0, 3), low, high};
       }},
      {"saturation",
       [](Numbers& n, int, double low, double high) -> std::vector<double> {
         return {chance(n, 20) ? 1 : between(n, 0, 3), low, high};
       }},
      {"solarize",
       [](Numbers& n, int, double low, double high) -> std::vector<double> { return {between(n, 0, 1), low, high}; }},
      {"gaussian_blur",
       [](Numbers& n, int, double, double) -> std::vector<double> { return {chance(n, 20) ? 0 : between(n, 0, 6)}; }},
      {"gauss_noise",
       [](Numbers& n, int, double low,
          double high) -> std::vector<double> { return {between(n, 0, 1), n() + 0., n() + 0., low, high}; }},
      {"nothing", [](Numbers&, int, double, double) -> std::vector<double> { return {}; }},
      {"cut",
       [](Numbers& n, int, double, double) -> std::vector<double> { return {n.below(vary::kElementCount) + 0.}; }},
  };
  return all;
}

inline std::vector<std::string_view> all_names() {
  std::vector<std::string_view> names;
  names.reserve(64);
  for (const auto table : vary::all_ops())
    for (const vary::Op& op : table) names.emplace_back(op.name);
  return names;
}

// A program of up to `most` instructions. `absurdity`: in percent, of geometric arguments.
inline vary::Plan program(Numbers& n, int channels, vary::Element type, int most, int absurdity) {
  vary::Plan plan;
  plan.channels = channels;
  plan.fill = static_cast<vary::Fill>(n.below(5));
  plan.nearest = chance(n, 20);
  plan.antialias = chance(n, 70);
  plan.fill_value.resize(static_cast<std::size_t>(channels));
  for (float& value : plan.fill_value) value = chance(n, 3) ? static_cast<float>(1e38) : n.value();
  const double high = vary::info_of(type).high;
  for (int left = n.below(most + 1); left > 0; --left) {
    const std::vector<std::string_view> names = all_names();
    const std::string_view op = names[static_cast<std::size_t>(n.below(static_cast<int>(names.size())))];
    if (op == "order") {
      const int count = 1 + n.below(4);
      int codes = 1;
      for (int i = 2; i <= count; ++i) codes *= i;
      plan.instructions.push_back(made::instruction("order", {count + 0., n.below(codes) + 0.}));
      for (int i = 0; i < count; ++i) {
        const std::string_view inner =
            one_of<std::string_view>(n, {"brightness", "contrast", "saturation", "hue", "rotate", "zoom"});
        plan.instructions.push_back(made::instruction(inner, usual_arguments().at(inner)(n, channels, 0, high)));
      }
      continue;
    }
    std::vector<double> arguments = usual_arguments().at(op)(n, channels, 0, high);
    if (vary::find_op(op)->kind == vary::Kind::map)
      for (double& argument : arguments)
        if (chance(n, absurdity)) argument = absurd(n);
    plan.instructions.push_back(made::instruction(op, arguments, chance(n, 15) ? n.below(2) : -1));
  }
  plan.columns = 2;  // gates: one that is open, one that is not
  return plan;
}

constexpr double kGates[2] = {0, 1};

}  // namespace fuzz
