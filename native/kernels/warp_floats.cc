// The warp of float32 pictures: positions as in warp.cc, interpolation in float32. A pixel is read as 16 bytes, of
// which the last ones belong to the next pixel if there are fewer than four channels.
#include "locate.h"
#include "pixels.h"

namespace vary::VARY_TARGET_NS {
namespace {

constexpr int kReach = 32;  // bytes from a left tap on that are read: of it and its neighbour, at most

// Every fourth of kLanes pixels.
template <typename Load>
VARY_INLINE Floats fetch(const std::uint8_t* from, const std::int32_t* offsets, Load load_at) {
  Two parts[kLanes / 4];
  for (int p = 0; p < kLanes / 4; ++p) parts[p] = load_at(from + offsets[4 * p]);
  return (Floats)joined(parts);
}

__attribute__((noinline)) Floats fetch_before(const std::uint8_t* end, const std::uint8_t* from,
                                              const std::int32_t* offsets) {
  return fetch(from, offsets, [=](const std::uint8_t* at) { return load_before<Two>(at, end); });
}

// Selected, not multiplied by 0, so that a NaN or an infinity of weight 0 has no effect.
VARY_INLINE Floats interpolate(Floats a, Floats b, Floats weight) { return weight > 0.f ? a + (b - a) * weight : a; }

// Pixels k + i, k + i + 4, .. of a block; wx, wy: the weights of all kLanes.
template <int C, int i, bool plain>
VARY_INLINE Floats interpolated(const Warp& s, const Block& b, int k, Floats wx, Floats wy) {
  const auto get = [&](const std::uint8_t* from, const std::int32_t* offsets) __attribute__((always_inline)) {
    return !plain && b.careful ? fetch_before(end_of(s), from, offsets + i) : fetch(from, offsets + i, load<Two>);
  };
  const Floats left = get(s.data, b.upper + k);
  if (s.nearest) return left;
  const std::uint8_t* const below = plain ? s.data + s.row : s.data;
  const std::int32_t* const lower = (plain ? b.upper : b.lower) + k;
  const Floats upper = interpolate(left, get(s.data + 4 * C, b.upper + k), fourth<i>(wx));
  return interpolate(upper, interpolate(get(below, lower), get(below + 4 * C, lower), fourth<i>(wx)), fourth<i>(wy));
}

template <int C, bool plain>
VARY_INLINE Channels<C> pixels(const Warp& s, const Block& b, int k) {
  const Floats wx = __builtin_convertvector(load<Ints>(b.wx + k), Floats) * (1.f / kOne);
  const Floats wy = __builtin_convertvector(load<Ints>(b.wy + k), Floats) * (1.f / kOne);
  const Square channels =
      transposed({{interpolated<C, 0, plain>(s, b, k, wx, wy), interpolated<C, 1, plain>(s, b, k, wx, wy),
                   interpolated<C, 2, plain>(s, b, k, wx, wy), interpolated<C, 3, plain>(s, b, k, wx, wy)}});
  Channels<C> out;
  for (int c = 0; c < C; ++c) {
    Floats v = channels.row[c];
    if (!plain) v = load<Ints>(b.inside + k) ? v : Floats{} + s.fill_value[c];
    out.of[c] = v * s.scale[c] + s.bias[c];
  }
  return out;
}

template <int C>
void row(const Warp& s, int y, int n, const OutputRow& to) {
  write_to<C>(to, [&](const auto& place) {
    Block b;
    for (int x = 0; x < n; x += kBlock) {
      const int m = n - x < kBlock ? n - x : kBlock;
      locate<4 * C, kReach>(s, x, y, (m + kLanes - 1) / kLanes * kLanes, b);
      if (b.plain) {
        write(place, x, m, n, [&](int k) __attribute__((always_inline)) { return pixels<C, true>(s, b, k); });
      } else {
        write(place, x, m, n, [&](int k) __attribute__((always_inline)) { return pixels<C, false>(s, b, k); });
      }
    }
  });
}

}  // namespace

extern const WarpTable float_warp_table;
const WarpTable float_warp_table = {{nullptr, row<1>, nullptr, row<3>, row<4>}};

}  // namespace vary::VARY_TARGET_NS
