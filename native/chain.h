// The colour instructions of one picture, compiled into as few steps as possible: neighbours are merged where bounds
// prove that the clip between them does nothing, and an affine step at the beginning becomes part of the sampler.
#pragma once

#include <memory>
#include <vector>

#include "program.h"
#include "workspace.h"

namespace vary {

// A picture as planes of float32, between two sweeps over it.
struct FloatPicture {
  float* data = nullptr;
  int height = 0, width = 0, channels = 0;
  std::int64_t stride = 0, area = 0;  // floats from row to row, and from plane to plane

  float* row(int channel, int y) const { return data + channel * area + y * stride; }
};

// A step that needs all rows of a picture before it can finish one: a statistic, or a filter.
class WholePicture {
 public:
  WholePicture() = default;
  WholePicture(const WholePicture&) = delete;
  WholePicture& operator=(const WholePicture&) = delete;
  virtual ~WholePicture() = default;

  // Called with each finished row of the sweep before it. `finite`: no value can be NaN or infinite.
  virtual void gather(const Kernels& k, float* const* planes, const Row& row, bool finite) = 0;

  // Called between the sweeps. Returns steps for the beginning of the next sweep.
  virtual std::vector<Step> between(const FloatPicture& picture, Workspace& w) = 0;

  // True: the next sweep gets its rows from `filter`. False: it works on the rows of the sweep before.
  virtual bool filters() const = 0;
  virtual void filter(const Kernels& k, int y, float* const* planes) const = 0;
};

// Steps that run in one pass over the rows of a picture. All sweeps but the last end with a `whole`.
struct Sweep {
  std::vector<Step> steps;
  std::unique_ptr<WholePicture> whole;
};

struct Chain {
  float scale[4] = {1, 1, 1, 1}, bias[4] = {};  // applied by the sampler
  std::vector<Sweep> sweeps;                    // at least one
};

// The input of a chain: channels [first, first + count) of a picture with `of` channels, and the type of their values.
// Integers are within the range of their type; floats have no known bounds.
struct ChainInput {
  int first = 0, count = 0, of = 0;
  Element type = Element::u8;
};

// The operations of colour, filters and noise (native/ops) build a chain with this. Arrays have a number per channel.
class ChainBuilder {
 public:
  ChainBuilder(const Kernels& k, const ChainInput& input);

  const Kernels& kernels() const { return k_; }
  int channels() const { return input_.count; }  // of this chain
  int first() const { return input_.first; }     // the number of the first of them in the picture
  int all() const { return input_.of; }          // of the picture
  bool rgb() const { return all() == 3 || all() == 4; }
  int coloured() const { return all() == 4 ? 3 : channels(); }  // without alpha

  // x * scale + bias, and a clip to [low, high] of the coloured channels.
  void affine(const double* scale, const double* bias);
  void affine(const double* scale, const double* bias, double low, double high);
  void clip(double low, double high);
  // mix * x (3 x 3), on the first three channels; then a clip.
  void matrix(const double* mix, double low, double high);
  // Adds a kernel by its name in native/kernels. After it the coloured channels lie within [least, most].
  void kernel(const char* name, Step step, double least, double most);
  // After it the coloured channels lie within [least, most].
  void whole(std::unique_ptr<WholePicture> whole, double least, double most);

  // Bounds of the coloured channels after the steps so far.
  double least() const;
  double most() const;
  bool within(double low, double high) const;

  Chain finish();

 private:
  std::vector<Step>& steps() { return chain_.sweeps.back().steps; }
  void merge(const double* scale, const double* bias);
  void clip(Step& step, double low, double high);
  void set_bounds(double low, double high);

  const Kernels& k_;
  ChainInput input_;
  double low_[4], high_[4];  // bounds of each channel after the steps so far
  Chain chain_;
};

Chain compile(const Kernels& k, const std::vector<Concrete>& colours, const ChainInput& input);

}  // namespace vary
