// From a picture and a map to rows of planar float32: chooses between the warp and the separable resize, and prepares
// what they read (packed rows, box-reduced pictures, weights).
#pragma once

#include "geometry.h"
#include "workspace.h"

namespace vary {

struct Sampler {
  bool separable = false;
  Warp warp;
  Resize resize;
  int box_x = 1, box_y = 1;  // source pixels averaged before a warp
  int type = 0, channels = 0;
  float* scratch = nullptr;

  // The first affine step of the colour chain rides along for free.
  void set_scale(const float* scale, const float* bias);

  // Can rows of this kind be written by `row`? Planes of float32 always can.
  bool writes(const OutputRow& to) const;
  void row(const Kernels& k, int y, int n, const OutputRow& to) const {
    if (separable) {
      float* const planes[4] = {static_cast<float*>(to.at[0]), static_cast<float*>(to.at[1]),
                                static_cast<float*>(to.at[2]), static_cast<float*>(to.at[3])};
      k.resize[type][channels](resize, y, n, scratch, planes);
    } else {
      k.warp[type][channels](warp, y, n, to);
    }
  }
};

Sampler prepare(const Kernels& k, const Plan& plan, Image source, const View& given, Workspace& w);

// The pixels of a picture that `prepare` and `Sampler::row` look at, and no more than a few around them.
Window window_of(const Plan& plan, const View& view, int height, int width);

// Axis-aligned maps that shrink go through the triangle filter; all others through the warp.
bool samples_separably(const Plan& plan, const View& view);

// How many source pixels one output pixel spans along each source axis, rounded down, at least 1.
struct Footprint {
  int x, y;
};
Footprint footprint(const View& view);

}  // namespace vary
