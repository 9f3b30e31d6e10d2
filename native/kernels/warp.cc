// The warp of uint8 pictures: affine and projective maps, bilinear or nearest. A row is computed in blocks of 128
// pixels, in three steps: (a) positions, on a grid of 2^-15 pixels (locate.h): pixel, weights and byte offsets; (b)
// loads: two neighbouring pixels in each of two rows are two 8-byte words; (c) interpolation, scale and store
// (pixels.h). Pixels are stored as they are computed, so that loads and stores overlap.
//
// The arithmetic is part of the Program's meaning (native/README.md). Interpolation uses 16-bit integers with 7
// fractional bits, two channels of a pixel in one 32-bit lane, so every target gives the same bits.
#include "locate.h"
#include "pixels.h"

namespace vary::VARY_TARGET_NS {
namespace {

// Two offsets. The kernel is limited by loads, so one load reads both.
struct Offsets {
  std::uint64_t first, second;
};
VARY_INLINE Offsets offsets_at(const std::int32_t* offsets) {
  auto both = load_word<std::uint64_t>(reinterpret_cast<const std::uint8_t*>(offsets));
  // Keeps them scalar and the loads in order: otherwise compilers extract offsets from vectors, or spill them.
  __asm__ volatile("" : "+r"(both) : : "memory");
  return {both & 0xffffffff, both >> 32};
}

// Loads up to 8 bytes at each of the two offsets.
template <typename Load>
VARY_INLINE Two load_two(const std::uint8_t* from, Offsets offsets, Load load_at) {
  return Two{load_at(from + offsets.first), load_at(from + offsets.second)};
}

// (b) The 8 bytes from each left tap on, which contain the tap and its right neighbour, for kLanes pixels: pixels 0 1,
// 4 5, .. in one vector and 2 3, 6 7, .. in the other, so that a shuffle within 128 bits puts them in sequence.
struct Taps {
  Longs a, b;
};

template <typename Load>
VARY_INLINE Taps fetch(const std::uint8_t* from, const std::int32_t* offsets, Load load_at) {
  Two words[2][kBytes / 16];
  for (int i = 0; i < kLanes / 2; ++i) words[i % 2][i / 2] = load_two(from, offsets_at(offsets + 2 * i), load_at);
  return {joined(words[0]), joined(words[1])};
}

// The same without reading beyond the end of the picture.
__attribute__((noinline)) Taps fetch_before(const std::uint8_t* end, const std::uint8_t* from,
                                            const std::int32_t* offsets) {
  if (end - from < 8)
    return fetch(from, offsets, [=](const std::uint8_t* at) { return load_before<std::uint64_t>(at, end); });
  return fetch(from, offsets, [=](const std::uint8_t* at) { return load_shifted<std::uint64_t>(at, end); });
}

// kLanes pixels: channels 0 and 2 (even), 1 and 3 (odd), as 16-bit numbers with 7 fractional bits.
struct Pixels {
  Shorts even, odd;
};

// The pixels `shift` bits from the start of each word, negated.
template <int shift>
VARY_INLINE Pixels minus_pixels(const Taps& taps) {
  constexpr auto rule = [](int i) { return i - i % 4 + i % 2 * 2 + (i % 4 < 2 ? 0 : kLanes); };
  const auto v = (Words)shuffled<rule>((Floats)(taps.a >> shift), (Floats)(taps.b >> shift));
  return {minus_shifted<false>(v), minus_shifted<true>(v)};
}

VARY_INLINE Shorts interpolate(Shorts a, Shorts b, Shorts weight) { return a + multiply_round(b - a, weight); }
VARY_INLINE Shorts interpolate_minus(Shorts a, Shorts b, Shorts weight) { return multiply_round(a - b, weight) - a; }

template <int C>
VARY_INLINE Pixels across(const Taps& taps, Shorts weight) {
  const Pixels left = minus_pixels<0>(taps), right = minus_pixels<8 * C>(taps);
  return {interpolate_minus(left.even, right.even, weight), interpolate_minus(left.odd, right.odd, weight)};
}

// Two rows at once, whose taps have the same offsets.
struct Rows {
  Taps upper, lower;
};

VARY_INLINE Rows fetch_rows(const std::uint8_t* upper, const std::uint8_t* lower, const std::int32_t* offsets) {
  Two first[2][kBytes / 16], second[2][kBytes / 16];
  for (int i = 0; i < kLanes / 2; ++i) {
    const Offsets two = offsets_at(offsets + 2 * i);
    first[i % 2][i / 2] = load_two(upper, two, load_word<std::uint64_t>);
    second[i % 2][i / 2] = load_two(lower, two, load_word<std::uint64_t>);
  }
  return {{joined(first[0]), joined(first[1])}, {joined(second[0]), joined(second[1])}};
}

// Where pixels lie: a copy, because the compiler would reload the members of Warp after each barrier (offsets_at).
struct Source {
  const std::uint8_t *data, *below, *end;  // `below`: one row further

  explicit Source(const Warp& s) : data(s.data), below(s.data + s.row), end(end_of(s)) {}
};

// (c) Interpolates kLanes pixels, from pixel k of a block on.
template <int C, bool plain>
VARY_INLINE Pixels interpolated(const Source& s, const Block& b, int k) {
  const auto rows = [&]() __attribute__((always_inline)) -> Rows {
    if constexpr (plain) return fetch_rows(s.data, s.below, b.upper + k);
    if (b.careful) return {fetch_before(s.end, s.data, b.upper + k), fetch_before(s.end, s.data, b.lower + k)};
    return {fetch(s.data, b.upper + k, load_word<std::uint64_t>), fetch(s.data, b.lower + k, load_word<std::uint64_t>)};
  }();
  const Shorts wx = twice(load<Ints>(b.wx + k)), wy = twice(load<Ints>(b.wy + k));
  const Pixels upper = across<C>(rows.upper, wx), lower = across<C>(rows.lower, wx);
  return {interpolate(upper.even, lower.even, wy), interpolate(upper.odd, lower.odd, wy)};
}

// Nearest: kLanes pixels of a word each, as they are.
template <typename Load>
VARY_INLINE Words pick(const std::uint8_t* from, const std::int32_t* offsets, Load load_at) {
  Two words[kBytes / 16];
  for (int i = 0; i < kLanes; i += 4) {
    const Two p = load_two(from, offsets_at(offsets + i), load_at),
              q = load_two(from, offsets_at(offsets + i + 2), load_at);
    words[i / 4] = Two{p[0] | p[1] << 32, q[0] | q[1] << 32};
  }
  return (Words)joined(words);
}

__attribute__((noinline)) Words pick_before(const std::uint8_t* end, const std::uint8_t* from,
                                            const std::int32_t* offsets) {
  if (end - from < 4)
    return pick(from, offsets, [=](const std::uint8_t* at) { return load_before<std::uint32_t>(at, end); });
  return pick(from, offsets, [=](const std::uint8_t* at) { return load_shifted<std::uint32_t>(at, end); });
}

template <bool plain>
VARY_INLINE Words nearest(const Source& s, const Block& b, int k) {
  if (!plain && b.careful) return pick_before(s.end, s.data, b.upper + k);
  return pick(s.data, b.upper + k, load_word<std::uint32_t>);
}

// Pixels as float32, scaled and biased; `inside` is 0 where the fill shows.
template <int C>
struct Scaled {
  float scale[C], bias[C], fill[C];

  explicit Scaled(const Warp& s) {
    for (int i = 0; i < C; ++i) {
      scale[i] = s.scale[i] * (1.f / 128);
      bias[i] = s.bias[i];
      fill[i] = s.fill_value[i] * s.scale[i] + s.bias[i];
    }
  }

  Channels<C> of(const Pixels& p) const {
    const Ints channel[4] = {(Ints)p.even & 0xffff, (Ints)p.odd & 0xffff, (Ints)p.even >> 16, (Ints)p.odd >> 16};
    Channels<C> out;
    for (int i = 0; i < C; ++i) out.of[i] = __builtin_convertvector(channel[i], Floats) * scale[i] + bias[i];
    return out;
  }
  Channels<C> of(Words v) const { return of(Pixels{(Shorts)(v << 7 & 0x7f807f80), (Shorts)(v >> 1 & 0x7f807f80)}); }

  Channels<C> filled(Channels<C> v, const std::int32_t* inside) const {
    for (int i = 0; i < C; ++i) v.of[i] = load<Ints>(inside) ? v.of[i] : Floats{} + fill[i];
    return v;
  }
};

// Unscaled pixels as bytes, one in each 32-bit lane.
template <int C>
struct Rounded {
  std::uint32_t fill = 0;

  explicit Rounded(const Warp& s) {
    for (int i = 0; i < C; ++i) fill |= to_bytes(Floats{} + s.fill_value[i])[0] << (8 * i);
  }

  // Rounds half to even: 63 is added to even numbers, 64 to odd ones.
  static Shorts rounded(Shorts v) { return (v + 63 + (v >> 7 & 1)) >> 7; }

  Words of(const Pixels& p) const { return (Words)rounded(p.even) | (Words)rounded(p.odd) << 8; }
  Words of(Words v) const { return v; }
  Words filled(Words v, const std::int32_t* inside) const { return load<Ints>(inside) ? v : Words{} + fill; }
};

template <int C, typename Convert, typename To>
void row(const Warp& s, int y, int n, const Convert& convert, const To& to) {
  Block b;
  const Source from(s);
  for (int x = 0; x < n; x += kBlock) {
    const int m = n - x < kBlock ? n - x : kBlock;
    locate<C, 8>(s, x, y, (m + kLanes - 1) / kLanes * kLanes, b);
    if (b.plain && !s.nearest) {
      write(to, x, m, n, [&](int k) { return convert.of(interpolated<C, true>(from, b, k)); });
    } else if (b.plain) {
      write(to, x, m, n, [&](int k) { return convert.of(nearest<true>(from, b, k)); });
    } else if (!s.nearest) {
      write(to, x, m, n,
            [&](int k) { return convert.filled(convert.of(interpolated<C, false>(from, b, k)), b.inside + k); });
    } else {
      write(to, x, m, n, [&](int k) { return convert.filled(convert.of(nearest<false>(from, b, k)), b.inside + k); });
    }
  }
}

template <int C>
void row(const Warp& s, int y, int n, const OutputRow& to) {
  bool scaled = false;
  for (int i = 0; i < C; ++i) scaled = scaled || s.scale[i] != 1 || s.bias[i] != 0;
  write_to<C>(to, [&](const auto& place) {
    if constexpr (sizeof(*place.row[0]) == 1) {
      if (!scaled) return row<C>(s, y, n, Rounded<C>(s), place);
    }
    row<C>(s, y, n, Scaled<C>(s), place);
  });
}

}  // namespace

extern const WarpTable warp_table;
const WarpTable warp_table = {{nullptr, row<1>, nullptr, row<3>, row<4>}};

}  // namespace vary::VARY_TARGET_NS
