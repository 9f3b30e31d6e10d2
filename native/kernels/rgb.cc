// Rows of RGB from planes of luma and chroma, byte for byte as libjpeg makes them: its triangle filter between samples
// of chroma ("fancy upsampling", jdsample.c) and its integer conversion (JFIF 1.02, in 16.16 fixed point, jdcolor.c).
//
// Two neighbouring pixels may share a sample of chroma. So even pixels are in one vector of 16-bit lanes and odd pixels
// in another, and the results are the low and high bytes of the lanes.
#include "loads.h"
#include "vectors.h"

namespace vary::VARY_TARGET_NS {
namespace {

constexpr int kPairs = kBytes / 2;  // pairs of pixels in a vector

// Chroma minus 128, of the even and the odd pixels.
struct Chroma {
  std::int16_t *even, *odd;
};

// The two rows of chroma samples about a row of pixels, and whether it is the lower one of the two pixel rows that
// share the nearer samples.
struct Lines {
  const std::uint8_t *nearer, *farther;
  bool lower;
};

Lines lines_of(const Planes& p, int plane, int y) {
  const int last = p.chroma_height() - 1, at = y / p.down;
  const bool lower = y % p.down == 1;
  int next = p.down == 1 || !p.smooth ? at : lower ? at + 1 : at - 1;
  next = next < 0 ? 0 : next > last ? last : next;
  return {p.data[plane] + at * p.row[plane], p.data[plane] + next * p.row[plane], lower};
}

void split_words(const std::uint8_t* from, int n, Chroma out) {
  for (int i = 0; i < n; ++i) {
    std::uint16_t pair;
    __builtin_memcpy(&pair, from + 2 * i, 2);
    out.even[i] = static_cast<std::int16_t>((pair & 255) - 128);
    out.odd[i] = static_cast<std::int16_t>((pair >> 8) - 128);
  }
}

// Chroma with a sample for each column: one for each pixel, or one for two rows.
void whole_columns(const Planes& p, const Lines& l, int first, int n, Chroma out, std::uint8_t* mixed) {
  if (p.down == 1 || !p.smooth) return split_words(l.nearer + 2 * first, n, out);
  const std::uint8_t *const nearer = l.nearer + 2 * first, *const farther = l.farther + 2 * first;
  const int rounding = l.lower ? 2 : 1;
  for (int i = 0; i < 2 * n; ++i) mixed[i] = static_cast<std::uint8_t>((3 * nearer[i] + farther[i] + rounding) >> 2);
  split_words(mixed, n, out);
}

// Chroma with a sample for two columns. `sums`: the samples of the two rows, already added.
template <int Shift, int Even, int Odd>
void half_columns(const std::uint16_t* sums, int n, Chroma out) {
  for (int i = 0; i < n; ++i) {
    const int mid = 3 * sums[i];
    out.even[i] = static_cast<std::int16_t>((static_cast<std::uint16_t>(mid + sums[i - 1] + Even) >> Shift) - 128);
    out.odd[i] = static_cast<std::int16_t>((static_cast<std::uint16_t>(mid + sums[i + 1] + Odd) >> Shift) - 128);
  }
}

// Chroma of pairs [first, first + n); `scratch` holds n + 2 numbers.
void chroma_row(const Planes& p, const Lines& l, int first, int n, Chroma out, std::uint16_t* scratch) {
  if (p.across == 1) return whole_columns(p, l, first, n, out, reinterpret_cast<std::uint8_t*>(scratch));
  if (!p.smooth) {
    for (int i = 0; i < n; ++i) out.even[i] = out.odd[i] = static_cast<std::int16_t>(l.nearer[first + i] - 128);
    return;
  }
  const int last = p.chroma_width() - 1, begin = first > 0 ? first - 1 : 0, end = first + n <= last ? first + n : last;
  std::uint16_t* const sums = scratch + 1;  // of pair `first`
  if (p.down == 1) {
    for (int i = begin; i <= end; ++i) sums[i - first] = l.nearer[i];
  } else {
    for (int i = begin; i <= end; ++i) sums[i - first] = static_cast<std::uint16_t>(3 * l.nearer[i] + l.farther[i]);
  }
  if (first == 0) sums[-1] = sums[0];
  if (end < first + n) sums[last + 1 - first] = sums[last - first];
  if (p.down == 1) return half_columns<2, 1, 2>(sums, n, out);
  half_columns<4, 8, 7>(sums, n, out);
}

// Of pixels, not yet clamped to bytes.
struct Colours {
  Shorts red, green, blue;
};

// R = Y + 1.402 V, G = Y - .34414 U - .71414 V, B = Y + 1.772 U, each product rounded at 2^-16 as libjpeg's tables are:
// for red and blue the rounded 15-bit product gives the same numbers, for all 256 samples (tested).
inline Colours colours(Shorts y, Shorts u, Shorts v) {
  return {y + v + multiply_round(v, Shorts{} + 13173), y - v + rounded_sum(u, -22554, v, 18734),
          y + u + u + multiply_round(u, Shorts{} - 7471)};
}

typedef std::uint16_t Unsigned __attribute__((vector_size(kBytes)));
typedef std::uint8_t Sixteen __attribute__((vector_size(16)));

#if defined(__SSSE3__)
// Clamped to bytes: in each 16 of them, first the even pixels, then the odd ones.
VARY_INLINE Octets bytes_of(Shorts even, Shorts odd) {
#if defined(__AVX512BW__)
  return (Octets)_mm512_packus_epi16((__m512i)even, (__m512i)odd);
#elif defined(__AVX2__)
  return (Octets)_mm256_packus_epi16((__m256i)even, (__m256i)odd);
#else
  return (Octets)_mm_packus_epi16((__m128i)even, (__m128i)odd);
#endif
}

// Where `bytes_of` has the value that is number k of 48 interleaved ones, if it is of this plane; else -1.
constexpr int place_of(int k, int plane) { return k % 3 == plane ? k / 3 % 2 * 8 + k / 6 : -1; }

struct Places {
  std::uint8_t of[kBytes];
};
constexpr Places places(int part, int plane) {
  Places out{};
  for (int i = 0; i < kBytes; ++i) out.of[i] = static_cast<std::uint8_t>(place_of(16 * part + i % 16, plane));
  return out;
}

// In each 16 bytes, those that belong into part `part` of 48 interleaved ones, and zeros elsewhere.
template <int part, int plane>
VARY_INLINE Octets spread(Octets v) {
  static constexpr Places at = places(part, plane);
  const Octets from = load<Octets>(at.of);
#if defined(__AVX512BW__)
  return (Octets)_mm512_shuffle_epi8((__m512i)v, (__m512i)from);
#elif defined(__AVX2__)
  return (Octets)_mm256_shuffle_epi8((__m256i)v, (__m256i)from);
#else
  return (Octets)_mm_shuffle_epi8((__m128i)v, (__m128i)from);
#endif
}

template <int part>
VARY_INLINE Octets third(Octets red, Octets green, Octets blue) {
  return spread<part, 0>(red) | spread<part, 1>(green) | spread<part, 2>(blue);
}

// Vector `number` of three that hold the first 16 bytes of a, b and c, then the next 16 of each, and so on.
template <int number>
struct InOrder {
  static constexpr int kLongs = kBytes / 8;
  static constexpr int sixteen(int i) { return number * (kBytes / 16) + i / 2; }  // which of all, in order
  static constexpr int in_its_vector(int i) { return sixteen(i) / 3 * 2 + i % 2; }
  static constexpr int of_two(int i) { return sixteen(i) % 3 % 2 * kLongs + in_its_vector(i); }
  static constexpr int of_last(int i) { return sixteen(i) % 3 == 2 ? kLongs + in_its_vector(i) : i; }

  VARY_INLINE static Longs of(Longs a, Longs b, Longs c) { return shuffled<of_last>(shuffled<of_two>(a, b), c); }
};

// kBytes pixels.
VARY_INLINE void interleave(Octets red, Octets green, Octets blue, std::uint8_t* out) {
  const auto first = (Longs)third<0>(red, green, blue), second = (Longs)third<1>(red, green, blue);
  const auto last = (Longs)third<2>(red, green, blue);
  store(out, InOrder<0>::of(first, second, last));
  store(out + kBytes, InOrder<1>::of(first, second, last));
  store(out + 2 * kBytes, InOrder<2>::of(first, second, last));
}
#else
VARY_INLINE Shorts clamped(Shorts v) {
  v = v < 0 ? Shorts{} : v;
  return v > 255 ? Shorts{} + 255 : v;
}

VARY_INLINE Octets bytes_of(Shorts even, Shorts odd) { return (Octets)(clamped(even) | clamped(odd) << 8); }

// 16 pixels.
inline void interleave(const std::uint8_t* red, const std::uint8_t* green, const std::uint8_t* blue,
                       std::uint8_t* out) {
  const Sixteen r = load<Sixteen>(red), g = load<Sixteen>(green), b = load<Sixteen>(blue);
  const Sixteen low = __builtin_shufflevector(r, g, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const Sixteen high = __builtin_shufflevector(r, g, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  const Sixteen mid =
      __builtin_shufflevector(low, high, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26);
  store(out, __builtin_shufflevector(low, b, 0, 1, 16, 2, 3, 17, 4, 5, 18, 6, 7, 19, 8, 9, 20, 10));
  store(out + 16, __builtin_shufflevector(mid, b, 0, 21, 1, 2, 22, 3, 4, 23, 5, 6, 24, 7, 8, 25, 9, 10));
  store(out + 32, __builtin_shufflevector(high, b, 26, 6, 7, 27, 8, 9, 28, 10, 11, 29, 12, 13, 30, 14, 15, 31));
}

VARY_INLINE void interleave(Octets red, Octets green, Octets blue, std::uint8_t* out) {
  alignas(kBytes) std::uint8_t planes[3][kBytes];
  store(planes[0], red);
  store(planes[1], green);
  store(planes[2], blue);
  for (int i = 0; i < kBytes; i += 16) interleave(planes[0] + i, planes[1] + i, planes[2] + i, out + 3 * i);
}
#endif

// kBytes pixels.
VARY_INLINE void convert(const std::uint8_t* luma, Chroma u, Chroma v, std::uint8_t* out) {
  const Shorts words = load<Shorts>(luma);
  const Colours even = colours(words & 255, load<Shorts>(u.even), load<Shorts>(v.even));
  const Colours odd = colours((Shorts)((Unsigned)words >> 8), load<Shorts>(u.odd), load<Shorts>(v.odd));
  interleave(bytes_of(even.red, odd.red), bytes_of(even.green, odd.green), bytes_of(even.blue, odd.blue), out);
}

void rgb(const Planes& p, int y, int left, int right, std::uint8_t* out, std::uint16_t* scratch) {
  const int first = left / 2, n = (right - left + 1) / 2, length = n + kPairs + 2;
  auto* const memory = reinterpret_cast<std::int16_t*>(scratch) + length;
  Chroma u{memory, memory + length}, v{memory + 2 * length, memory + 3 * length};
  chroma_row(p, lines_of(p, 1, y), first, n, u, scratch);
  chroma_row(p, lines_of(p, 2, y), first, n, v, scratch);
  const std::uint8_t* luma = p.data[0] + y * p.row[0] + left;
  for (int i = 0; i < n; i += kPairs, luma += kBytes, out += 3 * kBytes) {
    convert(luma, u, v, out);
    u = {u.even + kPairs, u.odd + kPairs};
    v = {v.even + kPairs, v.odd + kPairs};
  }
}

}  // namespace

extern const RgbTable rgb_table;
const RgbTable rgb_table = {rgb};

}  // namespace vary::VARY_TARGET_NS
