// The warp of float32 pictures: the positions of warp.cc, blended in float32.
#include "locate.h"

namespace vary::VARY_TARGET_NS {
namespace {

template <int C>
void row(const Warp& s, int y, int n, const OutputRow& to) {
  Block b;
  for (int x = 0; x < n; x += kBlock) {
    const int m = n - x < kBlock ? n - x : kBlock;
    locate_edge<4 * C>(s, x, y, m, b);
    const bool masked = s.fill == Fill::constant;
    for (int k = 0; k < m; ++k) {
      const std::uint8_t* const upper = s.data + b.upper[k];
      const std::uint8_t* const lower = s.data + b.lower[k];
      const int right = b.x[k] < s.width - 1 ? 4 * C : 0;  // never read past the row: it might be a NaN
      const float wx = static_cast<float>(b.wx[k]) * (1.f / kOne), wy = static_cast<float>(b.wy[k]) * (1.f / kOne);
      for (int i = 0; i < C; ++i) {
        const float p = load_f32(upper + 4 * i), q = load_f32(lower + 4 * i);
        // Selected, not multiplied by 0: a NaN or an infinity next door stays next door.
        const float above = wx > 0 ? p + (load_f32(upper + 4 * i + right) - p) * wx : p;
        const float below = wx > 0 ? q + (load_f32(lower + 4 * i + right) - q) * wx : q;
        const float v = wy > 0 ? above + (below - above) * wy : above;
        static_cast<float*>(to.at[i])[x + k] =
            (masked && b.inside[k] == 0 ? s.fill_value[i] : v) * s.scale[i] + s.bias[i];
      }
    }
  }
}

}  // namespace

extern const WarpTable float_warp_table;
const WarpTable float_warp_table = {{nullptr, row<1>, nullptr, row<3>, row<4>}};

}  // namespace vary::VARY_TARGET_NS
