// Canvases and maps: where a pixel of the output comes from. Continuous coordinates, x to the right, y down; pixel
// (i, j) covers the half-open square from (j, i) and has its centre at (j + .5, i + .5).
#pragma once

#include "program.h"

namespace vary {

// Points of a new canvas to points of an old one: (m0 x + m1 y + m2, m3 x + m4 y + m5) / (p0 x + p1 y + p2).
struct Map {
  double m[6] = {1, 0, 0, 0, 1, 0};
  double p[3] = {0, 0, 1};
};

// A canvas, and the map from its points to points of the source: as a `Map`.
struct View {
  int height = 0, width = 0;
  double m[6] = {1, 0, 0, 0, 1, 0};
  double p[3] = {0, 0, 1};

  bool affine() const { return p[0] == 0 && p[1] == 0 && p[2] == 1; }
};

// The view after one more instruction of kind `map`, in listed order. Throws std::runtime_error, with the name of the
// transform, if the canvas or the map becomes too large.
void apply(const Concrete& instruction, View& view);

// EXIF orientation 1..8: how a stored picture is shown.
void orient(int orientation, View& view);

// How far the source moves for a step along x and along y, at the centre of the canvas: [d0 d1; d2 d3]. The same
// everywhere unless the map is projective.
struct Steps {
  double d[4];
};
Steps steps_of(const View& view);

// What operations are made of. `next`: points of the new canvas to points of the present one.
void append(View& v, const Map& next, int height, int width);
void about_centre(View& v, double a, double b, double c, double d);  // [a b; c d], from new points to old ones
void window(View& v, double top, double left, int height, int width);
void stretch(View& v, int height, int width);
void quarter_turns(View& v, int turns);  // counter-clockwise
void flip_horizontal(View& v);
void flip_vertical(View& v);
void transpose(View& v);

}  // namespace vary
