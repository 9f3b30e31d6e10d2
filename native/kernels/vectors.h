// Vectors as wide as the target's registers, with the compiler's vector types; shuffles defined by a formula; and
// operations that these types do not have: a rounded product of 16-bit fractions, a rounded sum of two products, a
// product of bytes, saturated bytes, shuffles by a table, and non-temporal stores. Included by kernel files only;
// everything here has internal linkage.
#pragma once

#include <cstdint>

#if defined(__SSSE3__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

// Forced, because compilers inline less in large files, and vectors are then passed through memory.
#define VARY_INLINE __attribute__((always_inline)) inline

namespace vary::VARY_TARGET_NS {
namespace {

#if defined(__AVX512BW__)
constexpr int kBytes = 64;
#elif defined(__AVX2__)
constexpr int kBytes = 32;
#else
constexpr int kBytes = 16;
#endif
constexpr int kLanes = kBytes / 4;  // of 32 bits

typedef std::int32_t Ints __attribute__((vector_size(kBytes)));
typedef std::int16_t Shorts __attribute__((vector_size(kBytes)));
typedef std::uint32_t Words __attribute__((vector_size(kBytes)));
typedef std::uint64_t Longs __attribute__((vector_size(kBytes)));
typedef float Floats __attribute__((vector_size(kBytes)));
typedef std::uint8_t Octets __attribute__((vector_size(kBytes)));
typedef std::uint64_t Two __attribute__((vector_size(16)));

// Four numbers, whatever the target: a pixel of up to four channels, or four pixels of one channel.
typedef float Four __attribute__((vector_size(16)));

template <typename V>
VARY_INLINE V load(const void* at) {
  V v;
  __builtin_memcpy(&v, at, sizeof v);
  return v;
}

template <typename V>
VARY_INLINE void store(void* at, V v) {
  __builtin_memcpy(at, &v, sizeof v);
}

// A non-temporal store, for memory that is not read again soon. `at` is a multiple of the vector's size.
template <typename V>
VARY_INLINE void store_far(float* at, V v) {
#if defined(__AVX512BW__)
  if constexpr (sizeof v == 64) return _mm512_stream_ps(at, (__m512)v);
#endif
#if defined(__AVX2__)
  if constexpr (sizeof v == 32) return _mm256_stream_ps(at, (__m256)v);
#endif
#if defined(__SSSE3__)
  if constexpr (sizeof v == 16) return _mm_stream_ps(at, (__m128)v);
#endif
  store(at, v);
}

// (a * b + 2^14) >> 15 in each 16-bit lane.
VARY_INLINE Shorts multiply_round(Shorts a, Shorts b) {
#if defined(__AVX512BW__)
  return (Shorts)_mm512_mulhrs_epi16((__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
  return (Shorts)_mm256_mulhrs_epi16((__m256i)a, (__m256i)b);
#elif defined(__SSSE3__)
  return (Shorts)_mm_mulhrs_epi16((__m128i)a, (__m128i)b);
#elif defined(__ARM_NEON)
  return (Shorts)vqrdmulhq_s16((int16x8_t)a, (int16x8_t)b);
#else
  Shorts out;
  for (int i = 0; i < kBytes / 2; ++i) out[i] = static_cast<std::int16_t>((a[i] * b[i] + (1 << 14)) >> 15);
  return out;
#endif
}

// -2^7 times the lower byte (odd: the upper one) of each 16-bit lane: mask and shift in one instruction.
template <bool odd>
VARY_INLINE Shorts minus_shifted(Words v) {
#if defined(__AVX512BW__)
  return (Shorts)_mm512_maddubs_epi16((__m512i)v, _mm512_set1_epi16(odd ? -0x8000 : 0x80));
#elif defined(__AVX2__)
  return (Shorts)_mm256_maddubs_epi16((__m256i)v, _mm256_set1_epi16(odd ? -0x8000 : 0x80));
#elif defined(__SSSE3__)
  return (Shorts)_mm_maddubs_epi16((__m128i)v, _mm_set1_epi16(odd ? -0x8000 : 0x80));
#else
  return -(Shorts)((odd ? v >> 1 : v << 7) & 0x7f807f80);
#endif
}

// (a * x + b * y + 2^15) >> 16 in each 16-bit lane.
VARY_INLINE Shorts rounded_sum(Shorts x, std::int16_t a, Shorts y, std::int16_t b) {
#if defined(__SSSE3__)
  const auto pair = static_cast<std::int32_t>(static_cast<std::uint16_t>(a) | static_cast<std::uint32_t>(b) << 16);
#endif
#if defined(__AVX512BW__)
  const __m512i by = _mm512_set1_epi32(pair);
  const Ints low = (Ints)_mm512_madd_epi16(_mm512_unpacklo_epi16((__m512i)x, (__m512i)y), by);
  const Ints high = (Ints)_mm512_madd_epi16(_mm512_unpackhi_epi16((__m512i)x, (__m512i)y), by);
  return (Shorts)_mm512_packs_epi32((__m512i)((low + 0x8000) >> 16), (__m512i)((high + 0x8000) >> 16));
#elif defined(__AVX2__)
  const __m256i by = _mm256_set1_epi32(pair);
  const Ints low = (Ints)_mm256_madd_epi16(_mm256_unpacklo_epi16((__m256i)x, (__m256i)y), by);
  const Ints high = (Ints)_mm256_madd_epi16(_mm256_unpackhi_epi16((__m256i)x, (__m256i)y), by);
  return (Shorts)_mm256_packs_epi32((__m256i)((low + 0x8000) >> 16), (__m256i)((high + 0x8000) >> 16));
#elif defined(__SSSE3__)
  const __m128i by = _mm_set1_epi32(pair);
  const Ints low = (Ints)_mm_madd_epi16(_mm_unpacklo_epi16((__m128i)x, (__m128i)y), by);
  const Ints high = (Ints)_mm_madd_epi16(_mm_unpackhi_epi16((__m128i)x, (__m128i)y), by);
  return (Shorts)_mm_packs_epi32((__m128i)((low + 0x8000) >> 16), (__m128i)((high + 0x8000) >> 16));
#elif defined(__ARM_NEON)
  const auto half = [=](int16x4_t p, int16x4_t q) { return vrshrn_n_s32(vmlal_n_s16(vmull_n_s16(p, a), q, b), 16); };
  const auto p = (int16x8_t)x, q = (int16x8_t)y;
  return (Shorts)vcombine_s16(half(vget_low_s16(p), vget_low_s16(q)), half(vget_high_s16(p), vget_high_s16(q)));
#else
  Shorts out;
  for (int i = 0; i < kBytes / 2; ++i) out[i] = static_cast<std::int16_t>((a * x[i] + b * y[i] + (1 << 15)) >> 16);
  return out;
#endif
}

#if defined(__SSSE3__)
// Clamped to 0 .. 255: in each 128 bits, first the bytes of a, then those of b.
VARY_INLINE Octets saturated(Shorts a, Shorts b) {
#if defined(__AVX512BW__)
  return (Octets)_mm512_packus_epi16((__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
  return (Octets)_mm256_packus_epi16((__m256i)a, (__m256i)b);
#else
  return (Octets)_mm_packus_epi16((__m128i)a, (__m128i)b);
#endif
}

// A shuffle within each 128 bits by a table in memory: byte places[i], or 0 where that is 128 or more.
VARY_INLINE Octets bytes_at(Octets v, Octets places) {
#if defined(__AVX512BW__)
  return (Octets)_mm512_shuffle_epi8((__m512i)v, (__m512i)places);
#elif defined(__AVX2__)
  return (Octets)_mm256_shuffle_epi8((__m256i)v, (__m256i)places);
#else
  return (Octets)_mm_shuffle_epi8((__m128i)v, (__m128i)places);
#endif
}
#endif

VARY_INLINE bool any_above(Ints v, std::int64_t limit) {
  alignas(kBytes) std::int32_t lanes[kLanes];
  store(lanes, v);
  std::int32_t most = lanes[0];
  for (int i = 1; i < kLanes; ++i) most = lanes[i] > most ? lanes[i] : most;
  return most > limit;
}

// Shuffles by a rule: lane i of the result is lane rule(i) of a followed by b. A rule is a formula of i, so it works
// for vectors of every width. Shuffles within each 128 bits are the fast ones.
template <int n, int... i>
struct Shuffle : Shuffle<n - 1, n - 1, i...> {};
template <int... i>
struct Shuffle<0, i...> {
  template <auto rule, typename V>
  VARY_INLINE static V of(V a, V b) {
    return __builtin_shufflevector(a, b, rule(i)...);
  }
};
template <auto rule, typename V>
VARY_INLINE V shuffled(V a, V b) {
  return Shuffle<static_cast<int>(sizeof(V) / sizeof(a[0]))>::template of<rule>(a, b);
}
template <auto rule, typename V>
VARY_INLINE V shuffled(V a) {
  return shuffled<rule>(a, a);
}

// kLanes bytes as floats.
VARY_INLINE Floats widened(const std::uint8_t* at) {
#if defined(__AVX512BW__)
  const auto whole = (Ints)_mm512_maskz_cvtepu8_epi32(0xffff, _mm_loadu_si128(reinterpret_cast<const __m128i*>(at)));
#elif defined(__AVX2__)
  const auto whole = (Ints)_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(at)));
#elif defined(__SSE4_1__)
  const auto whole = (Ints)_mm_cvtepu8_epi32(_mm_cvtsi32_si128(load<std::int32_t>(at)));
#else
  const Ints whole = {at[0], at[1], at[2], at[3]};
#endif
  return __builtin_convertvector(whole, Floats);
}
VARY_INLINE Floats widened(const float* at) { return load<Floats>(at); }

// kBytes / 16 vectors of 128 bits as one.
VARY_INLINE Longs joined(const Two* parts) {
#if defined(__AVX512BW__)
  typedef std::uint64_t Half __attribute__((vector_size(32)));
  const auto low = (Half)_mm256_set_m128i((__m128i)parts[1], (__m128i)parts[0]);
  const auto high = (Half)_mm256_set_m128i((__m128i)parts[3], (__m128i)parts[2]);
  return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7);
#elif defined(__AVX2__)
  return (Longs)_mm256_set_m128i((__m128i)parts[1], (__m128i)parts[0]);
#else
  return parts[0];
#endif
}

// Lane i of each group of four lanes, in all four of them.
template <int i>
VARY_INLINE Floats fourth(Floats v) {
  return shuffled<[](int lane) { return lane - lane % 4 + i; }>(v);
}

// 4 x 4 matrices, one in each 128 bits of the four vectors, and their transposes.
struct Square {
  Floats row[4];
};
VARY_INLINE Square transposed(const Square& p) {
  constexpr auto low = [](int i) { return i - i % 4 + i % 4 / 2 + i % 2 * kLanes; };
  constexpr auto high = [](int i) { return i - i % 4 + 2 + i % 4 / 2 + i % 2 * kLanes; };
  constexpr auto left = [](int i) { return i % 4 < 2 ? i : kLanes + i - 2; };
  constexpr auto right = [](int i) { return i % 4 < 2 ? i + 2 : kLanes + i; };
  const Floats a = shuffled<low>(p.row[0], p.row[1]), b = shuffled<high>(p.row[0], p.row[1]);
  const Floats c = shuffled<low>(p.row[2], p.row[3]), d = shuffled<high>(p.row[2], p.row[3]);
  return {{shuffled<left>(a, c), shuffled<right>(a, c), shuffled<left>(b, d), shuffled<right>(b, d)}};
}

// The low half of each 32-bit lane, in both halves.
VARY_INLINE Shorts twice(Ints low) {
  return shuffled<[](int i) { return i & ~1; }>((Shorts)low);
}

}  // namespace
}  // namespace vary::VARY_TARGET_NS
