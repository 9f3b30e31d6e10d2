#include "level.h"

#include <cstring>

namespace vary {
namespace {

constexpr std::int32_t kMagic = 0x316c7276;  // "vrl1": changes with the layout
constexpr std::size_t kBeyond = 64;          // readable bytes behind them, which kernels may touch

struct Head {
  std::int32_t magic, denominator, channels;
  std::int32_t width, height, components, orientation, progressive, down, across;
  std::int32_t unused[6];
};
static_assert(sizeof(Head) == kLevelHead);

std::int64_t packed_bytes(const JpegHeader& header, int denominator, int channels) {
  return std::int64_t{jpeg_scaled(header.height, denominator)} * jpeg_scaled(header.width, denominator) * channels;
}

void write_head(const JpegHeader& h, int denominator, int channels, std::uint8_t* block) {
  const Head head{kMagic,        denominator,   channels, h.width,  h.height, h.components,
                  h.orientation, h.progressive, h.down,   h.across, {}};
  std::memcpy(block, &head, sizeof head);
}

bool sensible(const Head& h) {
  const auto one_of = [](int value, int a, int b, int c, int d) {
    return value == a || value == b || value == c || value == d;
  };
  return one_of(h.denominator, 1, 2, 4, 8) && one_of(h.channels, 1, 3, 4, 4) && h.width > 0 && h.height > 0 &&
         h.width <= 1 << 28 && h.height <= 1 << 28 && one_of(h.components, 0, 1, 3, 4) && h.orientation >= 1 &&
         h.orientation <= 8 && h.down >= 0 && h.down <= 2 && h.across >= 0 && h.across <= 2;
}

Image packed(std::uint8_t* data, const JpegHeader& header, int denominator, int channels) {
  const int width = jpeg_scaled(header.width, denominator);
  return {
      data,    jpeg_scaled(header.height, denominator), width, channels, std::ptrdiff_t{width} * channels, channels, 1,
      Type::u8};
}

}  // namespace

std::size_t level_bytes(const JpegHeader& header, int denominator, int channels) {
  std::int64_t bytes = 0;
  if (jpeg_layout(header, denominator, channels, nullptr, bytes).count == 0)
    bytes = packed_bytes(header, denominator, channels);
  return kLevelHead + static_cast<std::size_t>(bytes) + kBeyond;
}

bool is_level(const std::uint8_t* block, std::size_t size) {
  return size >= kLevelHead && std::memcmp(block, &kMagic, sizeof kMagic) == 0;
}

bool read_level(const std::uint8_t* block, std::size_t size, Level& out) {
  Head head;
  if (!is_level(block, size)) return false;
  std::memcpy(&head, block, sizeof head);
  if (!sensible(head)) return false;
  out.header = {head.width, head.height, head.components, head.orientation, head.progressive != 0,
                head.down,  head.across};
  out.denominator = head.denominator;
  out.channels = head.channels;
  if (size == kLevelHead) return true;
  if (size != level_bytes(out.header, out.denominator, out.channels)) return false;
  std::int64_t bytes = 0;
  auto* const data =
      const_cast<std::uint8_t*>(block) + kLevelHead;  // views are of constant pictures, planes serve both ways
  out.planes = jpeg_layout(out.header, out.denominator, out.channels, data, bytes);
  if (out.planes.count == 0) out.pixels = packed(data, out.header, out.denominator, out.channels);
  return true;
}

bool make_level(const std::uint8_t* data, std::size_t size, const JpegHeader& header, int denominator, int channels,
                bool tolerant, std::uint8_t* block, std::string& error) {
  std::memset(block + level_bytes(header, denominator, channels) - kBeyond, 0, kBeyond);
  write_head(header, denominator, channels, block);
  std::int64_t bytes = 0;
  const Planes planes = jpeg_layout(header, denominator, channels, block + kLevelHead, bytes);
  if (planes.count > 0) return jpeg_planes(data, size, denominator, tolerant, 0, planes.height, planes, error);
  const Image image = packed(block + kLevelHead, header, denominator, channels);
  return jpeg_decode(data, size, denominator, channels, tolerant, block + kLevelHead, image.row, error);
}

void keep_pixels(const Image& picture, std::uint8_t* block) {
  JpegHeader header;
  header.width = picture.width;
  header.height = picture.height;
  write_head(header, 1, picture.channels, block);
  std::uint8_t* to = block + kLevelHead;
  for (int y = 0; y < picture.height; ++y)
    for (int x = 0; x < picture.width; ++x)
      for (int c = 0; c < picture.channels; ++c)
        *to++ = picture.data[y * picture.row + x * picture.column + c * picture.channel];
  std::memset(to, 0, kBeyond);
}

}  // namespace vary
