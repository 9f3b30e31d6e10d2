// Instructions that change the colour of each pixel by itself; src/vary/ops/colour.py defines them in float64 NumPy.
// `low` and `high` are the value range at their place in the program: results are clipped to it. Alpha is not changed.
#include <algorithm>
#include <cmath>

#include "../chain.h"
#include "op.h"

namespace vary {
namespace {

constexpr double kGrey[3] = {0.299, 0.587, 0.114};  // Rec. 601

// x * scale + bias of each channel; channels that do not change keep scale 1 and bias 0.
struct Affine {
  double scale[4] = {1, 1, 1, 1}, bias[4] = {};
};

void rescale(Arguments a, ChainBuilder& chain) {
  Affine s;
  for (int c = 0; c < chain.channels(); ++c) s.scale[c] = a[0], s.bias[c] = a[1];
  chain.affine(s.scale, s.bias);
}

void normalize(Arguments a, ChainBuilder& chain) {
  Affine s;
  const auto means = static_cast<std::size_t>(chain.first()), stds = static_cast<std::size_t>(chain.all()) + means;
  for (std::size_t c = 0; c < static_cast<std::size_t>(chain.channels()); ++c)
    s.scale[c] = 1 / a[stds + c], s.bias[c] = -a[means + c] / a[stds + c];
  chain.affine(s.scale, s.bias);
}

void brightness(Arguments a, ChainBuilder& chain) {
  Affine s;
  for (int c = 0; c < chain.coloured(); ++c) s.scale[c] = a[0], s.bias[c] = a[1] - a[1] * a[0];
  chain.affine(s.scale, s.bias, a[1], a[2]);
}

void shift(Arguments a, ChainBuilder& chain) {
  Affine s;
  for (int c = 0; c < std::min(chain.coloured(), 3); ++c) s.bias[c] = a[static_cast<std::size_t>(c)] * (a[4] - a[3]);
  chain.affine(s.scale, s.bias, a[3], a[4]);
}

void saturation(Arguments a, ChainBuilder& chain) {
  if (a[0] == 1 || !chain.rgb()) return chain.clip(a[1], a[2]);
  double mix[9];
  for (int i = 0; i < 9; ++i) mix[i] = (1 - a[0]) * kGrey[i % 3] + (i / 3 == i % 3 ? a[0] : 0);
  chain.matrix(mix, a[1], a[2]);
}

void hue(Arguments a, ChainBuilder& chain) {
  if (a[0] == 0 || !chain.rgb()) return chain.clip(a[1], a[2]);
  Step step;
  step.value = static_cast<float>(a[0] - std::floor(a[0]));
  chain.kernel("hue", step, chain.least(), chain.most());
  if (!chain.within(a[1], a[2])) chain.clip(a[1], a[2]);
}

void solarize(Arguments a, ChainBuilder& chain) {
  const double low = a[1], high = a[2];
  chain.clip(low, high);
  Step step;
  step.value = static_cast<float>(low + a[0] * (high - low));
  step.low = static_cast<float>(low);
  step.high = static_cast<float>(high);
  chain.kernel("solarize", step, low, high);
}

// A function of values as fractions of the value range. `numbers` points into the program, which outlives the chain.
void function(const char* kernel, Arguments a, ChainBuilder& chain) {
  const double low = a[0], high = a[1];
  chain.clip(low, high);
  Step step;
  step.low = static_cast<float>(low);
  step.high = static_cast<float>(high);
  step.numbers = a.data() + 2;
  step.count = static_cast<int>(a.size()) - 2;
  chain.kernel(kernel, step, low, high);
}
void table(Arguments a, ChainBuilder& chain) { function("table", a, chain); }
void polynomial(Arguments a, ChainBuilder& chain) { function("polynomial", a, chain); }

// Contrast about the mean grey of the picture at this place.
class Contrast final : public WholePicture {
 public:
  Contrast(double factor, double low, double high, RowStep affine)
      : factor_(factor), low_(low), high_(high), affine_(affine) {}

  void gather(const Kernels& k, float* const* planes, const Row& row, bool finite) override {
    const auto low = static_cast<float>(low_), high = static_cast<float>(high_);
    sum_ += k.grey_sum(planes, row.channels, row.width, low, high, finite ? nullptr : &count_);
    if (finite) count_ += row.width;
  }

  std::vector<Step> between(const FloatPicture& picture, Workspace&) override {
    const double grey = count_ > 0 ? static_cast<double>(sum_) / (static_cast<double>(count_) * 0x1p20) : 0;
    const double mean = low_ + grey * (high_ - low_);
    Step step{affine_};
    for (int c = 0; c < std::min(picture.channels, 3); ++c) {
      step.scale[c] = static_cast<float>(factor_);
      step.bias[c] = static_cast<float>(mean * (1 - factor_));
    }
    step.clip = true;
    step.low = static_cast<float>(low_);
    step.high = static_cast<float>(high_);
    return {step};
  }

  bool filters() const override { return false; }
  void filter(const Kernels&, int, float* const*) const override {}

 private:
  double factor_, low_, high_;
  RowStep affine_;
  std::int64_t sum_ = 0, count_ = 0;  // of all finite pixels; the sum is in units of the range / 2^20
};

void contrast(Arguments a, ChainBuilder& chain) {
  const double factor = a[0], low = a[1], high = a[2];
  if (factor == 1) return chain.clip(low, high);
  const bool stays = factor >= 0 && factor <= 1 && chain.within(low, high);
  auto whole = std::make_unique<Contrast>(factor, low, high, chain.kernels().affine);
  chain.whole(std::move(whole), stays ? chain.least() : low, stays ? chain.most() : high);
}

constexpr Op kOps[] = {
    {"rescale", Kind::pointwise, 2, 0, nullptr, rescale},
    {"normalize", Kind::pointwise, 0, 2, nullptr, normalize},
    {"brightness", Kind::pointwise, 3, 0, nullptr, brightness},
    {"contrast", Kind::pointwise, 3, 0, nullptr, contrast},
    {"saturation", Kind::pointwise, 3, 0, nullptr, saturation},
    {"hue", Kind::pointwise, 3, 0, nullptr, hue},
    {"shift", Kind::pointwise, 5, 0, nullptr, shift},
    {"table", Kind::pointwise, 2, -1, nullptr, table},
    {"polynomial", Kind::pointwise, 2, -1, nullptr, polynomial},
    {"solarize", Kind::pointwise, 3, 0, nullptr, solarize},
};

}  // namespace

std::span<const Op> colour_ops() { return kOps; }

}  // namespace vary
