// A batch of pictures through a plan into batch slots: the one call in which all pixels are touched.
#pragma once

#include <string>

#include "geometry.h"

namespace vary {

// Where a picture comes from: an array, a JPEG that is decoded at the level its program allows, or that level, kept.
struct Source {
  enum Kind : int { array, jpeg, level } kind = array;
  Image image;                         // of an array
  const std::uint8_t* data = nullptr;  // of the others
  std::size_t size = 0;
};

struct Task {
  Source source;
  const double* row = nullptr;  // this picture's parameters
  Slot slot;
  std::string error;     // filled in when this picture failed; its slot is then unspecified
  bool damaged = false;  // filled in: its file is damaged, but has every row that was read (jpeg.h)
};

struct Options {
  int threads = 1;
  bool exact = false;     // JPEG always at full size
  bool tolerant = false;  // accept what decodes of a damaged JPEG
  std::int64_t max_pixels = 178956970;
  // So many tasks in sequence have one source: a JPEG is decoded once, at the smallest denominator that one needs.
  int views = 1;
};

// What was done, for tests and reports: counts, never times except the two sums of nanoseconds over threads.
struct Counts {
  std::int64_t pictures = 0, decodes = 0, resamples = 0, sweeps = 0, reductions = 0, growths = 0;
  std::int64_t decode_ns = 0, total_ns = 0;
};

// What the work on a picture refers to.
struct Workspace;
struct Kernels;
struct Context {
  const Kernels& k;
  const Plan& plan;
  const Options& options;
  Workspace& w;
  Counts& counts;
};

Counts execute(const Plan& plan, std::vector<Task>& tasks, const Options& options);

// One resampling of a picture's program, for people: where it goes, by which sampler, what it costs.
struct Pass {
  View view;
  bool separable = false;
  double shrink_x = 1, shrink_y = 1;  // source pixels to one of the canvas along each source axis, if antialiased
  int level = 1;
  int maps = 0, stages = 0;  // instructions that went into it
  int sweeps = 0;            // over the picture, after the first
};
std::vector<Pass> passes(const Plan& plan, const Source& source, const double* row, const Options& options);

// The level (1, 2, 4 or 8) at which a JPEG, or what was kept of one, has to be decoded for this row. Throws
// std::runtime_error for an unreadable header or one that claims too many pixels.
int level_of(const Plan& plan, const Source& source, const double* row, const Options& options);

// The source as it is shown, then the canvas of each segment, with the map to the one before. Throws std::runtime_error
// for an unreadable header.
std::vector<View> maps(const Plan& plan, const Source& source, const double* row, const Options& options);

// The size of the last canvas: what `Slot` must be. Throws std::runtime_error for an unreadable header.
View final_view(const Plan& plan, const Source& source, const double* row, const Options& options);

}  // namespace vary
