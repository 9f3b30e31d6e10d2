// Vectors as wide as the target's registers, by the compiler's own vector types, and the two operations those lack:
// a rounded product of 16-bit fractions, and a rounded sum of two products. Included by kernel files only; everything
// here has internal linkage.
#pragma once

#include <cstdint>

#if defined(__SSSE3__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

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

template <typename V>
inline V load(const void* at) {
  V v;
  __builtin_memcpy(&v, at, sizeof v);
  return v;
}

template <typename V>
inline void store(void* at, V v) {
  __builtin_memcpy(at, &v, sizeof v);
}

// Past the caches, where `at` is a multiple of kBytes: for memory that is not read again soon.
inline void store_far(float* at, Floats v) {
#if defined(__AVX512BW__)
  _mm512_stream_ps(at, (__m512)v);
#elif defined(__AVX2__)
  _mm256_stream_ps(at, (__m256)v);
#elif defined(__SSSE3__)
  _mm_stream_ps(at, (__m128)v);
#else
  store(at, v);
#endif
}

// (a * b + 2^14) >> 15 in each 16-bit lane.
inline Shorts multiply_round(Shorts a, Shorts b) {
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

// (a * x + b * y + 2^15) >> 16 in each 16-bit lane.
inline Shorts rounded_sum(Shorts x, std::int16_t a, Shorts y, std::int16_t b) {
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

inline bool any_above(Ints v, std::int64_t limit) {
  alignas(kBytes) std::int32_t lanes[kLanes];
  store(lanes, v);
  std::int32_t most = lanes[0];
  for (int i = 1; i < kLanes; ++i) most = lanes[i] > most ? lanes[i] : most;
  return most > limit;
}

// Each 32-bit lane's low half, twice.
inline Shorts twice(Ints low) {
  const auto v = (Shorts)low;
#if defined(__AVX512BW__)
  return __builtin_shufflevector(v, v, 0, 0, 2, 2, 4, 4, 6, 6, 8, 8, 10, 10, 12, 12, 14, 14, 16, 16, 18, 18, 20, 20, 22,
                                 22, 24, 24, 26, 26, 28, 28, 30, 30);
#elif defined(__AVX2__)
  return __builtin_shufflevector(v, v, 0, 0, 2, 2, 4, 4, 6, 6, 8, 8, 10, 10, 12, 12, 14, 14);
#else
  return __builtin_shufflevector(v, v, 0, 0, 2, 2, 4, 4, 6, 6);
#endif
}

// The low 32 bits of kLanes 64-bit words, of which each 128-bit part of `a` holds two and the same part of `b` the next
// two: the order in which a shuffle within 128-bit parts, the cheap kind, gives them back in sequence.
inline Words low_words(Longs a, Longs b) {
  const Floats x = (Floats)a, y = (Floats)b;  // as floats: the one shuffle that takes two registers
#if defined(__AVX512BW__)
  return (Words)__builtin_shufflevector(x, y, 0, 2, 16, 18, 4, 6, 20, 22, 8, 10, 24, 26, 12, 14, 28, 30);
#elif defined(__AVX2__)
  return (Words)__builtin_shufflevector(x, y, 0, 2, 8, 10, 4, 6, 12, 14);
#else
  return (Words)__builtin_shufflevector(x, y, 0, 2, 4, 6);
#endif
}

}  // namespace
}  // namespace vary::VARY_TARGET_NS
