// The first step of the warp: where the pixels of a row come from. A row is computed in blocks of 128 pixels. For each
// pixel of a block it finds the source pixel that is its upper left tap, and the weights of the taps to the right and
// below. Positions lie on a grid of 2^-15 pixels. Included by kernel files only; everything here has internal linkage.
#pragma once

#include "loads.h"
#include "vectors.h"

namespace vary::VARY_TARGET_NS {
namespace {

constexpr int kBlock = kWarpBlock;
constexpr int kShift = 15, kOne = 1 << kShift, kHalf = kOne / 2;

struct Block {
  alignas(64) std::int32_t x[kBlock], y[kBlock];                          // the left, upper tap
  alignas(64) std::int32_t wx[kBlock], wy[kBlock];                        // the weight of the other, 0 .. 2^15 - 1
  alignas(64) std::int32_t upper[kBlock], lower[kBlock], inside[kBlock];  // offsets in bytes; a mask
  bool plain;  // all lower taps are one row below the upper ones, and none is filled: `lower` and `inside` are not set
  bool careful;  // some load would reach beyond the picture
};

struct Base {
  std::int32_t whole, part;
};

inline Base split(double position, bool nearest) {
  position = position < -kFurthest ? -kFurthest : position > kFurthest ? kFurthest : position;
  const double whole = __builtin_floor(position);
  const auto part = static_cast<std::int32_t>((position - whole) * kOne + .5);
  return {static_cast<std::int32_t>(whole), nearest ? part + kHalf : part};
}

// Along one axis. `steps` holds k times the step, each rounded to the grid by itself: errors do not add up.
inline void walk(Base base, const std::int32_t* steps, int n, std::int32_t* whole, std::int32_t* weight) {
  for (int k = 0; k < n; ++k) {
    const std::int32_t at = base.part + steps[k];
    whole[k] = base.whole + (at >> kShift);
    weight[k] = at & (kOne - 1);
  }
}

// The same for positions that 32 bits do not hold, one by one in float64.
void walk_far(double first, double step, bool nearest, int n, std::int32_t* whole, std::int32_t* weight) {
  const double base = __builtin_floor(first * kOne + .5);
  for (int k = 0; k < n; ++k) {
    double at = (base + __builtin_floor(k * step * kOne + .5)) * (1. / kOne) + (nearest ? .5 : 0);
    at = at < -kFurthest ? -kFurthest : at > kFurthest ? kFurthest : at;
    const double left = __builtin_floor(at);
    whole[k] = static_cast<std::int32_t>(left);
    weight[k] = static_cast<std::int32_t>((at - left) * kOne);
  }
}

// A position on the grid: the left tap, and the weight of the other.
inline void put(double at, bool nearest, std::int32_t& whole, std::int32_t& weight) {
  at = __builtin_floor(at * kOne + .5) * (1. / kOne) + (nearest ? .5 : 0);
  at = at < -kFurthest ? -kFurthest : at > kFurthest ? kFurthest : at;
  const double left = __builtin_floor(at);
  whole = static_cast<std::int32_t>(left);
  weight = static_cast<std::int32_t>((at - left) * kOne);
}

// The same for projective maps.
void walk_projective(const Warp& s, int x, int y, int n, Block& b) {
  const double *const m = s.map, *const p = s.over, down = y + .5;
  for (int k = 0; k < n; ++k) {
    const double across = x + k + .5;
    const double over = p[0] * across + (p[1] * down + p[2]);
    const bool seen = over > kHorizon;
    const double to_x = (m[0] * across + (m[1] * down + m[2])) / over - .5;
    const double to_y = (m[3] * across + (m[4] * down + m[5])) / over - .5;
    put(seen ? to_x : 2 * kFurthest, s.nearest, b.x[k], b.wx[k]);
    put(seen ? to_y : 2 * kFurthest, s.nearest, b.y[k], b.wy[k]);
  }
}

// The same for positions that are given.
void walk_given(const Warp& s, int x, int n, Block& b) {
  for (int k = 0; k < n; ++k) {
    put(s.positions[0][x + k], s.nearest, b.x[k], b.wx[k]);
    put(s.positions[1][x + k], s.nearest, b.y[k], b.wy[k]);
  }
}

// The least and greatest whole pixel of a walk: positions are monotone in k.
struct Span {
  std::int32_t low, high;
  Span(Base base, const std::int32_t* steps, int n) {
    const std::int32_t first = base.whole + (base.part >> kShift);
    const std::int32_t last = base.whole + ((base.part + steps[n - 1]) >> kShift);
    low = first < last ? first : last;
    high = first < last ? last : first;
  }
};

inline int modulo(int a, int n) {
  const int r = a % n;
  return r < 0 ? r + n : r;
}

// The same for all values of a block, with one division if they span less than n, as in nearly all blocks.
void modulo(int n, int count, std::int32_t* whole) {
  std::int32_t low = whole[0], high = whole[0];
  for (int k = 1; k < count; ++k) {
    low = whole[k] < low ? whole[k] : low;
    high = whole[k] > high ? whole[k] : high;
  }
  if (high - low >= n) {
    for (int k = 0; k < count; ++k) whole[k] = modulo(whole[k], n);
    return;
  }
  const std::int32_t start = low - modulo(low, n);
  for (int k = 0; k < count; ++k) {
    const std::int32_t at = whole[k] - start;
    whole[k] = at < n ? at : at - n;
  }
}

void mirror(int size, int edge, int n, std::int32_t* whole, std::int32_t* weight) {  // edge: is its pixel repeated?
  const int last = size - 1, period = 2 * last + 2 * edge;
  if (period == 0) return;  // a single pixel: the clamp that follows is enough
  std::int32_t far = 0;
  for (int k = 0; k < n; ++k) far |= static_cast<std::int32_t>((whole[k] < -last) | (whole[k] >= 2 * last + edge));
  if (far) modulo(period, n, whole);
  for (int k = 0; k < n; ++k) {
    const std::int32_t turns = whole[k] < 0 ? -edge : 2 * last + edge;
    const std::int32_t between = weight[k] != 0 ? 1 : 0;
    const bool out = (whole[k] < 0) | (whole[k] >= last);
    whole[k] = out ? turns - whole[k] - between : whole[k];
    weight[k] = out ? (kOne - weight[k]) & (kOne - 1) : weight[k];
  }
}

// Resolve positions that may lie outside [0, size) by the fill; afterwards `whole` is a pixel of the source, and has a
// right neighbour wherever its weight is not 0. Positions are of pixel centres: the source spans -1/2 .. size - 1/2.
void resolve(Fill fill, int size, int n, std::int32_t* whole, std::int32_t* weight, std::int32_t* inside) {
  const int last = size - 1;
  switch (fill) {
    case Fill::nearest: break;
    case Fill::reflect: mirror(size, 1, n, whole, weight); break;
    case Fill::reflect101: mirror(size, 0, n, whole, weight); break;
    case Fill::constant:
      for (int k = 0; k < n; ++k) {
        const bool above = (whole[k] > -1) | ((whole[k] == -1) & (weight[k] >= kHalf));
        const bool below = (whole[k] < last) | ((whole[k] == last) & (weight[k] < kHalf));
        inside[k] = (above & below) ? inside[k] : 0;
      }
      break;
    case Fill::wrap:
      modulo(size, n, whole);
      for (int k = 0; k < n; ++k) {
        const int at = whole[k];
        const bool next = (at == last) & (weight[k] >= kHalf);  // nearer to the first pixel than to the last
        whole[k] = next ? 0 : at;
        weight[k] = next ? 0 : weight[k];
      }
      break;
  }
  for (int k = 0; k < n; ++k) {
    const bool out = (whole[k] < 0) | (whole[k] >= last);
    weight[k] = out ? 0 : weight[k];
    whole[k] = whole[k] < 0 ? 0 : whole[k] > last ? last : whole[k];
  }
}

// Clamps a position to the pixels of the picture.
inline void clamp_to(Ints last, Ints& whole, Ints& weight) {
  weight &= (whole >= 0) & (whole < last);
  whole = whole < 0 ? Ints{} : whole;
  whole = whole > last ? last : whole;
}

// Offsets and weights where all taps exist (edge: where they exist once clamped). Not plain: near the last rows.
template <int Bytes, int reach, bool edge, bool plain>
inline void locate_fast(const Warp& s, Base bx, Base by, int n, Block& b) {
  const Ints part_x = Ints{} + bx.part, part_y = Ints{} + by.part;
  const Ints whole_x = Ints{} + bx.whole, whole_y = Ints{} + by.whole;
  const Ints last_x = Ints{} + (s.width - 1), last_y = Ints{} + (s.height - 1);
  const Ints fraction = Ints{} + (s.nearest ? 0 : kOne - 1), row = Ints{} + static_cast<std::int32_t>(s.row);
  Ints furthest{};
  for (int k = 0; k < n; k += kLanes) {
    Ints x = load<Ints>(s.steps_x + k) + part_x, y = load<Ints>(s.steps_y + k) + part_y;
    Ints wx = x & fraction, wy = y & fraction;
    x = (x >> kShift) + whole_x;
    y = (y >> kShift) + whole_y;
    if (edge) {
      clamp_to(last_x, x, wx);
      clamp_to(last_y, y, wy);
    }
    const Ints offset = y * row + x * Bytes;
    store(b.upper + k, offset);
    store(b.wx + k, wx);
    store(b.wy + k, wy);
    if (!plain) {
      const Ints lower = offset + ((y < last_y) & row);
      store(b.lower + k, lower);
      store(b.inside + k, Ints{} - 1);
      furthest = lower > furthest ? lower : furthest;
    }
  }
  b.plain = plain;
  b.careful = !plain && any_above(furthest, s.limit + 8 - reach);
}

// Where the centre of pixel x of row y falls along an axis, from the middle of the source's first pixel.
inline double position(const double* m, int x, int y) { return (m[0] * (x + .5) + (m[1] * (y + .5) + m[2])) - .5; }

template <int Bytes, int reach>
__attribute__((noinline)) void locate_edge(const Warp& s, int x, int y, int n, Block& b) {
  if (s.positions[0] != nullptr) {
    walk_given(s, x, n, b);
  } else if (s.projective) {
    walk_projective(s, x, y, n, b);
  } else if (s.distant) {
    walk_far(position(s.map, x, y), s.map[0], s.nearest, n, b.x, b.wx);
    walk_far(position(s.map + 3, x, y), s.map[3], s.nearest, n, b.y, b.wy);
  } else {
    walk(split(position(s.map, x, y), s.nearest), s.steps_x, n, b.x, b.wx);
    walk(split(position(s.map + 3, x, y), s.nearest), s.steps_y, n, b.y, b.wy);
  }
  if (s.nearest)
    for (int k = 0; k < n; ++k) b.wx[k] = b.wy[k] = 0;
  for (int k = 0; k < n; ++k) b.inside[k] = -1;
  resolve(s.fill, s.width, n, b.x, b.wx, b.inside);
  resolve(s.fill, s.height, n, b.y, b.wy, b.inside);
  const auto row = static_cast<std::int32_t>(s.row);
  for (int k = 0; k < n; ++k) {
    b.upper[k] = b.y[k] * row + b.x[k] * Bytes;
    b.lower[k] = b.upper[k] + (b.y[k] < s.height - 1 ? row : 0);
  }
  std::int32_t furthest = 0;
  for (int k = 0; k < n; ++k) furthest = b.lower[k] > furthest ? b.lower[k] : furthest;
  b.plain = false;
  b.careful = furthest > s.limit + 8 - reach;
}

// Positions of `n` pixels (a whole number of vectors, so perhaps beyond the row) from column x on, each of so many
// bytes. `reach`: how many bytes from a left tap on are read, at most 16 more than two pixels have.
template <int Bytes, int reach>
__attribute__((noinline)) void locate(const Warp& s, int x, int y, int n, Block& b) {
  const Base bx = split(position(s.map, x, y), s.nearest), by = split(position(s.map + 3, x, y), s.nearest);
  const Span across(bx, s.steps_x, n), down(by, s.steps_y, n);
  const bool edge =
      s.distant || !(across.low >= 0 && across.high < s.width - 1 && down.low >= 0 && down.high < s.height - 1);
  const bool low = down.high >= s.height - 3 || s.height < 3 || s.row < 16;
  if (s.distant || (edge && s.fill != Fill::nearest)) return locate_edge<Bytes, reach>(s, x, y, n, b);
  if (low) return locate_fast<Bytes, reach, true, false>(s, bx, by, n, b);
  if (edge) return locate_fast<Bytes, reach, true, true>(s, bx, by, n, b);
  locate_fast<Bytes, reach, false, true>(s, bx, by, n, b);
}

}  // namespace
}  // namespace vary::VARY_TARGET_NS
