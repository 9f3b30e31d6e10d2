// The colour instructions of one picture as few steps as they can be: neighbours merge wherever bounds prove that
// the clip between them does nothing, and an affine step at the beginning moves into the sampler.
#pragma once

#include <memory>
#include <vector>

#include "program.h"
#include "workspace.h"

namespace vary {

// A picture as planes of float32, between two sweeps over it.
struct Canvas {
  float* data = nullptr;
  int height = 0, width = 0, channels = 0;
  std::int64_t stride = 0, area = 0;  // numbers from row to row, and from plane to plane

  float* row(int channel, int y) const { return data + channel * area + y * stride; }
};

// What needs all rows of a picture before it can finish one: a statistic, or a filter.
class Whole {
 public:
  Whole() = default;
  Whole(const Whole&) = delete;
  Whole& operator=(const Whole&) = delete;
  virtual ~Whole() = default;

  // Each row of the sweep before, as it is finished. `finite`: no value can be a NaN or infinite.
  virtual void gather(const Kernels& k, float* const* planes, const Row& row, bool finite) = 0;

  // Between the sweeps: steps for the beginning of the next one.
  virtual std::vector<Step> between(const Canvas& picture, Workspace& w) = 0;

  // Does the next sweep begin with `filter` on every row, in place of the rows that are there?
  virtual bool filters() const = 0;
  virtual void filter(const Kernels& k, int y, float* const* planes) const = 0;
};

// Steps that run in one sweep; the last sweep alone has no `whole` at its end.
struct Sweep {
  std::vector<Step> steps;
  std::unique_ptr<Whole> whole;
};

struct Chain {
  float scale[4] = {1, 1, 1, 1}, bias[4] = {};  // of the sampler
  std::vector<Sweep> sweeps;                    // at least one
};

// What enters a chain: the channels of a picture, all or some, and the type of their values. Integers are within their
// range; of floats no bounds are known.
struct Entering {
  int first = 0, count = 0, of = 0;
  Element type = Element::u8;
};

// Operations of colour, filters and noise add to a chain through this (native/ops). Numbers are per channel.
class ChainBuilder {
 public:
  ChainBuilder(const Kernels& k, const Entering& entering);

  const Kernels& kernels() const { return k_; }
  int channels() const { return entering_.count; }  // of this chain
  int first() const { return entering_.first; }     // the number of the first of them in the picture
  int all() const { return entering_.of; }          // of the picture
  bool rgb() const { return all() == 3 || all() == 4; }
  int coloured() const { return all() == 4 ? 3 : channels(); }  // alpha is left alone

  // x * scale + bias, and a clip to [low, high] of the coloured channels.
  void affine(const double* scale, const double* bias);
  void affine(const double* scale, const double* bias, double low, double high);
  void clip(double low, double high);
  // mix x, of the first three channels.
  void matrix(const double* mix, double low, double high);
  // A kernel by its name in native/kernels; afterwards the coloured channels lie within [least, most].
  void kernel(const char* name, Step step, double least, double most);
  // Afterwards the coloured channels lie within [least, most].
  void whole(std::unique_ptr<Whole> whole, double least, double most);

  // Of the coloured channels so far.
  double least() const;
  double most() const;
  bool within(double low, double high) const;

  Chain finish();

 private:
  std::vector<Step>& steps() { return chain_.sweeps.back().steps; }
  void merge(const double* scale, const double* bias);
  void clip(Step& step, double low, double high);
  void spread(double low, double high);

  const Kernels& k_;
  Entering entering_;
  double low_[4], high_[4];  // bounds of each channel
  Chain chain_;
};

Chain compile(const Kernels& k, const std::vector<Concrete>& colours, const Entering& entering);

}  // namespace vary
