// Functions whose results would differ between versions of libm, made of + - * / only. All code whose results become
// bytes of pictures uses these. Their errors are a few units in the last place.
#pragma once

#include <cstdint>
#include <cstring>

namespace vary {

constexpr double kPi = 3.141592653589793238462643383279502884;
constexpr double kLn2 = 0.693147180559945309417232121458176568;
constexpr double kLn2High = 0x1.62e42fefa38p-1,
                 kLn2Low = 0x1.ef35793c7673p-45;  // their sum; k times the first is exact

struct SinCos {
  double sin, cos;
};

inline double nearest_integer(double x) {  // half to even, |x| < 2^51, default rounding mode
  constexpr double shift = 6755399441055744.0;
  volatile double shifted = x + shift;  // volatile: the compiler must not simplify the two operations
  return shifted - shift;
}

// Sine and cosine of an angle in degrees; exact at multiples of 90. Taylor series on [-45, 45] degrees,
// whose first dropped terms are below 2^-56.
inline SinCos sincos_degrees(double degrees) {
  const double quarter = nearest_integer(degrees / 90.0);
  const double x = (degrees - quarter * 90.0) * (kPi / 180.0), z = x * x;
  double s = 0, c = 0;
  for (int n = 10; n >= 1; --n) {
    s = (1 + s) * (-z / ((2 * n) * (2 * n + 1)));
    c = (1 + c) * (-z / ((2 * n - 1) * (2 * n)));
  }
  const double sine = x + x * s, cosine = 1 + c;
  switch (static_cast<std::int64_t>(quarter) & 3) {
    case 0: return {sine, cosine};
    case 1: return {cosine, -sine};
    case 2: return {-sine, -cosine};
    default: return {-cosine, sine};
  }
}

inline double tan_degrees(double degrees) {
  const SinCos a = sincos_degrees(degrees);
  return a.sin / a.cos;
}

// Natural logarithm of a positive normal number: x = m 2^e with m in [sqrt(1/2), sqrt(2)),
// ln m = 2 artanh((m - 1) / (m + 1)).
inline double natural_log(double x) {
  std::uint64_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  int exponent = static_cast<int>((bits >> 52) & 0x7ff) - 1023;
  bits = (bits & 0x000fffffffffffffULL) | 0x3ff0000000000000ULL;
  double m;
  std::memcpy(&m, &bits, sizeof m);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    ++exponent;
  }
  const double t = (m - 1) / (m + 1), z = t * t;
  double sum = 0;
  for (int n = 23; n >= 1; n -= 2) sum = sum * z + 1.0 / n;
  return 2 * t * sum + exponent * kLn2;
}

// e^x for |x| < 700: 2^k times a Taylor series on [-ln2/2, ln2/2].
inline double exponential(double x) {
  const double k = nearest_integer(x / kLn2), r = (x - k * kLn2High) - k * kLn2Low;
  double sum = 1;
  for (int n = 17; n >= 1; --n) sum = 1 + sum * r / n;
  const std::uint64_t bits = static_cast<std::uint64_t>(static_cast<std::int64_t>(k) + 1023) << 52;
  double scale;
  std::memcpy(&scale, &bits, sizeof scale);
  return sum * scale;
}

}  // namespace vary
