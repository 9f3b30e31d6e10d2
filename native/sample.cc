#include "sample.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "reduce.h"
#include "size_limits.h"

namespace vary {
namespace {

// A packed copy of what is seen, in its place, of the type that is sampled.
Image repack(const Kernels& k, const Image& s, const Window& seen, Workspace& w) {
  Image out = s;
  out.type = sampled_as(s.type);
  out.channel = size_of(out.type);
  out.column = out.channel * s.channels;
  out.row = out.column * s.width;
  auto* const data = w.repacked.get<std::uint8_t>(out.row * s.height);
  for (int y = seen.top; y < seen.bottom; ++y)
    k.gather[static_cast<int>(s.type)](s.data + y * s.row + seen.left * s.column, s.column, s.channel, s.channels,
                                       seen.right - seen.left, data + y * out.row + seen.left * out.column);
  out.data = data;
  return out;
}

Image transposed(const Image& s, const Window& seen, Workspace& w) {
  Image out = s;
  std::swap(out.height, out.width);
  std::swap(out.spare_height, out.spare_width);
  const auto pixel = static_cast<std::size_t>(s.column);
  out.row = s.column * out.width;
  auto* const data = w.turned.get<std::uint8_t>(out.row * out.height + 8);
  for (int y = seen.top; y < seen.bottom; ++y)
    for (int x = seen.left; x < seen.right; ++x)
      std::memcpy(data + x * out.row + y * s.column, s.data + y * s.row + x * s.column, pixel);
  out.data = data;
  return out;
}

double wrapped(double p, double period) {
  const double r = p - std::floor(p / period) * period;
  return r < 0 || r >= period ? 0 : r;
}

// A position on [0, size) by the fill; false where the constant fill shows.
bool resolve(Fill fill, double n, double& p) {
  switch (fill) {
    case Fill::constant: return p >= 0 && p < n;
    case Fill::nearest: p = std::clamp(p, 0.0, n); return true;
    case Fill::wrap: p = wrapped(p, n); return true;
    case Fill::reflect:
      p = wrapped(p, 2 * n);
      p = p > n ? 2 * n - p : p;
      return true;
    case Fill::reflect101: {
      if (n <= 1) {
        p = n * .5;
        return true;
      }
      const double c = wrapped(p - .5, 2 * (n - 1));
      p = (c > n - 1 ? 2 * (n - 1) - c : c) + .5;
      return true;
    }
  }
  return true;
}

// The place p of the output along one axis lies at step * p + offset of the source.
struct Line {
  double step, offset;
};

// Weights of a triangle about each output centre, as wide as one output pixel where the picture shrinks (else two
// source pixels: plain bilinear). Taps beyond the picture's edge are dropped and the rest made to sum to one: the
// antialiased filter of Pillow and torchvision.
Axis triangle(const Plan& plan, Line line, double extent, int n, Buffer& starts, Buffer& weights) {
  const auto [step, offset] = line;
  const int size = static_cast<int>(std::ceil(extent));
  const double support = plan.antialias ? std::max(1.0, std::fabs(step)) : 1.0;
  const int most = static_cast<int>(std::min<double>(size, std::ceil(2 * support)));  // centres nearer than `support`
  auto* const start = starts.get<std::int32_t>(n);
  if (std::int64_t{n} * most > kMostBytes / 4)
    throw std::runtime_error("this resize takes over 2 GiB of weights; choose a smaller size, or less of the picture");
  auto* const weight = weights.get<float>(std::int64_t{n} * most + 3);
  std::fill(weight, weight + std::int64_t{n} * most, 0.f);
  bool outside = false;
  for (int i = 0; i < n; ++i) {
    double p = step * (i + .5) + offset;
    if (!resolve(plan.fill, extent, p)) {
      start[i] = -1;
      outside = true;
      continue;
    }
    const int first = static_cast<int>(std::max(0.0, std::floor(p - support - .5) + 1));
    const int end = static_cast<int>(std::min<double>(size, std::ceil(p + support - .5)));
    const int begin = std::max(0, std::min(first, size - most));  // all `most` taps exist, the outer ones weigh nothing
    double sum = 0;
    for (int x = first; x < end; ++x) sum += 1 - std::fabs(x + .5 - p) / support;
    for (int x = first; x < end; ++x)
      weight[std::int64_t{i} * most + (x - begin)] = static_cast<float>((1 - std::fabs(x + .5 - p) / support) / sum);
    start[i] = begin;
  }
  return {n, start, weight, most, outside};
}

void prepare_resize(Sampler& out, const Plan& plan, const Image& source, const View& view, Workspace& w) {
  Resize& r = out.resize;
  r.data = source.data;
  r.row = source.row;
  r.x = triangle(plan, {view.m[0], view.m[2]}, source.true_width(), view.width, w.start_x, w.weight_x);
  r.y = triangle(plan, {view.m[4], view.m[5]}, source.true_height(), view.height, w.start_y, w.weight_y);
  int first = source.width, end = 0;
  for (int i = 0; i < view.width; ++i) {
    if (r.x.start[i] < 0) continue;
    first = std::min(first, r.x.start[i]);
    end = std::max(end, r.x.start[i] + r.x.taps);
  }
  r.first = std::min(first, end);
  r.columns = std::max(end - r.first, r.x.taps);  // all taps are read, also for columns outside
  const std::int64_t floats = std::int64_t{r.columns} * out.channels + 4;
  out.scratch = w.line.get<float>(floats);
  std::fill(out.scratch, out.scratch + floats, 0.f);
}

// Of [0, size): what positions from `low` to `high` read, each with `margin` about it.
Interval reach(Fill fill, double low, double high, double margin, int size) {
  const bool turns = fill != Fill::constant && fill != Fill::nearest;
  if (turns && (low < 0 || high > size)) return {0, size};
  const double first = std::floor(std::clamp<double>(low, 0, size) - margin);
  const double end = std::ceil(std::clamp<double>(high, 0, size) + margin);
  return {static_cast<int>(std::max(first, 0.0)), static_cast<int>(std::min<double>(end, size))};
}

struct Span {
  double low, high;
};

struct Box {
  Span x, y;
};

// The box about where a map takes a box: its corners have the least and greatest positions.
// False if there is no end: the box reaches behind the horizon of a projective map.
bool move_box(const double* m, const double* p, Box& box) {
  constexpr double most = 1e300;
  Box out{{HUGE_VAL, -HUGE_VAL}, {HUGE_VAL, -HUGE_VAL}};
  for (const double x : {box.x.low, box.x.high})
    for (const double y : {box.y.low, box.y.high}) {
      const double over = p[0] * x + (p[1] * y + p[2]);
      if (!(over > kHorizon)) return false;
      const double to_x = (m[0] * x + (m[1] * y + m[2])) / over, to_y = (m[3] * x + (m[4] * y + m[5])) / over;
      if (!(std::fabs(to_x) <= most && std::fabs(to_y) <= most)) return false;
      out.x = {std::min(out.x.low, to_x), std::max(out.x.high, to_x)};
      out.y = {std::min(out.y.low, to_y), std::max(out.y.high, to_y)};
    }
  box = out;
  return true;
}

// What positions of the canvas span, and more where there are fields.
Box box_of(const View& v) {
  Box box{{0, static_cast<double>(v.width)}, {0, static_cast<double>(v.height)}};
  constexpr Box everything{{-kFurthest, kFurthest}, {-kFurthest, kFurthest}};
  for (std::size_t i = v.layers.size(); i-- > 0;) {
    const auto& [field, map] = v.layers[i];
    if (!move_box(map.m, map.p, box)) return everything;
    const Displacements d = range_of(field);
    box = {{box.x.low + d.least_x, box.x.high + d.greatest_x}, {box.y.low + d.least_y, box.y.high + d.greatest_y}};
  }
  return move_box(v.m, v.p, box) ? box : everything;
}

// The reduced pixels that a warp reads; `at` counts in them.
Window read_by(Fill fill, const View& at, const Reduction& r) {
  const auto [x, y] = box_of(at);
  const Interval columns = reach(fill, x.low, x.high, 2, r.x.size), rows = reach(fill, y.low, y.high, 2, r.y.size);
  return {rows.first, columns.first, rows.end, columns.end};
}

// k times a step, each rounded to the grid by itself: for the vectors that rows of this width take. False where one is
// too far for 32 bits; they are then zeros.
bool fill_steps(double step, int width, std::int32_t* steps) {
  const int n = std::min(kWarpBlock, (width + 15) / 16 * 16);
  const bool near = std::fabs(step) * n <= 0x1p15;
  for (int k = 0; k < n; ++k) steps[k] = near ? static_cast<std::int32_t>(std::floor(k * step * 0x1p15 + .5)) : 0;
  return near;
}

// Is the centre of every pixel of the canvas, in vectors beyond its edge too, within +-5e8 pixels of the source?
bool within_reach(const double* m, int height, int width) {
  const double furthest = std::fabs(m[0]) * (width + 16.) + std::fabs(m[1]) * (height + 1.) + std::fabs(m[2]);
  return furthest + 1 < kFurthest;
}

void prepare_warp(const Kernels& k, Sampler& out, const Plan& plan, Image source, const View& view, Workspace& w) {
  Warp& s = out.warp;
  const Reduction r = reduction_of(plan, view, source.true_height(), source.true_width());
  View at = view;
  r.apply(at.m, at.p);
  std::copy(at.m, at.m + 6, s.map);
  std::copy(at.p, at.p + 3, s.over);
  const Window seen = read_by(plan.fill, at, r);
  out.reduced = r.changes();
  if (out.reduced) {
    source = reduced(k, source, r, seen, w);
  } else if (!w.cached_source.contains(source.data)) {
    k.touch(source.data + seen.top * source.row + seen.left * source.column, source.row, seen.bottom - seen.top,
            (seen.right - seen.left) * source.column);
  }
  const bool near = fill_steps(s.map[0], view.width, s.steps_x) & fill_steps(s.map[3], view.width, s.steps_y) &
                    within_reach(s.map, view.height, view.width) & within_reach(s.map + 3, view.height, view.width);
  if (!at.layers.empty()) {
    const std::int64_t n = (view.width + 15) / 16 * 16;  // vectors may extend beyond the row
    out.positions[0] = w.positions.get<double>(2 * n);
    out.positions[1] = out.positions[0] + n;
    out.view = std::move(at);
    s.positions[0] = out.positions[0];
    s.positions[1] = out.positions[1];
  }
  s.projective = !view.affine();
  s.distant = s.projective || !near;
  s.height = source.height;
  s.width = source.width;
  s.data = source.data;
  s.row = source.row;
  s.limit = std::int64_t{source.height - 1} * source.row + source.width * source.column - 8;
  s.fill = plan.fill;
  s.nearest = plan.nearest;
}

}  // namespace

bool samples_separably(const Plan& plan, const View& v) {
  if (!plan.antialias || plan.nearest || !v.affine()) return false;
  const bool aligned = v.m[1] == 0 && v.m[3] == 0, crossed = v.m[0] == 0 && v.m[4] == 0;
  const double x = std::fabs(aligned ? v.m[0] : v.m[1]), y = std::fabs(aligned ? v.m[4] : v.m[3]);
  return (aligned || crossed) && (x > 1 || y > 1);
}

Window window_of(const Plan& plan, const View& v, double height, double width) {
  if (!samples_separably(plan, v)) {
    const Reduction r = reduction_of(plan, v, height, width);
    View at = v;
    r.apply(at.m, at.p);
    const Window seen = read_by(plan.fill, at, r);
    const Interval x = r.x.pixels_of(r.x.boxes_of({seen.left, seen.right}));
    const Interval y = r.y.pixels_of(r.y.boxes_of({seen.top, seen.bottom}));
    return {y.first, x.first, y.end, x.end};
  }
  const auto along = [&](const double* m, Span span, double extent) {
    // At an edge all taps exist, the outer ones idle: up to two supports from the centre, not one.
    const double margin = 2 * std::max(1.0, std::fabs(m[0]) + std::fabs(m[1])) + 2;
    return reach(plan.fill, span.low, span.high, margin, static_cast<int>(std::ceil(extent)));
  };
  const Box box = box_of(v);
  const Interval x = along(v.m, box.x, width), y = along(v.m + 3, box.y, height);
  return {y.first, x.first, y.end, x.end};
}

Sampler prepare(const Kernels& k, const Plan& plan, Image source, const View& given, Workspace& w) {
  Sampler out;
  View view = given;
  out.type = static_cast<int>(sampled_as(source.type));
  out.channels = source.channels;
  out.whole = info_of(source.type).whole;
  const bool apart = source.row * (source.height - 1) > INT32_MAX / 2;  // kernels count bytes in 32 bits
  if (!source.packed() || source.row < 0 || apart || !info_of(source.type).sampled_as_is)
    source = repack(k, source, window_of(plan, view, source.true_height(), source.true_width()), w);
  source.channel = size_of(source.type);  // where there is one channel or column, the stride given may be anything
  source.column = source.channel * source.channels;
  out.separable = samples_separably(plan, view);
  if (out.separable && view.m[1] != 0) {
    source = transposed(source, window_of(plan, view, source.height, source.width), w);
    const double m[6] = {view.m[3], 0, view.m[5], 0, view.m[1], view.m[2]};
    std::copy(m, m + 6, view.m);
  }
  if (out.separable) {
    prepare_resize(out, plan, source, view, w);
  } else {
    prepare_warp(k, out, plan, source, view, w);
  }
  for (int c = 0; c < kGroup; ++c) out.warp.fill_value[c] = out.resize.fill_value[c] = plan.fill_of(source.first + c);
  return out;
}

void Sampler::locate(int y, int n) const {
  const int all = (n + 15) / 16 * 16;
  locate_row(view, y, all, positions[0], positions[1]);
  for (double* const at : positions)
    for (int k = 0; k < all; ++k) at[k] = std::isnan(at[k]) ? 2 * kFurthest : at[k] - .5;
}

void Sampler::set_scale(const float* scale, const float* bias) {
  std::copy(scale, scale + 4, warp.scale);
  std::copy(bias, bias + 4, warp.bias);
  std::copy(scale, scale + 4, resize.scale);
  std::copy(bias, bias + 4, resize.bias);
}

}  // namespace vary
