// Whole-row copies: the last pass into a batch slot, the linear read before a warp; and this target's table.
#include "loads.h"

namespace vary::VARY_TARGET_NS {
namespace {

// Saturate, then round half to even: adding and taking away 1.5 x 2^23 leaves no bits for a fraction.
inline std::uint8_t to_byte(float v) {
  const float clamped = v > 0.f ? (v < 255.f ? v : 255.f) : 0.f;  // NaN becomes 0
  const float rounded = (clamped + 12582912.f) - 12582912.f;
  return static_cast<std::uint8_t>(static_cast<std::int32_t>(rounded));
}

template <int C>
void interleave_u8(const float* const* planes, int n, std::uint8_t* packed) {
  for (int k = 0; k < n; ++k)
    for (int c = 0; c < C; ++c) packed[k * C + c] = to_byte(planes[c][k]);
}

template <int C>
void interleave_f32(const float* const* planes, int n, float* __restrict packed) {
  for (int k = 0; k < n; ++k)
    for (int c = 0; c < C; ++c) packed[k * C + c] = planes[c][k];
}

void to_u8(const float* const* planes, int channels, int n, std::uint8_t* const* planar, std::uint8_t* packed) {
  if (planar != nullptr) {
    for (int c = 0; c < channels; ++c) {
      const float* const from = planes[c];
      std::uint8_t* const out = planar[c];
      for (int k = 0; k < n; ++k) out[k] = to_byte(from[k]);
    }
    return;
  }
  switch (channels) {
    case 1: interleave_u8<1>(planes, n, packed); break;
    case 3: interleave_u8<3>(planes, n, packed); break;
    default: interleave_u8<4>(planes, n, packed); break;
  }
}

void to_f32(const float* const* planes, int channels, int n, float* packed) {
  switch (channels) {
    case 1: interleave_f32<1>(planes, n, packed); break;
    case 3: interleave_f32<3>(planes, n, packed); break;
    default: interleave_f32<4>(planes, n, packed); break;
  }
}

std::uint32_t touch(const std::uint8_t* data, std::int64_t row, int height, std::int64_t bytes) {
  std::uint32_t sum = 0;
  for (int y = 0; y < height; ++y)
    for (std::int64_t i = 0; i < bytes; i += 64) sum += data[y * row + i];
  return sum;
}

}  // namespace

extern const WarpTable warp_table;
extern const ResizeTable resize_table;
extern const ColourTable colour_table;
extern const NamedSteps noise_steps;
extern const BoxTable box_table;
extern const ReduceTable reduce_table;
extern const RgbTable rgb_table;

#define VARY_STRING_OF(x) #x
#define VARY_STRING(x) VARY_STRING_OF(x)

const Kernels& kernels() {
  static const Kernels table = [] {
    Kernels k{};
    k.name = VARY_STRING(VARY_TARGET_NS);
    for (int type = 0; type < 2; ++type)
      for (int c = 0; c < 5; ++c) {
        k.warp[type][c] = warp_table.row[type][c];
        k.resize[type][c] = resize_table.row[type][c];
      }
    for (int type = 0; type < 2; ++type) {
      k.boxes[type] = box_table.boxes[type];
      k.triangle[type] = reduce_table.triangle[type];
    }
    k.affine = colour_table.affine;
    k.matrix = colour_table.matrix;
    k.steps[0] = colour_table.others;
    k.steps[1] = noise_steps;
    k.grey_sum = colour_table.grey_sum;
    k.to_u8 = to_u8;
    k.to_f32 = to_f32;
    k.rgb = rgb_table.rgb;
    k.touch = touch;
    return k;
  }();
  return table;
}

}  // namespace vary::VARY_TARGET_NS
