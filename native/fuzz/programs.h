// Random programs: every instruction, with usual and with extreme arguments.
#pragma once

#include <cmath>
#include <iterator>
#include <limits>
#include <vector>

#include "made.h"

namespace fuzz {

using made::Numbers;
using vary::Op;

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

// Arguments in the ranges of the transforms.
inline std::vector<double> usual(Numbers& n, Op op, int channels, double low, double high) {
  const double factor = between(n, 0, 3);
  switch (op) {
    case Op::resize: return {side(n), side(n), n.below(4) + 0.};
    case Op::rotate: return {chance(n, 30) ? 90. * n.below(9) - 360 : between(n, -360, 360)};
    case Op::shear: return {between(n, -2, 2), between(n, -.9, .9)};
    case Op::shear_degrees: return {between(n, -89, 89), between(n, -44, 44)};
    case Op::zoom: {
      const double x = std::pow(10, between(n, -2, 2));
      return {x, chance(n, 50) ? x : std::pow(10, between(n, -2, 2))};
    }
    case Op::translate: return {between(n, -1.5, 1.5), between(n, -1.5, 1.5)};
    case Op::rotate90: return {n.below(4) + 0.};
    case Op::crop: return {side(n), side(n), between(n, 0, 1), between(n, 0, 1)};
    case Op::center_crop: return {side(n), side(n)};
    case Op::resized_crop:
      return {side(n),          side(n),         between(n, 1e-6, 1), std::pow(10, between(n, -2, 2)),
              between(n, 0, 1), between(n, 0, 1)};
    case Op::pad: return {n.below(30) + 0., n.below(30) + 0., n.below(30) + 0., n.below(30) + 0.};
    case Op::rescale: return {between(n, -3, 3), between(n, -9, 9)};
    case Op::normalize: {
      std::vector<double> out;
      out.reserve(2 * static_cast<std::size_t>(channels));
      for (int c = 0; c < channels; ++c) out.push_back(between(n, low, high));
      for (int c = 0; c < channels; ++c) out.push_back(between(n, .01, high));
      return out;
    }
    case Op::hue: return {between(n, -1, 1), low, high};
    case Op::shift: return {between(n, -1, 1), between(n, -1, 1), between(n, -1, 1), low, high};
    case Op::brightness:
    case Op::contrast:
    case Op::saturation: return {chance(n, 20) ? 1 : factor, low, high};
    case Op::cut: return {n.below(2) + 0.};
    default: return {};
  }
}

// A program of up to `most` instructions. `absurdity`: in percent, of geometric arguments.
inline vary::Plan program(Numbers& n, int channels, vary::Type type, int most, int absurdity) {
  vary::Plan plan;
  plan.channels = channels;
  plan.fill = static_cast<vary::Fill>(n.below(5));
  plan.nearest = chance(n, 20);
  plan.antialias = chance(n, 70);
  for (float& value : plan.fill_value) value = chance(n, 3) ? static_cast<float>(1e38) : n.value();
  const double high = type == vary::Type::u8 ? 255 : 1;
  const int ops = static_cast<int>(std::size(vary::op_table()));
  for (int left = n.below(most + 1); left > 0; --left) {
    const Op op = vary::op_table()[static_cast<std::size_t>(n.below(ops))].op;
    if (op == Op::order) {
      const int count = 1 + n.below(4);
      int codes = 1;
      for (int i = 2; i <= count; ++i) codes *= i;
      plan.instructions.push_back(made::instruction(Op::order, {count + 0., n.below(codes) + 0.}));
      for (int i = 0; i < count; ++i) {
        const Op inner = one_of(n, {Op::brightness, Op::contrast, Op::saturation, Op::hue, Op::rotate, Op::zoom});
        plan.instructions.push_back(made::instruction(inner, usual(n, inner, channels, 0, high)));
      }
      continue;
    }
    std::vector<double> arguments = usual(n, op, channels, 0, high);
    if (vary::is_geometry(op))
      for (double& argument : arguments)
        if (chance(n, absurdity)) argument = absurd(n);
    plan.instructions.push_back(made::instruction(op, arguments, chance(n, 15) ? n.below(2) : -1));
  }
  plan.columns = 2;  // gates: one that is open, one that is not
  return plan;
}

constexpr double kGates[2] = {0, 1};

}  // namespace fuzz
