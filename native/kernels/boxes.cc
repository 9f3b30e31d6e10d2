// Averages of whole boxes of pixels, for pictures that shrink very much.
#include "loads.h"

namespace vary::VARY_TARGET_NS {
namespace {

// 16-bit sums of up to `rows` rows; at most 257 rows of bytes fit.
void sum_rows(const std::uint8_t* data, std::int64_t row, int rows, int n, std::uint16_t* __restrict sums) {
  const std::uint8_t* const second = data + (rows > 1 ? row : 0);
  for (int i = 0; i < n; ++i) sums[i] = static_cast<std::uint16_t>(data[i] + (rows > 1 ? second[i] : 0));
  for (int r = 2; r < rows; ++r) {
    const std::uint8_t* const line = data + r * row;
    for (int i = 0; i < n; ++i) sums[i] = static_cast<std::uint16_t>(sums[i] + line[i]);
  }
}

// Sums over `columns` pixels of C 16-bit sums. A pixel is added as one 64-bit number: no lane overflows into the next.
// The lanes from C on belong to the next pixel; they are overwritten by it.
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
  columns == 3 ? sum_columns<C, 3>(sums, pixels, columns, out) : sum_columns<C, 0>(sums, pixels, columns, out);
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

// One box of any size. Slow: for edges, and for boxes of over 256 pixels.
void any_box(const std::uint8_t* data, std::int64_t row, int rows, int columns, int channels, std::uint8_t* out) {
  for (int c = 0; c < channels; ++c) {
    std::uint64_t sum = 0;
    const auto count = static_cast<std::uint64_t>(columns) * static_cast<std::uint64_t>(rows);
    for (int r = 0; r < rows; ++r)
      for (int i = 0; i < columns; ++i) sum += data[r * row + i * channels + c];
    out[c] = static_cast<std::uint8_t>((sum + count / 2) / count);
  }
}

// One row of boxes over `rows` rows of pixels; `sums` holds 2 (width * channels + 8) numbers.
void row_of_boxes(const Boxes& b, const std::uint8_t* data, int rows, std::uint8_t* out, std::uint16_t* sums) {
  const int channels = b.channels, left = b.first_across, whole = (b.width - left) / b.across;
  any_box(data, b.row, rows, left, channels, out);
  data += left * channels;
  out += channels;
  if (static_cast<std::int64_t>(b.across) * b.down <= 256) {
    std::uint16_t* const totals = sums + b.width * channels + 8;
    sum_rows(data, b.row, rows, whole * b.across * channels, sums);
    if (b.across > 1) {
      switch (channels) {
        case 1: sum_columns<1>(sums, whole, b.across, totals); break;
        case 3: sum_columns<3>(sums, whole, b.across, totals); break;
        default: sum_columns<4>(sums, whole, b.across, totals); break;
      }
    }
    divide(b.across > 1 ? totals : sums, whole * channels, b.across * rows, out);
  } else {
    for (int x = 0; x < whole; ++x)
      any_box(data + x * b.across * channels, b.row, rows, b.across, channels, out + x * channels);
  }
  const int done = whole * b.across, rest = b.width - left - done;
  if (rest > 0) any_box(data + done * channels, b.row, rows, rest, channels, out + whole * channels);
}

void bytes(const Boxes& b) {
  const std::uint8_t* data = b.data;
  std::uint8_t* out = b.out;
  for (int y = 0, rows = b.first_down; y < b.height; y += rows, data += rows * b.row, rows = b.down, out += b.out_row)
    row_of_boxes(b, data, b.height - y < rows ? b.height - y : rows, out, reinterpret_cast<std::uint16_t*>(b.sums));
}

void floats(const Boxes& b) {
  std::uint8_t* first = b.out;
  for (int y = 0, rows = b.first_down; y < b.height; y += rows, rows = b.down, first += b.out_row) {
    std::uint8_t* out = first;
    const int high = b.height - y < rows ? b.height - y : rows;
    for (int x = 0, columns = b.first_across; x < b.width; x += columns, columns = b.across) {
      const int wide = b.width - x < columns ? b.width - x : columns;
      for (int c = 0; c < b.channels; ++c) {
        double sum = 0;  // one sum in a fixed order, the same on all targets
        for (int r = 0; r < high; ++r)
          for (int i = 0; i < wide; ++i) sum += load_f32(b.data + (y + r) * b.row + ((x + i) * b.channels + c) * 4);
        const auto mean = static_cast<float>(sum / (static_cast<double>(wide) * high));
        __builtin_memcpy(out, &mean, 4);
        out += 4;
      }
    }
  }
}

}  // namespace

extern const BoxTable box_table;
const BoxTable box_table = {{bytes, floats}};

}  // namespace vary::VARY_TARGET_NS
