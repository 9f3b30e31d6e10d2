// From a picture and a map to rows of planar float32: chooses between the warp and the separable resize, and prepares
// what they read (packed rows, reduced pictures, weights).
#pragma once

#include "geometry.h"
#include "workspace.h"

namespace vary {

struct Sampler {
  bool separable = false;
  Warp warp;
  Resize resize;
  bool reduced = false;  // the source was filtered and made smaller before a warp
  int type = 0, channels = 0;
  bool whole = true;  // the values of the source are integers, so all are finite
  float* scratch = nullptr;
  View view;  // with fields alone: the positions of each row are found before its kernel runs
  double* positions[2] = {};

  // The first affine step of the colour chain, which the sampler applies to each value that it writes.
  void set_scale(const float* scale, const float* bias);
  void row(const Kernels& k, int y, int n, const OutputRow& to) const {
    if (separable) {
      k.resize[type][channels](resize, y, n, scratch, to);
    } else {
      if (positions[0] != nullptr) locate(y, n);
      k.warp[type][channels](warp, y, n, to);
    }
  }

 private:
  void locate(int y, int n) const;
};

Sampler prepare(const Kernels& k, const Plan& plan, Image source, const View& given, Workspace& w);

// The pixels of a picture of this size that `prepare` and `Sampler::row` read, and no more than a few around them.
Window window_of(const Plan& plan, const View& view, double height, double width);

// Axis-aligned maps that shrink go through the triangle filter; all others through the warp.
bool samples_separably(const Plan& plan, const View& view);

}  // namespace vary
