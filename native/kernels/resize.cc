// Separable resampling for axis-aligned maps: rows first, into one float32 row that stays in cache, then columns.
// The weights (a triangle, widened where the picture shrinks) come ready made; see native/sample.cc.
#include "loads.h"
#include "vectors.h"

namespace vary::VARY_TARGET_NS {
namespace {

constexpr int kTogether = 4;  // rows added in one sweep, so that the sum stays in a register

// scratch[i] = (what it held, or 0) + sum over N rows of weight x row[i], in the order of the rows.
template <int N, typename Source>
void add_rows(const std::uint8_t* first, std::int64_t step, const float* weight, bool begin, int n,
              float* __restrict scratch) {
  const Source* rows[N];
  for (int t = 0; t < N; ++t) rows[t] = reinterpret_cast<const Source*>(first + t * step);
  for (int i = 0; i < n; ++i) {
    float sum = begin ? 0.f : scratch[i];
    for (int t = 0; t < N; ++t) sum = sum + static_cast<float>(rows[t][i]) * weight[t];
    scratch[i] = sum;
  }
}

template <typename Source>
void add_all(const std::uint8_t* first, std::int64_t step, const float* weight, int taps, int n, float* scratch) {
  for (int t = 0; t < taps; t += kTogether) {
    const std::uint8_t* const at = first + t * step;
    switch (taps - t < kTogether ? taps - t : kTogether) {
      case 1: add_rows<1, Source>(at, step, weight + t, t == 0, n, scratch); break;
      case 2: add_rows<2, Source>(at, step, weight + t, t == 0, n, scratch); break;
      case 3: add_rows<3, Source>(at, step, weight + t, t == 0, n, scratch); break;
      default: add_rows<4, Source>(at, step, weight + t, t == 0, n, scratch); break;
    }
  }
}

// A pixel's share. Of floats, one that weighs nothing might be a NaN, and is left out.
template <typename Source>
inline Four share(Four pixel, float weight) {
  if (sizeof(Source) == 1) return pixel * weight;
  return weight != 0 ? pixel * weight : Four{};
}

// Output pixel x: the sum over its taps of weight x pixel. T: the number of taps where it is known, else 0.
template <int C, int T, typename Source>
inline Four mixed(const Resize& s, int x, const float* scratch) {
  const int taps = T > 0 ? T : s.x.taps;
  const float* const weight = s.x.weight + static_cast<std::int64_t>(x) * taps;
  const std::int32_t start = s.x.start[x] < 0 ? s.first : s.x.start[x];
  const float* const pixel = scratch + (start - s.first) * C;
  Four sum = share<Source>(load<Four>(pixel), weight[0]);
  for (int t = 1; t < taps; ++t) sum = sum + share<Source>(load<Four>(pixel + t * C), weight[t]);
  return sum;
}

template <int C, int T, typename Source>
void add_columns(const Resize& s, int n, const float* scratch, float* const* planes) {
  int x = 0;
  for (; x + 4 <= n; x += 4) {
    Square<Four> pixels;
    for (int i = 0; i < 4; ++i) pixels.row[i] = mixed<C, T, Source>(s, x + i, scratch);
    const Square<Four> channels = transposed(pixels);
    for (int c = 0; c < C; ++c) store(planes[c] + x, channels.row[c] * s.scale[c] + s.bias[c]);
  }
  for (; x < n; ++x) {
    const Four pixel = mixed<C, T, Source>(s, x, scratch);
    for (int c = 0; c < C; ++c) planes[c][x] = pixel[c] * s.scale[c] + s.bias[c];
  }
}

template <int C, typename Source>
void row(const Resize& s, int y, int n, float* scratch, float* const* planes) {
  const auto fill = [&](int x) {
    for (int c = 0; c < C; ++c) planes[c][x] = s.fill_value[c] * s.scale[c] + s.bias[c];
  };
  if (s.y.start[y] < 0) {
    for (int x = 0; x < n; ++x) fill(x);
    return;
  }
  const std::int64_t pixel = static_cast<std::int64_t>(sizeof(Source)) * C;
  const float* const weight = s.y.weight + static_cast<std::int64_t>(y) * s.y.taps;
  int skip = 0, taps = s.y.taps;  // only the outermost rows may weigh nothing
  while (taps > 1 && weight[taps - 1] == 0) --taps;
  while (skip + 1 < taps && weight[skip] == 0) ++skip;
  add_all<Source>(s.data + (s.y.start[y] + skip) * s.row + s.first * pixel, s.row, weight + skip, taps - skip,
                  s.columns * C, scratch);
  switch (s.x.taps) {
    case 2: add_columns<C, 2, Source>(s, n, scratch, planes); break;
    case 3: add_columns<C, 3, Source>(s, n, scratch, planes); break;
    case 4: add_columns<C, 4, Source>(s, n, scratch, planes); break;
    default: add_columns<C, 0, Source>(s, n, scratch, planes); break;
  }
  if (!s.x.outside) return;
  for (int x = 0; x < n; ++x)
    if (s.x.start[x] < 0) fill(x);
}

}  // namespace

extern const ResizeTable resize_table;
const ResizeTable resize_table = {{{nullptr, row<1, std::uint8_t>, nullptr, row<3, std::uint8_t>, row<4, std::uint8_t>},
                                   {nullptr, row<1, float>, nullptr, row<3, float>, row<4, float>}}};

}  // namespace vary::VARY_TARGET_NS
