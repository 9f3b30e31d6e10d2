#include "jpeg.h"

#include <algorithm>
#include <climits>
#include <csetjmp>
#include <cstdio>  // jpeglib.h needs FILE and size_t
#include <cstdlib>

// After <cstdio>:
#include <jerror.h>
#include <jpeglib.h>

#include "jpeg_orientation.h"
#include "jpeg_stray.h"
#include "pool.h"

#if !defined(JCS_EXTENSIONS) || !defined(JCS_ALPHA_EXTENSIONS)
#error "vary needs libjpeg-turbo: this jpeglib.h has no RGBA output"
#endif

#include "jpeg_frame.h"

namespace vary {
namespace {

// A progressive file may contain any number of passes over the whole picture; real ones have about ten.
constexpr int kMostScans = 500;
constexpr JDIMENSION kRowsPerCall = 64;

// If a file has several scans, all are read before the first row; else rows are decoded while the file is read.
enum class Phase { header, scans, rows, end };

// One use of libjpeg. All state that survives a longjmp is here, in the caller's frame, and trivially destructible.
struct Session {
  jpeg_decompress_struct codec;
  jpeg_error_mgr errors;
  jpeg_progress_mgr progress;
  std::jmp_buf escape;
  char text[JMSG_LENGTH_MAX];  // the error, or the first damage
  Phase phase;
  bool finished;      // decoding reached its end
  bool damaged;       // something is wrong with the file
  bool lossy;         // rows are, or may be, lost
  bool ended;         // the file ended without an end marker
  bool resyncing;     // libjpeg is looking for a restart marker
  unsigned scanned;   // bit set of the components that occurred in a scan
  std::size_t error;  // the offset of an invalid marker between scans; 0: none

  const std::uint8_t* data;
  unsigned long size;
  int denominator;
  bool allow_truncated;
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

// The offset at which libjpeg reads next; the size of the file if libjpeg reads from a buffer of its own.
std::size_t place_of(const Session& session) {
  const auto begin = reinterpret_cast<std::uintptr_t>(session.data);
  const auto at = reinterpret_cast<std::uintptr_t>(session.codec.src->next_input_byte);
  return at >= begin && at - begin <= session.size ? at - begin : session.size;
}

[[noreturn]] void on_error(j_common_ptr codec) {
  Session& session = session_of(codec);
  if (codec->err->msg_code == JERR_ARITH_NOTIMPL)
    fail(session, "arithmetic-coded, which this build of libjpeg-turbo does not support; save it as a usual JPEG");
  if (session.phase == Phase::scans && codec->err->msg_code != JERR_OUT_OF_MEMORY) {
    std::size_t at = place_of(session);
    do {
      at -= at > 0;
    } while (at > 0 && session.data[at] != 0xFF);
    session.error = at;
  }
  codec->err->format_message(codec, session.text);
  std::longjmp(session.escape, 1);
}

void note(Session& session, bool lossy) {
  const auto codec = reinterpret_cast<j_common_ptr>(&session.codec);
  if (!session.damaged) codec->err->format_message(codec, session.text);
  session.damaged = true;
  session.lossy = session.lossy || lossy;
}

// Are the bytes that libjpeg skips before a marker harmless, so that no rows are lost?
bool stray(const Session& session, std::size_t left_over) {
  std::size_t marker = place_of(session);
  while (marker + 1 < session.size &&
         (session.data[marker] != 0xFF || session.data[marker + 1] == 0xFF || session.data[marker + 1] == 0))
    ++marker;
  return marker + 1 < session.size && only_stray(session.codec, session.data, marker, left_over);
}

bool is_restart(int marker) { return marker >= 0xD0 && marker <= 0xD7; }

void on_message(j_common_ptr codec, int level) {
  Session& session = session_of(codec);
  if (level >= 0) return;
  const bool rows = session.phase == Phase::rows || session.phase == Phase::scans;
  const int* const about = codec->err->msg_parm.i;
  switch (codec->err->msg_code) {
    case JWRN_JFIF_MAJOR:  // unusual headers, no damage
    case JWRN_ADOBE_XFORM: return;
    case JWRN_NOT_SEQUENTIAL:  // parameters that sequential scans do not use
      return note(session, false);
    case JWRN_JPEG_EOF:  // missing bits of rows cause another warning, except in arithmetic coding
      session.ended = true;
      return note(session, rows && session.codec.arith_code);
    case JWRN_EXTRANEOUS_DATA:
      return note(session, rows && !session.resyncing && is_restart(about[1]) &&
                               !stray(session, static_cast<std::size_t>(about[0])));
    case JWRN_MUST_RESYNC: return note(session, false);  // `resync` finds whether a row was lost
    default: return note(session, rows);
  }
}

// Called if another marker is found in place of a restart marker. Rows are lost unless the restart marker follows
// later.
boolean resync(j_decompress_ptr codec, int desired) {
  Session& session = session_of(reinterpret_cast<j_common_ptr>(codec));
  const std::size_t after = place_of(session);  // this marker
  const bool whole = after >= 2 && only_stray(*codec, session.data, after - 2, 0);
  session.resyncing = true;
  const boolean done = jpeg_resync_to_restart(codec, desired);
  session.resyncing = false;
  const std::size_t at = place_of(session);
  const bool found =
      codec->unread_marker == 0 && at >= 1 && at < session.size && session.data[at - 1] == 0xD0 + desired;
  session.lossy = session.lossy || !whole || !found;
  return done;
}

void on_progress(j_common_ptr common) {
  const auto codec = reinterpret_cast<j_decompress_ptr>(common);
  Session& session = session_of(common);
  if (cancelled()) fail(session, "not finished: the program is ending");
  if (codec->input_scan_number > kMostScans) fail(session, "more than 500 scans, probably to waste time");
  for (int i = 0; i < codec->comps_in_scan; ++i) session.scanned |= 1U << codec->cur_comp_info[i]->component_index;
}

// For a file that ended between two scans: does it have all scans, at full precision?
bool all_scans(const Session& session) {
  const jpeg_decompress_struct& codec = session.codec;
  if (codec.coef_bits == nullptr) return session.scanned == (1U << codec.num_components) - 1;
  for (int c = 0; c < codec.num_components; ++c)
    for (int i = 0; i < DCTSIZE2; ++i)
      if (codec.coef_bits[c][i] != 0) return false;
  return true;
}

// Begins to decode; if there are several scans, all are read here.
void start(Session& session) {
  jpeg_decompress_struct& codec = session.codec;
  const bool several = jpeg_has_multiple_scans(&codec) != FALSE;
  session.phase = several ? Phase::scans : Phase::rows;
  jpeg_start_decompress(&codec);
  if (several && session.ended && !all_scans(session)) session.lossy = true;
  session.phase = Phase::rows;
}

void on_output(j_common_ptr) {}

// Luma samples for each of chroma along an axis; 0 if `Planes` cannot describe it.
int ratio(int most, int luma, int blue, int red) {
  return luma == most && blue == red && (most == blue || most == 2 * blue) ? most / blue : 0;
}

void open(Session& session) {
  jpeg_decompress_struct& codec = session.codec;
  jpeg_create_decompress(&codec);
  codec.progress = &session.progress;
  jpeg_mem_src(&codec, session.data, session.size);
  codec.src->resync_to_restart = resync;
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

constexpr const char* kOtherSize = "it is decoded to another size than its header says";

// Pixels are written only if the decoded size is that of the buffer. It may differ: libjpeg 3 does not scale lossless
// files, and another thread may change the bytes after their header was read.
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

// The product of an inverted ink and inverted black, 0..255 each, rounded.
std::uint32_t product(std::uint32_t ink, std::uint32_t black) { return (ink * black + 127) / 255; }

void convert_cmyk(const JSAMPLE* from, std::uint8_t* to, JDIMENSION width, int channels) {
  for (JDIMENSION x = 0; x < width; ++x, from += 4, to += channels) {
    const std::uint32_t r = product(from[0], from[3]);
    const std::uint32_t g = product(from[1], from[3]);
    const std::uint32_t b = product(from[2], from[3]);
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
    convert_cmyk(line[0], to, codec.output_width, session.pixels->channels);
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
  start(session);
  check_output(session, pixels.height, pixels.width);
  if (codec.output_components != (cmyk ? 4 : pixels.channels)) fail(session, kOtherSize);
  const std::int64_t bytes = std::int64_t{pixels.width} * pixels.channels;
  if (bytes > std::abs(std::int64_t{pixels.row})) fail(session, "rows of the output overlap");
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

// The side in samples of an 8 x 8 block at 1/denominator, for luma or chroma. libjpeg scales halved chroma less.
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
    const bool wanted = at + lines > session.top - planes.down;  // else its bits are read, but no samples made
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

// Fails unless `jpeg_layout` makes the same planes from what libjpeg found, so that libjpeg writes only within them.
void check_planes(Session& session) {
  const jpeg_decompress_struct& codec = session.codec;
  const Planes& planes = *session.planes;
  check_output(session, planes.height, planes.width);
  std::int64_t bytes = 0;
  const Planes made = jpeg_layout(header_of(session), session.denominator, planes.count, planes.data[0], bytes);
  bool fits = made.count == planes.count && made.down == planes.down && made.across == planes.across;
  for (int c = 0; fits && c < planes.count; ++c) {
    const jpeg_component_info& component = codec.comp_info[c];
    const int side = block_side(session.denominator, c > 0, session.down, session.across);
    fits = scaled_block(component) == side && made.row[c] == planes.row[c] && made.data[c] == planes.data[c] &&
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
  start(session);
  check_planes(session);
  read_planes(session);
  session.phase = Phase::end;
  if (codec.output_scanline >= codec.output_height) jpeg_finish_decompress(&codec);
}

// Calls `work`. longjmp returns here, and only here; `work` owns nothing that needs a destructor.
bool run(Session& session, void (*work)(Session&)) {
  session.codec.err = jpeg_std_error(&session.errors);
  session.codec.client_data = &session;
  session.errors.error_exit = on_error;
  session.errors.emit_message = on_message;
  session.errors.output_message = on_output;
  session.progress.progress_monitor = on_progress;
  if (setjmp(session.escape) == 0) {  // NOLINT(cert-err52-cpp): libjpeg has no other way out
    work(session);
    session.finished = true;
  } else if (session.phase == Phase::end) {  // all rows were decoded before the error
    session.damaged = session.finished = true;
  }
  jpeg_destroy_decompress(&session.codec);
  return session.finished;
}

// As `run`. After an invalid marker between scans it runs again, as if the file ended before that marker.
bool run_rows(Session& session, void (*work)(Session&), bool* damaged, std::string& error) {
  const Session fresh = session;
  if (!run(session, work) && session.error > 0) {
    Session shorter = fresh;
    shorter.size = static_cast<unsigned long>(session.error);
    if (run(shorter, work)) {
      std::snprintf(shorter.text, sizeof shorter.text, "%s", session.text);
      session = shorter;
    }
  }
  if (damaged != nullptr) *damaged = session.finished && session.damaged && !session.lossy;
  if (session.finished && (session.allow_truncated || !session.lossy)) return true;
  error = session.text;
  if (session.finished) error += "; allow_truncated=True reads the part that can be decoded";
  return false;
}

bool begin(Session& session, const JpegFile& file, std::string& error) {
  const std::uint8_t* const data = file.data;
  const std::size_t size = file.size;
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
  session.denominator = file.denominator;
  session.allow_truncated = file.allow_truncated;
  return true;
}

}  // namespace

bool jpeg_header(const std::uint8_t* data, std::size_t size, JpegHeader& out, std::string& error) {
  Session session{};
  if (!begin(session, {data, size}, error)) return false;
  if (!run(session, open)) {
    error = session.text;
    return false;
  }
  out = header_of(session);  // these fields stay valid: jpeg_destroy_decompress frees only memory pools
  out.orientation = jpeg_orientation(data, size);
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
  // libjpeg repeats chroma where a block is a single sample, and where halved chroma has only two columns.
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

bool jpeg_planes(const JpegFile& file, int top, int bottom, const Planes& planes, std::string& error, bool* damaged) {
  Session session{};
  if (!begin(session, file, error)) return false;
  session.planes = &planes;
  session.top = top;
  session.bottom = bottom;
  return run_rows(session, decode_planes, damaged, error);
}

bool jpeg_decode(const JpegFile& file, const Pixels& out, std::string& error, bool* damaged) {
  const int denominator = file.denominator;
  if ((denominator != 1 && denominator != 2 && denominator != 4 && denominator != 8) ||
      (out.channels != 1 && out.channels != 3 && out.channels != 4)) {
    error = "denominator must be 1, 2, 4 or 8, channels 1, 3 or 4";
    return false;
  }
  Session session{};
  if (!begin(session, file, error)) return false;
  session.pixels = &out;
  return run_rows(session, decode, damaged, error);
}

std::string jpeg_version() {
  constexpr int number = LIBJPEG_TURBO_VERSION_NUMBER;
  return std::to_string(number / 1000000) + "." + std::to_string(number / 1000 % 1000) + "." +
         std::to_string(number % 1000);
}

}  // namespace vary
