// Writes vectors of pixels into rows of memory, as planes or packed, as floats or bytes: kLanes pixels at a time, and
// fewer at the end of a row. Included by kernel files only; everything here has internal linkage.
#pragma once

#include "loads.h"
#include "vectors.h"

namespace vary::VARY_TARGET_NS {
namespace {

// The channels of kLanes pixels as floats. (As bytes they are `Words`: one pixel in each 32-bit lane.)
template <int C>
struct Channels {
  Floats of[C];
};

// Interleaves three channels. kLanes pixels are three vectors, in which each channel has every third lane. `spread`
// moves a channel to the lanes that it has in all three vectors, and `picked` selects the lanes of one vector from the
// channels.
template <int channel>
VARY_INLINE Floats spread(Floats v) {
  return shuffled<[](int i) {
    int at = i;
    while (at % 3 != channel) at += kLanes;
    return at / 3;
  }>(v);
}
template <int part>
VARY_INLINE Floats picked(const Channels<3>& spread) {
  const Floats two =
      shuffled<[](int i) { return (part * kLanes + i) % 3 == 1 ? kLanes + i : i; }>(spread.of[0], spread.of[1]);
  return shuffled<[](int i) { return (part * kLanes + i) % 3 == 2 ? kLanes + i : i; }>(two, spread.of[2]);
}

// kLanes pixels of C contiguous bytes each, from 32-bit lanes; the bytes after them are unspecified.
template <int C>
VARY_INLINE Octets squeezed(Words pixels) {
  const Octets parts = shuffled<[](int i) {
    const int at = i % 16;
    return at < 4 * C ? i - at + at / C * 4 + at % C : i;
  }>((Octets)pixels);
  return (Octets)shuffled<[](int i) { return i < C * kLanes / 4 ? i / C * 4 + i % C : i; }>((Words)parts);
}

// The first bytes of kLanes pixels, then their second bytes, and so on.
VARY_INLINE Octets gathered(Words pixels) {
  const Octets parts = shuffled<[](int i) { return i - i % 16 + i % 4 * 4 + i % 16 / 4; }>((Octets)pixels);
  constexpr auto rule = [](int i) { return i % (kLanes / 4) * 4 + i / (kLanes / 4); };
  return (Octets)shuffled<rule>((Words)parts);
}

// Saturated, then rounded half to even: adding 1.5 x 2^23 leaves no bits for a fraction, and the whole number in the
// low bits.
VARY_INLINE Words to_bytes(Floats v) {
  const Floats raised = v > 0.f ? v : Floats{};  // NaN becomes 0
  const Floats clamped = raised < 255.f ? raised : Floats{} + 255.f;
  return (Words)(clamped + 12582912.f) & 255;
}

template <int C>
VARY_INLINE Words to_bytes(const Channels<C>& pixels) {
  Words out{};
  for (int c = 0; c < C; ++c) out |= to_bytes(pixels.of[c]) << (8 * c);
  return out;
}

// A row that pixels are written to: one row of values for each channel, or one of packed pixels.
template <typename T, int C, bool packed>
struct Place {
  static constexpr int kRows = packed ? 1 : C, kValues = packed ? C : 1;
  // How many pixels a full vector writes beyond its own: packed bytes do not fill a register.
  static constexpr int kBeyond = sizeof(T) == 1 && packed ? (kBytes + C - 1) / C - kLanes : 0;
  T* row[kRows];
  bool far;

  explicit Place(const OutputRow& to) : far(to.far) {
    for (int r = 0; r < kRows; ++r) row[r] = static_cast<T*>(to.at[r]);
  }
};

template <typename V>
VARY_INLINE void put(bool far, float* at, V v) {
  if (far) {
    store_far(at, v);
  } else {
    store(at, v);
  }
}

// Calls write(place) for a row of pixels of C channels. With one channel, planar and packed rows are the same.
template <int C, typename Write>
VARY_INLINE void write_to(const OutputRow& to, Write write) {
  const bool packed = C > 1 && to.packed;
  if (to.type == Element::f32) {
    packed ? write(Place<float, C, (C > 1)>(to)) : write(Place<float, C, false>(to));
  } else {
    packed ? write(Place<std::uint8_t, C, (C > 1)>(to)) : write(Place<std::uint8_t, C, false>(to));
  }
}

// kLanes pixels from column x on.
template <int C>
VARY_INLINE void put(const Place<float, C, false>& to, int x, const Channels<C>& pixels) {
#pragma GCC unroll 4  // without it, GCC 12 for arm64 at -O2 removes the store, as one to a null pointer
  for (int c = 0; c < C; ++c) put(to.far, to.row[c] + x, pixels.of[c]);
}

VARY_INLINE void put(const Place<float, 3, true>& to, int x, const Channels<3>& pixels) {
  const Channels<3> all = {spread<0>(pixels.of[0]), spread<1>(pixels.of[1]), spread<2>(pixels.of[2])};
  float* const at = to.row[0] + 3 * x;
  put(to.far, at, picked<0>(all));
  put(to.far, at + kLanes, picked<1>(all));
  put(to.far, at + 2 * kLanes, picked<2>(all));
}

// A pixel of four channels is 128 bits, of which a vector holds every fourth once the channels are transposed.
VARY_INLINE void put(const Place<float, 4, true>& to, int x, const Channels<4>& pixels) {
  const Square quarters = transposed({{pixels.of[0], pixels.of[1], pixels.of[2], pixels.of[3]}});
  for (int i = 0; i < kLanes; ++i)
    put(to.far, to.row[0] + 4 * (x + i), load<Four>(reinterpret_cast<const float*>(&quarters.row[i % 4]) + i / 4 * 4));
}

template <int C>
VARY_INLINE void put(const Place<std::uint8_t, C, false>& to, int x, Words pixels) {
  const Octets planes = gathered(pixels);
  for (int c = 0; c < C; ++c)
    __builtin_memcpy(to.row[c] + x, reinterpret_cast<const std::uint8_t*>(&planes) + c * kLanes, kLanes);
}

template <int C>
VARY_INLINE void put(const Place<std::uint8_t, C, true>& to, int x, Words pixels) {
  store(to.row[0] + C * x, squeezed<C>(pixels));
}

template <int C, bool packed>
VARY_INLINE void put(const Place<std::uint8_t, C, packed>& to, int x, const Channels<C>& pixels) {
  put(to, x, to_bytes(pixels));
}

// Memory for pixels of which whole vectors would write more than there are.
template <typename T, int C, bool packed>
struct Aside {
  using To = Place<T, C, packed>;
  static constexpr int kPixels = 3 * kLanes;
  alignas(kBytes) T values[To::kRows][kPixels * To::kValues];

  To place(To to) {
    for (int r = 0; r < To::kRows; ++r) to.row[r] = values[r];
    to.far = false;
    return to;
  }
  __attribute__((noinline)) void copy(To to, int x, int count) const {
    for (int r = 0; r < To::kRows; ++r)
      for (int i = 0; i < count * To::kValues; ++i)
        to.row[r][x * To::kValues + i] = values[r][i];  // NOLINT(clang-analyzer-core.uninitialized.Assign)
  }
};

// Writes the first `count` of kLanes pixels, and nothing beyond them.
template <typename T, int C, bool packed, typename Pixels>
__attribute__((noinline)) void put_some(Place<T, C, packed> to, int x, Pixels pixels, int count) {
  Aside<T, C, packed> aside;
  put(aside.place(to), 0, pixels);
  aside.copy(to, x, count);
}

// Pixels [x, x + m) of a row of n; pixels_at(k) gives kLanes from x + k on. What whole vectors would write beyond the
// pixels is copied after the loop: a call within it would take the registers of what is constant.
template <typename T, int C, bool packed, typename Get>
VARY_INLINE void write(const Place<T, C, packed>& to, int x, int m, int n, Get pixels_at) {
  const int room = n - x - to.kBeyond, whole = (m < room ? m : room > 0 ? room : 0) / kLanes * kLanes;
  Aside<T, C, packed> aside;
  static_assert(2 * kLanes + Place<T, C, packed>::kBeyond <= Aside<T, C, packed>::kPixels);
  Place<T, C, packed> there = to;
  int from = -x;
  for (int k = 0; k < m; k += kLanes) {
    if (k == whole) {
      there = aside.place(to);
      from = whole;
    }
    put(there, k - from, pixels_at(k));
  }
  if (whole < m) aside.copy(to, x + whole, m - whole);
}

}  // namespace
}  // namespace vary::VARY_TARGET_NS
