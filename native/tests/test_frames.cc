// Files that are refused by their frame header, with the same message for all versions of libjpeg-turbo; and nothing is
// written if the decoded size differs from the size of the buffer.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "check.h"
#include "encoded.h"
#include "jpeg.h"
#include "jpeg_frame.h"

namespace {

using encoded::Buffer;
using encoded::encode;
using encoded::lossless;

constexpr std::uint8_t kUntouched = 0xcd;

bool untouched(const Buffer& room) {
  return std::all_of(room.begin(), room.end(), [](std::uint8_t v) { return v == kUntouched; });
}

// The errors of all ways to decode a file: at all levels, as rows, and as planes laid out for `claimed`.
std::vector<std::string> answers(const Buffer& file, const vary::JpegHeader& claimed) {
  std::vector<std::string> out(1);
  vary::JpegHeader header;
  if (vary::jpeg_header(file.data(), file.size(), header, out[0])) out[0] = "read";
  for (const int denominator : {1, 2, 4, 8})
    for (const int channels : {1, 3, 4}) {
      const int height = vary::jpeg_scaled(claimed.height, denominator),
                width = vary::jpeg_scaled(claimed.width, denominator);
      Buffer room(static_cast<std::size_t>(height * width * channels), kUntouched);
      const vary::Pixels pixels{room.data(), height, width, channels, std::ptrdiff_t{width} * channels};
      out.emplace_back();
      if (vary::jpeg_decode({file.data(), file.size(), denominator, true}, pixels, out.back())) out.back() = "decoded";
      CHECK(out.back() == "decoded" || untouched(room));
      std::int64_t bytes = 0;
      if (vary::jpeg_layout(claimed, denominator, channels, nullptr, bytes).count == 0) continue;
      Buffer memory(static_cast<std::size_t>(bytes), kUntouched);
      const vary::Planes planes = vary::jpeg_layout(claimed, denominator, channels, memory.data(), bytes);
      out.emplace_back();
      if (vary::jpeg_planes({file.data(), file.size(), denominator, true}, 0, planes.height, planes, out.back()))
        out.back() = "decoded";
      CHECK(out.back() == "decoded" || untouched(memory));
    }
  return out;
}

void check_refused(const Buffer& file, const std::string& start, const vary::JpegHeader& claimed, int line) {
  for (const std::string& answer : answers(file, claimed)) {
    const bool right = answer.starts_with(start) && answer.find("save it as") != std::string::npos;
    check::that(right, __FILE__, line, answer.c_str());
  }
}

vary::JpegHeader header_of(int width, int height, int components) {
  const int ratio = components == 3 ? 1 : 0;
  return {width, height, components, 1, false, ratio, ratio};
}

void test_lossless() {
  for (const int components : {1, 3})
    for (const auto& [width, height] : {std::pair{1, 4000}, {300, 2}, {64, 64}, {1, 1}})
      check_refused(lossless(width, height, components), "a lossless JPEG", header_of(width, height, components),
                    __LINE__);
}

// A file of one grey plane with another frame header: its marker and bits a sample.
Buffer with_frame(int marker, int bits) {
  Buffer file = encode({.in = JCS_GRAYSCALE, .stored = JCS_GRAYSCALE});
  std::size_t at = 2;
  while (file[at] != 0xFF || file[at + 1] != 0xC0) ++at;
  file[at + 1] = static_cast<std::uint8_t>(marker);
  file[at + 4] = static_cast<std::uint8_t>(bits);
  return file;
}

void test_other_codings() {
  const vary::JpegHeader claimed = header_of(40, 24, 1);
  for (const int marker : {0xC3, 0xCB}) check_refused(with_frame(marker, 8), "a lossless JPEG", claimed, __LINE__);
  for (const int marker : {0xC5, 0xC6, 0xC7, 0xCD, 0xCE, 0xCF, 0xDE})
    check_refused(with_frame(marker, 8), "a hierarchical JPEG", claimed, __LINE__);
  check_refused(with_frame(0xF7, 8), "a JPEG-LS file", claimed, __LINE__);
  for (const int marker : {0xC0, 0xC1, 0xC2, 0xC9, 0xCA})
    for (const int bits : {0, 7, 12, 16})
      check_refused(with_frame(marker, bits), "a JPEG of " + std::to_string(bits) + " bits", claimed, __LINE__);
  check_refused(with_frame(0xC3, 16), "a lossless JPEG", claimed, __LINE__);
}

void test_where_the_frame_is() {  // as libjpeg finds it: past padding, junk, markers without length, short lengths
  const auto said = [](Buffer between, int marker) {
    Buffer file = {0xFF, 0xD8};
    file.insert(file.end(), between.begin(), between.end());
    file.insert(file.end(), {0xFF, static_cast<std::uint8_t>(marker), 0, 11, 8, 0, 1, 0, 1, 1, 1, 0x11, 0});
    return vary::unsupported_coding(file.data(), file.size());
  };
  for (const Buffer& between : std::vector<Buffer>{{},
                                                   {0xFF, 0xFF, 0xFF},
                                                   {1, 2, 3, 0xFF, 0},
                                                   {0xFF, 0x01, 0xFF, 0xD3},
                                                   {0xFF, 0xE1, 0, 4, 0xFF, 0xC0},  // a marker inside a segment
                                                   {0xFF, 0xFE, 0, 0},
                                                   {0xFF, 0xC4, 0, 2, 0xFF, 0xCC, 0, 2, 0xFF, 0xC8, 0, 2}}) {
    CHECK(said(between, 0xC3).starts_with("a lossless JPEG"));
    CHECK_EQUAL(said(between, 0xC0), std::string());
  }
  for (const Buffer& end : std::vector<Buffer>{{0xFF, 0xDA, 0, 2}, {0xFF, 0xD9}, {0xFF, 0xE1, 0xFF, 0xFF}})
    CHECK_EQUAL(said(end, 0xC3), std::string());
  const Buffer file = lossless(3, 3, 1);
  for (std::size_t size = 2; size < 7; ++size) CHECK_EQUAL(vary::unsupported_coding(file.data(), size), std::string());
}

void test_arithmetic() {  // read where libjpeg can
  const Buffer file = encode({.arithmetic = true});
  std::string error;
  Buffer room(40 * 24 * 3);
  CHECK(vary::jpeg_decode({file.data(), file.size(), 1, false}, {room.data(), 24, 40, 3, 120}, error));
  CHECK(room == encoded::by_the_book(file, 1, JCS_RGB));
}

// Bytes that change after their header was read: every other file, decoded into a buffer for this one.
void test_another_file() {
  std::vector<Buffer> files;
  for (const auto& [width, height] : {std::pair{40, 24}, {40, 25}, {41, 24}, {17, 90}, {8, 8}})
    for (const auto& [down, across] : {std::pair{1, 1}, {1, 2}, {2, 1}, {2, 2}, {1, 4}})
      files.push_back(encode({.width = width, .height = height, .down = down, .across = across, .noise = true}));
  files.push_back(encode({.in = JCS_GRAYSCALE, .stored = JCS_GRAYSCALE}));
  files.push_back(encode({.in = JCS_CMYK, .stored = JCS_YCCK}));
  int refused = 0;
  for (const Buffer& made_for : files) {
    vary::JpegHeader claimed;
    std::string error;
    CHECK(vary::jpeg_header(made_for.data(), made_for.size(), claimed, error));
    for (const Buffer& file : files)
      for (const std::string& answer : answers(file, claimed)) refused += answer != "read" && answer != "decoded";
  }
  CHECK(refused > 5000);
}

}  // namespace

int main() {
  test_lossless();
  test_other_codings();
  test_where_the_frame_is();
  test_arithmetic();
  test_another_file();
  return check::report();
}
