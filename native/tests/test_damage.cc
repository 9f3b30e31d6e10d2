// Damaged JPEGs: those that have every row are read, the others are refused, with the cure if there is one.
#include <cstdio>
#include <string>
#include <vector>

#include "check.h"
#include "encoded.h"
#include "jpeg.h"
#include "level.h"

namespace {

using encoded::Buffer;
using encoded::encode;
using encoded::Encoding;

struct Decoded {
  bool ok = false, damaged = false;
  std::string error;
  Buffer pixels;
};

Decoded decode(const Buffer& file, int denominator = 1, bool allow_truncated = false, int channels = 3) {
  Decoded out;
  vary::JpegHeader header;
  if (!vary::jpeg_header(file.data(), file.size(), header, out.error)) return out;
  const int width = vary::jpeg_scaled(header.width, denominator),
            height = vary::jpeg_scaled(header.height, denominator);
  out.pixels.resize(static_cast<std::size_t>(width) * height * channels);
  out.ok = vary::jpeg_decode({file.data(), file.size(), denominator, allow_truncated},
                             {out.pixels.data(), height, width, channels, std::ptrdiff_t{width} * channels}, out.error,
                             &out.damaged);
  return out;
}

// Decoded through planes, as a cache block.
Decoded kept(const Buffer& file, bool allow_truncated = false) {
  Decoded out;
  vary::LevelRequest request{{}, 1, 3, false};
  if (!vary::jpeg_header(file.data(), file.size(), request.header, out.error)) return out;
  out.pixels.resize(vary::level_bytes(request));
  out.ok = vary::make_level(file.data(), file.size(), request, allow_truncated, out.pixels.data(), out.error);
  vary::Level level;
  if (out.ok && vary::read_level(out.pixels.data(), out.pixels.size(), level)) out.damaged = level.damaged;
  out.pixels.erase(out.pixels.begin(), out.pixels.begin() + vary::kLevelHead);
  return out;
}

std::vector<Encoding> kinds() {
  std::vector<Encoding> out;
  for (const int restart : {0, 1, 2}) {
    out.push_back({.width = 70, .height = 50, .restart = restart, .noise = true});
    out.push_back({.width = 70, .height = 50, .restart = restart, .down = 1, .across = 1});
    out.push_back({.width = 70, .height = 50, .progressive = true, .restart = restart, .noise = true});
    out.push_back({.width = 70, .height = 50, .restart = restart, .noise = true, .separate = true});
    out.push_back({.width = 70, .height = 50, .in = JCS_GRAYSCALE, .stored = JCS_GRAYSCALE, .restart = restart});
    out.push_back({.width = 70, .height = 50, .in = JCS_CMYK, .stored = JCS_YCCK, .restart = restart});
  }
  return out;
}

Buffer with(const Buffer& file, std::size_t at, const Buffer& extra) {
  Buffer out = file;
  out.insert(out.begin() + static_cast<std::ptrdiff_t>(at), extra.begin(), extra.end());
  return out;
}

Buffer head_of(const Buffer& file, std::size_t size) {
  return {file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size)};
}

// Offsets of the markers after the header of the first scan.
std::vector<std::size_t> markers_of(const Buffer& file) {
  std::vector<std::size_t> out;
  bool rows = false;
  for (std::size_t at = 2; at + 1 < file.size();) {
    const std::uint8_t marker = file[at + 1];
    if (file[at] != 0xFF || marker == 0 || marker == 0xFF) {
      ++at;
      continue;
    }
    if (rows) out.push_back(at);
    rows = rows || marker == 0xDA;
    const bool alone = marker >= 0xD0 && marker <= 0xD9;
    at += 2 + (alone ? 0 : std::size_t{file[at + 2]} * 256 + file[at + 3]);
  }
  return out;
}

void check_whole(const Buffer& file, const Buffer& original) {
  for (const int denominator : {1, 2, 4, 8}) {
    const Decoded seen = decode(file, denominator);
    CHECK(seen.ok);
    CHECK(seen.damaged);
    CHECK(seen.pixels == decode(original, denominator).pixels);
  }
  const Decoded level = kept(file);
  CHECK(level.ok && level.damaged);
  CHECK(level.pixels == kept(original).pixels);
}

void check_refused(const Buffer& file) {
  for (const Decoded& strict : {decode(file), decode(file, 4), kept(file)}) {
    CHECK(!strict.ok && !strict.damaged);
    const bool cure = strict.error.find("allow_truncated=True") != std::string::npos;
    CHECK_EQUAL(cure, decode(file, 1, true).ok);
  }
}

void test_sound_files_are_not_damaged() {
  for (const Encoding& kind : kinds()) {
    const Buffer file = encode(kind);
    for (const Buffer& one : {file, with(file, file.size(), {1, 2, 3}), with(file, file.size(), file)}) {
      CHECK(decode(one).ok && !decode(one).damaged);
      CHECK(kept(one).ok && !kept(one).damaged);
    }
  }
}

// A file that is cut off anywhere is refused, or gives the whole picture.
void test_cuts() {
  for (const Encoding& kind : kinds()) {
    const Buffer file = encode(kind);
    const Buffer plain = decode(file).pixels;
    int whole = 0;
    for (std::size_t size = 0; size < file.size(); size += size + 60 < file.size() ? 7 : 1) {
      const Buffer cut = head_of(file, size);
      const Decoded seen = decode(cut);
      if (seen.ok) {
        CHECK(seen.pixels == plain);
        CHECK(seen.damaged);
        CHECK(size + 3 >= file.size());  // the last byte may be padding alone
        ++whole;
      } else {
        check_refused(cut);
      }
    }
    CHECK(whole == 2 || whole == 3);
  }
}

void test_no_end_marker() {
  const std::string samsung = std::string("\0\0\1\n\16\0\0\0", 8) + "Image_UTC_Data1234SEFH";
  for (const Encoding& kind : kinds()) {
    const Buffer file = encode(kind), rows = head_of(file, file.size() - 2);
    check_whole(rows, file);
    check_whole(head_of(file, file.size() - 1), file);
    for (const Buffer& trailer :
         {Buffer(samsung.begin(), samsung.end()), Buffer(100, 0), Buffer{0xFF, 1, 0xFF, 0x52, 7},
          Buffer{0xFF, 0xC4, 0, 9, 9, 9}, Buffer{0xFF, 0xDA, 0, 2}, Buffer{0xFF, 0xDB, 0}, file})
      check_whole(with(rows, rows.size(), trailer), file);
  }
}

void test_bytes_before_markers() {
  for (const Encoding& kind : kinds()) {
    const Buffer file = encode(kind);
    for (const std::size_t marker : markers_of(file)) {
      const bool restart = file[marker + 1] >= 0xD0 && file[marker + 1] <= 0xD7;
      check_whole(with(file, marker, Buffer(64, 0)), file);
      if (restart && kind.progressive) continue;  // where only zeros count as stray
      for (const Buffer& junk : {Buffer{1, 2, 3, 4, 5, 6, 7, 8, 9}, Buffer(30, 0xAA), Buffer(20, 'x')})
        check_whole(with(file, marker, junk), file);
      if (restart) check_whole(with(file, marker, {0xFF, 0x52, 1, 2, 3}), file);
    }
  }
}

void test_bytes_between_segments() {
  const Buffer file = encode({});
  check_whole(with(file, 20, Buffer(9, 7)), file);
}

void test_missing_rows_are_refused() {
  for (const Encoding& kind : kinds()) {
    if (kind.restart == 0 || kind.separate) continue;
    const Buffer file = encode(kind);
    const std::vector<std::size_t> markers = markers_of(file);
    Buffer shorter = file;  // without the rows between two restart markers
    shorter.erase(shorter.begin() + static_cast<std::ptrdiff_t>(markers[1]),
                  shorter.begin() + static_cast<std::ptrdiff_t>(markers[2]));
    check_refused(shorter);
    std::size_t scan = file.size();  // the last scan of a file with several
    for (const std::size_t at : markers)
      if (file[at + 1] == 0xDA) scan = at;
    if (scan < file.size()) check_refused(head_of(file, scan));
  }
}

// A damaged row whose code ends early leaves bytes over. They hardly ever count as stray bytes.
void test_damaged_rows_are_refused() {
  int refused = 0, taken = 0;
  const Buffer file = encode({.width = 160, .height = 64, .restart = 5});
  const Buffer plain = decode(file).pixels;
  const std::vector<std::size_t> markers = markers_of(file);
  for (std::size_t at = markers[0] + 2; at < markers[markers.size() - 2]; ++at) {
    if (file[at] == 0xFF || file[at - 1] == 0xFF || file[at + 1] == 0xFF) continue;
    Buffer damaged = file;
    damaged[at] ^= static_cast<std::uint8_t>(1U << at % 8);
    const Decoded seen = decode(damaged);
    refused += !seen.ok && seen.error.find("extraneous") != std::string::npos;
    taken += seen.ok && seen.damaged && seen.pixels != plain;
  }
  CHECK(refused > 500);
  CHECK(taken * 20 < refused);
}

// Too many rows between restart markers: the bytes left over are rows.
void test_rows_beyond_the_interval_are_no_stray_bytes() {
  for (const bool noise : {false, true}) {
    for (const unsigned said : {1U, 3U, 4U}) {
      Buffer file = encode({.width = 160, .height = 64, .restart = 5, .noise = noise});
      for (std::size_t at = 2; at + 5 < file.size(); ++at)
        if (file[at] == 0xFF && file[at + 1] == 0xDD) file[at + 5] = static_cast<std::uint8_t>(said);
      check_refused(file);
    }
  }
}

// Broken tables contain steps of 0: such a coefficient becomes 0, whatever its value.
void test_quantisation_steps_of_zero() {
  Buffer file = encode({.restart = 1});
  for (std::size_t at = 2; at + 5 < file.size(); ++at)
    if (file[at] == 0xFF && file[at + 1] == 0xDB) file[at + 5] = 0;  // the first step of each table
  for (const std::size_t marker : markers_of(file)) check_whole(with(file, marker, Buffer(64, 0)), file);
}

void test_arithmetic_coding_never_says_what_is_missing() {
  const Buffer file = encode({.noise = true, .arithmetic = true});
  CHECK(decode(file).ok && !decode(file).damaged);
  for (std::size_t size = 700; size < file.size(); size += 11) check_refused(head_of(file, size));
}

void test_numbers_that_sequential_scans_do_not_use() {
  Buffer file = encode({});
  std::size_t scan = 0;
  while (file[scan] != 0xFF || file[scan + 1] != 0xDA) ++scan;
  const Buffer original = file;
  file[scan + 2 + file[scan + 3] - 2] = 0;  // the last coefficient: 63 in every valid file
  check_whole(file, original);
}

}  // namespace

int main() {
  test_sound_files_are_not_damaged();
  test_cuts();
  test_no_end_marker();
  test_bytes_before_markers();
  test_bytes_between_segments();
  test_missing_rows_are_refused();
  test_damaged_rows_are_refused();
  test_rows_beyond_the_interval_are_no_stray_bytes();
  test_quantisation_steps_of_zero();
  test_arithmetic_coding_never_says_what_is_missing();
  test_numbers_that_sequential_scans_do_not_use();
  return check::report();
}
