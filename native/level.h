// A file decoded once and kept: at 1/denominator, planes as coded or finished pixels, in one block of bytes that may
// lie in memory or in a mapped file. What is made of it later is what would have been made of the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "jpeg.h"

namespace vary {

constexpr std::size_t kLevelHead = 64;  // bytes of a block that say all but the pixels

struct Level {
  JpegHeader header;  // of the whole file; components 0 for a picture that was no JPEG
  int denominator = 1, channels = 0;
  Planes planes;  // count 0: pixels instead
  Image pixels;
};

// Does a block begin here? Every one says so in its first bytes.
bool is_level(const std::uint8_t* block, std::size_t size);

// The level that lies in this block, or whose head it is: then neither planes nor pixels have data. False if it is
// neither. Points into the block.
bool read_level(const std::uint8_t* block, std::size_t size, Level& out);

// Bytes of the block for a level of a file with this header.
std::size_t level_bytes(const JpegHeader& header, int denominator, int channels);

// Decodes a JPEG whose header is known into a block of `level_bytes`.
bool make_level(const std::uint8_t* data, std::size_t size, const JpegHeader& header, int denominator, int channels,
                bool tolerant, std::uint8_t* block, std::string& error);

// The block of a picture of uint8 that was no JPEG; it needs level_bytes({width, height, 0}, 1, channels).
void keep_pixels(const Image& picture, std::uint8_t* block);

}  // namespace vary
