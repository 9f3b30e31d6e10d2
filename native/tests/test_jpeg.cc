#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "check.h"
#include "encoded.h"
#include "jpeg.h"

namespace {

using encoded::Buffer;
using encoded::by_the_book;
using encoded::encode;
using encoded::slope;

struct Decoded {
  bool ok = false;
  std::string error;
  vary::JpegHeader header;
  int width = 0, height = 0, channels = 0;
  Buffer pixels;

  int at(int x, int y, int c) const { return pixels.at(static_cast<unsigned>((y * width + x) * channels + c)); }
};

constexpr int kMostPixels = 4'000'000;  // of files that claim more, only the header is read here

Decoded decode(const Buffer& file, int denominator = 1, int channels = 3, bool allow_truncated = false) {
  Decoded out;
  out.ok = vary::jpeg_header(file.data(), file.size(), out.header, out.error);
  if (!out.ok || std::int64_t{out.header.width} * out.header.height > kMostPixels) return out;
  out.width = vary::jpeg_scaled(out.header.width, denominator);
  out.height = vary::jpeg_scaled(out.header.height, denominator);
  out.channels = channels;
  const std::ptrdiff_t stride = std::ptrdiff_t{out.width} * channels;
  out.pixels.resize(
      static_cast<std::size_t>(stride * out.height));  // the exact size, so that the sanitizer finds any byte beyond it
  out.ok = vary::jpeg_decode({file.data(), file.size(), denominator, allow_truncated},
                             {out.pixels.data(), out.height, out.width, channels, stride}, out.error);
  return out;
}

void test_equals_libjpeg() {
  for (const bool progressive : {false, true}) {
    for (const auto& [width, height] : {std::pair{40, 24}, {1, 1}, {7, 9}, {17, 16}, {65, 130}}) {
      const Buffer file = encode({.width = width, .height = height, .progressive = progressive});
      for (const int denominator : {1, 2, 4, 8}) {
        for (const auto& [channels, space] : {std::pair{1, JCS_GRAYSCALE}, {3, JCS_RGB}, {4, JCS_EXT_RGBA}}) {
          const Decoded seen = decode(file, denominator, channels);
          CHECK(seen.ok);
          CHECK(seen.header.progressive == progressive);
          CHECK(seen.pixels == by_the_book(file, denominator, space));
        }
      }
    }
  }
}

void test_values() {
  const Decoded colour = decode(encode({}), 1, 4);
  for (int c = 0; c < 3; ++c) CHECK_NEAR(colour.at(20, 10, c), slope(20, 10, c), 6);
  CHECK_EQUAL(colour.at(20, 10, 3), 255);
  const Buffer grey = encode({.in = JCS_GRAYSCALE, .stored = JCS_GRAYSCALE});
  const Decoded spread = decode(grey);
  CHECK_EQUAL(spread.header.components, 1);
  CHECK_NEAR(spread.at(20, 10, 0), slope(20, 10, 0), 3);
  CHECK(spread.at(20, 10, 0) == spread.at(20, 10, 1) && spread.at(20, 10, 1) == spread.at(20, 10, 2));
  CHECK_EQUAL(decode(grey, 1, 4).at(20, 10, 3), 255);
  CHECK_EQUAL(decode(grey, 8).width, 5);
}

// The colours of the inks that encode() writes, which are inverted, with Adobe's marker or without.
int seen_through_ink(int x, int y, int c) { return (slope(x, y, c) * slope(x, y, 3) + 127) / 255; }

void test_cmyk() {
  for (const J_COLOR_SPACE stored : {JCS_CMYK, JCS_YCCK}) {
    const Decoded adobe = decode(encode({.in = JCS_CMYK, .stored = stored}), 1, 4);
    CHECK(adobe.ok);
    CHECK_EQUAL(adobe.header.components, 4);
    for (int c = 0; c < 3; ++c) CHECK_NEAR(adobe.at(20, 10, c), seen_through_ink(20, 10, c), 6);
    CHECK_EQUAL(adobe.at(20, 10, 3), 255);
  }
  const Buffer plain = encode({.in = JCS_CMYK, .stored = JCS_CMYK, .adobe = false});
  const Decoded colour = decode(plain), grey = decode(plain, 1, 1);
  for (int c = 0; c < 3; ++c) CHECK_NEAR(colour.at(20, 10, c), seen_through_ink(20, 10, c), 6);
  const double luma = .299 * colour.at(20, 10, 0) + .587 * colour.at(20, 10, 1) + .114 * colour.at(20, 10, 2);
  CHECK_NEAR(grey.at(20, 10, 0), luma, .51);
  CHECK_EQUAL(decode(plain, 4).width, 10);
}

void test_strides() {
  const Buffer file = encode({});
  const Buffer plain = decode(file).pixels;
  std::string error;
  Buffer wide(24 * 128, 7);
  const auto decodes = [&](int denominator, const vary::Pixels& out) {
    return vary::jpeg_decode({file.data(), file.size(), denominator, false}, out, error);
  };
  CHECK(decodes(1, {wide.data(), 24, 40, 3, 128}));
  Buffer upwards(plain.size());
  CHECK(decodes(1, {upwards.data() + 23 * 120, 24, 40, 3, -120}));
  for (std::size_t y = 0; y < 24; ++y) {
    for (std::size_t i = 0; i < 120; ++i) {
      CHECK(wide[y * 128 + i] == plain[y * 120 + i] && upwards[(23 - y) * 120 + i] == plain[y * 120 + i]);
    }
    for (std::size_t i = 120; i < 128; ++i) CHECK_EQUAL(int{wide[y * 128 + i]}, 7);
  }
  CHECK(!decodes(1, {wide.data(), 24, 40, 3, 119}));
  for (const auto& [height, width] : {std::pair{23, 40}, {25, 40}, {24, 39}, {24, 41}, {12, 20}}) {
    CHECK(!decodes(1, {wide.data(), height, width, 3, 128}));
    CHECK(error.find("another size") != std::string::npos);
  }
  CHECK(!decodes(3, {wide.data(), 24, 40, 3, 128}));
  CHECK(!decodes(1, {wide.data(), 24, 40, 2, 128}));
  CHECK(error.find("denominator") != std::string::npos);
}

void test_cut_off() {
  for (const bool progressive : {false, true}) {
    const Buffer whole = encode({.progressive = progressive, .restart = progressive ? 0 : 2});
    int tolerated = 0;
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const Buffer cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      const Decoded strict = decode(cut);
      CHECK_EQUAL(strict.ok, size + 2 >= whole.size());  // without its end marker it has every row
      CHECK(strict.ok || !strict.error.empty());
      if (decode(cut, 1, 3, true).ok) ++tolerated;
    }
    CHECK(tolerated > 100);
  }
}

Buffer with(const Buffer& file, std::size_t at, const Buffer& extra) {
  Buffer out = file;
  out.insert(out.begin() + static_cast<std::ptrdiff_t>(at), extra.begin(), extra.end());
  return out;
}

void test_junk_that_costs_no_pixel() {
  const Buffer file = encode({});
  const Buffer plain = decode(file).pixels;
  const Decoded before_end = decode(with(file, file.size() - 2, Buffer(100, 7)));
  CHECK(before_end.ok);
  CHECK(before_end.pixels == plain);
  CHECK(decode(with(file, file.size(), {1, 2, 3})).pixels == plain);  // after the end marker
  CHECK(decode(with(file, 20, {0, 0, 5})).pixels == plain);           // between two segments
  const Buffer restarts = encode({.restart = 1});
  std::size_t marker = 0;
  while (restarts[marker] != 0xFF || restarts[marker + 1] != 0xD3) ++marker;
  CHECK(decode(with(restarts, marker, {1, 2, 3, 4, 5, 6, 7, 8})).pixels == plain);  // between two rows
  const Decoded text = decode({'G', 'I', 'F', '8', '9', 'a'});
  CHECK(!text.ok);
  CHECK_EQUAL(text.error, std::string("not a JPEG"));
  vary::JpegHeader header;
  std::string error;
  CHECK(!vary::jpeg_header(nullptr, 0, header, error));
}

void test_endless_scans() {
  Buffer file = encode({.progressive = true});
  std::size_t last = 0;
  for (std::size_t i = 0; i + 1 < file.size(); ++i) {
    if (file[i] == 0xFF && file[i + 1] == 0xDA) last = i;
  }
  const Buffer scan(file.begin() + static_cast<std::ptrdiff_t>(last), file.end() - 2);
  for (int i = 0; i < 600; ++i) file = with(file, file.size() - 2, scan);
  const Decoded seen = decode(file, 1, 3, true);
  CHECK(!seen.ok);
  CHECK(seen.error.find("scans") != std::string::npos);
}

struct Tag {
  int number = 0x0112, type = 3, count = 1, value = 6, offset = 8, entries = 1, magic = 42;
};

// APP1 with one directory of one entry, in either byte order; `offset` and `entries` may be wrong.
Buffer exif(bool little, const Tag& tag) {
  const std::uint8_t order = little ? 'I' : 'M';
  Buffer body = {'E', 'x', 'i', 'f', 0, 0, order, order};
  const auto put = [&](int value, int bytes) {
    for (int i = 0; i < bytes; ++i) {
      const int shift = 8 * (little ? i : bytes - 1 - i);
      body.push_back(static_cast<std::uint8_t>(static_cast<unsigned>(value) >> shift));
    }
  };
  put(tag.magic, 2);
  put(tag.offset, 4);
  put(tag.entries, 2);
  put(tag.number, 2);
  put(tag.type, 2);
  put(tag.count, 4);
  if (tag.type == 3) {
    put(tag.value, 2);
    put(0, 2);
  } else {
    put(tag.value, 4);
  }
  put(0, 4);
  return with({0xFF, 0xE1, 0, static_cast<std::uint8_t>(body.size() + 2)}, 4, body);
}

// APP1 with a packet of XMP that holds this text.
Buffer xmp(const std::string& text) {
  const std::string body = std::string("http://ns.adobe.com/xap/1.0/") + '\0' + "<x:xmpmeta " + text;
  return with({0xFF, 0xE1, 0, static_cast<std::uint8_t>(body.size() + 2)}, 4, Buffer(body.begin(), body.end()));
}

int orientation(const Buffer& segment) {
  const Decoded seen = decode(with(encode({}), 2, segment));
  CHECK(seen.ok);
  return seen.header.orientation;
}

void test_orientation() {
  CHECK_EQUAL(orientation({}), 1);
  for (const bool little : {false, true}) {
    for (int value = 1; value <= 8; ++value) CHECK_EQUAL(orientation(exif(little, {.value = value})), value);
    CHECK_EQUAL(orientation(exif(little, {.type = 4, .value = 8})), 8);
    for (const int wrong : {0, 9, 65535}) CHECK_EQUAL(orientation(exif(little, {.value = wrong})), 1);
    CHECK_EQUAL(orientation(exif(little, {.number = 0x0111})), 1);
    CHECK_EQUAL(orientation(exif(little, {.number = 0x0111, .entries = 65535})), 1);
    CHECK_EQUAL(orientation(exif(little, {.type = 2})), 1);
    CHECK_EQUAL(orientation(exif(little, {.count = 2})), 1);
    CHECK_EQUAL(orientation(exif(little, {.magic = 43})), 1);
    for (const int offset : {0, 9, 100, -1, -8, 0x7FFFFFFF}) {
      CHECK_EQUAL(orientation(exif(little, {.offset = offset})), 1);
    }
  }
  Buffer broken = exif(true, {.value = 0});
  for (const Buffer& said : {Buffer{}, broken, exif(true, {.number = 0x0111})}) {
    CHECK_EQUAL(orientation(with(xmp("tiff:Orientation=\"6\""), 0, said)), 6);
    CHECK_EQUAL(orientation(with(said, said.size(), xmp("<tiff:Orientation> 8 </tiff:Orientation>"))), 8);
  }
  CHECK_EQUAL(orientation(with(exif(true, {.value = 3}), 0, xmp("tiff:Orientation='6'"))), 3);  // EXIF comes first
  CHECK_EQUAL(orientation(with(exif(true, {.value = 1}), 0, xmp("tiff:Orientation='6'"))), 1);
  for (const char* nothing :
       {"", "tiff:Orientation", "tiff:Orientation=\"", "tiff:Orientation=\"66\"", "tiff:Orientation=6"})
    CHECK_EQUAL(orientation(xmp(nothing)), 1);
  Buffer other = exif(true, {});
  other[4] = 'e';  // not EXIF: the next APP1 counts
  CHECK_EQUAL(orientation(with(exif(true, {.value = 3}), 0, other)), 3);
}

// Each byte of a file changed, one at a time: any result is allowed except a crash, a hang or a byte written out of
// bounds.
void test_damage() {
  for (const bool progressive : {false, true}) {
    const Buffer whole =
        with(encode({.width = 17, .height = 11, .progressive = progressive, .restart = 1}), 2, exif(true, {}));
    int refused = 0;
    for (std::size_t at = 0; at < whole.size(); ++at) {
      for (const unsigned change : {0x01U, 0x80U, 0xFFU}) {
        Buffer file = whole;
        file[at] = static_cast<std::uint8_t>(file[at] ^ change);
        if (!decode(file).ok) ++refused;
        const Decoded seen = decode(file, 2, 4, true);
        CHECK(seen.ok || !seen.error.empty());
      }
    }
    CHECK(refused > 300);
  }
}

void test_threads() {
  const Buffer file = encode({.width = 200, .height = 150, .progressive = true});
  const Buffer cut(file.begin(), file.end() - 20);
  const Buffer plain = decode(file).pixels;
  std::array<int, 4> wrong{};
  std::vector<std::thread> threads;
  threads.reserve(wrong.size());
  for (int& count : wrong) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) count += decode(file).pixels != plain || decode(cut).ok;
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const int count : wrong) CHECK_EQUAL(count, 0);
}

std::filesystem::path find_pictures() {
  std::filesystem::path folder = std::filesystem::current_path();
  for (; folder != folder.parent_path(); folder = folder.parent_path()) {
    if (std::filesystem::is_directory(folder / "shared/data/odd")) return folder / "shared/data";
  }
  return {};
}

void test_odd_files() {
  const std::filesystem::path root = find_pictures();
  if (root.empty()) {
    std::printf("skipped: no ../shared/data/odd above the working directory\n");
    return;
  }
  int decoded = 0, refused = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root / "odd")) {
    if (!entry.is_regular_file()) continue;
    std::ifstream stream(entry.path(), std::ios::binary);
    const Buffer file{std::istreambuf_iterator<char>(stream), {}};
    for (const int denominator : {1, 8}) {
      for (const int channels : {1, 3, 4}) {
        const bool ok = decode(file, denominator, channels).ok;
        ++(ok ? decoded : refused);
        CHECK(!ok ||
              decode(file, denominator, channels, true).ok);  // allow_truncated reads all that is read without it
      }
    }
  }
  CHECK(decoded > 200);
  CHECK(refused > 200);
}

}  // namespace

int main() {
  test_equals_libjpeg();
  test_values();
  test_cmyk();
  test_strides();
  test_cut_off();
  test_junk_that_costs_no_pixel();
  test_endless_scans();
  test_orientation();
  test_damage();
  test_threads();
  test_odd_files();
  return check::report();
}
