// Filters: instructions that need neighbouring pixels; src/vary/ops/filter.py defines them in float64 NumPy.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <stdexcept>

#include "../chain.h"
#include "../maths.h"
#include "../size_limits.h"
#include "op.h"

namespace vary {
namespace {

// The pixel of a tap that may lie beyond the edge: dcb|abcd|cba.
int reflected(int at, int size) {
  if (size == 1) return 0;
  const int period = 2 * (size - 1), place = ((at % period) + period) % period;
  return place < size ? place : period - place;
}

// Weights of a Gaussian about each of `size` pixels, cut off at four standard deviations. The weight of a tap beyond
// the edge is added to the pixel that it is mirrored to, so the taps of every pixel are contiguous.
Axis gaussian(double sigma, int size, Buffer& starts, Buffer& weights) {
  const int radius = static_cast<int>(std::ceil(4 * sigma)), taps = std::min(size, 2 * radius + 1);
  if (std::int64_t{size} * taps > kMostBytes / 4)
    throw std::runtime_error("this blur takes over 2 GiB of weights; choose a smaller sigma, or smaller pictures");
  std::vector<double> bell(static_cast<std::size_t>(radius) + 1), sum(static_cast<std::size_t>(taps));
  double total = 0;
  for (std::size_t i = 0; i < bell.size(); ++i) {
    const double distance = static_cast<double>(i) / sigma;
    bell[i] = exponential(-.5 * distance * distance);
    total += i == 0 ? bell[i] : 2 * bell[i];
  }
  auto* const start = starts.get<std::int32_t>(size);
  auto* const weight = weights.get<float>(std::int64_t{size} * taps + 3);
  for (int x = 0; x < size; ++x) {
    start[x] = std::clamp(x - radius, 0, size - taps);
    if (x > radius && x + radius < size) {  // no tap beyond an edge: the same weights as of the pixel before
      std::copy_n(weight + std::int64_t{x - 1} * taps, taps, weight + std::int64_t{x} * taps);
      continue;
    }
    std::fill(sum.begin(), sum.end(), 0);
    for (int k = -radius; k <= radius; ++k)
      sum[static_cast<std::size_t>(reflected(x + k, size) - start[x])] += bell[static_cast<std::size_t>(std::abs(k))];
    for (int t = 0; t < taps; ++t)
      weight[std::int64_t{x} * taps + t] = static_cast<float>(sum[static_cast<std::size_t>(t)] / total);
  }
  return {size, start, weight, taps, false};
}

class GaussianBlur final : public WholePicture {
 public:
  explicit GaussianBlur(double sigma) : sigma_(sigma) {}

  void gather(const Kernels&, float* const*, const Row&, bool) override {}

  std::vector<Step> between(const FloatPicture& picture, Workspace& w) override {
    picture_ = picture;
    resize_.x = gaussian(sigma_, picture.width, w.start_x, w.weight_x);
    resize_.y = gaussian(sigma_, picture.height, w.start_y, w.weight_y);
    resize_.row = picture.stride * static_cast<std::int64_t>(sizeof(float));
    resize_.columns = picture.width;
    const std::int64_t line = picture.width + 4;
    scratch_ = w.line.get<float>(line);
    std::fill(scratch_, scratch_ + line, 0.f);
    return {};
  }

  bool filters() const override { return true; }
  void filter(const Kernels& k, int y, float* const* planes) const override {
    Resize plane = resize_;
    for (int c = 0; c < picture_.channels; ++c) {
      plane.data = reinterpret_cast<const std::uint8_t*>(picture_.row(c, 0));
      OutputRow to;
      to.at[0] = planes[c];
      k.resize[static_cast<int>(Element::f32)][1](plane, y, picture_.width, scratch_, to);
    }
  }

 private:
  double sigma_;
  FloatPicture picture_;
  Resize resize_;  // of one plane
  float* scratch_ = nullptr;
};

void gaussian_blur(Arguments a, ChainBuilder& chain) {
  if (a[0] > 0) chain.whole(std::make_unique<GaussianBlur>(a[0]), chain.least(), chain.most());
}

constexpr Op kOps[] = {
    {"gaussian_blur", Kind::whole, 1, 0, nullptr, gaussian_blur},
};

}  // namespace

std::span<const Op> filter_ops() { return kOps; }

}  // namespace vary
