// The orientation of a picture: 1..8, as defined by EXIF 2.3, tag 0x0112.
//
// The rule for all formats: EXIF's value if it is in 1..8; else XMP's (tiff:Orientation) if it is; else 1.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vary {

// The tag's value in a TIFF structure, which is what EXIF is, with or without "Exif\0\0" before it; 0 if it is
// missing or invalid.
int exif_orientation(const std::uint8_t* data, std::size_t size);

// The value in a packet of XMP, as an attribute or as an element; 0 if it is missing.
int xmp_orientation(const std::uint8_t* data, std::size_t size);

// The orientation of a JPEG, from its segments before the first scan; 1 if there is none.
int jpeg_orientation(const std::uint8_t* data, std::size_t size);

}  // namespace vary
