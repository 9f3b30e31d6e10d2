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
  void (*colour)(const Step* steps, int count, float* const* planes, int channels, int n);
  std::int64_t (*grey_sum)(float* const* planes, int channels, int n, float low, float high);
};

const Kernels& kernels();

namespace {

inline std::uint64_t load_u64(const std::uint8_t* at) {
  std::uint64_t v;
  __builtin_memcpy(&v, at, 8);
  return v;
}

inline float load_f32(const std::uint8_t* at) {
  float v;
  __builtin_memcpy(&v, at, 4);
  return v;
}

// The same little-endian word from as few bytes as two pixels hold: for the last pixels of a picture.
template <int C>
inline std::uint64_t load_exactly(const std::uint8_t* at) {
  std::uint64_t v = 0;
  for (int i = 0; i < 2 * C; ++i) v |= std::uint64_t{at[i]} << (8 * i);
  return v;
}

// Two neighbouring pixels of two neighbouring rows, for m offsets: `row a` columns 0 and 1, then `row b`.
// Channels sit in the low bytes; what is above them is another pixel's.
template <int C>
inline void load_taps(const Warp& s, const std::int32_t* offset, int m, std::uint32_t* a0, std::uint32_t* a1,
                      std::uint32_t* b0, std::uint32_t* b1) {
  std::int32_t furthest = 0;
  for (int k = 0; k < m; ++k) furthest = offset[k] > furthest ? offset[k] : furthest;
  const std::uint8_t* const upper = s.data;
  const std::uint8_t* const lower = s.data + s.row;
  if (furthest + s.row <= s.limit) {
    for (int k = 0; k < m; ++k) {
      const std::uint64_t a = load_u64(upper + offset[k]), b = load_u64(lower + offset[k]);
      a0[k] = static_cast<std::uint32_t>(a);
      a1[k] = static_cast<std::uint32_t>(a >> (8 * C));
      b0[k] = static_cast<std::uint32_t>(b);
      b1[k] = static_cast<std::uint32_t>(b >> (8 * C));
    }
    return;
  }
  for (int k = 0; k < m; ++k) {
    const std::uint64_t a = load_exactly<C>(upper + offset[k]), b = load_exactly<C>(lower + offset[k]);
    a0[k] = static_cast<std::uint32_t>(a);
    a1[k] = static_cast<std::uint32_t>(a >> (8 * C));
    b0[k] = static_cast<std::uint32_t>(b);
    b1[k] = static_cast<std::uint32_t>(b >> (8 * C));
  }
}

}  // namespace
}  // namespace vary::VARY_TARGET_NS
