// Noise, a function of the position on the canvas; src/vary/ops/noise.py defines it in float64 NumPy.
#include "../chain.h"
#include "op.h"

namespace vary {
namespace {

// Adds independent normal deviates to each coloured channel. `std` is a fraction of the value range.
void gauss_noise(Arguments a, ChainBuilder& chain) {
  const double std = a[0], low = a[3], high = a[4];
  chain.clip(low, high);
  if (std == 0) return;
  Step step;
  step.value = static_cast<float>(std * (high - low));
  step.key[0] = static_cast<std::uint32_t>(a[1]);
  step.key[1] = static_cast<std::uint32_t>(a[2]);
  step.low = static_cast<float>(low);
  step.high = static_cast<float>(high);
  chain.kernel("gauss_noise", step, low, high);
}

constexpr Op kOps[] = {
    {"gauss_noise", Kind::noise, 5, 0, nullptr, gauss_noise},
};

}  // namespace

std::span<const Op> noise_ops() { return kOps; }

}  // namespace vary
