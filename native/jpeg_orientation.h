// The orientation of a picture: 1..8, as defined by EXIF 2.3, tag 0x0112.
//
// One rule for every format: EXIF's value if it is in 1..8; else XMP's (tiff:Orientation); else 1.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vary {

// The tag's value in a TIFF structure, which is what EXIF is, with or without "Exif\0\0" before it; 0 where it says
// nothing or is broken.
int exif_orientation(const std::uint8_t* data, std::size_t size);

// The value in a packet of XMP, as an attribute or as an element; 0 where it says nothing.
int xmp_orientation(const std::uint8_t* data, std::size_t size);

// Of a JPEG, by its segments before the first scan.
int jpeg_orientation(const std::uint8_t* data, std::size_t size);

}  // namespace vary
