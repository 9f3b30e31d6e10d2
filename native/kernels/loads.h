// The loads of the kernels. Included by kernel files only; everything here has internal linkage.
#pragma once

#include "kernels.h"

namespace vary::VARY_TARGET_NS {

struct WarpTable {
  void (*row[2][5])(const Warp&, int y, int n, float* const* planes);
};
struct ResizeTable {
  void (*row[2][5])(const Resize&, int y, int n, float* scratch, float* const* planes);
};

struct ColourTable {
  RowStep affine, matrix;
  NamedSteps others;
  std::int64_t (*grey_sum)(float* const* planes, int channels, int n, float low, float high, std::int64_t* count);
};

struct BoxTable {
  void (*boxes[2])(const Boxes&);
};
struct ReduceTable {
  void (*triangle[2])(const Triangle&);
};

struct RgbTable {
  void (*rgb)(const Planes&, int y, int left, int right, std::uint8_t* out, std::uint16_t* scratch);
};

const Kernels& kernels();

namespace {

inline std::uint64_t load_u64(const std::uint8_t* at) {
  std::uint64_t v;
  __builtin_memcpy(&v, at, 8);
  __asm__("" : "+r"(v));  // scattered loads stay scalar: compilers would assemble vectors lane by lane
  return v;
}

inline float load_f32(const std::uint8_t* at) {
  float v;
  __builtin_memcpy(&v, at, 4);
  return v;
}

// The same little-endian word, as far as bytes exist before `end`: for the last pixels of a picture.
template <int N>
inline std::uint64_t load_before(const std::uint8_t* at, const std::uint8_t* end) {
  std::uint64_t v = 0;
  for (int i = 0; i < N && at + i < end; ++i) v |= std::uint64_t{at[i]} << (8 * i);
  return v;
}

}  // namespace
}  // namespace vary::VARY_TARGET_NS
