#include "program.h"

namespace vary {

std::span<const OpName> op_table() {
  static constexpr OpName table[] = {
      {"resize", Op::resize},
      {"rotate", Op::rotate},
      {"shear", Op::shear},
      {"shear_degrees", Op::shear_degrees},
      {"zoom", Op::zoom},
      {"translate", Op::translate},
      {"flip_horizontal", Op::flip_horizontal},
      {"flip_vertical", Op::flip_vertical},
      {"transpose", Op::transpose},
      {"rotate90", Op::rotate90},
      {"crop", Op::crop},
      {"center_crop", Op::center_crop},
      {"resized_crop", Op::resized_crop},
      {"pad", Op::pad},
      {"rescale", Op::rescale},
      {"normalize", Op::normalize},
      {"brightness", Op::brightness},
      {"contrast", Op::contrast},
      {"saturation", Op::saturation},
      {"hue", Op::hue},
      {"shift", Op::shift},
      {"order", Op::order},
      {"cut", Op::cut},
  };
  return table;
}

namespace {

// Reorders items[0 .. count) by the factorial number `code` (0 .. count! - 1): each digit picks among those left.
void permute(std::vector<const Instruction*>& items, int code) {
  std::vector<const Instruction*> left = items;
  int radix = 1;
  for (int i = 2; i < static_cast<int>(items.size()); ++i) radix *= i;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const auto pick = static_cast<std::ptrdiff_t>(code / radix % static_cast<int>(left.size()));
    items[i] = left[static_cast<std::size_t>(pick)];
    left.erase(left.begin() + pick);
    code %= radix;
    if (left.size() > 1) radix /= static_cast<int>(left.size());
  }
}

void append(const Instruction& instruction, const double* row, std::vector<Concrete>& out) {
  if (instruction.gate >= 0 && row[instruction.gate] == 0) return;
  Concrete c{instruction.op, {}, static_cast<int>(instruction.arguments.size()), &instruction.name};
  for (int i = 0; i < c.count; ++i) {
    const Argument& argument = instruction.arguments[static_cast<std::size_t>(i)];
    c.a[i] = argument.column < 0 ? argument.value : row[argument.column];
  }
  out.push_back(c);
}

}  // namespace

const char* name_of(const Concrete& instruction) {
  if (instruction.name != nullptr && !instruction.name->empty()) return instruction.name->c_str();
  for (const OpName& info : op_table())
    if (info.op == instruction.op) return info.name;
  return "the policy";
}

void materialise(const Plan& plan, const double* row, std::vector<Concrete>& out) {
  out.clear();
  for (std::size_t i = 0; i < plan.instructions.size(); ++i) {
    const Instruction& instruction = plan.instructions[i];
    if (instruction.op != Op::order) {
      append(instruction, row, out);
      continue;
    }
    const auto value = [&](std::size_t k) {
      const Argument& a = instruction.arguments[k];
      return a.column < 0 ? a.value : row[a.column];
    };
    const auto count = static_cast<std::size_t>(value(0));
    std::vector<const Instruction*> items;
    for (std::size_t k = 1; k <= count; ++k) items.push_back(&plan.instructions[i + k]);
    permute(items, static_cast<int>(value(1)));
    for (const Instruction* item : items) append(*item, row, out);
    i += count;
  }
}

}  // namespace vary
