#include "op.h"

namespace vary {
namespace {

constexpr Op kControl[] = {
    {"order", Kind::control, 2, 0},
    {"cut", Kind::control, 1, 0},
    {"nothing", Kind::control, 0, 0},
};

}  // namespace

const Op& kOrder = kControl[0];
const Op& kCut = kControl[1];
const Op& kNothing = kControl[2];

std::span<const Op> control_ops() { return kControl; }

std::span<const std::span<const Op>> all_ops() {
  static const std::span<const Op> tables[] = {geometry_ops(), colour_ops(), filter_ops(), noise_ops(), control_ops()};
  return tables;
}

const Op* find_op(std::string_view name) {
  for (const std::span<const Op> table : all_ops())
    for (const Op& op : table)
      if (name == op.name) return &op;
  return nullptr;
}

}  // namespace vary
