#include "jpeg_frame.h"

namespace vary {
namespace {

// Markers of ITU-T T.81, table B.1, and T.87 (SOF55).
constexpr int kTem = 0x01, kDht = 0xC4, kJpg = 0xC8, kDac = 0xCC, kRst0 = 0xD0, kSoi = 0xD8, kEoi = 0xD9, kSos = 0xDA,
              kDhp = 0xDE, kSof0 = 0xC0, kSof15 = 0xCF, kSof55 = 0xF7;

struct Frame {
  int marker = 0;  // of the frame header; 0: none
  int bits = 0;    // a sample
};

bool begins_frame(int marker) {
  const bool table = marker == kDht || marker == kJpg || marker == kDac;
  return (marker >= kSof0 && marker <= kSof15 && !table) || marker == kSof55 || marker == kDhp;
}

// The first frame header before the first scan. Markers are found as libjpeg finds them: bytes between segments, and
// stuffed zeros, are skipped.
Frame frame_of(const std::uint8_t* data, std::size_t size) {
  for (std::size_t at = 2; at + 1 < size;) {
    const int marker = data[at + 1];
    if (data[at] != 0xFF || marker == 0xFF || marker == 0) {
      ++at;
      continue;
    }
    at += 2;
    if (marker == kSos || marker == kEoi || marker == kSoi) return {};
    if (marker == kTem || (marker >= kRst0 && marker < kSoi)) continue;  // no length follows
    if (size - at < 3) return {};
    if (begins_frame(marker)) return {marker, data[at + 2]};
    const std::size_t length = std::size_t{data[at]} << 8 | data[at + 1];
    at += length < 2 ? 2 : length;
  }
  return {};
}

}  // namespace

std::string unsupported_coding(const std::uint8_t* data, std::size_t size) {
  const std::string cure = "; save it as PNG, or as a usual JPEG (8 bits, baseline or progressive)";
  const Frame frame = frame_of(data, size);
  switch (frame.marker) {
    case 0: return {};
    case 0xC3:
    case 0xCB: return "a lossless JPEG, which vary does not read" + cure;
    case 0xC5:
    case 0xC6:
    case 0xC7:
    case 0xCD:
    case 0xCE:
    case 0xCF:
    case kDhp: return "a hierarchical JPEG, which vary does not read" + cure;
    case kSof55: return "a JPEG-LS file, which vary does not read" + cure;
    default: break;
  }
  if (frame.bits == 8) return {};
  return "a JPEG of " + std::to_string(frame.bits) + " bits a sample, where vary reads 8" + cure;
}

}  // namespace vary
