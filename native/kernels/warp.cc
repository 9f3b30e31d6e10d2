// The warp: any affine map, bilinear or nearest. A row is worked in blocks of 64 pixels, in three plain loops:
// (a) coordinates, 14-bit weights and byte offsets; (b) the loads; (c) the blend, scale and store of each channel.
//
// The arithmetic is part of the Program's meaning (native/README.md): the block's base is float64, offsets inside
// it float32; a position outside the source is first resolved to one inside by the fill, then sampled there.
// For uint8 both horizontal lerps are exact in float32 (8 + 14 bits), so every target agrees.
#include "kernels.h"
#include "loads.h"

namespace vary::VARY_TARGET_NS {
namespace {

constexpr int kBlock = 64;
constexpr int kOne = 1 << 14;  // the weight 1

struct Block {
  std::int32_t x[kBlock], y[kBlock], wx[kBlock], wy[kBlock], inside[kBlock];
  std::int32_t offset[kBlock];
};

struct Base {
  std::int32_t whole;
  float part;
};

inline Base split(double position) {
  position = position < -5e8 ? -5e8 : position > 5e8 ? 5e8 : position;
  const double whole = __builtin_floor(position);
  return {static_cast<std::int32_t>(whole), static_cast<float>(position - whole)};
}

inline float clampf(float v, float low, float high) { return v < low ? low : v > high ? high : v; }

// (a) along one axis: whole pixel and 14-bit weight of the left (upper) tap.
inline void walk(Base base, float step, bool nearest, int n, std::int32_t* whole, std::int32_t* weight) {
  step = clampf(step, -8e6f, 8e6f);
  if (nearest) {
    for (int k = 0; k < n; ++k) {
      whole[k] = base.whole + static_cast<std::int32_t>(__builtin_floorf(base.part + static_cast<float>(k) * step + .5f));
      weight[k] = 0;
    }
    return;
  }
  for (int k = 0; k < n; ++k) {
    const float at = base.part + static_cast<float>(k) * step;
    const float floor = __builtin_floorf(at);
    whole[k] = base.whole + static_cast<std::int32_t>(floor);
    weight[k] = static_cast<std::int32_t>((at - floor) * static_cast<float>(kOne) + .5f);
  }
}

inline int modulo(int a, int n) {
  const int r = a % n;
  return r < 0 ? r + n : r;
}

// Resolve positions that may lie outside [0, size) by the fill; afterwards both taps (whole, whole + 1) exist.
// Positions run from -1/2 to size - 1/2 in pixel centres: a mirror at the edge swaps the taps and their weights.
inline void resolve(Fill fill, int size, int n, std::int32_t* whole, std::int32_t* weight, std::int32_t* inside) {
  const int last = size - 1;
  switch (fill) {
    case Fill::constant:
      for (int k = 0; k < n; ++k) {
        const bool above = whole[k] > -1 || (whole[k] == -1 && weight[k] >= kOne / 2);
        const bool below = whole[k] < last || (whole[k] == last && weight[k] < kOne / 2);
        inside[k] &= above & below;
      }
      break;
    case Fill::nearest: break;
    case Fill::reflect:
    case Fill::reflect101: {
      const int edge = fill == Fill::reflect ? 1 : 0;  // is the edge pixel repeated?
      const int period = 2 * size - 2 + 2 * edge;
      if (period == 0) break;
      bool far = false;
      for (int k = 0; k < n; ++k) far |= (whole[k] < -size) | (whole[k] > last + size - 1);
      if (far)
        for (int k = 0; k < n; ++k) whole[k] = modulo(whole[k], period);
      for (int k = 0; k < n; ++k) {
        const bool under = whole[k] < 0, over = whole[k] >= last;
        const int mirror = under ? -1 - edge - whole[k] : 2 * last - 1 + edge - whole[k];
        whole[k] = under | over ? mirror : whole[k];
        weight[k] = under | over ? kOne - weight[k] : weight[k];
      }
      break;
    }
    case Fill::wrap:
      for (int k = 0; k < n; ++k) {
        int at = modulo(whole[k], size);
        const bool seam = at == last, first = seam & (weight[k] >= kOne / 2);
        at = first ? 0 : at;
        weight[k] = first ? 0 : weight[k];
        whole[k] = at;
      }
      break;
  }
  const int top = last > 0 ? last - 1 : 0;  // a picture one pixel wide or high comes with that pixel doubled
  for (int k = 0; k < n; ++k) {
    const bool under = whole[k] < 0, over = whole[k] >= last;
    weight[k] = under ? 0 : over ? kOne : weight[k];
    whole[k] = under ? 0 : over ? top : whole[k];
  }
}

inline bool spans(const std::int32_t* at, int n, int size) {  // linear in k, so its ends bound it
  const std::int32_t low = at[0] < at[n - 1] ? at[0] : at[n - 1];
  const std::int32_t high = at[0] < at[n - 1] ? at[n - 1] : at[0];
  return low >= 0 && high < size - 1;
}

// Fills the block; false when no position needed the constant fill.
template <int Bytes>
bool locate(const Warp& s, int x, int y, int n, Block& b) {
  const double bx = (s.map[0] * (x + .5) + (s.map[1] * (y + .5) + s.map[2])) - .5;
  const double by = (s.map[3] * (x + .5) + (s.map[4] * (y + .5) + s.map[5])) - .5;
  walk(split(bx), static_cast<float>(s.map[0]), s.nearest, n, b.x, b.wx);
  walk(split(by), static_cast<float>(s.map[3]), s.nearest, n, b.y, b.wy);
  const bool interior = spans(b.x, n, s.width) && spans(b.y, n, s.height);
  if (!interior) {
    for (int k = 0; k < n; ++k) b.inside[k] = 1;
    resolve(s.fill, s.width, n, b.x, b.wx, b.inside);
    resolve(s.fill, s.height, n, b.y, b.wy, b.inside);
  }
  const auto row = static_cast<std::int32_t>(s.row);
  for (int k = 0; k < n; ++k) b.offset[k] = b.y[k] * row + b.x[k] * Bytes;
  return !interior && s.fill == Fill::constant;
}

// (c) one channel from its four taps; w in units of 2^-14.
inline float blend(float a, float b, float c, float d, float wx, float wy) {
  const float upper = a + (b - a) * wx;
  const float lower = c + (d - c) * wx;
  return upper + (lower - upper) * wy;
}

template <int C>
void bytes(const Warp& s, int y, int n, float* const* planes) {
  Block b;
  std::uint32_t a0[kBlock], a1[kBlock], b0[kBlock], b1[kBlock];  // taps: rows a and b, columns 0 and 1
  float wx[kBlock], wy[kBlock];
  for (int x = 0; x < n; x += kBlock) {
    const int m = n - x < kBlock ? n - x : kBlock;
    const bool masked = locate<C>(s, x, y, m, b);
    load_taps<C>(s, b.offset, m, a0, a1, b0, b1);
    for (int k = 0; k < m; ++k) {
      wx[k] = static_cast<float>(b.wx[k]) * (1.f / kOne);
      wy[k] = static_cast<float>(b.wy[k]) * (1.f / kOne);
    }
    for (int c = 0; c < C; ++c) {
      float* const out = planes[c] + x;
      const float scale = s.scale[c], bias = s.bias[c];
      const int shift = 8 * c;
      for (int k = 0; k < m; ++k) {
        const auto tap = [shift](std::uint32_t v) { return static_cast<float>(static_cast<std::int32_t>(v >> shift & 255)); };
        out[k] = blend(tap(a0[k]), tap(a1[k]), tap(b0[k]), tap(b1[k]), wx[k], wy[k]) * scale + bias;
      }
      if (masked) {
        const float fill = s.fill_value[c] * scale + bias;
        for (int k = 0; k < m; ++k) out[k] = b.inside[k] ? out[k] : fill;
      }
    }
  }
}

template <int C>
void floats(const Warp& s, int y, int n, float* const* planes) {
  Block b;
  for (int x = 0; x < n; x += kBlock) {
    const int m = n - x < kBlock ? n - x : kBlock;
    const bool masked = locate<4 * C>(s, x, y, m, b);
    for (int c = 0; c < C; ++c) {
      float* const out = planes[c] + x;
      const float scale = s.scale[c], bias = s.bias[c], fill = s.fill_value[c];
      for (int k = 0; k < m; ++k) {
        const std::uint8_t* const at = s.data + b.offset[k] + 4 * c;
        const float wx = static_cast<float>(b.wx[k]) * (1.f / kOne), wy = static_cast<float>(b.wy[k]) * (1.f / kOne);
        out[k] = blend(load_f32(at), load_f32(at + 4 * C), load_f32(at + s.row), load_f32(at + s.row + 4 * C), wx, wy);
      }
      if (masked)
        for (int k = 0; k < m; ++k) out[k] = b.inside[k] ? out[k] : fill;
      for (int k = 0; k < m; ++k) out[k] = out[k] * scale + bias;
    }
  }
}

}  // namespace

extern const WarpTable warp_table;
const WarpTable warp_table = {{{nullptr, bytes<1>, nullptr, bytes<3>, bytes<4>}, {nullptr, floats<1>, nullptr, floats<3>, floats<4>}}};

}  // namespace vary::VARY_TARGET_NS
