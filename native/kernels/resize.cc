// Separable resampling for axis-aligned maps: rows first, into one float32 row that stays in cache, then columns.
// The weights (a triangle, widened where the picture shrinks) come ready made; see native/sample.cc.
#include "loads.h"

namespace vary::VARY_TARGET_NS {
namespace {

// scratch[i] = sum over taps of weight x source, in tap order; contiguous, so it vectorises.
template <typename Source>
void add_row(const Source* source, float weight, bool begin, int n, float* scratch) {
  if (begin) {
    for (int i = 0; i < n; ++i) scratch[i] = static_cast<float>(source[i]) * weight;
  } else {
    for (int i = 0; i < n; ++i) scratch[i] = scratch[i] + static_cast<float>(source[i]) * weight;
  }
}

template <int C, typename Source>
void row(const Resize& s, int y, int n, float* scratch, float* const* planes) {
  if (s.y.start[y] < 0) {
    for (int c = 0; c < C; ++c)
      for (int x = 0; x < n; ++x) planes[c][x] = s.fill_value[c] * s.scale[c] + s.bias[c];
    return;
  }
  const float* const weights = s.y.weight + static_cast<std::int64_t>(y) * s.y.taps;
  for (int t = 0; t < s.y.taps; ++t) {
    if (t > 0 && weights[t] == 0) continue;
    const std::uint8_t* const line = s.data + (s.y.start[y] + t) * s.row;
    add_row(reinterpret_cast<const Source*>(line) + static_cast<std::int64_t>(s.first) * C, weights[t], t == 0,
            s.columns * C, scratch);
  }
  for (int x = 0; x < n; ++x) {
    const std::int32_t start = s.x.start[x];
    float sum[4] = {0, 0, 0, 0};
    if (start >= 0) {
      const float* pixel = scratch + (start - s.first) * C;
      const float* const weight = s.x.weight + static_cast<std::int64_t>(x) * s.x.taps;
      for (int t = 0; t < s.x.taps; ++t, pixel += C)
        for (int c = 0; c < 4; ++c) sum[c] = sum[c] + pixel[c] * weight[t];  // four lanes whatever C is: one vector
    } else {
      for (int c = 0; c < C; ++c) sum[c] = s.fill_value[c];
    }
    for (int c = 0; c < C; ++c) planes[c][x] = sum[c] * s.scale[c] + s.bias[c];
  }
}

}  // namespace

extern const ResizeTable resize_table;
const ResizeTable resize_table = {{{nullptr, row<1, std::uint8_t>, nullptr, row<3, std::uint8_t>, row<4, std::uint8_t>},
                                   {nullptr, row<1, float>, nullptr, row<3, float>, row<4, float>}}};

}  // namespace vary::VARY_TARGET_NS
