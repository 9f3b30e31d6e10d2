// Whole-row copies: the last pass into a batch slot, the box reduction, the linear read before a warp;
// and this target's table.
#include "pixels.h"

namespace vary::VARY_TARGET_NS {
namespace {

// kLanes pixels of planes, as `put` takes them.
template <int C>
inline void get(const float* const* planes, int k, Channels<C>& out) {
  for (int c = 0; c < C; ++c) out.of[c] = load<Floats>(planes[c] + k);
}
template <int C>
inline void get(const float* const* planes, int k, Words& out) {
  out = Words{};
  for (int c = 0; c < C; ++c) out |= to_bytes(load<Floats>(planes[c] + k)) << (8 * c);
}

template <int C, typename Pixels, typename To>
void store_row(const float* const* planes, int n, const To& to) {
  Pixels pixels;
  int k = 0;
  for (; k + kLanes + To::kBeyond <= n; k += kLanes) {
    get<C>(planes, k, pixels);
    put(to, k, pixels);
  }
  for (; k < n; k += kLanes) {
    const int count = n - k < kLanes ? n - k : kLanes;
    alignas(kBytes) float last[C][kLanes] = {};
    const float* rows[C];
    for (int c = 0; c < C; ++c) {
      rows[c] = last[c];
      for (int i = 0; i < count; ++i) last[c][i] = planes[c][k + i];
    }
    get<C>(rows, 0, pixels);
    put_some(to, k, pixels, count);
  }
}

template <int C>
void store_row(const float* const* planes, int n, const OutputRow& to) {
  constexpr bool apart = C > 1;  // one channel is packed and a plane at once
  if (to.type == Type::f32) {
    if (apart && to.packed) return store_row<C, Channels<C>>(planes, n, Place<float, C, apart>(to));
    return store_row<C, Channels<C>>(planes, n, Place<float, C, false>(to));
  }
  if (apart && to.packed) return store_row<C, Words>(planes, n, Place<std::uint8_t, C, apart>(to));
  store_row<C, Words>(planes, n, Place<std::uint8_t, C, false>(to));
}

void store_pixels(const float* const* planes, int channels, int n, const OutputRow& to) {
  switch (channels) {
    case 1: return store_row<1>(planes, n, to);
    case 3: return store_row<3>(planes, n, to);
    default: return store_row<4>(planes, n, to);
  }
}

// 16-bit sums of up to `rows` rows; at most 257 rows of bytes fit.
void sum_rows(const std::uint8_t* data, std::int64_t row, int rows, int n, std::uint16_t* __restrict sums) {
  const std::uint8_t* const second = data + (rows > 1 ? row : 0);
  for (int i = 0; i < n; ++i) sums[i] = static_cast<std::uint16_t>(data[i] + (rows > 1 ? second[i] : 0));
  for (int r = 2; r < rows; ++r) {
    const std::uint8_t* const line = data + r * row;
    for (int i = 0; i < n; ++i) sums[i] = static_cast<std::uint16_t>(sums[i] + line[i]);
  }
}

// Adds `columns` pixels of C 16-bit sums at a time, as one 64-bit number: no lane overflows into the next, and what
// lies above lane C belongs to the next pixel and is written over.
template <int C, int Known>
void sum_columns(const std::uint16_t* sums, int pixels, int columns, std::uint16_t* out) {
  const int n = Known > 0 ? Known : columns;
  for (int x = 0; x < pixels; ++x, sums += n * C, out += C) {
    std::uint64_t total = 0;
    for (int i = 0; i < n; ++i) {
      std::uint64_t pixel;
      __builtin_memcpy(&pixel, sums + i * C, 8);
      total += pixel;
    }
    __builtin_memcpy(out, &total, 8);
  }
}

template <int C>
void sum_columns(const std::uint16_t* sums, int pixels, int columns, std::uint16_t* out) {
  switch (columns) {
    case 2: return sum_columns<C, 2>(sums, pixels, columns, out);
    case 3: return sum_columns<C, 3>(sums, pixels, columns, out);
    default: return sum_columns<C, 0>(sums, pixels, columns, out);
  }
}

// sum / count rounded half up. Exact in float32 for sums below 2^16: (sum + count / 2 + .5) / count is never within
// rounding error of the next whole number.
void divide(const std::uint16_t* sums, int n, int count, std::uint8_t* out) {
  const int rounding = count / 2;
  if ((count & (count - 1)) == 0) {
    const int bits = __builtin_ctz(static_cast<unsigned>(count));
    for (int i = 0; i < n; ++i) out[i] = static_cast<std::uint8_t>((sums[i] + rounding) >> bits);
    return;
  }
  const float share = 1.f / static_cast<float>(count), half = static_cast<float>(rounding) + .5f;
  for (int i = 0; i < n; ++i)
    out[i] = static_cast<std::uint8_t>(static_cast<std::int32_t>((static_cast<float>(sums[i]) + half) * share));
}

// Blocks of any size: slow, for pictures that shrink more than 16 times.
void reduce_any(const std::uint8_t* data, std::int64_t row, int rows, int columns, int channels, std::uint8_t* out) {
  for (int c = 0; c < channels; ++c) {
    std::uint64_t sum = 0;
    const auto count = static_cast<std::uint64_t>(columns) * static_cast<std::uint64_t>(rows);
    for (int r = 0; r < rows; ++r)
      for (int i = 0; i < columns; ++i) sum += data[r * row + i * channels + c];
    out[c] = static_cast<std::uint8_t>((sum + count / 2) / count);
  }
}

// `scratch` holds 2 (width * channels + 8) 16-bit numbers.
void reduce_u8(const std::uint8_t* data, std::int64_t row, int height, int width, int channels, int fx, int fy,
               std::uint8_t* first, std::int64_t out_row, std::uint32_t* scratch) {
  const int whole = width / fx, rest = width - whole * fx;
  auto* const sums = reinterpret_cast<std::uint16_t*>(scratch);
  std::uint16_t* const totals = sums + width * channels + 8;
  for (int y = 0; y < height; y += fy, data += fy * row, first += out_row) {
    const int rows = height - y < fy ? height - y : fy;
    std::uint8_t* const out = first;
    if (static_cast<std::int64_t>(fx) * fy <= 256) {
      sum_rows(data, row, rows, width * channels, sums);
      if (fx > 1) {
        switch (channels) {
          case 1: sum_columns<1>(sums, whole, fx, totals); break;
          case 3: sum_columns<3>(sums, whole, fx, totals); break;
          default: sum_columns<4>(sums, whole, fx, totals); break;
        }
      }
      divide(fx > 1 ? totals : sums, whole * channels, fx * rows, out);
    } else {
      for (int x = 0; x < whole; ++x) reduce_any(data + x * fx * channels, row, rows, fx, channels, out + x * channels);
    }
    if (rest > 0) reduce_any(data + whole * fx * channels, row, rows, rest, channels, out + whole * channels);
  }
}

void reduce_f32(const std::uint8_t* data, std::int64_t row, int height, int width, int channels, int fx, int fy,
                std::uint8_t* first, std::int64_t out_row, std::uint32_t*) {
  for (int y = 0; y < height; y += fy, first += out_row) {
    std::uint8_t* out = first;
    const int rows = height - y < fy ? height - y : fy;
    for (int x = 0; x < width; x += fx) {
      const int columns = width - x < fx ? width - x : fx;
      for (int c = 0; c < channels; ++c) {
        double sum = 0;  // in order: no target may sum it otherwise
        for (int r = 0; r < rows; ++r)
          for (int i = 0; i < columns; ++i) sum += load_f32(data + (y + r) * row + ((x + i) * channels + c) * 4);
        const auto mean = static_cast<float>(sum / (static_cast<double>(columns) * rows));
        __builtin_memcpy(out, &mean, 4);
        out += 4;
      }
    }
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
extern const RgbTable rgb_table;

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
    k.affine = colour_table.affine;
    k.matrix = colour_table.matrix;
    k.steps[0] = colour_table.others;
    k.steps[1] = noise_steps;
    k.grey_sum = colour_table.grey_sum;
    k.store = store_pixels;
    k.reduce[0] = reduce_u8;
    k.reduce[1] = reduce_f32;
    k.rgb = rgb_table.rgb;
    k.touch = touch;
    return k;
  }();
  return table;
}

}  // namespace vary::VARY_TARGET_NS
