// The steps of the colour chain, on one row of planar float32, which stays in the first-level cache.
#include "loads.h"

namespace vary::VARY_TARGET_NS {
namespace {

inline float clamp(float v, float low, float high) {  // as one maximum and one minimum; NaN stays NaN
  const float raised = low > v ? low : v;
  return high < raised ? high : raised;
}

void affine(const Step& s, float* const* planes, const Row& row) {
  const int n = row.width;
  for (int c = 0; c < row.channels; ++c) {
    float* const p = planes[c];
    const float scale = s.scale[c], bias = s.bias[c];
    if (s.clip && c < s.coloured) {
      for (int k = 0; k < n; ++k) p[k] = clamp(p[k] * scale + bias, s.low, s.high);
    } else {
      for (int k = 0; k < n; ++k) p[k] = p[k] * scale + bias;
    }
  }
}

void matrix(const Step& s, float* const* planes, const Row& row) {
  float* const __restrict r = planes[0], * const __restrict g = planes[1], * const __restrict b = planes[2];
  const float* const m = s.mix;
  const float low = s.clip ? s.low : -3e38f, high = s.clip ? s.high : 3e38f;
  for (int k = 0; k < row.width; ++k) {
    const float x = r[k], y = g[k], z = b[k];
    r[k] = clamp((m[0] * x + m[1] * y) + (m[2] * z + s.bias[0]), low, high);
    g[k] = clamp((m[3] * x + m[4] * y) + (m[5] * z + s.bias[1]), low, high);
    b[k] = clamp((m[6] * x + m[7] * y) + (m[8] * z + s.bias[2]), low, high);
  }
}

inline float larger(float a, float b) { return a > b ? a : b; }
inline float smaller(float a, float b) { return a < b ? a : b; }
inline float size(float v) { return larger(v, -v); }  // of 0 it is -0

// Turns the hue of HSV; value and saturation stay as they are (A. R. Smith, "Color Gamut Transform Pairs", 1978). Hue
// counts in sixths of a turn from red, times the chroma, which avoids a division. Each channel is a trapezium-shaped
// function of it, between the smallest and the largest channel of the pixel.
void hue(const Step& s, float* const* planes, const Row& row) {
  float* const __restrict r = planes[0], * const __restrict g = planes[1], * const __restrict b = planes[2];
  const float turn = s.value * 6;  // 0 .. 6
  float zero = 0;  // not a constant to the compiler, which would make a comparison and a mask of each maximum
  __asm__("" : "+r"(zero));
  for (int k = 0; k < row.width; ++k) {
    const float x = r[k], y = g[k], z = b[k];
    const float top = larger(larger(x, y), z), bottom = smaller(smaller(x, y), z), chroma = top - bottom;
    const bool red = top == x, green = top == y;
    float from = green ? turn + 2 : turn + 4, across = green ? z - x : x - y;
    from = red ? turn : from;
    across = red ? y - z : across;
    const float circle = 6 * chroma;
    float at = across + from * chroma;  // -1 .. 11 times the chroma
    at = at < circle ? at : at - circle;
    at = at < 0 ? at + circle : at;
    r[k] = bottom + clamp(size(at - 3 * chroma) - chroma, zero, chroma);
    g[k] = bottom + clamp(2 * chroma - __builtin_fabsf(at - 2 * chroma), zero, chroma);
    b[k] = bottom + clamp(2 * chroma - __builtin_fabsf(at - 4 * chroma), zero, chroma);
  }
}

// Values of at least `value` are inverted within the range. A NaN stays a NaN.
void solarize(const Step& s, float* const* planes, const Row& row) {
  const float both = s.low + s.high;
  for (int c = 0; c < row.channels && c < s.coloured; ++c) {
    float* const p = planes[c];
    for (int k = 0; k < row.width; ++k) p[k] = p[k] >= s.value ? both - p[k] : p[k];
  }
}

// `table` and `polynomial` are functions of fractions of the value range; results are clipped to it. A NaN stays a NaN.
void table(const Step& s, float* const* planes, const Row& row) {
  const float range = s.high - s.low, last = static_cast<float>(s.count - 1), scale = last / range;
  for (int c = 0; c < row.channels && c < s.coloured; ++c) {
    float* const p = planes[c];
    for (int k = 0; k < row.width; ++k) {
      const float at = (p[k] - s.low) * scale;
      const float inside = at > 0 ? (at < last ? at : last) : 0;  // of a NaN 0
      const auto left = static_cast<std::int32_t>(inside);
      const auto a = static_cast<float>(s.numbers[left]);
      const auto b = static_cast<float>(s.numbers[left + 1 < s.count ? left + 1 : left]);
      const float v = s.low + (a + (b - a) * (inside - static_cast<float>(left))) * range;
      p[k] = at == at ? clamp(v, s.low, s.high) : p[k];
    }
  }
}

void polynomial(const Step& s, float* const* planes, const Row& row) {
  const float range = s.high - s.low, scale = 1 / range;
  for (int c = 0; c < row.channels && c < s.coloured; ++c) {
    float* const p = planes[c];
    for (int k = 0; k < row.width; ++k) {
      const float x = (p[k] - s.low) * scale;
      float v = static_cast<float>(s.numbers[s.count - 1]);
      for (int i = s.count - 2; i >= 0; --i) v = v * x + static_cast<float>(s.numbers[i]);
      p[k] = clamp(s.low + v * range, s.low, s.high);
    }
  }
}

// The sum is one of integers, so its order does not matter. Finite: pixels that are not finite are left out, and the
// others are counted.
template <bool Finite>
std::int64_t sum_of_grey(float* const* planes, int channels, int n, float low, float high, std::int64_t* count) {
  const float range = high - low, unit = 0x1p20f / range;
  const float least = low - 8 * range, most = high + 8 * range;
  const float* const r = planes[0];
  const float* const g = planes[channels < 3 ? 0 : 1];
  const float* const b = planes[channels < 3 ? 0 : 2];
  std::int64_t total = 0, counted = 0;
  for (int x = 0; x < n; x += 64) {
    const int end = x + 64 < n ? x + 64 : n;
    std::int32_t sum = 0, some = 0;  // 64 values below 2^25
    for (int k = x; k < end; ++k) {
      const float grey = (.299f * r[k] + .587f * g[k]) + .114f * b[k];
      const float raised = grey > least ? grey : least;  // NaN becomes least
      const auto value = static_cast<std::int32_t>(((raised < most ? raised : most) - low) * unit);
      const bool counts = !Finite || (grey >= -__FLT_MAX__ && grey <= __FLT_MAX__);
      sum += counts ? value : 0;
      some += counts ? 1 : 0;
    }
    total += sum;
    counted += some;
  }
  if (Finite) *count += counted;
  return total;
}

std::int64_t grey_sum(float* const* planes, int channels, int n, float low, float high, std::int64_t* count) {
  return count == nullptr ? sum_of_grey<false>(planes, channels, n, low, high, nullptr)
                          : sum_of_grey<true>(planes, channels, n, low, high, count);
}

constexpr NamedStep kOthers[] = {{"hue", hue}, {"solarize", solarize}, {"table", table}, {"polynomial", polynomial}};

}  // namespace

extern const ColourTable colour_table;
const ColourTable colour_table = {affine, matrix, {kOthers, 4}, grey_sum};

}  // namespace vary::VARY_TARGET_NS
