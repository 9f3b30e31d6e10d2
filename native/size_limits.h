// The largest size of one picture: kernels count its bytes in 32 bits, and compute with its sides in integers. Check it
// before allocating a picture.
#pragma once

#include <cstdint>
#include <string>

#include "image.h"

namespace vary {

constexpr int kMostSide = 1 << 28;                     // pixels
constexpr std::int64_t kMostBytes = (1LL << 31) - 65;  // of a picture, packed

// Is a picture within the limits, as it is stored and as its channels are sampled?
inline bool picture_fits(std::int64_t height, std::int64_t width, int channels, Element type) {
  const std::int64_t stored = channels * size_of(type);
  const std::int64_t sampled = (channels < kGroup ? channels : kGroup) * size_of(sampled_as(type));
  return height >= 1 && width >= 1 && height <= kMostSide && width <= kMostSide &&
         height * width <= kMostBytes / (stored > sampled ? stored : sampled);
}

// Throws std::runtime_error unless the picture fits: "`who` makes a picture of ...". `cure` says what to do.
void check_picture(const std::string& who, int height, int width, int channels, Element type, const std::string& cure);

}  // namespace vary
