#include "reduce.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace vary {
namespace {

constexpr double kTolerance = 1e-6;  // so that the rounding of a map changes no decision
constexpr double kSamePixels = 1.7;  // shrinks below it keep the number of pixels
constexpr double kDensity = .8;      // from it on, reduced pixels are at most this part of a canvas pixel apart
constexpr double kBoxes = 12;        // from this shrink on, boxes are averaged first
constexpr double kAfterBoxes = 4;    // they leave at least this shrink to the triangle
constexpr int kParts = 128;          // the sum of all weights of bytes

// An odd number of boxes for an odd number of pixels, else an even one: so boxes extend equally far beyond both ends.
void set_boxes(AxisReduction& r, double shrink) {
  r.box = static_cast<int>(shrink / kAfterBoxes + kTolerance);
  r.box -= r.box % 2 == 0;
  r.boxes = static_cast<int>((std::int64_t{r.pixels} + r.box - 1) / r.box);
  r.boxes += (r.boxes ^ r.pixels) & 1;
  r.lead = static_cast<int>((std::int64_t{r.boxes} * r.box - r.pixels) / 2);
}

AxisReduction along_axis(double extent, double shrink, Fill fill) {
  AxisReduction r;
  r.extent = extent;
  r.pixels = r.boxes = r.size = static_cast<int>(std::ceil(extent));
  if (shrink <= 1 + kTolerance && extent == r.pixels) return r;
  if (shrink >= kBoxes) set_boxes(r, shrink);
  r.half = std::max(1.0, shrink / r.box);
  const double length = extent / r.box;
  if (r.half >= kSamePixels - kTolerance)
    r.size = std::max(1, static_cast<int>(std::ceil(length / (kDensity * r.half) - kTolerance)));
  // reflect101 mirrors about the centres of the outermost pixels, so these centres must stay where they are.
  const bool centres = fill == Fill::reflect101 && r.size > 1 && r.pixels > 1;
  r.step = centres ? (extent - 1) / r.box / (r.size - 1) : length / r.size;
  return r;
}

static_assert(kMostTaps >= 2 * kBoxes);

// Which axis of the picture is filtered first: the one closer to the canvas' vertical, or at 45 degrees the one that
// shrinks more. So it depends on the canvas alone, and not on how the picture is stored.
bool columns_first(const View& view) {
  const Steps step = steps_of(view);
  const double turned = std::fabs(step.d[1] * step.d[2]), upright = std::fabs(step.d[0] * step.d[3]);
  if (std::fabs(turned - upright) > 1e-9 * upright) return turned > upright;
  const Shrink s = shrink_of(view);
  return s.x > s.y * (1 + 1e-9);
}

// The boxes that a reduced pixel is a weighted sum of: `count` weights that are not 0, then zeros up to `padded`.
struct Weights {
  int first = 0, count = 0, largest = 0;  // `largest`: the box that the pixel's centre is in
  double values[kMostTaps], sum;
};

// Loops always run to `padded`, because a constant number of rounds is predicted by the processor.
Weights weights_of(const AxisReduction& r, int reduced, int padded) {
  constexpr double smallest = 1e-9;
  Weights w;
  const double centre = r.centre(), from_centre = r.centre_of(reduced), at = centre + from_centre;
  const double low = at - r.half - .5 + smallest, high = at + r.half - .5 - smallest;
  w.first = low < 0 ? 0 : static_cast<int>(low) + 1;
  w.count = std::min(r.boxes, static_cast<int>(high) + 1) - w.first;
  w.largest = std::clamp(static_cast<int>(at) - w.first, 0, w.count - 1);
  // Relative to the centre: for a mirrored picture these are the same numbers with the opposite sign.
  const double away = (w.first + .5 - centre) - from_centre;
  for (int t = 0; t < padded; ++t) {
    const double value = r.half - std::fabs(away + t);
    w.values[t] = value > smallest ? value : 0;
  }
  for (int t = std::max(0, r.boxes - w.first); t < padded; ++t) w.values[t] = 0;
  double sums[4] = {};
  for (int t = 0; t < padded; t += 4)
    for (int i = 0; i < 4; ++i) sums[i] += w.values[t + i];
  w.sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  return w;
}

// Rounds weights to 128ths. The rest to 128 is added to the largest, or in halves to two equally large ones, so that a
// mirrored picture has mirrored weights.
void quantise(const Weights& w, int padded, std::uint8_t* parts) {
  const double scale = kParts / w.sum;
  int left = kParts;
  for (int t = 0; t < padded; ++t) {
    parts[t] = static_cast<std::uint8_t>(static_cast<int>(w.values[t] * scale + (.5 + kTolerance)));
    left -= parts[t];
  }
  int one = w.largest, other = one;
  const double nearly = w.values[one] - kTolerance;
  if (one > 0 && w.values[one - 1] > nearly) --one;
  if (other + 1 < w.count && w.values[other + 1] > nearly) ++other;
  if (one < w.count - 1 - other)
    std::swap(one, other);  // an odd rest, only at edges: the larger half goes away from the edge
  parts[other] = static_cast<std::uint8_t>(parts[other] + left / 2);
  parts[one] = static_cast<std::uint8_t>(parts[one] + left - left / 2);
}

struct TapBuffers {
  Buffer &start, &count, &weight;
};

Taps taps_of(const AxisReduction& r, Interval some, bool bytes, const TapBuffers& memory) {
  const int n = some.end - some.first;
  Taps out;
  if (r.half == 0) return out;
  out.most = (static_cast<int>(std::ceil(2 * r.half)) + 3) / 4 * 4;
  out.even = r.size == r.boxes && r.step == 1;
  auto* const start = memory.start.get<std::int32_t>(n);
  auto* const count = memory.count.get<std::int32_t>(n);
  auto* parts = bytes ? memory.weight.get<std::uint8_t>(std::int64_t{n} * out.most) : nullptr;
  auto* shares = bytes ? nullptr : memory.weight.get<float>(std::int64_t{n} * out.most);
  out.start = start;
  out.count = count;
  out.parts = parts;
  out.shares = shares;
  Weights w;
  for (int i = 0, pixel = some.first; pixel < some.end; ++i, ++pixel) {
    if (out.even && i > 0 && pixel > 1 && pixel < r.size - 1) {
      ++w.first;  // the same weights as of the pixel before
    } else {
      w = weights_of(r, pixel, out.most);
    }
    start[i] = w.first;
    count[i] = w.count;
    if (bytes) {
      quantise(w, out.most, parts);
      parts += out.most;
    } else {
      for (int t = 0; t < w.count; ++t) shares[t] = static_cast<float>(w.values[t] / w.sum);
      shares += out.most;
    }
  }
  return out;
}

// An image for all reduced pixels, of which only a window will be written.
Image new_image(const Image& s, int height, int width, Buffer& memory) {
  Image out = s;
  out.height = height;
  out.width = width;
  out.row = s.column * width;
  out.spare_height = out.spare_width = 0;
  out.data = memory.get<std::uint8_t>(out.row * height + 128);
  return out;
}

Image box_averages(const Kernels& k, const Image& s, const Reduction& r, Interval rows, Interval columns,
                   Workspace& w) {
  const Interval down = r.y.pixels_of(rows), across = r.x.pixels_of(columns);
  const Image out = new_image(s, r.y.boxes, r.x.boxes, w.boxes);
  Boxes b;
  b.data = s.data + down.first * s.row + across.first * s.column;
  b.row = s.row;
  b.height = down.end - down.first;
  b.width = across.end - across.first;
  b.channels = s.channels;
  b.across = r.x.box;
  b.down = r.y.box;
  b.first_across = std::min(b.width, (columns.first + 1) * r.x.box - r.x.lead - across.first);
  b.first_down = std::min(b.height, (rows.first + 1) * r.y.box - r.y.lead - down.first);
  b.out = const_cast<std::uint8_t*>(out.data) + rows.first * out.row + columns.first * out.column;
  b.out_row = out.row;
  b.sums = w.sums.get<std::uint32_t>(std::int64_t{b.width} * s.channels + 8);
  k.boxes[static_cast<int>(s.type)](b);
  return out;
}

}  // namespace

Shrink shrink_of(const View& v) {
  const auto length = [](double a, double b) { return std::min(std::sqrt(a * a + b * b), 0x1p20); };
  const Steps step = steps_of(v);
  return {length(step.d[0], step.d[1]), length(step.d[2], step.d[3])};
}

Reduction reduction_of(const Plan& plan, const View& view, double height, double width) {
  const Shrink s = plan.antialias && !plan.nearest ? shrink_of(view) : Shrink{1, 1};
  return {along_axis(width, s.x, plan.fill), along_axis(height, s.y, plan.fill), columns_first(view)};
}

Interval AxisReduction::boxes_of(Interval reduced) const {
  if (half == 0) return reduced;
  const double low = centre() + centre_of(reduced.first) - half, high = centre() + centre_of(reduced.end - 1) + half;
  return {static_cast<int>(std::max(low - .5, 0.0)), std::min(boxes, static_cast<int>(high + 1.5))};
}

Interval AxisReduction::pixels_of(Interval some_boxes) const {
  return {std::max(0, some_boxes.first * box - lead), std::min(pixels, some_boxes.end * box - lead)};
}

void Reduction::apply(double* map, const double* denominator) const {
  const auto scale = [denominator](const AxisReduction& r, double* m) {
    if (r.half == 0) return;
    const double step = r.step * r.box, shift = r.size * .5 - r.extent * .5 / step;
    for (int i = 0; i < 3; ++i) m[i] = m[i] / step + shift * denominator[i];
  };
  scale(x, map);
  scale(y, map + 3);
}

Image reduced(const Kernels& k, const Image& source, const Reduction& r, const Window& seen, Workspace& w) {
  const Interval rows{seen.top, seen.bottom}, columns{seen.left, seen.right};
  const Interval down = r.y.boxes_of(rows), across = r.x.boxes_of(columns);
  const Image s = r.x.box > 1 || r.y.box > 1 ? box_averages(k, source, r, down, across, w) : source;
  const bool bytes = s.type == Element::u8;
  Triangle t;
  t.channels = s.channels;
  t.x = taps_of(r.x, columns, bytes, {w.start_x, w.count_x, w.weight_x});
  t.y = taps_of(r.y, rows, bytes, {w.start_y, w.count_y, w.weight_y});
  t.width = r.x.size;
  t.line = w.line.get<float>(std::int64_t{across.end - across.first} * s.channels + 64);
  t.packed = w.sums.get<std::uint32_t>(std::int64_t{columns.end - columns.first + 4} * (t.x.most + 1));
  t.last = w.cached_source.contains(s.data) ? 0 : down.end;
  const auto filter = [&](const Image& from, const Image& to, Interval read, Interval top_to_bottom, Interval write) {
    t.data = from.data;
    t.row = from.row;
    t.first = read.first;
    t.columns = read.end - read.first;
    t.top = top_to_bottom.first;
    t.bottom = top_to_bottom.end;
    t.left = write.first;
    t.right = write.end;
    t.out = const_cast<std::uint8_t*>(to.data);
    t.out_row = to.row;
    k.triangle[static_cast<int>(s.type)](t);
  };
  const Image out = new_image(s, r.y.size, r.x.size, w.reduced);
  if (!r.columns_first || r.x.half == 0 || r.y.half == 0) {
    filter(s, out, across, rows, columns);
    return out;
  }
  const Image between = new_image(s, s.height, r.x.size, w.half_reduced);
  const Taps y = t.y;
  t.y = {};
  filter(s, between, across, down, columns);
  t.y = y;
  t.x = {};
  t.last = 0;
  filter(between, out, columns, rows, columns);
  return out;
}

}  // namespace vary
