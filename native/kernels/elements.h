// Conversions between the types of values and float32. Included by kernel files only; everything here has internal
// linkage.
#pragma once

#include "loads.h"

namespace vary::VARY_TARGET_NS {
namespace {

// Saturate, then round half to even: adding and subtracting 1.5 x 2^23 leaves no bits for a fraction. NaN becomes 0.
inline std::int32_t to_whole(float v, float low, float high) {
  const float number = v == v ? v : 0.f;
  const float raised = number > low ? number : low;
  const float clamped = raised < high ? raised : high;
  return static_cast<std::int32_t>((clamped + 12582912.f) - 12582912.f);
}

template <typename T, int Low, int High>
struct Integer {
  using Stored = T;
  static float load(T v) { return static_cast<float>(v); }
  static T store(float v) { return static_cast<T>(to_whole(v, static_cast<float>(Low), static_cast<float>(High))); }
};
using Uint8 = Integer<std::uint8_t, 0, 255>;
using Uint16 = Integer<std::uint16_t, 0, 65535>;
using Int16 = Integer<std::int16_t, -32768, 32767>;

struct Float32 {
  using Stored = float;
  static float load(float v) { return v; }
  static float store(float v) { return v; }
};

inline float float_of(std::uint32_t bits) {
  float v;
  __builtin_memcpy(&v, &bits, 4);
  return v;
}

inline std::uint32_t bits_of(float v) {
  std::uint32_t bits;
  __builtin_memcpy(&bits, &v, 4);
  return bits;
}

// IEEE 754 binary16: 1 bit of sign, 5 of exponent (bias 15), 10 of fraction. Without branches, and without the
// conversions that some targets have, so that all give the same bits.
struct Float16 {
  using Stored = std::uint16_t;

  static float load(std::uint16_t v) {
    const std::uint32_t size = v & 0x7fffu, sign = (v & 0x8000u) << 16;
    const std::uint32_t special =
        size >= 0x7c00 ? 112u << 23 : 0;  // infinities and NaN: the highest exponent of float32
    const std::uint32_t normal = (size << 13) + (112u << 23) + special;
    const std::uint32_t small = bits_of(static_cast<float>(static_cast<std::int32_t>(size)) * 0x1p-24f);
    return float_of((size < 0x0400 ? small : normal) | sign);
  }

  static std::uint16_t store(float v) {  // to the nearest, halves to even; beyond 65504 to infinity
    const std::uint32_t bits = bits_of(v), size = bits & 0x7fffffff, sign = bits >> 16 & 0x8000;
    const std::uint32_t normal = (size + 0xfff + (size >> 13 & 1) - (112u << 23)) >> 13;
    const std::uint32_t small = bits_of(float_of(size) * 0x1p24f + 12582912.f) & 0x7ff;  // counts of 2^-24
    const std::uint32_t finite = size < 0x38800000 ? small : normal;
    const std::uint32_t special = size > 0x7f800000 ? 0x7e00 | (size >> 13 & 0x1ff) : 0x7c00;
    return static_cast<std::uint16_t>((size < 0x47800000 ? finite : special) | sign);
  }
};

}  // namespace
}  // namespace vary::VARY_TARGET_NS
