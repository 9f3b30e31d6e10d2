#include "chain.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace vary {
namespace {

constexpr double kGrey[3] = {0.299, 0.587, 0.114};  // Rec. 601

struct Bounds {
  double low[4], high[4];
  bool within(double a, double b, int channels) const {
    const double slack = 1e-6 * (b - a);
    for (int c = 0; c < channels; ++c)
      if (!(low[c] >= a - slack && high[c] <= b + slack)) return false;
    return true;
  }
};

class Compiler {
 public:
  Compiler(int channels, bool bounded, double low, double high) : channels_(channels) {
    const double infinity = std::numeric_limits<double>::infinity();
    for (int c = 0; c < 4; ++c) {
      bounds_.low[c] = bounded ? low : -infinity;
      bounds_.high[c] = bounded ? high : infinity;
    }
    chain_.sweeps.emplace_back();
  }

  void add(const Concrete& i) {
    const double* const a = i.a;
    double scale[4] = {1, 1, 1, 1}, bias[4] = {};
    switch (i.op) {
      case Op::rescale:
        for (int c = 0; c < channels_; ++c) scale[c] = a[0], bias[c] = a[1];
        return affine(scale, bias, false, 0, 0);
      case Op::normalize:
        for (int c = 0; c < channels_; ++c) scale[c] = 1 / a[channels_ + c], bias[c] = -a[c] / a[channels_ + c];
        return affine(scale, bias, false, 0, 0);
      case Op::brightness:
        for (int c = 0; c < tinted(); ++c) scale[c] = a[0], bias[c] = a[1] - a[1] * a[0];
        return affine(scale, bias, true, a[1], a[2]);
      case Op::shift:
        for (int c = 0; c < tinted(); ++c) bias[c] = a[c] * (a[4] - a[3]);
        return affine(scale, bias, true, a[3], a[4]);
      case Op::contrast: return a[0] == 1 ? affine(scale, bias, true, a[1], a[2]) : contrast(a[0], a[1], a[2]);
      case Op::saturation:
        return a[0] == 1 || channels_ < 3 ? affine(scale, bias, true, a[1], a[2]) : saturation(a[0], a[1], a[2]);
      case Op::hue: return a[0] == 0 || channels_ < 3 ? affine(scale, bias, true, a[1], a[2]) : hue(a[0], a[1], a[2]);
      default: return;
    }
  }

  Chain finish() {
    std::vector<Step>& steps = chain_.sweeps.front().steps;
    if (!steps.empty() && steps.front().kind == Step::affine && !steps.front().clip) {
      std::copy(steps.front().scale, steps.front().scale + 4, chain_.scale);
      std::copy(steps.front().bias, steps.front().bias + 4, chain_.bias);
      steps.erase(steps.begin());
    }
    return std::move(chain_);
  }

 private:
  int tinted() const { return std::min(channels_, 3); }  // alpha is left alone

  std::vector<Step>& steps() { return chain_.sweeps.back().steps; }

  void clip(Step& step, double low, double high) {
    step.clip = !bounds_.within(low, high, tinted());
    step.low = static_cast<float>(low);
    step.high = static_cast<float>(high);
    if (!step.clip) return;
    for (int c = 0; c < tinted(); ++c) {
      bounds_.low[c] = std::clamp(bounds_.low[c], low, high);
      bounds_.high[c] = std::clamp(bounds_.high[c], low, high);
    }
  }

  void affine(const double* scale, const double* bias, bool clips, double low, double high) {
    for (int c = 0; c < channels_; ++c) {
      const double a = bounds_.low[c] * scale[c] + bias[c], b = bounds_.high[c] * scale[c] + bias[c];
      const bool flat = scale[c] == 0;  // 0 x infinity
      bounds_.low[c] = flat ? bias[c] : std::min(a, b);
      bounds_.high[c] = flat ? bias[c] : std::max(a, b);
    }
    const bool merges = !steps().empty() && !steps().back().clip &&
                        (steps().back().kind == Step::affine || (steps().back().kind == Step::matrix && channels_ < 4));
    if (!merges) steps().emplace_back();
    Step& step = steps().back();
    for (int c = 0; c < channels_; ++c) {
      step.bias[c] = static_cast<float>(step.bias[c] * scale[c] + bias[c]);
      if (step.kind == Step::affine) {
        step.scale[c] = static_cast<float>(step.scale[c] * scale[c]);
      } else if (c < 3) {
        for (int k = 0; k < 3; ++k) step.mix[3 * c + k] = static_cast<float>(step.mix[3 * c + k] * scale[c]);
      }
    }
    if (clips) clip(step, low, high);
  }

  void saturation(double factor, double low, double high) {
    double mix[9];
    for (int i = 0; i < 9; ++i) mix[i] = (1 - factor) * kGrey[i % 3] + (i / 3 == i % 3 ? factor : 0);
    Bounds next = bounds_;
    for (int c = 0; c < 3; ++c) {
      next.low[c] = next.high[c] = 0;
      for (int k = 0; k < 3; ++k) {
        if (mix[3 * c + k] == 0) continue;
        const double a = bounds_.low[k] * mix[3 * c + k], b = bounds_.high[k] * mix[3 * c + k];
        next.low[c] += std::min(a, b);
        next.high[c] += std::max(a, b);
      }
    }
    bounds_ = next;
    Step step;
    step.kind = Step::matrix;
    for (int i = 0; i < 9; ++i) step.mix[i] = static_cast<float>(mix[i]);
    if (channels_ == 3 && !steps().empty() && steps().back().kind == Step::affine && !steps().back().clip) {
      const Step before = steps().back();  // mix (scale x + bias)
      steps().pop_back();
      for (int c = 0; c < 3; ++c) {
        double bias = 0;
        for (int k = 0; k < 3; ++k) {
          step.mix[3 * c + k] = static_cast<float>(mix[3 * c + k] * before.scale[k]);
          bias += mix[3 * c + k] * before.bias[k];
        }
        step.bias[c] = static_cast<float>(bias);
      }
    }
    clip(step, low, high);
    steps().push_back(step);
  }

  void hue(double turn, double low, double high) {
    Step step;
    step.kind = Step::hue;
    step.turn = static_cast<float>(turn - std::floor(turn));
    steps().push_back(step);
    spread(least(), most());
    if (bounds_.within(low, high, tinted())) return;
    Step clamp;
    clip(clamp, low, high);
    steps().push_back(clamp);
  }

  void contrast(double factor, double low, double high) {
    Sweep& sweep = chain_.sweeps.back();
    sweep.ends_in_contrast = true;
    sweep.contrast = factor;
    sweep.low = low;
    sweep.high = high;
    chain_.sweeps.emplace_back();
    const bool idle = factor >= 0 && factor <= 1 && bounds_.within(low, high, tinted());
    spread(idle ? least() : low, idle ? most() : high);
  }

  // Bounds of a map that moves channels towards one another.
  double least() const {
    double least = bounds_.low[0];
    for (int c = 1; c < tinted(); ++c) least = std::min(least, bounds_.low[c]);
    return least;
  }
  double most() const {
    double most = bounds_.high[0];
    for (int c = 1; c < tinted(); ++c) most = std::max(most, bounds_.high[c]);
    return most;
  }
  void spread(double low, double high) {
    for (int c = 0; c < tinted(); ++c) {
      bounds_.low[c] = low;
      bounds_.high[c] = high;
    }
  }

  int channels_;
  Bounds bounds_{};
  Chain chain_;
};

}  // namespace

Chain compile(const Concrete* first, const Concrete* last, int channels, bool bounded, double low, double high) {
  Compiler compiler(channels, bounded, low, high);
  for (const Concrete* i = first; i != last; ++i) compiler.add(*i);
  return compiler.finish();
}

Step contrast_step(double factor, double mean, double low, double high, int channels) {
  Step step;
  for (int c = 0; c < std::min(channels, 3); ++c) {
    step.scale[c] = static_cast<float>(factor);
    step.bias[c] = static_cast<float>(mean * (1 - factor));
  }
  step.clip = true;
  step.low = static_cast<float>(low);
  step.high = static_cast<float>(high);
  return step;
}

}  // namespace vary
