// Canvases and maps: where a pixel of the output comes from. Continuous coordinates, x to the right, y down; pixel
// (i, j) covers the half-open square from (j, i) and has its centre at (j + .5, i + .5).
#pragma once

#include "program.h"

namespace vary {

// source = [m0 m1 m2; m3 m4 m5] (x, y, 1), for (x, y) on the canvas.
struct View {
  int height = 0, width = 0;  // of the canvas
  double m[6] = {1, 0, 0, 0, 1, 0};
};

// The view after one more geometric instruction, in listed order. Throws std::runtime_error, with the name of the
// transform, if the canvas or the map becomes too large.
void apply(const Concrete& instruction, View& view);

// EXIF orientation 1..8: how a stored picture is shown.
void orient(int orientation, View& view);

}  // namespace vary
