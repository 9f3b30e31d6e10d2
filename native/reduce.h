// Antialiasing before a warp: if a map shrinks the picture, the picture is first filtered and made smaller, separately
// along each of its axes. native/README.md, "Reduce", has the rule.
#pragma once

#include "geometry.h"
#include "workspace.h"

namespace vary {

// How many pixels of the picture one pixel of the canvas spans along each axis of the picture.
struct Shrink {
  double x, y;
};
Shrink shrink_of(const View& view);

// Whole numbers from `first` up to, but not including, `end`.
struct Interval {
  int first, end;
};

// How one axis is reduced: by averages of whole boxes of pixels where it shrinks very much, then by a triangle filter.
// Boxes lie symmetrically about the centre of the picture, and so do the reduced pixels, which span the same extent.
struct AxisReduction {
  double extent = 0;  // of the picture, in pixels; of a JPEG level not a whole number
  int pixels = 0;     // `extent`, rounded up
  int box = 1;        // pixels averaged, an odd number
  int lead = 0;       // pixels by which the first box extends beyond the picture
  int boxes = 0;      // how many; without averages equal to `pixels`
  double half = 0;    // half-width of the triangle, in boxes; 0: no filter
  double step = 1;    // from one reduced pixel to the next, in boxes
  int size = 0;       // reduced pixels

  double centre_of(int reduced) const { return (reduced - (size - 1) * .5) * step; }  // in boxes from the centre
  double centre() const { return (lead + extent * .5) / box; }                        // of the picture, in boxes
  Interval boxes_of(Interval reduced) const;  // the boxes that these reduced pixels read
  Interval pixels_of(Interval some_boxes) const;
};

struct Reduction {
  AxisReduction x, y;
  bool columns_first = false;  // if the map turns by over 45 degrees; it matters, as bytes are rounded in between
  bool changes() const { return x.half > 0 || y.half > 0; }
  // Changes two rows of a map to pixels of the picture into rows to reduced pixels; `denominator` is its third row.
  void apply(double* map, const double* denominator) const;
};

// `extents` are the picture's own size, in pixels as stored.
Reduction reduction_of(const Plan& plan, const View& view, double height, double width);

// The reduced picture of a packed one. Only the window `seen`, in reduced pixels, is made. The workspace owns it.
Image reduced(const Kernels& k, const Image& source, const Reduction& r, const Window& seen, Workspace& w);

}  // namespace vary
