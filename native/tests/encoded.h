// JPEG files made in memory, and what libjpeg itself makes of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <vector>

// After <cstdio>:
#include <jpeglib.h>

namespace encoded {

using Buffer = std::vector<std::uint8_t>;

struct Encoding {
  int width = 40, height = 24;
  J_COLOR_SPACE in = JCS_RGB, stored = JCS_YCbCr;
  bool progressive = false, adobe = true;
  int restart = 0;
  int down = 2, across = 2;  // luma samples to one of chroma
  bool noise = false;        // instead of the slope
  bool separate = false;     // each component in a scan of its own, without progression
  bool arithmetic = false;   // instead of Huffman's code
};

inline int inks_of(J_COLOR_SPACE space) { return space == JCS_GRAYSCALE ? 1 : space == JCS_RGB ? 3 : 4; }

// A slope in each channel: smooth, so that it survives coding within a few levels.
inline std::uint8_t slope(int x, int y, int channel) {
  return static_cast<std::uint8_t>(40 + 3 * x + 2 * y + 20 * channel);
}

inline Buffer encode(const Encoding& how) {
  jpeg_compress_struct codec{};
  jpeg_error_mgr errors{};
  codec.err = jpeg_std_error(&errors);
  jpeg_create_compress(&codec);
  unsigned char* out = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&codec, &out, &size);
  codec.image_width = static_cast<JDIMENSION>(how.width);
  codec.image_height = static_cast<JDIMENSION>(how.height);
  codec.input_components = inks_of(how.in);
  codec.in_color_space = how.in;
  jpeg_set_defaults(&codec);
  jpeg_set_colorspace(&codec, how.stored);
  jpeg_set_quality(&codec, 97, TRUE);
  if (how.stored == JCS_YCbCr) {
    codec.comp_info[0].v_samp_factor = how.down;
    codec.comp_info[0].h_samp_factor = how.across;
  }
  codec.restart_interval = static_cast<unsigned>(how.restart);
  codec.arith_code = how.arithmetic ? TRUE : FALSE;
  if (!how.adobe) codec.write_Adobe_marker = FALSE;
  if (how.progressive) jpeg_simple_progression(&codec);
  jpeg_scan_info scans[4] = {};
  for (int c = 0; c < 4; ++c) scans[c] = {1, {c, 0, 0, 0}, 0, 63, 0, 0};
  if (how.separate) {
    codec.scan_info = scans;
    codec.num_scans = codec.num_components;
  }
  jpeg_start_compress(&codec, TRUE);
  std::uint32_t random = 1;
  Buffer row(static_cast<std::size_t>(how.width * codec.input_components));
  for (int y = 0; y < how.height; ++y) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const int at = static_cast<int>(i);
      row[i] = how.noise ? static_cast<std::uint8_t>((random = random * 1664525 + 1013904223) >> 24)
                         : slope(at / codec.input_components, y, at % codec.input_components);
    }
    JSAMPROW line = row.data();
    jpeg_write_scanlines(&codec, &line, 1);
  }
  jpeg_finish_compress(&codec);
  Buffer file(out, out + size);
  std::free(out);
  jpeg_destroy_compress(&codec);
  return file;
}

// A lossless file of 8 bits (T.81, annex H), all grey: each difference from the pixel before is 0, coded as one bit.
inline Buffer lossless(int width, int height, int components) {
  Buffer out;
  const auto put = [&out](std::initializer_list<int> bytes) {
    for (const int byte : bytes) out.push_back(static_cast<std::uint8_t>(byte));
  };
  put({0xFF, 0xD8, 0xFF, 0xC3, 0, 8 + 3 * components, 8, height >> 8, height, width >> 8, width, components});
  for (int c = 1; c <= components; ++c) put({c, 0x11, 0});
  put({0xFF, 0xC4, 0, 20, 0, 1});  // one code of one bit, for the difference 0
  for (int bits = 2; bits <= 17; ++bits) put({0});
  put({0xFF, 0xDA, 0, 6 + 2 * components, components});
  for (int c = 1; c <= components; ++c) put({c, 0});
  put({1, 0, 0});  // predicted from the left
  out.resize(out.size() + static_cast<std::size_t>((std::int64_t{width} * height * components + 7) / 8));
  put({0xFF, 0xD9});
  return out;
}

// libjpeg by the book: its defaults, a row at a time.
inline Buffer by_the_book(const Buffer& file, int denominator, J_COLOR_SPACE space) {
  jpeg_decompress_struct codec{};
  jpeg_error_mgr errors{};
  codec.err = jpeg_std_error(&errors);
  jpeg_create_decompress(&codec);
  jpeg_mem_src(&codec, file.data(), static_cast<unsigned long>(file.size()));
  jpeg_read_header(&codec, TRUE);
  codec.scale_num = 1;
  codec.scale_denom = static_cast<unsigned>(denominator);
  codec.out_color_space = space;
  jpeg_start_decompress(&codec);
  const std::size_t stride = std::size_t{codec.output_width} * static_cast<std::size_t>(codec.output_components);
  Buffer pixels(stride * codec.output_height);
  while (codec.output_scanline < codec.output_height) {
    JSAMPROW row = pixels.data() + stride * codec.output_scanline;
    jpeg_read_scanlines(&codec, &row, 1);
  }
  jpeg_finish_decompress(&codec);
  jpeg_destroy_decompress(&codec);
  return pixels;
}

}  // namespace encoded
