// Writes finished rows into a batch slot, reads a source into the cache before a warp, and fills this target's table.
#include "pixels.h"

namespace vary::VARY_TARGET_NS {
namespace {

template <int C>
VARY_INLINE Channels<C> get(const float* const* planes, int k) {
  Channels<C> out;
  for (int c = 0; c < C; ++c) out.of[c] = load<Floats>(planes[c] + k);
  return out;
}

template <int C, typename To>
VARY_INLINE void store_row(const float* const* planes, int n, const To& to) {
  int k = 0;
  for (; k + kLanes + To::kBeyond <= n; k += kLanes) put(to, k, get<C>(planes, k));
  for (; k < n; k += kLanes) {
    const int count = n - k < kLanes ? n - k : kLanes;
    alignas(kBytes) float last[C][kLanes] = {};
    const float* rows[C];
    for (int c = 0; c < C; ++c) {
      rows[c] = last[c];
      for (int i = 0; i < count; ++i) last[c][i] = planes[c][k + i];
    }
    put_some(to, k, get<C>(rows, 0), count);
  }
}

template <int C>
void store_row(const float* const* planes, int n, const OutputRow& to) {
  write_to<C>(to, [&](const auto& place) { store_row<C>(planes, n, place); });
}

void store_pixels(const float* const* planes, int channels, int n, const OutputRow& to) {
  switch (channels) {
    case 1: return store_row<1>(planes, n, to);
    case 3: return store_row<3>(planes, n, to);
    default: return store_row<4>(planes, n, to);
  }
}

std::uint32_t touch(const std::uint8_t* data, std::int64_t row, int height, std::int64_t bytes) {
  std::uint32_t sum = 0;
  for (int y = 0; y < height; ++y)
    for (std::int64_t i = 0; i < bytes; i += 64) sum += data[y * row + i];
  return sum;
}

}  // namespace

extern const WarpTable warp_table, float_warp_table;
extern const ResizeTable resize_table;
extern const ColourTable colour_table;
extern const NamedSteps noise_steps;
extern const BoxTable box_table;
extern const ReduceTable reduce_table;
extern const RgbTable rgb_table;
extern const ElementTable element_table;

#define VARY_STRING_OF(x) #x
#define VARY_STRING(x) VARY_STRING_OF(x)

const Kernels& kernels() {
  static const Kernels table = [] {
    Kernels k{};
    k.name = VARY_STRING(VARY_TARGET_NS);
    for (int c = 0; c < 5; ++c) {
      k.warp[0][c] = warp_table.row[c];
      k.warp[1][c] = float_warp_table.row[c];
      for (int type = 0; type < 2; ++type) k.resize[type][c] = resize_table.row[type][c];
    }
    for (int type = 0; type < 2; ++type) {
      k.boxes[type] = box_table.boxes[type];
      k.triangle[type] = reduce_table.triangle[type];
    }
    for (int type = 0; type < kElementCount; ++type) {
      k.gather[type] = element_table.gather[type];
      k.scatter[type] = element_table.scatter[type];
    }
    k.affine = colour_table.affine;
    k.matrix = colour_table.matrix;
    k.steps[0] = colour_table.others;
    k.steps[1] = noise_steps;
    k.grey_sum = colour_table.grey_sum;
    k.store = store_pixels;
    k.rgb = rgb_table.rgb;
    k.touch = touch;
    return k;
  }();
  return table;
}

}  // namespace vary::VARY_TARGET_NS
