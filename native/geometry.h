// Canvases and maps: where a pixel of the output comes from. Continuous coordinates, x to the right, y down; pixel
// (i, j) covers the half-open square from (j, i) and has its centre at (j + .5, i + .5).
#pragma once

#include <vector>

#include "field.h"
#include "program.h"

namespace vary {

// Points of a new canvas to points of an old one: (m0 x + m1 y + m2, m3 x + m4 y + m5) / (p0 x + p1 y + p2).
struct Map {
  double m[6] = {1, 0, 0, 0, 1, 0};
  double p[3] = {0, 0, 1};
};

// A field, and the map from points of the next canvas to points of the field's.
struct Layer {
  Field field;
  Map map;
};

// A canvas, and the map from its points to points of the source: as a `Map`. If there are fields, `m` and `p` are the
// map of the first one's canvas: a point goes through the layers, the last one first, and then through `m` and `p`.
struct View {
  int height = 0, width = 0;
  double m[6] = {1, 0, 0, 0, 1, 0};
  double p[3] = {0, 0, 1};
  std::vector<Layer> layers = {};

  bool affine() const { return layers.empty() && p[0] == 0 && p[1] == 0 && p[2] == 1; }
};

// The view after one more instruction of kind `map`, in listed order. Throws std::runtime_error, with the name of the
// transform, if the canvas or the map becomes too large.
void apply(const Concrete& instruction, View& view);

// EXIF orientation 1..8: how a stored picture is shown.
void orient(int orientation, View& view);

// How far the source moves for a step along x and along y, at the centre of the canvas: [d0 d1; d2 d3]. The same
// everywhere unless the map is projective or has fields, of which it is the mean over their canvas.
Steps steps_of(const View& view);

// Where the centres of the first n pixels of row `y` lie in the source. NaN: behind the horizon of a projective map.
void locate_row(const View& view, int y, int n, double* to_x, double* to_y);

// What operations are made of. `next`: points of the new canvas to points of the present one.
void append(View& v, const Map& next, int height, int width);
void about_centre(View& v, double a, double b, double c, double d);  // [a b; c d], from new points to old ones
void window(View& v, double top, double left, int height, int width);
void stretch(View& v, int height, int width);
void quarter_turns(View& v, int turns);  // counter-clockwise
void flip_horizontal(View& v);
void flip_vertical(View& v);
void transpose(View& v);
void add_field(View& v, int rows, int columns, std::vector<double> numbers);

}  // namespace vary
