// Finds from a JPEG's frame header, without libjpeg, whether vary reads its coding. Whether libjpeg-turbo decodes
// lossless or 12-bit files depends on its version; vary refuses them with every version.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace vary {

// Why a JPEG of this coding is not decoded, and the cure: lossless, hierarchical, JPEG-LS, or other than 8
// bits a sample. Empty for all others, and where there is no frame header before the first scan.
std::string unsupported_coding(const std::uint8_t* data, std::size_t size);

}  // namespace vary
