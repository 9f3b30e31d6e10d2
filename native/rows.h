// Finished rows on their way into a batch slot.
#pragma once

#include "kernels/kernels.h"
#include "workspace.h"

namespace vary {

// Writes finished rows: directly where the slot is planar float32, else through a row of planes in cache.
class Rows {
 public:
  Rows(const Kernels& k, const Slot& slot, Workspace& w) : k_(k), slot_(slot) {
    stride_ = (slot.width + 63) & ~63;
    if (!direct()) line_ = w.rows.get<float>(std::int64_t{stride_} * slot.channels);
  }

  bool direct() const { return slot_.type == Type::f32 && slot_.planar; }

  void planes(int y, float** out) const {
    if (!slot_.planar) bring(y);
    const std::int64_t area = std::int64_t{slot_.height} * slot_.width;
    for (int c = 0; c < slot_.channels; ++c)
      out[c] = direct() ? reinterpret_cast<float*>(slot_.data) + c * area + std::int64_t{y} * slot_.width
                        : line_ + std::int64_t{c} * stride_;
  }

  void finish(int y, const float* const* planes) const {
    if (direct()) return;
    const std::int64_t area = std::int64_t{slot_.height} * slot_.width, at = std::int64_t{y} * slot_.width;
    if (slot_.type == Type::f32)
      return k_.to_f32(planes, slot_.channels, slot_.width, reinterpret_cast<float*>(slot_.data) + at * slot_.channels);
    std::uint8_t* planar[4];
    for (int c = 0; c < slot_.channels; ++c) planar[c] = slot_.data + c * area + at;
    k_.to_u8(planes, slot_.channels, slot_.width, slot_.planar ? planar : nullptr, slot_.data + at * slot_.channels);
  }

 private:
  // A packed row is written in one go, and would wait for its memory then: it is asked for while the row is sampled.
  void bring(int y) const {
    const std::int64_t bytes = std::int64_t{slot_.width} * slot_.channels * size_of(slot_.type);
    for (std::int64_t i = 0; i < bytes; i += 64) __builtin_prefetch(slot_.data + y * bytes + i, 1, 3);
  }

  const Kernels& k_;
  const Slot& slot_;
  std::int64_t stride_ = 0;
  float* line_ = nullptr;
};

}  // namespace vary
