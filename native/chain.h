// The colour instructions of one picture as few steps as they can be: neighbours merge wherever bounds prove that
// the clip between them is idle, and an affine head moves into the sampler.
#pragma once

#include "program.h"

namespace vary {

// Steps that run in one sweep; before all but the first, a contrast about the mean of the picture so far.
struct Sweep {
  std::vector<Step> steps;
  double contrast = 1, low = 0, high = 1;  // of the statistic that ends this sweep
  bool ends_in_contrast = false;
};

struct Chain {
  float scale[4] = {1, 1, 1, 1}, bias[4] = {};  // the head
  std::vector<Sweep> sweeps;                    // at least one
};

// `bounded`: the values that enter are known to lie within [low, high].
Chain compile(const Concrete* first, const Concrete* last, int channels, bool bounded, double low, double high);

// The affine step of a contrast once its mean is known.
Step contrast_step(double factor, double mean, double low, double high, int channels);

}  // namespace vary
