// Decodes JPEGs in memory with libjpeg-turbo. With its accurate integer DCT and "fancy upsampling", all its builds give
// the same bytes. It has no global state and prints nothing; any number of threads may use it.
//
// Refused unless `allow_truncated`: a file in which rows are, or may be, lost (truncated, damaged, restart markers in
// wrong order); `error` then names the option if the file can be read with it. Read, and reported as `damaged`: a file
// that has every row, but has no end marker, or stray bytes: between segments or scans, before a restart marker
// (`jpeg_stray.h`), before or instead of the end marker. A file of several scans must have all of them, or an end
// marker. Not reported: unknown JFIF or Adobe versions, and anything after the end marker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "image.h"

namespace vary {

struct JpegHeader {
  int width = 0, height = 0;  // as stored: before orientation
  int components = 0;         // 1 grey, 3 colour, 4 CMYK or YCCK
  int orientation = 1;        // 1..8, see jpeg_orientation.h
  bool progressive = false;
  int down = 0, across = 0;  // luma samples for each of chroma, 1 or 2; 0 if the file is not YCbCr with such planes
};

// Reads the header only. False, with the reason in `error`, if libjpeg cannot decode such a file.
// The size may be anything that the file claims: check it against a limit before allocating memory.
bool jpeg_header(const std::uint8_t* data, std::size_t size, JpegHeader& out, std::string& error);

// The version of libjpeg-turbo that this was built with, such as "2.1.5".
std::string jpeg_version();

// Side of a picture decoded at 1/denominator.
inline int jpeg_scaled(int size, int denominator) { return (size + denominator - 1) / denominator; }

// A file in memory, and how it is decoded: at 1/denominator (1, 2, 4 or 8); `allow_truncated`: rows may be lost.
struct JpegFile {
  const std::uint8_t* data = nullptr;
  std::size_t size = 0;
  int denominator = 1;
  bool allow_truncated = false;
};

// Where pixels are written: `height` rows of `width * channels` bytes, `row` bytes apart (negative: upwards).
struct Pixels {
  std::uint8_t* data = nullptr;
  int height = 0, width = 0, channels = 0;
  std::ptrdiff_t row = 0;
};

// Decodes to 1 (luma), 3 (RGB) or 4 (RGBA, alpha 255) channels. The orientation is not applied. CMYK and YCCK become
// RGB by R = C K / 255 on inverted inks, which is how Adobe stores them, and how viewers read them also without Adobe's
// marker. `out` has the size jpeg_scaled(header). If the result is false, its content is unspecified. `damaged`: see
// above; it may be null.
bool jpeg_decode(const JpegFile& file, const Pixels& out, std::string& error, bool* damaged = nullptr);

// The planes that `jpeg_planes` gives for 1 or 3 channels, laid out in one block of `bytes` from `data` on (which may
// be null). Their count is 0 where `jpeg_decode` must be used: CMYK, RGB, unusual sampling, four channels, grey as RGB.
Planes jpeg_layout(const JpegHeader& header, int denominator, int channels, std::uint8_t* data, std::int64_t& bytes);

// Decodes rows [top, bottom) of the picture, and what their chroma is interpolated from, into planes that `jpeg_layout`
// laid out for this file. Other rows are unspecified. What follows `bottom` is not read, so damage there is not
// noticed.
bool jpeg_planes(const JpegFile& file, int top, int bottom, const Planes& planes, std::string& error,
                 bool* damaged = nullptr);

}  // namespace vary
