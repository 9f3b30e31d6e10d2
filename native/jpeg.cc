#include "jpeg.h"

#include <algorithm>
#include <climits>
#include <csetjmp>
#include <cstdio>  // jpeglib.h needs FILE and size_t
#include <cstdlib>

// After <cstdio>:
#include <jerror.h>
#include <jpeglib.h>

#if !defined(JCS_EXTENSIONS) || !defined(JCS_ALPHA_EXTENSIONS)
#error "vary needs libjpeg-turbo: this jpeglib.h has no RGBA output"
#endif

#include "jpeg_frame.h"

namespace vary {
namespace {

// A progressive file may ask for any number of passes over the whole picture; real ones have about ten.
constexpr int kMostScans = 500;
constexpr JDIMENSION kRowsPerCall = 64;

enum class Phase { header, rows, end };

// One use of libjpeg. All that lives across a longjmp is here, in the caller's frame, and trivially destructible.
struct Session {
  jpeg_decompress_struct codec;
  jpeg_error_mgr errors;
  jpeg_progress_mgr progress;
  std::jmp_buf escape;
  char text[JMSG_LENGTH_MAX];
  Phase phase;

  const std::uint8_t* data;
  unsigned long size;
  int denominator;
  bool tolerant;
  const Pixels* pixels;
  const Planes* planes;
  int top, bottom;   // rows of the picture
  int down, across;  // of JpegHeader
};

Session& session_of(j_common_ptr codec) { return *static_cast<Session*>(codec->client_data); }

[[noreturn]] void fail(Session& session, const char* text) {
  std::snprintf(session.text, sizeof session.text, "%s", text);
  std::longjmp(session.escape, 1);
}

[[noreturn]] void on_error(j_common_ptr codec) {
  Session& session = session_of(codec);
  if (codec->err->msg_code == JERR_ARITH_NOTIMPL)
    fail(session, "arithmetic-coded, which this libjpeg-turbo was built without; save it as a usual JPEG");
  codec->err->format_message(codec, session.text);
  std::longjmp(session.escape, 1);
}

void on_message(j_common_ptr codec, int level) {
  Session& session = session_of(codec);
  if (level >= 0 || session.tolerant || session.phase == Phase::header) return;
  if (session.phase == Phase::end && codec->err->msg_code == JWRN_EXTRANEOUS_DATA) return;
  on_error(codec);
}

void on_progress(j_common_ptr codec) {
  if (reinterpret_cast<j_decompress_ptr>(codec)->input_scan_number > kMostScans)
    fail(session_of(codec), "more than 500 scans: made to waste time");
}

void on_output(j_common_ptr) {}

// Luma samples to one of chroma along an axis; 0 where planes cannot be that.
int ratio(int most, int luma, int blue, int red) {
  return luma == most && blue == red && (most == blue || most == 2 * blue) ? most / blue : 0;
}

void open(Session& session) {
  jpeg_decompress_struct& codec = session.codec;
  jpeg_create_decompress(&codec);
  codec.progress = &session.progress;
  jpeg_mem_src(&codec, session.data, session.size);
  jpeg_read_header(&codec, TRUE);
  if (codec.data_precision != 8) fail(session, "more than 8 bits a sample");
  if (codec.num_components != 1 && codec.num_components != 3 && codec.num_components != 4)
    fail(session, "neither grey, nor colour, nor CMYK");
  if (codec.jpeg_color_space != JCS_YCbCr) return;
  const jpeg_component_info* const c = codec.comp_info;
  session.down = ratio(codec.max_v_samp_factor, c[0].v_samp_factor, c[1].v_samp_factor, c[2].v_samp_factor);
  session.across = ratio(codec.max_h_samp_factor, c[0].h_samp_factor, c[1].h_samp_factor, c[2].h_samp_factor);
}

JpegHeader header_of(const Session& session) {  // all but the orientation
  const jpeg_decompress_struct& codec = session.codec;
  JpegHeader out;
  out.width = static_cast<int>(codec.image_width);
  out.height = static_cast<int>(codec.image_height);
  out.components = codec.num_components;
  out.progressive = codec.progressive_mode != FALSE;
  out.down = session.down;
  out.across = session.across;
  return out;
}

constexpr const char* kOtherSize = "it comes out in another size than its header says";

// What comes out is only written where it is what its room was made for: libjpeg 3 scales no lossless file, and bytes
// that someone else writes to may change after their header was read.
void check_output(Session& session, int height, int width) {
  const jpeg_decompress_struct& codec = session.codec;
  if (std::int64_t{codec.output_height} != height || std::int64_t{codec.output_width} != width ||
      codec.data_precision != 8)
    fail(session, kOtherSize);
}

std::uint8_t* row_at(const Session& session, JDIMENSION row) {
  return session.pixels->data + static_cast<std::ptrdiff_t>(row) * session.pixels->row;
}

void read_rows(Session& session) {
  jpeg_decompress_struct& codec = session.codec;
  JSAMPROW rows[kRowsPerCall];
  while (codec.output_scanline < codec.output_height) {
    const JDIMENSION count = std::min(kRowsPerCall, codec.output_height - codec.output_scanline);
    for (JDIMENSION i = 0; i < count; ++i) rows[i] = row_at(session, codec.output_scanline + i);
    if (jpeg_read_scanlines(&codec, rows, count) == 0) fail(session, "no more rows");
  }
}

// One inverted ink over inverted black, 0..255 each, rounded.
std::uint32_t product(std::uint32_t ink, std::uint32_t paper) { return (ink * paper + 127) / 255; }

void convert_cmyk(const JSAMPLE* from, std::uint8_t* to, JDIMENSION width, int channels, bool inverted) {
  const std::uint32_t flip = inverted ? 0 : 255;
  for (JDIMENSION x = 0; x < width; ++x, from += 4, to += channels) {
    const std::uint32_t paper = from[3] ^ flip;
    const std::uint32_t r = product(from[0] ^ flip, paper);
    const std::uint32_t g = product(from[1] ^ flip, paper);
    const std::uint32_t b = product(from[2] ^ flip, paper);
    if (channels == 1) {
      to[0] = static_cast<std::uint8_t>((19595 * r + 38470 * g + 7471 * b + 32768) >> 16);  // Rec. 601, as libjpeg
      continue;
    }
    to[0] = static_cast<std::uint8_t>(r);
    to[1] = static_cast<std::uint8_t>(g);
    to[2] = static_cast<std::uint8_t>(b);
    if (channels == 4) to[3] = 255;
  }
}

void read_cmyk_rows(Session& session) {
  jpeg_decompress_struct& codec = session.codec;
  const auto common = reinterpret_cast<j_common_ptr>(&codec);
  JSAMPARRAY line = codec.mem->alloc_sarray(common, JPOOL_IMAGE, codec.output_width * 4, 1);  // freed with the codec
  while (codec.output_scanline < codec.output_height) {
    std::uint8_t* to = row_at(session, codec.output_scanline);
    if (jpeg_read_scanlines(&codec, line, 1) == 0) fail(session, "no more rows");
    convert_cmyk(line[0], to, codec.output_width, session.pixels->channels, codec.saw_Adobe_marker != FALSE);
  }
}

void decode(Session& session) {
  open(session);
  jpeg_decompress_struct& codec = session.codec;
  const Pixels& pixels = *session.pixels;
  const bool cmyk = codec.num_components == 4;
  codec.out_color_space = cmyk                   ? JCS_CMYK
                          : pixels.channels == 1 ? JCS_GRAYSCALE
                          : pixels.channels == 3 ? JCS_EXT_RGB
                                                 : JCS_EXT_RGBA;
  codec.scale_num = 1;
  codec.scale_denom = static_cast<unsigned>(session.denominator);
  codec.dct_method = JDCT_ISLOW;
  codec.do_fancy_upsampling = TRUE;
  session.phase = Phase::rows;
  jpeg_start_decompress(&codec);
  check_output(session, pixels.height, pixels.width);
  if (codec.output_components != (cmyk ? 4 : pixels.channels)) fail(session, kOtherSize);
  const std::int64_t bytes = std::int64_t{pixels.width} * pixels.channels;
  if (bytes > std::abs(std::int64_t{pixels.row})) fail(session, "rows closer together than they are long");
  if (cmyk)
    read_cmyk_rows(session);
  else
    read_rows(session);
  session.phase = Phase::end;
  jpeg_finish_decompress(&codec);
}

int scaled_block(const jpeg_component_info& component) {
#if JPEG_LIB_VERSION >= 70
  return component.DCT_h_scaled_size;
#else
  return component.DCT_scaled_size;
#endif
}

// Samples of an 8 x 8 block's side at 1/denominator, for luma and for chroma, which libjpeg scales less where it can.
int block_side(int denominator, bool chroma, int down, int across) {
  return chroma && denominator > 1 && down == 2 && across == 2 ? 16 / denominator : 8 / denominator;
}

void read_planes(Session& session) {
  jpeg_decompress_struct& codec = session.codec;
  const Planes& planes = *session.planes;
  const int lines = codec.max_v_samp_factor * 8 / session.denominator;
  JSAMPROW rows[3][4 * DCTSIZE];
  JSAMPARRAY arrays[3] = {rows[0], rows[1], rows[2]};
  const int end = std::min(session.bottom + planes.down, static_cast<int>(codec.output_height));
  while (static_cast<int>(codec.output_scanline) < end) {
    const int at = static_cast<int>(codec.output_scanline), block = at / lines;
    const bool wanted = at + lines > session.top - planes.down;  // else only its bits are read
    for (int c = 0; c < codec.num_components; ++c) {
      const int plane = c < planes.count ? c : 0;
      const jpeg_component_info& component = codec.comp_info[plane];
      const int side = scaled_block(component), count = component.v_samp_factor * side;
      const int last = static_cast<int>(component.height_in_blocks) * side - 1;  // rows below it are never written
      codec.comp_info[c].component_needed = wanted && c < planes.count ? TRUE : FALSE;
      for (int i = 0; i < count; ++i)
        rows[c][i] = planes.data[plane] + std::min(block * count + i, last) * planes.row[plane];
    }
    if (jpeg_read_raw_data(&codec, arrays, static_cast<JDIMENSION>(lines)) == 0) fail(session, "no more rows");
  }
}

// Are these the planes that `jpeg_layout` makes for what libjpeg found, and will it write no more than they hold?
void check_planes(Session& session) {
  const jpeg_decompress_struct& codec = session.codec;
  const Planes& planes = *session.planes;
  check_output(session, planes.height, planes.width);
  std::int64_t bytes = 0;
  const Planes made = jpeg_layout(header_of(session), session.denominator, planes.count, nullptr, bytes);
  bool fits = made.count == planes.count && made.down == planes.down && made.across == planes.across;
  for (int c = 0; fits && c < planes.count; ++c) {
    const jpeg_component_info& component = codec.comp_info[c];
    const int side = block_side(session.denominator, c > 0, session.down, session.across);
    fits = scaled_block(component) == side && made.row[c] == planes.row[c] &&
           static_cast<int>(component.width_in_blocks) * side <= planes.row[c] &&
           static_cast<int>(component.downsampled_height) == (c == 0 ? planes.height : planes.chroma_height());
  }
  if (!fits) fail(session, kOtherSize);
}

void decode_planes(Session& session) {
  open(session);
  jpeg_decompress_struct& codec = session.codec;
  codec.raw_data_out = TRUE;
  codec.out_color_space = codec.jpeg_color_space;
  codec.scale_num = 1;
  codec.scale_denom = static_cast<unsigned>(session.denominator);
  codec.dct_method = JDCT_ISLOW;
  session.phase = Phase::rows;
  jpeg_start_decompress(&codec);
  check_planes(session);
  read_planes(session);
  session.phase = Phase::end;
  if (codec.output_scanline >= codec.output_height) jpeg_finish_decompress(&codec);
}

// The only frame longjmp returns to; `work` runs below it and owns nothing that needs a destructor.
bool run(Session& session, void (*work)(Session&)) {
  session.codec.err = jpeg_std_error(&session.errors);
  session.codec.client_data = &session;
  session.errors.error_exit = on_error;
  session.errors.emit_message = on_message;
  session.errors.output_message = on_output;
  session.progress.progress_monitor = on_progress;
  bool ok = false;
  if (setjmp(session.escape) == 0) {  // NOLINT(cert-err52-cpp): libjpeg has no other way out
    work(session);
    ok = true;
  } else {
    ok = session.tolerant && session.phase == Phase::end;  // every row was already there
  }
  jpeg_destroy_decompress(&session.codec);
  return ok;
}

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
};

// TIFF 6.0 header and first directory, of which EXIF 2.3 takes tag 0x0112.
int exif_orientation(Bytes tiff) {
  const std::uint32_t order = tiff.read(0, 2);
  if (order != 0x4949 && order != 0x4D4D) return 1;
  tiff.little = order == 0x4949;
  if (tiff.read(2, 2) != 42) return 1;
  const std::size_t directory = tiff.read(4, 4);
  const std::uint32_t entries = tiff.read(directory, 2);
  for (std::uint32_t i = 0; i < entries; ++i) {
    const std::size_t entry = directory + 2 + std::size_t{12} * i;
    if (tiff.read(entry, 2) != 0x0112) continue;
    const std::uint32_t type = tiff.read(entry + 2, 2);
    const int width = type == 1 ? 1 : type == 3 ? 2 : type == 4 ? 4 : 0;  // BYTE, SHORT, LONG
    if (width == 0 || tiff.read(entry + 4, 4) != 1) return 1;
    const std::uint32_t value = tiff.read(entry + 8, width);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

// Walks the segments before the first scan to the first APP1 that holds EXIF.
int find_orientation(const Bytes& file) {
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
    if (marker == 0xE1 && body.read(0, 4) == 0x45786966 && body.size >= 6 && body.read(4, 2) == 0)  // "Exif\0\0"
      return exif_orientation({body.data + 6, body.size - 6});
    at += 2 + length;
  }
  return 1;
}

bool begin(Session& session, const std::uint8_t* data, std::size_t size, std::string& error) {
  if (size < 4 || data[0] != 0xFF || data[1] != 0xD8 || data[2] != 0xFF) {
    error = "not a JPEG";
    return false;
  }
  if (size > ULONG_MAX) {  // where long has 32 bits
    error = "more than 4 GB";
    return false;
  }
  error = unsupported_coding(data, size);
  if (!error.empty()) return false;
  session.data = data;
  session.size = static_cast<unsigned long>(size);
  return true;
}

}  // namespace

bool jpeg_header(const std::uint8_t* data, std::size_t size, JpegHeader& out, std::string& error) {
  Session session{};
  if (!begin(session, data, size, error)) return false;
  if (!run(session, open)) {
    error = session.text;
    return false;
  }
  out = header_of(session);  // the numbers outlive jpeg_destroy_decompress, which frees pools only
  out.orientation = find_orientation({data, size});
  return true;
}

Planes jpeg_layout(const JpegHeader& header, int denominator, int channels, std::uint8_t* data, std::int64_t& bytes) {
  Planes out;
  const bool colour = header.components == 3 && header.down > 0 && header.across > 0;
  if (channels == 1 ? !colour && header.components != 1 : channels != 3 || !colour) return out;
  out.height = jpeg_scaled(header.height, denominator);
  out.width = jpeg_scaled(header.width, denominator);
  out.count = channels;
  if (channels == 3) {
    const int luma = block_side(denominator, false, header.down, header.across),
              chroma = block_side(denominator, true, header.down, header.across);
    out.down = header.down * luma / chroma;
    out.across = header.across * luma / chroma;
  }
  // libjpeg repeats where a block is a single sample, and, of halved columns, where there are but two.
  out.smooth = denominator < 8 && (out.across == 1 || out.chroma_width() > 2);
  bytes = 0;
  for (int c = 0; c < out.count; ++c) {
    const int side = block_side(denominator, c > 0, header.down, header.across);
    const int across = c > 0 ? header.across : 1, down = c > 0 ? header.down : 1;
    const auto blocks = [](int pixels, int times) { return (pixels + 8 * times - 1) / (8 * times); };
    out.row[c] = std::ptrdiff_t{blocks(header.width, across)} * side;
    if (data != nullptr) out.data[c] = data + bytes;
    bytes += (out.row[c] * blocks(header.height, down) * side + 63) & ~63;
  }
  return out;
}

bool jpeg_planes(const std::uint8_t* data, std::size_t size, int denominator, bool tolerant, int top, int bottom,
                 const Planes& planes, std::string& error) {
  Session session{};
  if (!begin(session, data, size, error)) return false;
  session.denominator = denominator;
  session.tolerant = tolerant;
  session.planes = &planes;
  session.top = top;
  session.bottom = bottom;
  if (run(session, decode_planes)) return true;
  error = session.text;
  return false;
}

bool jpeg_decode(const std::uint8_t* data, std::size_t size, int denominator, bool tolerant, const Pixels& out,
                 std::string& error) {
  if ((denominator != 1 && denominator != 2 && denominator != 4 && denominator != 8) ||
      (out.channels != 1 && out.channels != 3 && out.channels != 4)) {
    error = "denominator must be 1, 2, 4 or 8, channels 1, 3 or 4";
    return false;
  }
  Session session{};
  if (!begin(session, data, size, error)) return false;
  session.denominator = denominator;
  session.tolerant = tolerant;
  session.pixels = &out;
  if (run(session, decode)) return true;
  error = session.text;
  return false;
}

std::string jpeg_version() {
  constexpr int number = LIBJPEG_TURBO_VERSION_NUMBER;
  return std::to_string(number / 1000000) + "." + std::to_string(number / 1000 % 1000) + "." +
         std::to_string(number % 1000);
}

}  // namespace vary
