// Writes finished rows into a batch slot.
#pragma once

#include "kernels/kernels.h"
#include "workspace.h"

namespace vary {

class Rows {
 public:
  Rows(const Kernels& k, const Slot& slot, Workspace& w);

  // Row y of the slot itself. Only if `plain`.
  OutputRow slot_row(int y) const;
  bool plain() const { return !converted_; }  // can kernels write rows into the slot?

  // Is the slot planar float32, so that steps can work in place?
  bool direct() const { return slot_.type == Element::f32 && !packed_; }

  // Planes of float32 for row y: the slot's own, or a temporary row, which `finish` writes into the slot.
  void planes(int y, float** out) const;
  void finish(int y, const float* const* planes) const;

 private:
  const Kernels& k_;
  const Slot& slot_;
  bool packed_;     // pixels of several channels
  bool converted_;  // to another type than float32 and uint8, or interleaved with other channels of the picture
  bool far_;
  std::int64_t row_, stride_;  // bytes of a row of the slot, floats of a plane in `line_`
  float* line_ = nullptr;
};

}  // namespace vary
