// What the frame header of a JPEG says of its coding, read without libjpeg: whether libjpeg-turbo decodes lossless
// files or files of 12 bits depends on its version, and vary answers alike on all of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace vary {

// Why a JPEG of this coding is not decoded, and what to do about it: lossless, hierarchical, JPEG-LS, or other than 8
// bits a sample. Empty for all others, and where there is no frame header before the first scan.
std::string unsupported_coding(const std::uint8_t* data, std::size_t size);

}  // namespace vary
