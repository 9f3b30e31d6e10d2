// The kernels: functions on rows of pixels, in one table for each instruction set (target). The .cc files of this
// folder are compiled once for each target and must give the same bytes on all of them: plain loops and vectors, no
// libm, no fused multiply-add, no reduction of floats, clamp before float-to-int, internal linkage throughout.
#pragma once

#include <cstdint>

#include "image.h"

namespace vary {

enum class Fill : int { constant, nearest, reflect, reflect101, wrap };

constexpr int kWarpBlock = 128;    // pixels that share a float64 base
constexpr double kFurthest = 5e8;  // pixels: positions beyond are clamped to it
constexpr double kHorizon =
    1e-9;  // projective maps: where the denominator is not above it, a position is outside the source

// A warp: `map` (row-major 2 x 3) takes output pixel centres (x + .5, y + .5) to points of the source, which spans
// 0 .. width and 0 .. height. `scale` and `bias` are applied to the sampled value of each channel.
struct Warp {
  const std::uint8_t* data = nullptr;  // packed rows of uint8 or float32 interleaved channels
  std::int64_t row = 0, limit = 0;     // bytes; the last offset at which 8 bytes may be read
  int height = 0, width = 0;
  double map[6] = {1, 0, 0, 0, 1, 0};
  double over[3] = {0, 0, 1};  // positions of a projective map are divided by over[0] x + over[1] y + over[2]
  bool projective = false;     // also `distant`
  // Of the pixels of the row, less one half, along x and y; also `distant`. Null: the map has them.
  const double* positions[2] = {};
  std::int32_t steps_x[kWarpBlock], steps_y[kWarpBlock];  // k times map[0], map[3] in units of 2^-15 pixel
  Fill fill = Fill::nearest;
  bool nearest = false;
  bool distant = false;  // positions or steps do not fit into 32 bits: each pixel is located in float64
  float fill_value[4] = {}, scale[4] = {1, 1, 1, 1}, bias[4] = {};
};

// Where a row of pixels is written: one row for each channel, or all channels interleaved (packed) in at[0].
struct OutputRow {
  void* at[4] = {};
  Element type = Element::f32;
  bool packed = false;
  bool far = false;  // floats at multiples of 64 bytes, not read again soon: non-temporal stores, see `settle`
};

// One axis of a separable resize: output i is the weighted sum of `taps` source pixels from `start[i]` on. start[i] <
// 0: the output lies outside the source and gets the constant fill.
struct Axis {
  int count = 0;  // of outputs
  const std::int32_t* start = nullptr;
  const float* weight = nullptr;  // count x taps, padded with zeros, and memory for three more
  int taps = 0;
  bool outside = false;  // some start is below 0
};

struct Resize {
  const std::uint8_t* data = nullptr;
  std::int64_t row = 0;
  int first = 0, columns = 0;  // the source columns that any output needs
  Axis x, y;
  float fill_value[4] = {}, scale[4] = {1, 1, 1, 1}, bias[4] = {};
};

// Averages of boxes of `across` x `down` pixels; averages of bytes are rounded half up. The first and last boxes along
// an axis contain fewer pixels if they extend beyond the picture.
struct Boxes {
  const std::uint8_t* data = nullptr;  // packed rows
  std::int64_t row = 0;
  int height = 0, width = 0, channels = 0;
  int across = 1, down = 1, first_across = 1, first_down = 1;
  std::uint8_t* out = nullptr;
  std::int64_t out_row = 0;
  std::uint32_t* sums = nullptr;  // width * channels + 8
};

constexpr int kMostTaps = 24;  // of a reduced pixel, along one axis

// One axis of a reduction: value i is a weighted sum of `count[i]` values from `start[i]` on. Weights for bytes are in
// 128ths, those for floats are fractions; both sum to one. Memory has `most` weights for each value, a multiple of 4.
struct Taps {
  const std::int32_t* start = nullptr;  // null: this axis is not filtered
  const std::int32_t* count = nullptr;
  const std::uint8_t* parts = nullptr;  // for bytes; those beyond `count` are 0
  const float* shares = nullptr;        // for floats; none within `count` is 0
  int most = 0;
  bool even = false;  // every value has the same three weights a, b, a, except at the ends of the axis
};

// The triangle filter for reduced pixels [left, right) of rows [top, bottom). The taps are those of these pixels. Bytes
// are rounded half up after the sum along y, and again after the sum along x.
struct Triangle {
  const std::uint8_t* data = nullptr;  // packed rows
  std::int64_t row = 0;
  int channels = 0;
  int first = 0, columns = 0;  // the source columns that are read
  int last = 0;                // the source rows before it are read and may be in no cache; 0: they are in a cache
  Taps x, y;
  int top = 0, bottom = 0, left = 0, right = 0;
  int width = 0;                    // width of the whole reduced picture
  std::uint8_t* out = nullptr;      // its first pixel
  std::int64_t out_row = 0;         // may be written 64 bytes beyond its last row
  float* line = nullptr;            // columns * channels + 64
  std::uint32_t* packed = nullptr;  // (right - left + 4) * (x.most + 1)
};

// A row of the canvas: its y, width and channels. `first`: the number of the first channel in the picture.
struct Row {
  int y = 0, width = 0, channels = 0, first = 0;
};

struct Step;
using RowStep = void (*)(const Step&, float* const* planes, const Row&);

// One step of the colour chain, on a row of planar float32. Each kernel uses some of the fields.
struct Step {
  RowStep run = nullptr;
  bool clip = false;  // clip the coloured channels to [low, high]
  int coloured = 3;   // the first channels, without alpha
  float low = 0, high = 0;
  float scale[4] = {1, 1, 1, 1}, bias[4] = {};  // per channel
  float mix[9] = {};                            // of the first three channels
  float value = 0;
  std::uint32_t key[2] = {};  // of random numbers
  const double* numbers = nullptr;
  int count = 0;  // of `numbers`
};

// The kernels of steps by name; each file that defines some has a table.
struct NamedStep {
  const char* name;
  RowStep run;
};
struct NamedSteps {
  const NamedStep* first;
  int count;
};

// A fence after non-temporal stores, so that other threads see what was written.
inline void settle() {
#if defined(__x86_64__)
  __builtin_ia32_sfence();
#endif
}

struct Kernels {
  const char* name;
  // [0] uint8, [1] float32 sources; the second index is the number of channels.
  void (*warp[2][5])(const Warp&, int y, int n, const OutputRow& to);
  // `scratch` holds (columns * channels + 4) floats, all finite.
  void (*resize[2][5])(const Resize&, int y, int n, float* scratch, const OutputRow& to);
  RowStep affine, matrix;  // the steps that can be merged
  NamedSteps steps[2];     // the others: of colour.cc, of noise.cc
  // The sum of Rec. 601 grey, in units of (high - low) / 2^20. Greys are clamped to 8 ranges beyond [low, high]. If
  // `count` is not null, pixels whose grey is not finite are left out, and the number of the others is added to it.
  std::int64_t (*grey_sum)(float* const* planes, int channels, int n, float low, float high, std::int64_t* count);
  // Writes planes of float32 into a row; bytes are saturated and rounded half to even, and NaN becomes 0.
  void (*store)(const float* const* planes, int channels, int n, const OutputRow& to);
  // [0] uint8, [1] float32 sources.
  void (*boxes[2])(const Boxes&);
  void (*triangle[2])(const Triangle&);
  // Pixels [left, right) of row y as packed RGB, left being even. Reads up to 64 bytes beyond a row of planes and
  // writes up to 192 beyond `right`; `scratch` holds 5 ((right - left) / 2 + 40) numbers.
  void (*rgb)(const Planes& planes, int y, int left, int right, std::uint8_t* out, std::uint16_t* scratch);
  // Indexed by the type of the values: reads n pixels of up to kGroup channels, `column` and `channel` bytes apart, as
  // packed uint8, or packed float32 of all other types.
  void (*gather[kElementCount])(const std::uint8_t* from, std::ptrdiff_t column, std::ptrdiff_t channel, int channels,
                                int n, std::uint8_t* packed);
  // Indexed by the type of the values: writes planes of float32 as n such pixels; integers are rounded half to even and
  // saturated.
  void (*scatter[kElementCount])(const float* const* planes, int channels, int n, std::uint8_t* to,
                                 std::ptrdiff_t column, std::ptrdiff_t channel);
  // Reads one byte of each cache line, so that the source is in a cache when it is sampled across its rows.
  std::uint32_t (*touch)(const std::uint8_t* data, std::int64_t row, int height, std::int64_t bytes);
};

}  // namespace vary
