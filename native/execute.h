// Runs a plan on a batch of pictures and writes the results into batch slots.
#pragma once

#include <string>

#include "geometry.h"

namespace vary {

// Where a picture comes from: an array, a JPEG, which is decoded at the level that its program allows, or a cache
// block.
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
  std::string error;     // set if this picture failed; its slot is then unspecified
  bool damaged = false;  // set if its file is damaged, but no row that was read is lost (jpeg.h)
};

struct Options {
  int threads = 1;
  bool full_decode = false;      // decode JPEGs at full size
  bool allow_truncated = false;  // accept JPEGs of which rows are lost
  std::int64_t max_pixels = 178956970;
  // Each run of this many tasks has one source: a JPEG is then decoded once, at the smallest denominator that any
  // needs.
  int views = 1;
};

// What was done, for tests and reports. Times are summed over threads. plan/request.py explains the counts.
struct Counts {
  std::int64_t pictures = 0, decodes = 0, resamples = 0, sweeps = 0, reductions = 0, growths = 0;
  std::int64_t decode_ns = 0, total_ns = 0;
};

// What all steps of the work on a picture use.
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

// One resampling of a picture's program, for `explain`.
struct Pass {
  View view;
  bool separable = false;
  double shrink_x = 1, shrink_y = 1;  // source pixels to one of the canvas along each source axis, if antialiased
  int level = 1;
  int maps = 0, stages = 0;  // instructions that went into it
  int sweeps = 0;            // over the picture, after the first
};
std::vector<Pass> passes(const Plan& plan, const Source& source, const double* row, const Options& options);

// The level (1, 2, 4 or 8) at which a JPEG, given as file or cache block, has to be decoded for this row. Throws
// std::runtime_error for an unreadable header or one that claims too many pixels.
int level_of(const Plan& plan, const Source& source, const double* row, const Options& options);

// The canvas of the source as shown, then that of each segment with the map to the canvas before. Throws
// std::runtime_error for an unreadable header.
std::vector<View> maps(const Plan& plan, const Source& source, const double* row, const Options& options);

// The last canvas, whose size the `Slot` must have. Throws std::runtime_error for an unreadable header.
View final_view(const Plan& plan, const Source& source, const double* row, const Options& options);

}  // namespace vary
