// Stray bytes in a JPEG: are rows lost where libjpeg finds bytes left over before a marker?
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>  // jpeglib.h needs FILE and size_t

// After <cstdio>:
#include <jpeglib.h>

namespace vary {

// libjpeg expected a restart marker and had bytes left over before it, or before another marker, at `marker` in the
// file. True if the rows before it are complete and the bytes are stray; false if a row was damaged, so that its code
// ended early, or if that cannot be known.
//
// A sequential segment is complete if after its blocks there are one-bits up to the next whole byte, as encoders write
// them, and the rest cannot be read as further blocks up to the last bit. In progressive and arithmetic coding, only
// zero bytes count as stray.
bool only_stray(const jpeg_decompress_struct& codec, const std::uint8_t* data, std::size_t marker,
                std::size_t left_over);

}  // namespace vary
