#include "level.h"

#include <cstring>

#include "cpu.h"
#include "size_limits.h"

namespace vary {
namespace {

constexpr std::int32_t kMagic = 0x316c7276;  // "vrl1"; another number for another layout
constexpr std::size_t kPadding = 192;        // bytes after the pixels that kernels may read or write

struct Head {
  std::int32_t magic, denominator, channels, planes;
  std::int32_t width, height, components, orientation, progressive, down, across, damaged;
  std::int32_t unused[4];
};
static_assert(sizeof(Head) == kLevelHead);

void write_head(const LevelRequest& r, bool planes, bool damaged, std::uint8_t* block) {
  const JpegHeader& h = r.header;
  const Head head{kMagic,        r.denominator, r.channels, planes,   h.width, h.height, h.components,
                  h.orientation, h.progressive, h.down,     h.across, damaged, {}};
  std::memcpy(block, &head, sizeof head);
}

bool sensible(const Head& h) {
  const auto one_of = [](int value, int a, int b, int c, int d) {
    return value == a || value == b || value == c || value == d;
  };
  return one_of(h.denominator, 1, 2, 4, 8) && one_of(h.channels, 1, 3, 4, 4) && h.width > 0 && h.height > 0 &&
         h.width <= kMostSide && h.height <= kMostSide && one_of(h.components, 0, 1, 3, 4) && h.orientation >= 1 &&
         h.orientation <= 8 && h.down >= 0 && h.down <= 2 && h.across >= 0 && h.across <= 2;
}

Planes layout(const LevelRequest& r, std::uint8_t* data, std::int64_t& bytes) {
  return jpeg_layout(r.header, r.denominator, r.channels, data, bytes);
}

// Store planes? Luma alone is the picture itself. Planes with chroma at full size are no smaller than RGB.
bool as_planes(const Planes& p, bool compact) {
  return p.count == 1 || (p.count == 3 && compact && p.down * p.across > 1);
}

Image packed(std::uint8_t* data, const LevelRequest& r) {
  const int width = jpeg_scaled(r.header.width, r.denominator);
  const std::ptrdiff_t row = std::ptrdiff_t{width} * r.channels;
  return {data, jpeg_scaled(r.header.height, r.denominator), width, r.channels, row, r.channels, 1, Element::u8};
}

std::size_t bytes_of(const LevelRequest& r, bool planes) {
  std::int64_t bytes = 0;
  layout(r, nullptr, bytes);
  const Image image = packed(nullptr, r);
  return kLevelHead + static_cast<std::size_t>(planes ? bytes : image.row * image.height) + kPadding;
}

}  // namespace

std::size_t level_bytes(const LevelRequest& r) {
  check_picture("keeping this file", jpeg_scaled(r.header.height, r.denominator),
                jpeg_scaled(r.header.width, r.denominator), r.channels, Element::u8, "cut it into smaller files");
  std::int64_t bytes = 0;
  return bytes_of(r, as_planes(layout(r, nullptr, bytes), r.compact));
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
  out.damaged = head.damaged != 0;
  if (size == kLevelHead) return true;
  const LevelRequest request{out.header, out.denominator, out.channels, true};
  const Image whole = packed(nullptr, request);
  if (!picture_fits(whole.height, whole.width, whole.channels, Element::u8)) return false;
  if (size != bytes_of(request, head.planes != 0)) return false;
  auto* const data = const_cast<std::uint8_t*>(block) + kLevelHead;  // `Planes` has no const form; this is only read
  std::int64_t bytes = 0;
  if (head.planes != 0) out.planes = layout(request, data, bytes);
  if (out.planes.count == 0) out.pixels = packed(data, request);
  return head.planes == 0 || out.planes.count > 0;
}

bool make_level(const std::uint8_t* data, std::size_t size, const LevelRequest& r, bool allow_truncated,
                std::uint8_t* block, std::string& error) {
  Workspace& w = Workspace::mine();
  std::uint8_t* const pixels = block + kLevelHead;
  std::int64_t bytes = 0;
  Planes planes = layout(r, pixels, bytes);
  const bool kept = as_planes(planes, r.compact);
  bool ok = false, damaged = false;
  if (planes.count == 0) {
    const Image image = packed(pixels, r);
    ok = jpeg_decode({data, size, r.denominator, allow_truncated},
                     {pixels, image.height, image.width, r.channels, image.row}, error, &damaged);
  } else {
    if (!kept) planes = layout(r, w.planes.get<std::uint8_t>(bytes + 64), bytes);
    ok = jpeg_planes({data, size, r.denominator, allow_truncated}, 0, planes.height, planes, error, &damaged);
    if (ok && !kept) convert(planes, {0, 0, planes.height, planes.width}, pixels, w);
  }
  write_head(r, kept, damaged, block);
  std::memset(block + bytes_of(r, kept) - kPadding, 0, kPadding);
  w.trim();
  return ok;
}

void keep_pixels(const Image& picture, const LevelRequest& r, std::uint8_t* block) {
  write_head(r, false, false, block);
  std::uint8_t* to = block + kLevelHead;
  for (int y = 0; y < picture.height; ++y)
    for (int x = 0; x < picture.width; ++x)
      for (int c = 0; c < picture.channels; ++c)
        *to++ = picture.data[y * picture.row + x * picture.column + c * picture.channel];
  std::memset(to, 0, kPadding);
}

void convert(const Planes& planes, const Window& window, std::uint8_t* out, Workspace& w) {
  const Kernels& k = live_kernels();
  const int left = window.left & ~1;  // kernels work in pairs
  auto* const scratch = w.sums.get<std::uint16_t>(5 * std::int64_t{(window.right - left) / 2 + 40});
  for (int y = window.top; y < window.bottom; ++y)
    k.rgb(planes, y, left, window.right, out + (std::int64_t{y} * planes.width + left) * 3, scratch);
}

}  // namespace vary
