#include "rows.h"

namespace vary {

Rows::Rows(const Kernels& k, const Slot& slot, Workspace& w)
    : k_(k),
      slot_(slot),
      packed_(!slot.planar && slot.between() > 1),
      converted_(!info_of(slot.type).sampled_as_is || (packed_ && slot.of > 0)),
      stride_((slot.width + 63) & ~63) {
  if (!direct()) line_ = w.rows.get<float>(stride_ * slot.channels);
  row_ = std::int64_t{slot.width} * size_of(slot.type) * (packed_ ? slot.between() : 1);
  const bool aligned = reinterpret_cast<std::uintptr_t>(slot.data) % 64 == 0 && row_ % 64 == 0;
  far_ = slot.far && slot.type == Element::f32 && aligned;
}

OutputRow Rows::slot_row(int y) const {
  OutputRow out;
  out.type = slot_.type;
  out.packed = packed_;
  out.far = far_;
  for (int c = 0; c < (packed_ ? 1 : slot_.channels); ++c)
    out.at[c] = slot_.data + (std::int64_t{c} * slot_.height + y) * row_;
  return out;
}

void Rows::planes(int y, float** out) const {
  // A packed row is written at once, after it was sampled, and would then wait for memory. So its cache lines are
  // prefetched before. (This loop is not a function of its own: GCC would remove calls of a function that only
  // prefetches.)
  for (std::int64_t i = 0; packed_ && !far_ && i < row_; i += 64) __builtin_prefetch(slot_.data + y * row_ + i, 1, 3);
  for (int c = 0; c < slot_.channels; ++c)
    out[c] = direct() ? static_cast<float*>(slot_row(y).at[c]) : line_ + c * stride_;
}

void Rows::finish(int y, const float* const* planes) const {
  if (direct()) return;
  if (!converted_) return k_.store(planes, slot_.channels, slot_.width, slot_row(y));
  const std::ptrdiff_t size = size_of(slot_.type), column = packed_ ? size * slot_.between() : size;
  k_.scatter[static_cast<int>(slot_.type)](planes, slot_.channels, slot_.width, slot_.data + y * row_, column,
                                           packed_ ? size : row_ * slot_.height);
}

}  // namespace vary
