#include "jpeg_stray.h"

#include <cstdlib>

namespace vary {
namespace {

// Bits of one coded segment, most significant first; the zero byte after each coded 0xFF is skipped.
class Bits {
 public:
  Bits(const std::uint8_t* begin, const std::uint8_t* end) : at_(begin), end_(end) {}

  // The next bits as a number; -1 at the end.
  int read(int count) {
    int value = 0;
    for (; count > 0; --count) {
      if (left_ == 0) {
        if (at_ == end_) return -1;
        byte_ = *at_++;
        if (byte_ == 0xFF && at_ != end_ && *at_ == 0) ++at_;
        left_ = 8;
      }
      value = value << 1 | (byte_ >> --left_ & 1);
    }
    return value;
  }

  // Are all bits up to the next whole byte ones, with which encoders fill the last byte?
  bool filled() const { return (byte_ & ((1 << left_) - 1)) == (1 << left_) - 1; }
  bool in_last_byte() const { return at_ == end_; }
  const std::uint8_t* whole_bytes() const { return at_; }

 private:
  const std::uint8_t *at_, *end_;
  int byte_ = 0, left_ = 0;
};

// The next symbol of a canonical Huffman code; -1 for an invalid code, or at the end.
int symbol(Bits& bits, const JHUFF_TBL& table) {
  int code = 0, first = 0, index = 0;
  for (int length = 1; length <= 16; ++length) {
    const int bit = bits.read(1);
    if (bit < 0) return -1;
    code |= bit;
    const int count = table.bits[length];
    if (code - first < count) return table.huffval[(index + code - first) & 255];
    index += count;
    first = (first + count) << 1;
    code <<= 1;
  }
  return -1;
}

// A coefficient of `size` bits; false at the end.
bool coefficient(Bits& bits, int size, int& value) {
  value = bits.read(size);
  if (value < 0) return false;
  if (size > 0 && value < 1 << (size - 1)) value -= (1 << size) - 1;
  return true;
}

// The tables and state for decoding the blocks of a scan.
struct Scan {
  const jpeg_decompress_struct& codec;
  int dc[MAX_COMPS_IN_SCAN] = {};  // of the last block of each component
};

// Samples of 8 bits have no coefficient beyond 1024; a quantisation step of 0, as in broken tables, is not checked.
bool possible(int value, int step) { return step == 0 || std::abs(value) <= 1024 / step + 1; }

// Decodes and discards block `number` of an MCU; false if it is invalid or incomplete.
bool block(Scan& scan, int number, Bits& bits) {
  const int place = scan.codec.MCU_membership[number];
  const jpeg_component_info& component = *scan.codec.cur_comp_info[place];
  const JHUFF_TBL* const dc = scan.codec.dc_huff_tbl_ptrs[component.dc_tbl_no];
  const JHUFF_TBL* const ac = scan.codec.ac_huff_tbl_ptrs[component.ac_tbl_no];
  const JQUANT_TBL* const steps = component.quant_table;
  if (dc == nullptr || ac == nullptr || steps == nullptr) return false;
  int value = 0;
  const int size = symbol(bits, *dc);
  if (size < 0 || size > 15 || !coefficient(bits, size, value)) return false;
  scan.dc[place] += value;
  if (!possible(scan.dc[place], steps->quantval[0])) return false;
  for (int k = 1; k < DCTSIZE2; ++k) {
    const int run_and_size = symbol(bits, *ac);
    if (run_and_size < 0) return false;
    if (run_and_size == 0) return true;  // the rest is zero
    k += run_and_size >> 4;
    if (k >= DCTSIZE2 || !coefficient(bits, run_and_size & 15, value)) return false;
  }
  return true;
}

// Are the remaining bits a sequence of blocks up to the last bit, beginning with block `first` of an MCU?
bool all_blocks(Scan scan, int first, Bits bits) {
  for (int number = first; block(scan, number, bits); number = (number + 1) % scan.codec.blocks_in_MCU)
    if (bits.in_last_byte() && bits.filled()) return true;
  return false;
}

// The first byte of the segment that ends at `marker`: after the marker before it, or after the header of a scan.
const std::uint8_t* segment_before(const std::uint8_t* data, std::size_t marker) {
  for (std::size_t at = marker; at >= 4; --at) {
    const std::uint8_t* const seen = data + at - 2;
    if (seen[0] != 0xFF || seen[1] == 0 || seen[1] == 0xFF) continue;
    if (seen[1] != 0xDA) return seen + 2;
    if (at + 2 > marker) return nullptr;
    const std::size_t head = std::size_t{seen[2]} << 8 | seen[3];
    return at + head <= marker ? seen + 2 + head : nullptr;
  }
  return nullptr;
}

bool all_zero(const std::uint8_t* begin, const std::uint8_t* end) {
  for (; begin != end; ++begin)
    if (*begin != 0) return false;
  return true;
}

}  // namespace

bool only_stray(const jpeg_decompress_struct& codec, const std::uint8_t* data, std::size_t marker,
                std::size_t left_over) {
  const std::uint8_t* const begin = segment_before(data, marker);
  if (begin == nullptr) return false;
  const std::uint8_t* const end = data + marker;
  if (codec.progressive_mode || codec.arith_code)
    return left_over <= static_cast<std::size_t>(end - begin) && all_zero(end - left_over, end);
  Bits bits(begin, end);
  Scan scan{codec};
  for (unsigned mcu = 0; mcu < codec.restart_interval; ++mcu)
    for (int number = 0; number < codec.blocks_in_MCU; ++number)
      if (!block(scan, number, bits)) return false;
  if (!bits.filled()) return false;
  if (bits.in_last_byte() || all_zero(bits.whole_bytes(), end)) return true;
  for (int first = 0; first < codec.blocks_in_MCU; ++first)
    if (all_blocks(scan, first, bits)) return false;
  return true;
}

}  // namespace vary
