// Unexpected bytes before a marker in a JPEG: harmless stray bytes, or the rest of damaged rows?
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>  // jpeglib.h needs FILE and size_t

// After <cstdio>:
#include <jpeglib.h>

namespace vary {

// libjpeg expected a restart marker, and found `left_over` bytes before it or before another marker, which is at offset
// `marker`. True if the rows before it are complete, so that the bytes are stray; false if a row was damaged, so that
// its code ended early, or if that cannot be decided.
//
// A sequential segment is complete if its blocks are followed by one-bits up to the next whole byte, as encoders write
// them, and the bytes after that cannot be decoded as further blocks up to the last bit. In progressive and arithmetic
// coding, only zero bytes count as stray.
bool only_stray(const jpeg_decompress_struct& codec, const std::uint8_t* data, std::size_t marker,
                std::size_t left_over);

}  // namespace vary
