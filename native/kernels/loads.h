// Loads from memory, and the tables that each kernel file defines. Included by kernel files only; functions have
// internal linkage.
#pragma once

#include "kernels.h"

namespace vary::VARY_TARGET_NS {

struct WarpTable {
  void (*row[5])(const Warp&, int y, int n, const OutputRow& to);
};
struct ResizeTable {
  void (*row[2][5])(const Resize&, int y, int n, float* scratch, const OutputRow& to);
};

struct ColourTable {
  RowStep affine, matrix;
  NamedSteps others;
  std::int64_t (*grey_sum)(float* const* planes, int channels, int n, float low, float high, std::int64_t* count);
};

struct BoxTable {
  void (*boxes[2])(const Boxes&);
};
struct ReduceTable {
  void (*triangle[2])(const Triangle&);
};

struct ElementTable {
  void (*gather[kElementCount])(const std::uint8_t* from, std::ptrdiff_t column, std::ptrdiff_t channel, int channels,
                                int n, std::uint8_t* packed);
  void (*scatter[kElementCount])(const float* const* planes, int channels, int n, std::uint8_t* to,
                                 std::ptrdiff_t column, std::ptrdiff_t channel);
};

struct RgbTable {
  void (*rgb)(const Planes&, int y, int left, int right, std::uint8_t* out, std::uint16_t* scratch);
};

const Kernels& kernels();

namespace {

template <typename Word>
inline Word load_word(const std::uint8_t* at) {
  Word v;
  __builtin_memcpy(&v, at, sizeof v);
  return v;
}

inline const std::uint8_t* end_of(const Warp& s) { return s.data + s.limit + 8; }

inline float load_f32(const std::uint8_t* at) {
  float v;
  __builtin_memcpy(&v, at, 4);
  return v;
}

// The same little-endian word, but only of the bytes before `end`; the others are 0. For the last pixels of a picture.
template <typename Word>
inline Word load_before(const std::uint8_t* at, const std::uint8_t* end) {
  Word v{};
  const std::int64_t left = end - at;
  __builtin_memcpy(&v, at, left < std::int64_t{sizeof v} ? static_cast<std::size_t>(left) : sizeof v);
  return v;
}

// The same for pictures of at least a word, without a copy of unknown length: the picture's last word, shifted.
template <typename Word>
inline Word load_shifted(const std::uint8_t* at, const std::uint8_t* end) {
  const std::uint8_t* const last = end - sizeof(Word);
  const std::ptrdiff_t beyond = at > last ? at - last : 0;
  return load_word<Word>(at - beyond) >> 8 * beyond;
}

}  // namespace
}  // namespace vary::VARY_TARGET_NS
