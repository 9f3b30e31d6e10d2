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

// Four lanes whatever C is, so that a pixel is one vector.
typedef float Four __attribute__((vector_size(16)));

// out[4 x + c] = sum over taps of weight x channel c. T: the number of taps where it is known, else 0.
template <int C, int T>
void add_columns(const Resize& s, int n, const float* scratch, float* __restrict out) {
  const int taps = T > 0 ? T : s.x.taps;
  const float* weight = s.x.weight;
  for (int x = 0; x < n; ++x, weight += taps) {
    const std::int32_t start = s.x.start[x] < 0 ? s.first : s.x.start[x];
    const float* pixel = scratch + (start - s.first) * C;
    Four sum = load<Four>(pixel) * weight[0];
    for (int t = 1; t < taps; ++t) sum = sum + load<Four>(pixel + t * C) * weight[t];
    store(out + 4 * x, sum);
  }
  if (!s.x.outside) return;
  for (int x = 0; x < n; ++x)
    if (s.x.start[x] < 0) store(out + 4 * x, load<Four>(s.fill_value));
}

template <int C>
void add_columns(const Resize& s, int n, const float* scratch, float* out) {
  switch (s.x.taps) {
    case 2: return add_columns<C, 2>(s, n, scratch, out);
    case 3: return add_columns<C, 3>(s, n, scratch, out);
    case 4: return add_columns<C, 4>(s, n, scratch, out);
    default: return add_columns<C, 0>(s, n, scratch, out);
  }
}

template <int C, typename Source>
void row(const Resize& s, int y, int n, float* scratch, float* const* planes) {
  if (s.y.start[y] < 0) {
    for (int c = 0; c < C; ++c)
      for (int x = 0; x < n; ++x) planes[c][x] = s.fill_value[c] * s.scale[c] + s.bias[c];
    return;
  }
  const std::int64_t pixel = static_cast<std::int64_t>(sizeof(Source)) * C;
  const float* const weight = s.y.weight + static_cast<std::int64_t>(y) * s.y.taps;
  int taps = s.y.taps;
  while (taps > 1 && weight[taps - 1] == 0) --taps;
  add_all<Source>(s.data + s.y.start[y] * s.row + s.first * pixel, s.row, weight, taps, s.columns * C, scratch);
  float* const mixed = scratch + static_cast<std::int64_t>(s.columns) * C + 4;
  add_columns<C>(s, n, scratch, mixed);
  for (int c = 0; c < C; ++c) {
    const float scale = s.scale[c], bias = s.bias[c];
    float* const out = planes[c];
    for (int x = 0; x < n; ++x) out[x] = mixed[4 * x + c] * scale + bias;
  }
}

}  // namespace

extern const ResizeTable resize_table;
const ResizeTable resize_table = {{{nullptr, row<1, std::uint8_t>, nullptr, row<3, std::uint8_t>, row<4, std::uint8_t>},
                                   {nullptr, row<1, float>, nullptr, row<3, float>, row<4, float>}}};

}  // namespace vary::VARY_TARGET_NS
