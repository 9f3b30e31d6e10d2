#include "chain.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>

namespace vary {
namespace {

RowStep kernel_of(const Kernels& k, const char* name) {
  for (const NamedSteps& file : k.steps)
    for (int i = 0; i < file.count; ++i)
      if (std::strcmp(file.first[i].name, name) == 0) return file.first[i].run;
  throw std::runtime_error(std::string("no kernel is called ") + name);
}

}  // namespace

ChainBuilder::ChainBuilder(const Kernels& k, const ChainInput& input) : k_(k), input_(input) {
  const double infinity = std::numeric_limits<double>::infinity();
  const ElementInfo& element = info_of(input.type);
  for (int c = 0; c < kGroup; ++c) {
    low_[c] = element.whole ? element.low : -infinity;
    high_[c] = element.whole ? element.high : infinity;
  }
  chain_.sweeps.emplace_back();
}

bool ChainBuilder::within(double low, double high) const {
  const double slack = 1e-6 * (high - low);
  for (int c = 0; c < coloured(); ++c)
    if (!(low_[c] >= low - slack && high_[c] <= high + slack)) return false;
  return true;
}

double ChainBuilder::least() const {
  double least = low_[0];
  for (int c = 1; c < coloured(); ++c) least = std::min(least, low_[c]);
  return least;
}

double ChainBuilder::most() const {
  double most = high_[0];
  for (int c = 1; c < coloured(); ++c) most = std::max(most, high_[c]);
  return most;
}

void ChainBuilder::set_bounds(double low, double high) {
  for (int c = 0; c < coloured(); ++c) {
    low_[c] = low;
    high_[c] = high;
  }
}

void ChainBuilder::clip(Step& step, double low, double high) {
  step.clip = !within(low, high);
  step.coloured = coloured();
  step.low = static_cast<float>(low);
  step.high = static_cast<float>(high);
  if (!step.clip) return;
  for (int c = 0; c < coloured(); ++c) {
    low_[c] = std::clamp(low_[c], low, high);
    high_[c] = std::clamp(high_[c], low, high);
  }
}

// Adds an affine step, or merges it into the last step.
void ChainBuilder::merge(const double* scale, const double* bias) {
  for (int c = 0; c < channels(); ++c) {
    const double a = low_[c] * scale[c] + bias[c], b = high_[c] * scale[c] + bias[c];
    const bool is_constant = scale[c] == 0;  // avoids 0 * infinity
    low_[c] = is_constant ? bias[c] : std::min(a, b);
    high_[c] = is_constant ? bias[c] : std::max(a, b);
  }
  const bool open = !steps().empty() && !steps().back().clip;
  const bool affine = open && steps().back().run == k_.affine, matrix = open && steps().back().run == k_.matrix;
  if (!affine && !(matrix && channels() < 4)) steps().push_back({k_.affine});
  Step& step = steps().back();
  for (int c = 0; c < channels(); ++c) {
    step.bias[c] = static_cast<float>(step.bias[c] * scale[c] + bias[c]);
    if (step.run == k_.affine) {
      step.scale[c] = static_cast<float>(step.scale[c] * scale[c]);
    } else if (c < 3) {
      for (int k = 0; k < 3; ++k) step.mix[3 * c + k] = static_cast<float>(step.mix[3 * c + k] * scale[c]);
    }
  }
}

void ChainBuilder::affine(const double* scale, const double* bias) { merge(scale, bias); }

void ChainBuilder::affine(const double* scale, const double* bias, double low, double high) {
  merge(scale, bias);
  clip(steps().back(), low, high);
}

void ChainBuilder::clip(double low, double high) {
  constexpr double one[4] = {1, 1, 1, 1}, none[4] = {};
  affine(one, none, low, high);
}

void ChainBuilder::matrix(const double* mix, double low, double high) {
  double least[3] = {}, most[3] = {};
  for (int c = 0; c < 3; ++c)
    for (int k = 0; k < 3; ++k) {
      if (mix[3 * c + k] == 0) continue;
      const double a = low_[k] * mix[3 * c + k], b = high_[k] * mix[3 * c + k];
      least[c] += std::min(a, b);
      most[c] += std::max(a, b);
    }
  std::copy(least, least + 3, low_);
  std::copy(most, most + 3, high_);
  Step step{k_.matrix};
  for (int i = 0; i < 9; ++i) step.mix[i] = static_cast<float>(mix[i]);
  if (channels() == 3 && !steps().empty() && steps().back().run == k_.affine && !steps().back().clip) {
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

void ChainBuilder::kernel(const char* name, Step step, double least, double most) {
  step.run = kernel_of(k_, name);
  step.coloured = coloured();
  steps().push_back(step);
  set_bounds(least, most);
}

void ChainBuilder::whole(std::unique_ptr<WholePicture> whole, double least, double most) {
  chain_.sweeps.back().whole = std::move(whole);
  chain_.sweeps.emplace_back();
  set_bounds(least, most);
}

Chain ChainBuilder::finish() {
  std::vector<Step>& steps = chain_.sweeps.front().steps;
  if (!steps.empty() && steps.front().run == k_.affine && !steps.front().clip) {
    std::copy(steps.front().scale, steps.front().scale + 4, chain_.scale);
    std::copy(steps.front().bias, steps.front().bias + 4, chain_.bias);
    steps.erase(steps.begin());
  }
  return std::move(chain_);
}

Chain compile(const Kernels& k, const std::vector<Concrete>& colours, const ChainInput& input) {
  ChainBuilder chain(k, input);
  for (const Concrete& i : colours) i.op->stage(i.a, chain);
  return chain.finish();
}

}  // namespace vary
