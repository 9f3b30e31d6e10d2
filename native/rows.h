// Finished rows on their way into a batch slot.
#pragma once

#include "kernels/kernels.h"
#include "workspace.h"

namespace vary {

class Rows {
 public:
  Rows(const Kernels& k, const Slot& slot, Workspace& w);

  // Row y of the slot itself, where kernels can write it.
  OutputRow slot_row(int y) const;
  bool plain() const { return !converted_; }

  // Is the slot made of planes of float32, which can be worked on where they lie?
  bool direct() const { return slot_.type == Element::f32 && !packed_; }

  // Planes of float32 for row y: the slot's, or a row that stays in cache until `finish` writes it to the slot.
  void planes(int y, float** out) const;
  void finish(int y, const float* const* planes) const;

 private:
  const Kernels& k_;
  const Slot& slot_;
  bool packed_;     // pixels of several channels
  bool converted_;  // to another type than float32 or uint8, or between the other channels of the picture
  bool far_;
  std::int64_t row_, stride_;  // bytes of a row of the slot, floats of a plane in `line_`
  float* line_ = nullptr;
};

}  // namespace vary
