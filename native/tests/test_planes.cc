// RGB from planes: the same bytes as from libjpeg, for every sampling, size, scale, window and instruction set.
#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "check.h"
#include "cpu.h"
#include "encoded.h"
#include "jpeg.h"

namespace {

using encoded::Buffer;
using encoded::encode;
using encoded::Encoding;
using vary::Kernels;
using vary::Planes;
using vary::Window;

constexpr std::uint8_t kUntouched = 0xcd;

struct Decoded {
  vary::JpegHeader header;
  Planes planes;
  Buffer memory;
  std::string error;
};

Decoded planes_of(const Buffer& file, int denominator, int channels, int top = 0, int bottom = 1 << 20) {
  Decoded out;
  std::int64_t bytes = 0;
  CHECK(vary::jpeg_header(file.data(), file.size(), out.header, out.error));
  if (vary::jpeg_layout(out.header, denominator, channels, nullptr, bytes).count == 0) return out;
  out.memory.assign(static_cast<std::size_t>(bytes + 64), kUntouched);
  out.planes = vary::jpeg_layout(out.header, denominator, channels, out.memory.data(), bytes);
  const int end = std::min(bottom, out.planes.height);
  CHECK(vary::jpeg_planes({file.data(), file.size(), denominator, false}, top, end, out.planes, out.error));
  return out;
}

// Pixels of the window, packed.
Buffer converted(const Kernels& k, const Planes& p, const Window& window) {
  const int left = window.left & ~1, width = window.right - window.left;
  Buffer row(static_cast<std::size_t>(3 * (window.right - left) + 192)), out;
  std::vector<std::uint16_t> scratch(static_cast<std::size_t>(5 * ((window.right - left) / 2 + 40)));
  for (int y = window.top; y < window.bottom; ++y) {
    k.rgb(p, y, left, window.right, row.data(), scratch.data());
    const auto first = row.begin() + 3 * (window.left - left);
    out.insert(out.end(), first, first + 3 * width);
  }
  return out;
}

Buffer part(const Buffer& whole, int width, const Window& window) {
  Buffer out;
  for (int y = window.top; y < window.bottom; ++y) {
    const auto row = whole.begin() + 3 * (std::ptrdiff_t{y} * width);
    out.insert(out.end(), row + 3 * window.left, row + 3 * window.right);
  }
  return out;
}

void check_file(const Encoding& how, int denominator) {
  const Buffer file = encode(how);
  const Decoded d = planes_of(file, denominator, 3);
  CHECK_EQUAL(d.planes.count, 3);
  if (d.planes.count != 3) return;
  const Buffer expected = encoded::by_the_book(file, denominator, JCS_RGB);
  const std::string words = std::to_string(how.width) + " x " + std::to_string(how.height) + ", chroma " +
                            std::to_string(how.across) + " x " + std::to_string(how.down) + ", 1/" +
                            std::to_string(denominator) + (how.progressive ? ", progressive, " : ", ");
  for (const std::string& target : vary::available_targets()) {
    const Window whole{0, 0, d.planes.height, d.planes.width};
    const Buffer seen = converted(vary::kernels_of(target), d.planes, whole);
    check::that(seen == expected, __FILE__, __LINE__, (words + target).c_str());
  }
}

constexpr std::array<std::pair<int, int>, 4> kSamplings{{{1, 1}, {1, 2}, {2, 1}, {2, 2}}};

void test_equals_libjpeg() {
  for (const auto& [down, across] : kSamplings)
    for (const int denominator : {1, 2, 4, 8}) {
      for (int side = 1; side <= 40; ++side)
        check_file({.width = side, .height = 41 - side, .down = down, .across = across, .noise = true}, denominator);
      for (const auto& [width, height] : {std::pair{257, 33}, {130, 95}})
        for (const bool progressive : {false, true})
          check_file({.width = width,
                      .height = height,
                      .progressive = progressive,
                      .down = down,
                      .across = across,
                      .noise = true},
                     denominator);
    }
}

// Every pair of chroma under dark, middle and bright luma.
void test_all_colours() {
  std::vector<std::uint8_t> u(64 + 256 * 256), v(u.size()), y(u.size());
  for (std::size_t i = 0; i < 256 * 256; ++i) {
    u[i] = static_cast<std::uint8_t>(i);
    v[i] = static_cast<std::uint8_t>(i >> 8);
  }
  Planes p{256, 256, 3, 1, 1, true, {y.data(), u.data(), v.data()}, {256, 256, 256}};
  const auto byte = [](int value) { return static_cast<std::uint8_t>(std::clamp(value, 0, 255)); };
  for (const int luma : {0, 100, 128, 255}) {
    std::fill(y.begin(), y.end(), static_cast<std::uint8_t>(luma));
    Buffer expected;
    for (std::size_t i = 0; i < 256 * 256; ++i) {
      const int b = u[i] - 128, r = v[i] - 128;
      expected.push_back(byte(luma + ((91881 * r + 32768) >> 16)));
      expected.push_back(byte(luma + ((-22554 * b - 46802 * r + 32768) >> 16)));
      expected.push_back(byte(luma + ((116130 * b + 32768) >> 16)));
    }
    for (const std::string& target : vary::available_targets())
      CHECK(converted(vary::kernels_of(target), p, {0, 0, 256, 256}) == expected);
  }
}

void test_windows() {  // rows outside of the window need not exist
  for (const auto& [down, across] : kSamplings)
    for (const bool progressive : {false, true}) {
      const Buffer file = encode(
          {.width = 75, .height = 90, .progressive = progressive, .down = down, .across = across, .noise = true});
      for (const int denominator : {1, 2}) {
        const Buffer whole = encoded::by_the_book(file, denominator, JCS_RGB);
        for (const Window& window : {Window{0, 0, 1, 1}, {31, 8, 33, 21}, {16, 3, 32, 37}, {44, 36, 45, 37}}) {
          const Decoded d = planes_of(file, denominator, 3, window.top, window.bottom);
          for (const std::string& target : vary::available_targets())
            CHECK(converted(vary::kernels_of(target), d.planes, window) == part(whole, d.planes.width, window));
        }
      }
    }
  const Decoded d = planes_of(encode({.width = 16, .height = 160}), 1, 1, 70, 80);
  CHECK_EQUAL(d.memory[0], kUntouched);  // above and below nothing is written
  CHECK_EQUAL(d.memory[16 * 159], kUntouched);
  const auto row = d.memory.begin() + 16 * 75;
  CHECK(std::any_of(row, row + 16, [](std::uint8_t v) { return v != kUntouched; }));
}

void test_luma() {
  for (const auto& [down, across] : kSamplings)
    for (const int denominator : {1, 2, 4, 8}) {
      const Buffer file = encode({.width = 37, .height = 21, .down = down, .across = across, .noise = true});
      const Decoded d = planes_of(file, denominator, 1);
      Buffer seen;
      for (int y = 0; y < d.planes.height; ++y)
        seen.insert(seen.end(), d.planes.data[0] + y * d.planes.row[0],
                    d.planes.data[0] + y * d.planes.row[0] + d.planes.width);
      CHECK(seen == encoded::by_the_book(file, denominator, JCS_GRAYSCALE));
    }
}

void test_others() {  // files that `Planes` cannot describe
  const Buffer colour = encode({});
  CHECK_EQUAL(planes_of(colour, 1, 4).planes.count, 0);
  CHECK_EQUAL(planes_of(encode({.stored = JCS_RGB}), 1, 3).planes.count, 0);
  CHECK_EQUAL(planes_of(encode({.stored = JCS_RGB}), 1, 1).planes.count, 0);
  CHECK_EQUAL(planes_of(encode({.in = JCS_CMYK, .stored = JCS_YCCK}), 1, 3).planes.count, 0);
  CHECK_EQUAL(planes_of(encode({.across = 4}), 1, 3).planes.count, 0);
  const Buffer grey = encode({.in = JCS_GRAYSCALE, .stored = JCS_GRAYSCALE});
  CHECK_EQUAL(planes_of(grey, 1, 3).planes.count, 0);
  CHECK_EQUAL(planes_of(grey, 1, 1).planes.count, 1);
}

void test_damage() {
  Buffer file = encode({.width = 64, .height = 640, .noise = true});
  file.resize(file.size() / 2);
  vary::JpegHeader header;
  std::string error;
  std::int64_t bytes = 0;
  CHECK(vary::jpeg_header(file.data(), file.size(), header, error));
  vary::jpeg_layout(header, 1, 3, nullptr, bytes);
  Buffer memory(static_cast<std::size_t>(bytes + 64));
  const Planes planes = vary::jpeg_layout(header, 1, 3, memory.data(), bytes);
  const auto decode = [&](bool allow_truncated, int bottom) {
    error.clear();
    return vary::jpeg_planes({file.data(), file.size(), 1, allow_truncated}, 0, bottom, planes, error);
  };
  CHECK(!decode(false, 640));
  CHECK_EQUAL(error,
              std::string("Premature end of JPEG file; allow_truncated=True reads the part that can be decoded"));
  CHECK(decode(true, 640));
  CHECK(decode(false, 100));  // the requested rows are decoded
}

}  // namespace

int main() {
  test_equals_libjpeg();
  test_all_colours();
  test_windows();
  test_luma();
  test_others();
  test_damage();
  return check::report();
}
