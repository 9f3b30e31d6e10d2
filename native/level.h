// Cache blocks: a file decoded once, at 1/denominator, as pixels or, where that is smaller, as planes as coded. A block
// is one range of bytes, in memory or in a mapped file. Using it gives the same bytes as using the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "jpeg.h"
#include "workspace.h"

namespace vary {

constexpr std::size_t kLevelHead = 64;  // bytes of a block's header

struct Level {
  JpegHeader header;  // of the whole file; components 0 for a picture that was no JPEG
  int denominator = 1, channels = 0;
  bool damaged = false;  // see jpeg.h
  Planes planes;         // count 0: pixels instead
  Image pixels;
};

// Does a block begin here? Blocks begin with a magic number.
bool is_level(const std::uint8_t* block, std::size_t size);

// Reads a block, or only its header if `size` is that of a header: then neither planes nor pixels have data. False if
// these bytes are neither. `out` points into the block.
bool read_level(const std::uint8_t* block, std::size_t size, Level& out);

// Which block to make: of a file with this header, at 1/denominator, with this many channels.
struct LevelRequest {
  JpegHeader header;
  int denominator = 1, channels = 0;
  bool compact = true;  // store planes where they are smaller than pixels
};

std::size_t level_bytes(const LevelRequest& request);  // size of its block; std::runtime_error if over 2 GiB

// Decodes a JPEG into a block of that size. False, with the reason in `error`, if it cannot be decoded.
bool make_level(const std::uint8_t* data, std::size_t size, const LevelRequest& request, bool allow_truncated,
                std::uint8_t* block, std::string& error);

// Makes a block of a uint8 picture of another format: `request.header` has its size, and components 0.
void keep_pixels(const Image& picture, const LevelRequest& request, std::uint8_t* block);

// Converts the window of a picture to packed RGB. `out` is the whole picture, with 192 bytes after its last pixel; only
// the window is written.
void convert(const Planes& planes, const Window& window, std::uint8_t* out, Workspace& w);

}  // namespace vary
