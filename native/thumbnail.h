// JPEGs resized to the nearest pixels, rounded as Pillow's `Image.resize` does.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "jpeg.h"

namespace vary {

// For each of `wanted` pixels along a side, which of the `side` pixels Pillow takes: the truncated position of its
// centre. Pillow adds up the positions in float64, which is repeated here.
std::vector<int> nearest_places(int side, int wanted);

// Can `nearest_thumbnail` make a picture of this file: in colour, upright, of at most `max_pixels`?
bool has_nearest_thumbnail(const JpegHeader& header, std::int64_t max_pixels);

// Decodes a file, and writes `height` rows of `width` RGB pixels, of 3 bytes each, to `out`. False, with the reason in
// `error`, if it cannot be decoded, or rows of it are lost.
bool nearest_thumbnail(const JpegFile& file, const JpegHeader& header, int height, int width, std::uint8_t* out,
                       std::string& error);

}  // namespace vary
