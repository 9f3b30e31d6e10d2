// Normal deviates as a function of the position on the canvas. Philox4x32-10 (native/random.h) of the counter (x, y,
// group of four channels, 0) gives four words for each pixel; Box and Muller, "A Note on the Generation of Random
// Normal Deviates" (1958), turn them into four deviates, one for each channel. Logarithm, sine and cosine are
// polynomials in float32, the same on every target.
#include "loads.h"

namespace vary::VARY_TARGET_NS {
namespace {

constexpr int kTogether = 64;  // pixels

struct Random {
  alignas(64) std::uint32_t words[4][kTogether];
};

void philox(std::uint32_t x, const Row& row, const std::uint32_t* key, Random& r) {
  for (std::uint32_t k = 0; k < kTogether; ++k) {
    r.words[0][k] = x + k;
    r.words[1][k] = static_cast<std::uint32_t>(row.y);
    r.words[2][k] = static_cast<std::uint32_t>(row.first) / 4;
    r.words[3][k] = 0;
  }
  std::uint32_t first = key[0], second = key[1];
  for (int round = 0; round < 10; ++round) {
    for (int k = 0; k < kTogether; ++k) {
      const std::uint64_t a = std::uint64_t{0xD2511F53} * r.words[0][k], b = std::uint64_t{0xCD9E8D57} * r.words[2][k];
      r.words[0][k] = static_cast<std::uint32_t>(b >> 32) ^ r.words[1][k] ^ first;
      r.words[2][k] = static_cast<std::uint32_t>(a >> 32) ^ r.words[3][k] ^ second;
      r.words[1][k] = static_cast<std::uint32_t>(b);
      r.words[3][k] = static_cast<std::uint32_t>(a);
    }
    first += 0x9E3779B9;
    second += 0xBB67AE85;
  }
}

// Uniform in (0, 1]: (word + 1/2) / 2^32, rounded to float32.
inline float fraction(std::uint32_t word) {
  return static_cast<float>(static_cast<std::int32_t>(word >> 8)) * 0x1p-24f +
         static_cast<float>(static_cast<std::int32_t>((word & 0xff) * 2 + 1)) * 0x1p-33f;
}

// sqrt(-2 ln u) for u in (0, 1]. ln m for m in [sqrt(1/2), sqrt(2)): Cephes' logf (S. L. Moshier, 1992).
inline float radius(float u) {
  std::uint32_t bits;
  __builtin_memcpy(&bits, &u, 4);
  const std::uint32_t shifted = bits - 0x3f3504f3;  // minus the bits of sqrt(1/2), where the exponent is 0
  const std::int32_t exponent = static_cast<std::int32_t>(shifted) >> 23;
  const std::uint32_t mantissa = bits - (static_cast<std::uint32_t>(exponent) << 23);
  float m;
  __builtin_memcpy(&m, &mantissa, 4);
  const float x = m - 1, z = x * x;
  float p = 7.0376836292e-2f * x - 1.1514610310e-1f;
  p = p * x + 1.1676998740e-1f;
  p = p * x - 1.2420140846e-1f;
  p = p * x + 1.4249322787e-1f;
  p = p * x - 1.6668057665e-1f;
  p = p * x + 2.0000714765e-1f;
  p = p * x - 2.4999993993e-1f;
  p = p * x + 3.3333331174e-1f;
  const float ln = (x + (p * x * z - .5f * z)) + static_cast<float>(exponent) * .693147180559945f;
  const float square = -2 * ln;
  return __builtin_sqrtf(square > 0 ? square : 0);
}

// Cosine and sine of word / 2^32 turns. In the quarter about 0 they are Cephes' cosf and sinf.
inline void turn(std::uint32_t word, float& cosine, float& sine) {
  const auto part = static_cast<float>(static_cast<std::int32_t>(word & 0x3fffffff) - 0x20000000);
  const float x = part * (1.5707963267948966f * 0x1p-30f), z = x * x;  // -pi/4 .. pi/4
  const float s = ((-1.9515295891e-4f * z + 8.3321608736e-3f) * z - 1.6666654611e-1f) * z * x + x;
  const float c =
      (((2.443315711809948e-5f * z - 1.388731625493765e-3f) * z + 4.166664568298827e-2f) * z * z - .5f * z) + 1;
  const bool across = (word >> 30 & 1) != 0, back = (word >> 31) != 0;
  const float a = across ? -s : c, b = across ? c : s;
  cosine = back ? -a : a;
  sine = back ? -b : b;
}

inline float clamp(float v, float low, float high) {  // NaN stays NaN
  const float raised = low > v ? low : v;
  return high < raised ? high : raised;
}

void gauss_noise(const Step& s, float* const* planes, const Row& row) {
  const int channels = row.channels < s.coloured ? row.channels : s.coloured;
  const int before = row.first % 4;  // deviates of this group of four that belong to earlier channels
  Random random;
  alignas(64) float deviates[4][kTogether] = {};
  for (int x = 0; x < row.width; x += kTogether) {
    philox(static_cast<std::uint32_t>(x), row, s.key, random);
    for (int pair = 0; pair < (before + channels + 1) / 2; ++pair) {
      const std::uint32_t *const uniform = random.words[2 * pair], *const angle = random.words[2 * pair + 1];
      float *const first = deviates[2 * pair], *const second = deviates[2 * pair + 1];
      for (int k = 0; k < kTogether; ++k) {
        float cosine, sine;
        turn(angle[k], cosine, sine);
        const float size = radius(fraction(uniform[k])) * s.value;
        first[k] = size * cosine;
        second[k] = size * sine;
      }
    }
    const int n = row.width - x < kTogether ? row.width - x : kTogether;
    for (int c = 0; c < channels; ++c) {
      float* const p = planes[c] + x;
      for (int k = 0; k < n; ++k) p[k] = clamp(p[k] + deviates[before + c][k], s.low, s.high);
    }
  }
}

constexpr NamedStep kSteps[] = {{"gauss_noise", gauss_noise}};

}  // namespace

extern const NamedSteps noise_steps;
const NamedSteps noise_steps = {kSteps, 1};

}  // namespace vary::VARY_TARGET_NS
