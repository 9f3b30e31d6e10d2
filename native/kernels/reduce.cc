// The triangle filter before a warp, along each axis separately: rows are added into one line, which stays in cache,
// and then columns of that line. Bytes have weights in 128ths and are summed in 16-bit integers, so all targets give
// the same.
#include "loads.h"
#include "vectors.h"

namespace vary::VARY_TARGET_NS {
namespace {

constexpr int kBits = 7, kHalf = 1 << (kBits - 1);
constexpr int kMostPairs = kMostTaps / 2;

#if defined(__SSSE3__)
constexpr bool kVectors = true;
typedef std::int8_t Chars __attribute__((vector_size(kBytes)));

// Sums of neighbouring products of unsigned weights and signed values, and interleaving of two rows for them.
#if defined(__AVX512BW__)
inline Shorts pair_sums(Chars weights, Chars v) { return (Shorts)_mm512_maddubs_epi16((__m512i)weights, (__m512i)v); }
inline Chars low_pairs(Chars a, Chars b) { return (Chars)_mm512_unpacklo_epi8((__m512i)a, (__m512i)b); }
inline Chars high_pairs(Chars a, Chars b) { return (Chars)_mm512_unpackhi_epi8((__m512i)a, (__m512i)b); }
inline Chars narrow(Shorts low, Shorts high) { return (Chars)_mm512_packs_epi16((__m512i)low, (__m512i)high); }
#elif defined(__AVX2__)
inline Shorts pair_sums(Chars weights, Chars v) { return (Shorts)_mm256_maddubs_epi16((__m256i)weights, (__m256i)v); }
inline Chars low_pairs(Chars a, Chars b) { return (Chars)_mm256_unpacklo_epi8((__m256i)a, (__m256i)b); }
inline Chars high_pairs(Chars a, Chars b) { return (Chars)_mm256_unpackhi_epi8((__m256i)a, (__m256i)b); }
inline Chars narrow(Shorts low, Shorts high) { return (Chars)_mm256_packs_epi16((__m256i)low, (__m256i)high); }
#else
inline Shorts pair_sums(Chars weights, Chars v) { return (Shorts)_mm_maddubs_epi16((__m128i)weights, (__m128i)v); }
inline Chars low_pairs(Chars a, Chars b) { return (Chars)_mm_unpacklo_epi8((__m128i)a, (__m128i)b); }
inline Chars high_pairs(Chars a, Chars b) { return (Chars)_mm_unpackhi_epi8((__m128i)a, (__m128i)b); }
inline Chars narrow(Shorts low, Shorts high) { return (Chars)_mm_packs_epi16((__m128i)low, (__m128i)high); }
#endif

inline Chars pair_of_weights(int first, int second) {
  return (Chars)(Shorts{} + static_cast<std::int16_t>(first | second << 8));
}
#else
constexpr bool kVectors = false;
#endif

// Bytes of a line are stored xor this, so that they are signed factors.
constexpr std::uint8_t kFlip = kVectors ? 0x80 : 0;

inline std::uint8_t rounded(int sum) { return static_cast<std::uint8_t>((sum + kHalf) >> kBits); }

// `count` rows of bytes, `row` bytes apart, and the weight of each.
struct Rows {
  const std::uint8_t* data;
  std::int64_t row;
  const std::uint8_t* parts;
  int count;
};

// out[i] = the weighted sum of the rows, xor `flip`.
void mix_rows_plain(const Rows& rows, int n, std::uint8_t flip, std::uint8_t* __restrict out) {
  const auto [data, row, parts, count] = rows;
  constexpr int block = 64;
  for (int x = 0; x < n; x += block) {
    const int m = n - x < block ? n - x : block;
    std::uint16_t sums[block] = {};
    for (int t = 0; t < count; ++t) {
      const std::uint8_t* const line = data + t * row + x;
      for (int i = 0; i < m; ++i) sums[i] = static_cast<std::uint16_t>(sums[i] + parts[t] * line[i]);
    }
    for (int i = 0; i < m; ++i) out[x + i] = rounded(sums[i]) ^ flip;
  }
}

#if defined(__SSSE3__)
// The same for at least a vector of values and 2 * Pairs rows, of which the last may be missing. Pairs = 0: any number.
template <int Pairs>
void mix_row_pairs(const Rows& rows, int n, std::uint8_t flip, std::uint8_t* __restrict out) {
  const auto [data, row, parts, count] = rows;
  constexpr int most = Pairs > 0 ? Pairs : kMostPairs;
  const int pairs = Pairs > 0 ? Pairs : (count + 1) / 2;
  const Chars sign = Chars{} + static_cast<std::int8_t>(-128), last = Chars{} + static_cast<std::int8_t>(flip ^ 0x80);
  Chars weights[most];
  for (int p = 0; p < pairs; ++p) weights[p] = pair_of_weights(parts[2 * p], 2 * p + 1 < count ? parts[2 * p + 1] : 0);
  const std::int64_t second = count > 1 ? row : 0, final = (count - 1) * row;
  for (int x = 0;; x = x + kBytes < n - kBytes ? x + kBytes : n - kBytes) {  // the last vector may overlap another
    Shorts low = Shorts{} + kHalf, high = low;
#pragma GCC unroll 4
    for (int p = 0; p < pairs; ++p) {
      const std::uint8_t* const line = data + 2 * p * row + x;
      const Chars a = load<Chars>(line) ^ sign;
      const Chars b = load<Chars>(p + 1 < pairs ? line + second : data + final + x) ^ sign;
      low += pair_sums(weights[p], low_pairs(a, b));
      high += pair_sums(weights[p], high_pairs(a, b));
    }
    store(out + x, narrow(low >> kBits, high >> kBits) ^ last);
    if (x == n - kBytes) return;
  }
}
#endif

void mix_rows(const Rows& rows, int n, std::uint8_t flip, std::uint8_t* __restrict out) {
#if defined(__SSSE3__)
  if (n >= kBytes) {
    switch ((rows.count + 1) / 2) {
      case 1: return mix_row_pairs<1>(rows, n, flip, out);
      case 2: return mix_row_pairs<2>(rows, n, flip, out);
      case 3: return mix_row_pairs<3>(rows, n, flip, out);
      case 4: return mix_row_pairs<4>(rows, n, flip, out);
      default: return mix_row_pairs<0>(rows, n, flip, out);
    }
  }
#endif
  mix_rows_plain(rows, n, flip, out);
}

// One reduced pixel of a line that begins with column `t.first`.
inline void mix_pixel(const Triangle& t, int i, const std::uint8_t* line, std::uint8_t* out) {
  const std::uint8_t* const parts = t.x.parts + static_cast<std::int64_t>(i) * t.x.most;
  const std::uint8_t* const from = line + static_cast<std::int64_t>(t.x.start[i] - t.first) * t.channels;
  for (int c = 0; c < t.channels; ++c) {
    int sum = 0;
    for (int k = 0; k < t.x.count[i]; ++k) sum += parts[k] * (from[k * t.channels + c] ^ kFlip);
    out[c] = rounded(sum);
  }
}

// The columns of a line if all weights are a, b, a, except at the ends of the axis.
void mix_even(const Triangle& t, const std::uint8_t* line, std::uint8_t* out) {
  const int before = t.left == 0, n = t.right - t.left, after = t.right == t.width;
  int done = 0;
#if defined(__SSSE3__)
  if (n > before + after) {
    const std::uint8_t* const parts = t.x.parts + before * t.x.most;
    const std::uint8_t* const from = line + static_cast<std::int64_t>(t.left - t.first) * t.channels;
    const Chars outer = pair_of_weights(parts[0], parts[0]), inner = pair_of_weights(parts[1], 0);
    const Chars sign = Chars{} + static_cast<std::int8_t>(-128);
    for (; done < n * t.channels; done += kBytes) {  // it also writes garbage beyond the end
      const Chars a = load<Chars>(from + done - t.channels), b = load<Chars>(from + done);
      const Chars c = load<Chars>(from + done + t.channels);
      const Shorts low = pair_sums(outer, low_pairs(a, c)) + pair_sums(inner, low_pairs(b, b)) + kHalf;
      const Shorts high = pair_sums(outer, high_pairs(a, c)) + pair_sums(inner, high_pairs(b, b)) + kHalf;
      store(out + done, narrow(low >> kBits, high >> kBits) ^ sign);
    }
  }
#endif
  if (before != 0) mix_pixel(t, 0, line, out);
  if (after != 0) mix_pixel(t, n - 1, line, out + static_cast<std::int64_t>(n - 1) * t.channels);
  for (int i = before; done == 0 && i < n - after; ++i)
    mix_pixel(t, i, line, out + static_cast<std::int64_t>(i) * t.channels);
}

#if defined(__SSSE3__)
// Shuffle of four consecutive pixels of C channels into four bytes for each channel.
template <int C>
inline __m128i by_channels() {
  constexpr char none = -128;
  if (C == 1) return _mm_setr_epi8(0, 1, 2, 3, none, none, none, none, none, none, none, none, none, none, none, none);
  if (C == 3) return _mm_setr_epi8(0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11, none, none, none, none);
  return _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
}

// Removes the bytes beyond channel C from four pixels of four bytes.
template <int C>
inline __m128i squeezed(__m128i pixels) {
  if (C == 1) return _mm_shuffle_epi8(pixels, _mm_setr_epi8(0, 4, 8, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
  if (C == 3) return _mm_shuffle_epi8(pixels, _mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 0, 0, 0, 0));
  return pixels;
}

constexpr int kOrder[4] = {0, 2, 1, 3};

inline __m128i load_16(const void* at) { return _mm_loadu_si128(static_cast<const __m128i*>(at)); }

// Four reduced pixels of `line`, with the offsets and weights that `pack` wrote, in `Groups` groups of four weights (0:
// `groups` of them). Returns four bytes for each pixel. Vectors of 64 bytes would be slower: they take longer to
// assemble.
template <int C, int Groups>
inline __m128i mix_four(const std::uint8_t* line, const std::uint32_t* packed, int groups) {
  const std::uint8_t* const from[4] = {line + packed[0], line + packed[1], line + packed[2], line + packed[3]};
  const std::uint32_t* weights = packed + 4;
  if (Groups > 0) groups = Groups;
#if defined(__AVX2__)
  const __m256i order = _mm256_broadcastsi128_si256(by_channels<C>()), ones = _mm256_set1_epi16(1);
  __m256i a = _mm256_setzero_si256(), b = a;
#pragma GCC unroll 3
  for (int g = 0; g < groups; ++g, weights += 16) {
    const auto two = [&](int i) {
      const __m256i v = _mm256_castsi128_si256(load_16(from[i] + g * 4 * C));
      return _mm256_shuffle_epi8(_mm256_inserti128_si256(v, load_16(from[i + 2] + g * 4 * C), 1), order);
    };
    const auto* const w = reinterpret_cast<const __m256i*>(weights);
    a = _mm256_add_epi16(a, _mm256_maddubs_epi16(_mm256_loadu_si256(w), two(0)));
    b = _mm256_add_epi16(b, _mm256_maddubs_epi16(_mm256_loadu_si256(w + 1), two(1)));
  }
  __m256i pixels = _mm256_packs_epi32(_mm256_madd_epi16(a, ones), _mm256_madd_epi16(b, ones));
  pixels = _mm256_srai_epi16(_mm256_add_epi16(pixels, _mm256_set1_epi16(kHalf)), kBits);
  return _mm_packs_epi16(_mm256_castsi256_si128(pixels), _mm256_extracti128_si256(pixels, 1));
#else
  __m128i sum[4] = {};
#pragma GCC unroll 3
  for (int g = 0; g < groups; ++g, weights += 16)
    for (int i = 0; i < 4; ++i) {
      const __m128i v = _mm_shuffle_epi8(load_16(from[kOrder[i]] + g * 4 * C), by_channels<C>());
      sum[i] = _mm_add_epi16(sum[i], _mm_maddubs_epi16(load_16(weights + 4 * i), v));
    }
  for (__m128i& s : sum) s = _mm_madd_epi16(s, _mm_set1_epi16(1));
  __m128i low = _mm_packs_epi32(sum[0], sum[2]), high = _mm_packs_epi32(sum[1], sum[3]);
  low = _mm_srai_epi16(_mm_add_epi16(low, _mm_set1_epi16(kHalf)), kBits);
  high = _mm_srai_epi16(_mm_add_epi16(high, _mm_set1_epi16(kHalf)), kBits);
  return _mm_packs_epi16(low, high);
#endif
}

// All reduced pixels of a line, four at a time. Writes garbage beyond the end.
template <int C, int Groups>
void mix_columns(const Triangle& t, const std::uint8_t* line, std::uint8_t* out) {
  const int n = t.right - t.left, groups = t.x.most / 4;
  const std::uint32_t* packed = t.packed;
  for (int x = 0; x < n; x += 4, packed += 4 + 16 * groups, out += 4 * C) {
    const __m128i pixels = _mm_xor_si128(mix_four<C, Groups>(line, packed, groups), _mm_set1_epi8(-128));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), squeezed<C>(pixels));
  }
}

template <int C>
void mix_columns(const Triangle& t, const std::uint8_t* line, std::uint8_t* out) {
  switch (t.x.most / 4) {
    case 1: return mix_columns<C, 1>(t, line, out);
    case 2: return mix_columns<C, 2>(t, line, out);
    case 3: return mix_columns<C, 3>(t, line, out);
    default: return mix_columns<C, 0>(t, line, out);
  }
}

// Writes to `t.packed`, for each four reduced pixels: their offsets in a line, then their weights in groups of four.
// Each group is there four times, once for each channel. Pixels are in `kOrder`, as 256-bit vectors are narrowed.
void pack(const Triangle& t) {
  const int n = t.right - t.left;
  std::uint32_t* to = t.packed;
  for (int x = 0; x < n; x += 4) {
    const auto at = [=](int i) -> std::int64_t { return x + i < n ? x + i : n - 1; };
    for (int i = 0; i < 4; ++i) *to++ = static_cast<std::uint32_t>((t.x.start[at(i)] - t.first) * t.channels);
    for (int g = 0; g < t.x.most; g += 4)
      for (const int i : kOrder) {
        std::uint32_t four;
        __builtin_memcpy(&four, t.x.parts + at(i) * t.x.most + g, 4);
        for (int c = 0; c < 4; ++c) *to++ = four;
      }
  }
}
#else
void pack(const Triangle&) {}
#endif

void mix_line(const Triangle& t, const std::uint8_t* line, std::uint8_t* out) {
  if (t.x.even) return mix_even(t, line, out);
#if defined(__SSSE3__)
  switch (t.channels) {
    case 1: return mix_columns<1>(t, line, out);
    case 3: return mix_columns<3>(t, line, out);
    case 4: return mix_columns<4>(t, line, out);
    default: break;
  }
#endif
  for (int i = 0; i < t.right - t.left; ++i) mix_pixel(t, i, line, out + static_cast<std::int64_t>(i) * t.channels);
}

// If rows before `end` have not been read yet, reads about 128 KiB of rows into the cache: long runs are read from
// memory much faster than single rows. Returns the row before which all are read.
int prefetch_rows(const Triangle& t, int read, int end) {
  const std::int64_t bytes = static_cast<std::int64_t>(t.columns) * t.channels;
  if (end <= read || t.last == 0) return read;
  const std::int64_t more = read + (128 << 10) / bytes + 1;
  const int last = more < t.last ? static_cast<int>(more) : t.last;
  std::uint32_t sum = 0;
  for (; read < last; ++read) {
    const std::uint8_t* const row = t.data + read * t.row + static_cast<std::int64_t>(t.first) * t.channels;
    for (std::int64_t x = 0; x < bytes; x += 64) sum += row[x];
  }
  __asm__ volatile("" : : "r"(sum));
  return read > end ? read : end;
}

void bytes(const Triangle& t) {
  static constexpr std::uint8_t same[4] = {1 << kBits};
  std::uint8_t* const line =
      reinterpret_cast<std::uint8_t*>(t.line) + 64;  // bytes before the line may be read; they do not count
  if (t.x.start != nullptr && !t.x.even) pack(t);
  int read = t.y.start != nullptr ? t.y.start[0] : t.top;
  for (int y = t.top; y < t.bottom; ++y) {
    const int i = y - t.top;
    const bool filtered = t.y.start != nullptr;
    const std::uint8_t* const from = t.data + (filtered ? t.y.start[i] : y) * t.row + t.first * t.channels;
    const std::uint8_t* const parts = filtered ? t.y.parts + static_cast<std::int64_t>(i) * t.y.most : same;
    const Rows rows{from, t.row, parts, filtered ? t.y.count[i] : 1};
    const int n = t.columns * t.channels;
    read = prefetch_rows(t, read, filtered ? t.y.start[i] + rows.count : y + 1);
    std::uint8_t* const out = t.out + y * t.out_row + t.left * t.channels;
    if (t.x.start == nullptr) {
      mix_rows(rows, n, 0, out);
    } else {
      mix_rows(rows, n, kFlip, line);
      mix_line(t, line, out);
    }
  }
}

void floats(const Triangle& t) {
  const int n = t.columns * t.channels;
  for (int y = t.top; y < t.bottom; ++y) {
    const int i = y - t.top, count = t.y.start != nullptr ? t.y.count[i] : 1;
    const std::uint8_t* const from =
        t.data + (t.y.start != nullptr ? t.y.start[i] : y) * t.row + t.first * t.channels * 4;
    float* const out = reinterpret_cast<float*>(t.out + y * t.out_row) + t.left * t.channels;
    float* const line = t.x.start != nullptr ? t.line : out;
    for (int k = 0; k < n; ++k) line[k] = 0;
    for (int r = 0; r < count; ++r) {
      const float share = t.y.start != nullptr ? t.y.shares[static_cast<std::int64_t>(i) * t.y.most + r] : 1;
      for (int k = 0; k < n; ++k) line[k] += load_f32(from + r * t.row + 4 * k) * share;
    }
    for (int x = 0; t.x.start != nullptr && x < t.right - t.left; ++x) {
      const float* const shares = t.x.shares + static_cast<std::int64_t>(x) * t.x.most;
      const float* const first = line + static_cast<std::int64_t>(t.x.start[x] - t.first) * t.channels;
      for (int c = 0; c < t.channels; ++c) {
        float sum = first[c] * shares[0];
        for (int k = 1; k < t.x.count[x]; ++k) sum += first[k * t.channels + c] * shares[k];
        out[x * t.channels + c] = sum;
      }
    }
  }
}

}  // namespace

extern const ReduceTable reduce_table;
const ReduceTable reduce_table = {{bytes, floats}};

}  // namespace vary::VARY_TARGET_NS
