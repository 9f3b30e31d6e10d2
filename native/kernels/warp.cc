// The warp: any affine map, bilinear or nearest. A row is worked in blocks of 128 pixels, in three steps: (a)
// positions, on a grid of 2^-15 pixels: which pixel, which weight, which bytes; (b) the loads: two neighbouring pixels
// of two rows are two 8-byte words; (c) the blend, scale and store.
//
// The arithmetic is part of the Program's meaning (native/README.md). For uint8 the blend is done in 16-bit lanes with
// 7 bits below the point, two channels of a pixel side by side, all in integers: every target gives the same bits.
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
  bool edge;     // some position lies outside: `inside` is set where the fill is a constant
  bool bottom;   // some pixel has no row below: `lower` is set (elsewhere it is `upper` and one row)
  bool careful;  // some 8-byte load would reach beyond the picture
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

// (a) along one axis. `steps` holds k times the step, each rounded to the grid by itself: errors do not add up.
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

void mirror(int size, int edge, int n, std::int32_t* whole, std::int32_t* weight) {  // edge: is its pixel repeated?
  const int last = size - 1, period = 2 * last + 2 * edge;
  if (period == 0) return;  // a single pixel: the clamp that follows is the whole answer
  std::int32_t far = 0;
  for (int k = 0; k < n; ++k) far |= static_cast<std::int32_t>((whole[k] < -last) | (whole[k] >= 2 * last + edge));
  if (far)
    for (int k = 0; k < n; ++k) whole[k] = modulo(whole[k], period);
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
      for (int k = 0; k < n; ++k) {
        const int at = modulo(whole[k], size);
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

// Keeps a position on the picture by its nearest pixel.
inline void clamp_to(Ints last, Ints& whole, Ints& weight) {
  weight &= (whole >= 0) & (whole < last);
  whole = whole < 0 ? Ints{} : whole;
  whole = whole > last ? last : whole;
}

// Offsets and weights where all taps exist (Edge: where they exist once clamped; Bottom: near the last rows).
template <int Bytes, bool Edge, bool Bottom>
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
    if (Edge) {
      clamp_to(last_x, x, wx);
      clamp_to(last_y, y, wy);
    }
    const Ints offset = y * row + x * Bytes;
    store(b.upper + k, offset);
    store(b.wx + k, wx);
    store(b.wy + k, wy);
    if (Bottom) {
      const Ints lower = offset + ((y < last_y) & row);
      store(b.lower + k, lower);
      furthest = lower > furthest ? lower : furthest;
    }
  }
  b.bottom = Bottom;
  b.careful = Bottom && any_above(furthest, s.limit);
}

// Where the centre of pixel x of row y falls along an axis, from the middle of the source's first pixel.
inline double position(const double* m, int x, int y) { return (m[0] * (x + .5) + (m[1] * (y + .5) + m[2])) - .5; }

template <int Bytes>
__attribute__((noinline)) void locate_edge(const Warp& s, int x, int y, int n, Block& b) {
  if (s.projective) {
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
  b.bottom = true;
  b.careful = furthest > s.limit;
}

// Positions of `n` pixels (a whole number of vectors, so perhaps beyond the row) from column x on.
template <int Bytes>
void locate(const Warp& s, int x, int y, int n, Block& b) {
  const Base bx = split(position(s.map, x, y), s.nearest), by = split(position(s.map + 3, x, y), s.nearest);
  const Span across(bx, s.steps_x, n), down(by, s.steps_y, n);
  b.edge = s.distant || !(across.low >= 0 && across.high < s.width - 1 && down.low >= 0 && down.high < s.height - 1);
  const bool low = down.high >= s.height - 3 || s.height < 3 || s.row < 16;
  if (s.distant || (b.edge && s.fill != Fill::nearest)) return locate_edge<Bytes>(s, x, y, n, b);
  if (low) return locate_fast<Bytes, true, true>(s, bx, by, n, b);
  if (b.edge) return locate_fast<Bytes, true, false>(s, bx, by, n, b);
  locate_fast<Bytes, false, false>(s, bx, by, n, b);
}

// (b) n pixels and their right neighbours, from two rows, in the order of `low_words`: of each four, two and two.
// Upper offsets u are read from s.data, lower ones l from `lower`.
template <typename Load>
inline void scatter(const std::uint8_t* upper, const std::uint8_t* lower, const std::int32_t* u, const std::int32_t* l,
                    int n, std::uint64_t* a, std::uint64_t* c, Load load_at) {
  constexpr int half = kLanes / 2;
  for (const std::int32_t* const end = u + n; u < end; a += half, c += half)
    for (int i = 0; i < half; i += 2, u += 4, l += 4, a += 2, c += 2) {
      a[0] = load_at(upper + u[0]), c[0] = load_at(lower + l[0]);
      a[1] = load_at(upper + u[1]), c[1] = load_at(lower + l[1]);
      a[half] = load_at(upper + u[2]), c[half] = load_at(lower + l[2]);
      a[half + 1] = load_at(upper + u[3]), c[half + 1] = load_at(lower + l[3]);
    }
}

template <int C>
inline void fetch(const Warp& s, const Block& b, int n, std::uint64_t* __restrict a, std::uint64_t* __restrict c) {
  if (b.careful) {
    const std::uint8_t* const end = s.data + s.limit + 8;
    const auto load_at = [=](const std::uint8_t* at) { return load_before<2 * C>(at, end); };
    return scatter(s.data, s.data, b.upper, b.lower, n, a, c, load_at);
  }
  if (b.bottom) return scatter(s.data, s.data, b.upper, b.lower, n, a, c, load_u64);
  scatter(s.data, s.data + s.row, b.upper, b.upper, n, a, c, load_u64);
}

// Channels 0 and 2 (even) or 1 and 3 (odd) of kLanes pixels, as pairs of 16-bit numbers with 7 bits below the point.
struct Pairs {
  Shorts even, odd;
};
constexpr std::uint32_t kPair = 0x7f807f80;

inline Pairs left_pixels(Longs a, Longs b) {
  const Words v = low_words(a, b);
  return {(Shorts)(v << 7 & kPair), (Shorts)(v >> 1 & kPair)};
}

template <int C>
inline Pairs right_pixels(Longs a, Longs b) {
  if (C == 4) return left_pixels(a >> 32, b >> 32);
  const Words v = low_words(a >> (8 * C - 7), b >> (8 * C - 7));  // already shifted up by 7
  return {(Shorts)(v & kPair), (Shorts)(v >> 8 & kPair)};
}

inline Shorts blend(Shorts a, Shorts b, Shorts weight) { return a + multiply_round(b - a, weight); }
inline Pairs blend(const Pairs& a, const Pairs& b, Shorts weight) {
  return {blend(a.even, b.even, weight), blend(a.odd, b.odd, weight)};
}

template <int C>
struct Sink {
  float* out[C];
  float scale[C], bias[C], fill[C];
  bool far;  // rows lie at multiples of a vector, and are written past the caches
};

// (c) kLanes pixels.
template <int C, bool Masked>
inline void finish(const Block& b, const std::uint64_t* a, const std::uint64_t* c, int k, const Sink<C>& s, int at) {
  const Longs a0 = load<Longs>(a + k), a1 = load<Longs>(a + k + kLanes / 2);
  const Longs c0 = load<Longs>(c + k), c1 = load<Longs>(c + k + kLanes / 2);
  const Shorts wx = twice(load<Ints>(b.wx + k)), wy = twice(load<Ints>(b.wy + k));
  const Pairs upper = blend(left_pixels(a0, a1), right_pixels<C>(a0, a1), wx);
  const Pairs lower = blend(left_pixels(c0, c1), right_pixels<C>(c0, c1), wx);
  const Pairs pixel = blend(upper, lower, wy);
  const Ints channel[4] = {(Ints)pixel.even & 0xffff, (Ints)pixel.odd & 0xffff, (Ints)pixel.even >> 16,
                           (Ints)pixel.odd >> 16};
#pragma GCC unroll 4  // else GCC 12 for arm64, at -O2, takes the store below for one to a null pointer and drops it
  for (int i = 0; i < C; ++i) {
    Floats v = __builtin_convertvector(channel[i], Floats) * s.scale[i] + s.bias[i];
    if (Masked) v = load<Ints>(b.inside + k) ? v : Floats{} + s.fill[i];
    if (s.far) {
      store_far(s.out[i] + at, v);
    } else {
      store(s.out[i] + at, v);
    }
  }
}

template <int C, bool Masked>
inline void finish_all(const Block& b, const std::uint64_t* a, const std::uint64_t* c, int n, const Sink<C>& s) {
  int k = 0;
  for (; k + kLanes <= n; k += kLanes) finish<C, Masked>(b, a, c, k, s, k);
  if (k == n) return;
  alignas(64) float last[C][kLanes];
  Sink<C> aside = s;
  aside.far = false;
  for (int i = 0; i < C; ++i) aside.out[i] = last[i];
  finish<C, Masked>(b, a, c, k, aside, 0);
  for (int i = 0; i < C; ++i)
    for (int j = 0; k + j < n; ++j) s.out[i][k + j] = last[i][j];
}

template <int C>
void bytes(const Warp& s, int y, int n, float* const* planes) {
  Block b;
  alignas(64) std::uint64_t a[kBlock], c[kBlock];
  Sink<C> sink;
  sink.far = s.far;
  for (int i = 0; i < C; ++i) {
    sink.far = sink.far && reinterpret_cast<std::uintptr_t>(planes[i]) % kBytes == 0;
    sink.out[i] = planes[i];
    sink.scale[i] = s.scale[i] * (1.f / 128);
    sink.bias[i] = s.bias[i];
    sink.fill[i] = s.fill_value[i] * s.scale[i] + s.bias[i];
  }
  for (int x = 0; x < n; x += kBlock) {
    const int m = n - x < kBlock ? n - x : kBlock;
    locate<C>(s, x, y, (m + kLanes - 1) / kLanes * kLanes, b);
    fetch<C>(s, b, (m + kLanes - 1) / kLanes * kLanes, a, c);
    if (b.edge && s.fill == Fill::constant) {
      finish_all<C, true>(b, a, c, m, sink);
    } else {
      finish_all<C, false>(b, a, c, m, sink);
    }
    for (int i = 0; i < C; ++i) sink.out[i] += kBlock;
  }
}

template <int C>
void floats(const Warp& s, int y, int n, float* const* planes) {
  Block b;
  for (int x = 0; x < n; x += kBlock) {
    const int m = n - x < kBlock ? n - x : kBlock;
    locate_edge<4 * C>(s, x, y, m, b);
    const bool masked = s.fill == Fill::constant;
    for (int k = 0; k < m; ++k) {
      const std::uint8_t* const upper = s.data + b.upper[k];
      const std::uint8_t* const lower = s.data + b.lower[k];
      const int right = b.x[k] < s.width - 1 ? 4 * C : 0;  // never read past the row: it might be a NaN
      const float wx = static_cast<float>(b.wx[k]) * (1.f / kOne), wy = static_cast<float>(b.wy[k]) * (1.f / kOne);
      for (int i = 0; i < C; ++i) {
        const float p = load_f32(upper + 4 * i), q = load_f32(lower + 4 * i);
        // Selected, not multiplied by 0: a NaN or an infinity next door stays next door.
        const float above = wx > 0 ? p + (load_f32(upper + 4 * i + right) - p) * wx : p;
        const float below = wx > 0 ? q + (load_f32(lower + 4 * i + right) - q) * wx : q;
        const float v = wy > 0 ? above + (below - above) * wy : above;
        planes[i][x + k] = (masked && b.inside[k] == 0 ? s.fill_value[i] : v) * s.scale[i] + s.bias[i];
      }
    }
  }
}

}  // namespace

extern const WarpTable warp_table;
const WarpTable warp_table = {
    {{nullptr, bytes<1>, nullptr, bytes<3>, bytes<4>}, {nullptr, floats<1>, nullptr, floats<3>, floats<4>}}};

}  // namespace vary::VARY_TARGET_NS
