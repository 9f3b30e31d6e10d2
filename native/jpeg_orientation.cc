#include "jpeg_orientation.h"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace vary {
namespace {

using namespace std::string_view_literals;

// Bounds-checked reader of a block in either byte order; reads past the end give 0.
struct Bytes {
  const std::uint8_t* data;
  std::size_t size;
  bool little = false;

  std::uint32_t read(std::size_t at, int count) const {
    if (at > size || size - at < static_cast<std::size_t>(count)) return 0;
    std::uint32_t value = 0;
    for (int i = 0; i < count; ++i) {
      const int step = little ? count - 1 - i : i;
      value = value << 8 | std::uint32_t{data[at + static_cast<std::size_t>(step)]};
    }
    return value;
  }

  bool begins_with(std::string_view text) const {
    return size >= text.size() && std::memcmp(data, text.data(), text.size()) == 0;
  }

  Bytes after(std::string_view text) const { return {data + text.size(), size - text.size()}; }
};

constexpr std::string_view kExif = "Exif\0\0"sv;
constexpr std::string_view kXmp = "http://ns.adobe.com/xap/1.0/\0"sv;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// The first character from `at` on that is not a space; 0 at the end.
char next_of(std::string_view text, std::size_t& at) {
  while (at < text.size() && is_space(text[at])) ++at;
  return at < text.size() ? text[at++] : '\0';
}

}  // namespace

int exif_orientation(const std::uint8_t* data, std::size_t size) {
  Bytes tiff{data, size};
  if (tiff.begins_with(kExif)) tiff = tiff.after(kExif);
  const std::uint32_t order = tiff.read(0, 2);
  if (order != 0x4949 && order != 0x4D4D) return 0;
  tiff.little = order == 0x4949;
  if (tiff.read(2, 2) != 42) return 0;
  const std::size_t directory = tiff.read(4, 4);
  const std::uint32_t entries = tiff.read(directory, 2);
  for (std::uint32_t i = 0; i < entries; ++i) {
    const std::size_t entry = directory + 2 + std::size_t{12} * i;
    if (tiff.read(entry, 2) != 0x0112) continue;
    const std::uint32_t type = tiff.read(entry + 2, 2);
    const int width = type == 1 ? 1 : type == 3 ? 2 : type == 4 ? 4 : 0;  // BYTE, SHORT, LONG
    if (width == 0 || tiff.read(entry + 4, 4) != 1) return 0;
    const std::uint32_t value = tiff.read(entry + 8, width);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 0;
  }
  return 0;
}

int xmp_orientation(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  constexpr std::string_view name = "tiff:Orientation";
  for (std::size_t found = text.find(name); found != std::string_view::npos; found = text.find(name, found + 1)) {
    std::size_t at = found + name.size();
    const char opens = next_of(text, at);  // tiff:Orientation="6" or <tiff:Orientation>6</tiff:Orientation>
    if (opens == '=') {
      const char quote = next_of(text, at);
      if (quote != '"' && quote != '\'') continue;
    } else if (opens != '>') {
      continue;
    }
    const char digit = next_of(text, at);
    const bool longer = at < text.size() && text[at] >= '0' && text[at] <= '9';
    if (digit >= '1' && digit <= '8' && !longer) return digit - '0';
  }
  return 0;
}

int jpeg_orientation(const std::uint8_t* data, std::size_t size) {
  const Bytes file{data, size};
  bool exif_seen = false;  // the first EXIF segment counts, and the first XMP segment that has an orientation
  int xmp = 0;
  std::size_t at = 2;
  while (at + 4 <= file.size) {
    const std::uint8_t marker = file.data[at + 1];
    if (file.data[at] != 0xFF || marker == 0xFF || marker == 0) {
      ++at;  // padding, or junk that libjpeg skips as well
      continue;
    }
    if (marker == 0xDA || marker == 0xD9) break;                 // scan, end
    if (marker == 0x01 || (marker >= 0xD0 && marker <= 0xD8)) {  // no length follows
      at += 2;
      continue;
    }
    const std::size_t length = file.read(at + 2, 2);
    if (length < 2 || length > file.size - at - 2) break;
    const Bytes body{file.data + at + 4, length - 2};
    if (marker == 0xE1 && !exif_seen && body.begins_with(kExif)) {
      exif_seen = true;
      if (const int exif = exif_orientation(body.data, body.size)) return exif;
    }
    if (marker == 0xE1 && xmp == 0 && body.begins_with(kXmp))
      xmp = xmp_orientation(body.after(kXmp).data, body.after(kXmp).size);
    at += 2 + length;
  }
  return std::max(xmp, 1);
}

}  // namespace vary
