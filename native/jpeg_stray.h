// Bytes between the rows of a JPEG that belong to none: does a picture lack anything where libjpeg had some left over?
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>  // jpeglib.h needs FILE and size_t

// After <cstdio>:
#include <jpeglib.h>

namespace vary {

// libjpeg expected a restart marker and had some bytes left over before it, or before another marker, which lies at
// `marker` in the file. True if the rows before it are whole and the bytes are stray; false where a row was damaged, so
// that its code ended early, and where that cannot be known.
//
// A sequential segment is whole if its blocks are followed by ones up to the next whole byte, as coders write them, and
// what comes then is not blocks again up to the last bit. Of progressive and arithmetic coding only zeros are stray.
bool only_stray(const jpeg_decompress_struct& codec, const std::uint8_t* data, std::size_t marker,
                std::size_t left_over);

}  // namespace vary
