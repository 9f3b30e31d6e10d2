// Separable resampling for axis-aligned maps: source rows are first added into one float32 row, which stays in cache,
// and then its columns. native/sample.cc computes the weights (a triangle, wider where the picture shrinks).
#include "pixels.h"

namespace vary::VARY_TARGET_NS {
namespace {

constexpr int kTogether = 8;  // rows that are added at once, so that the sum stays in a register

// sums[i] = (begin ? 0 : sums[i]) + sum over N rows of weight x row[i], in the order of the rows.
template <int N, typename Source>
void add_rows(const std::uint8_t* first, std::int64_t step, const float* weight, bool begin, int n, float* sums) {
  const Source* rows[N];
  for (int t = 0; t < N; ++t) rows[t] = reinterpret_cast<const Source*>(first + t * step);
  const auto add = [&](int i) __attribute__((always_inline)) {
    Floats sum = begin ? Floats{} : load<Floats>(sums + i);
    for (int t = 0; t < N; ++t) sum = sum + widened(rows[t] + i) * weight[t];
    store(sums + i, sum);
  };
  int i = 0;
  for (; i + kLanes <= n; i += kLanes) add(i);
  if (begin && i > 0) return add(n - kLanes);  // overlaps the vector before, which gets the same sums again
  for (; i < n; ++i) {
    float sum = begin ? 0.f : sums[i];
    for (int t = 0; t < N; ++t) sum = sum + static_cast<float>(rows[t][i]) * weight[t];
    sums[i] = sum;
  }
}

template <typename Source>
void add_all(const std::uint8_t* first, std::int64_t step, const float* weight, int taps, int n, float* sums) {
  using Add = void (*)(const std::uint8_t*, std::int64_t, const float*, bool, int, float*);
  constexpr Add add[kTogether] = {add_rows<1, Source>, add_rows<2, Source>, add_rows<3, Source>, add_rows<4, Source>,
                                  add_rows<5, Source>, add_rows<6, Source>, add_rows<7, Source>, add_rows<8, Source>};
  for (int t = 0; t < taps; t += kTogether) {
    const int together = taps - t < kTogether ? taps - t : kTogether;
    add[together - 1](first + t * step, step, weight + t, t == 0, n, sums);
  }
}

// weights * pixels. A float of weight 0 is left out, because it may be a NaN.
template <typename Source, typename V>
VARY_INLINE V weighted(V pixels, V weights) {
  if (sizeof(Source) == 1) return pixels * weights;
  return weights != 0 ? pixels * weights : V{};
}

// The sum over an output pixel's taps of weight x pixel, of up to four channels.
template <int C, typename Source>
VARY_INLINE Four mixed(const Resize& s, int x, const float* sums) {
  const float* const weight = s.x.weight + static_cast<std::int64_t>(x) * s.x.taps;
  const float* const pixel = sums + (s.x.start[x] - s.first) * C;
  Four sum = weighted<Source>(load<Four>(pixel), Four{} + weight[0]);
  for (int t = 1; t < s.x.taps; ++t) sum = sum + weighted<Source>(load<Four>(pixel + t * C), Four{} + weight[t]);
  return sum;
}

// Four numbers from each of kLanes / 4 places.
VARY_INLINE Floats fours(const float* const* from, int at) {
  Two parts[kLanes / 4];
  for (int p = 0; p < kLanes / 4; ++p) parts[p] = load<Two>(from[p] + at);
  return (Floats)joined(parts);
}

// The same of kLanes / 4 pixels at once, every fourth from x on. T: the number of taps where it is known, else 0.
template <int C, int T, typename Source>
VARY_INLINE Floats mixed(const Resize& s, int x, const float* sums) {
  const int taps = T > 0 ? T : s.x.taps;
  const float *pixel[kLanes / 4], *weight[kLanes / 4];
  for (int p = 0; p < kLanes / 4; ++p) {
    pixel[p] = sums + (s.x.start[x + 4 * p] - s.first) * C;
    weight[p] = s.x.weight + static_cast<std::int64_t>(x + 4 * p) * taps;
  }
  Floats sum{};
  for (int t = 0; t < taps; t += 4) {
    const Floats w = fours(weight, t);
    const Floats one = weighted<Source>(fours(pixel, t * C), fourth<0>(w));
    sum = t == 0 ? one : sum + one;
    if (t + 1 >= taps) break;
    sum = sum + weighted<Source>(fours(pixel, (t + 1) * C), fourth<1>(w));
    if (t + 2 >= taps) break;
    sum = sum + weighted<Source>(fours(pixel, (t + 2) * C), fourth<2>(w));
    if (t + 3 >= taps) break;
    sum = sum + weighted<Source>(fours(pixel, (t + 3) * C), fourth<3>(w));
  }
  return sum;
}

// kLanes pixels from x on, or as many as there are before n, each by itself: where some, or all of a row, lie outside.
template <int C, typename Source>
Square each(const Resize& s, int x, int n, bool row, const float* sums) {
  alignas(kBytes) float pixels[4][kLanes] = {};
  for (int i = 0; i < kLanes && x + i < n; ++i) {
    const bool inside = row && s.x.start[x + i] >= 0;
    store(&pixels[i % 4][i / 4 * 4], inside ? mixed<C, Source>(s, x + i, sums) : load<Four>(s.fill_value));
  }
  return {{load<Floats>(pixels[0]), load<Floats>(pixels[1]), load<Floats>(pixels[2]), load<Floats>(pixels[3])}};
}

// kLanes pixels.
template <int C, int T, typename Source>
Square all(const Resize& s, int x, const float* sums) {
  return {{mixed<C, T, Source>(s, x, sums), mixed<C, T, Source>(s, x + 1, sums), mixed<C, T, Source>(s, x + 2, sums),
           mixed<C, T, Source>(s, x + 3, sums)}};
}

using Mix = Square (*)(const Resize&, int x, const float* sums);

template <int C, typename Source>
Mix mix_of(int taps) {
  constexpr Mix known[] = {all<C, 0, Source>, all<C, 1, Source>, all<C, 2, Source>,
                           all<C, 3, Source>, all<C, 4, Source>, all<C, 5, Source>,
                           all<C, 6, Source>, all<C, 7, Source>, all<C, 8, Source>};
  return known[taps <= 8 ? taps : 0];
}

template <int C>
VARY_INLINE Channels<C> scaled(const Resize& s, const Square& pixels) {
  const Square channels = transposed(pixels);
  Channels<C> out;
  for (int c = 0; c < C; ++c) out.of[c] = channels.row[c] * s.scale[c] + s.bias[c];
  return out;
}

// Reads into the second-level cache what a later output row adds and the row before that one does not. (Inlined: GCC
// removes calls of a function that only prefetches.)
VARY_INLINE void prefetch(const Resize& s, int y, std::int64_t pixel) {
  constexpr int ahead = 4;
  if (y + ahead >= s.y.count) return;
  const int before = s.y.start[y + ahead - 1], start = s.y.start[y + ahead], taps = s.y.taps;
  if (before < 0 || start < 0) return;
  const int first = before <= start && start < before + taps ? before + taps : start;
  const int end = before > start && before < start + taps ? before : start + taps;
  for (int row = first; row < end; ++row)
    for (std::int64_t i = 0; i < s.columns * pixel; i += 64)
      __builtin_prefetch(s.data + row * s.row + s.first * pixel + i, 0, 2);
}

template <int C, typename Source>
void row(const Resize& s, int y, int n, float* sums, const OutputRow& to) {
  const bool inside = s.y.start[y] >= 0;
  constexpr auto pixel = static_cast<std::int64_t>(sizeof(Source)) * C;
  prefetch(s, y, pixel);
  if (inside) {
    const float* const weight = s.y.weight + static_cast<std::int64_t>(y) * s.y.taps;
    int skip = 0, taps = s.y.taps;  // only the outermost rows may have weight 0
    while (taps > 1 && weight[taps - 1] == 0) --taps;
    while (skip + 1 < taps && weight[skip] == 0) ++skip;
    add_all<Source>(s.data + (s.y.start[y] + skip) * s.row + s.first * pixel, s.row, weight + skip, taps - skip,
                    s.columns * C, sums);
  }
  const Mix mix = mix_of<C, Source>(s.x.taps);
  const bool by_itself = !inside || s.x.outside || n < kLanes;
  const auto pixels_at = [&](int x) {
    return scaled<C>(s, by_itself ? each<C, Source>(s, x, n, inside, sums) : mix(s, x, sums));
  };
  write_to<C>(to, [&](const auto& place) {
    int x = 0;
    for (; x + kLanes + place.kBeyond <= n; x += kLanes) put(place, x, pixels_at(x));
    for (; x + kLanes <= n; x += kLanes) put_some(place, x, pixels_at(x), kLanes);
    if (x == n) return;
    if (by_itself) return put_some(place, x, pixels_at(x), n - x);
    put_some(place, n - kLanes, pixels_at(n - kLanes),
             kLanes);  // overlaps the vector before: some pixels are written twice
  });
}

}  // namespace

extern const ResizeTable resize_table;
const ResizeTable resize_table = {{{nullptr, row<1, std::uint8_t>, nullptr, row<3, std::uint8_t>, row<4, std::uint8_t>},
                                   {nullptr, row<1, float>, nullptr, row<3, float>, row<4, float>}}};

}  // namespace vary::VARY_TARGET_NS
