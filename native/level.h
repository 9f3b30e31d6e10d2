// A file decoded once and kept: at 1/denominator, finished pixels or, where they take less, planes as coded, in one
// block of bytes that may lie in memory or in a mapped file. What is made of it later is what would be made of the
// file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "jpeg.h"
#include "workspace.h"

namespace vary {

constexpr std::size_t kLevelHead = 64;  // bytes of a block that say all but the pixels

struct Level {
  JpegHeader header;  // of the whole file; components 0 for a picture that was no JPEG
  int denominator = 1, channels = 0;
  bool damaged = false;  // see jpeg.h
  Planes planes;         // count 0: pixels instead
  Image pixels;
};

// Does a block begin here? Every one says so in its first bytes.
bool is_level(const std::uint8_t* block, std::size_t size);

// The level that lies in this block, or whose head it is: then neither planes nor pixels have data. False if it is
// neither. Points into the block.
bool read_level(const std::uint8_t* block, std::size_t size, Level& out);

// What to keep: a file with this header, at 1/denominator, in so many channels.
struct Request {
  JpegHeader header;
  int denominator = 1, channels = 0;
  bool compact = true;  // as planes where they are smaller
};

std::size_t level_bytes(const Request& request);  // of its block; throws std::runtime_error where it is over 2 GiB

// Decodes a JPEG into a block of that size.
bool make_level(const std::uint8_t* data, std::size_t size, const Request& request, bool tolerant, std::uint8_t* block,
                std::string& error);

// A picture of uint8 that was no JPEG: `request.header` has its sides, and components 0.
void keep_pixels(const Image& picture, const Request& request, std::uint8_t* block);

// Pixels of the window as packed RGB, in their places: `out` is the picture's first, with 192 bytes behind its last.
void convert(const Planes& planes, const Window& window, std::uint8_t* out, Workspace& w);

}  // namespace vary
