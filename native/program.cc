#include "program.h"

namespace vary {

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

double value_of(const Argument& argument, const double* row) {
  return argument.column < 0 ? argument.value : row[argument.column];
}

void add(const Instruction& instruction, const double* row, Resolved& out) {
  if (instruction.op == &kNothing || (instruction.gate >= 0 && row[instruction.gate] == 0)) return;
  const double* const first = out.numbers.data() + out.numbers.size();
  for (const Argument& argument : instruction.arguments) out.numbers.push_back(value_of(argument, row));
  out.instructions.push_back({instruction.op, {first, instruction.arguments.size()}, &instruction.name});
}

}  // namespace

const char* name_of(const Concrete& instruction) {
  return instruction.name != nullptr && !instruction.name->empty() ? instruction.name->c_str() : instruction.op->name;
}

void resolve(const Plan& plan, const double* row, Resolved& out) {
  out.instructions.clear();
  out.numbers.clear();
  std::size_t numbers = 0;
  for (const Instruction& instruction : plan.instructions) numbers += instruction.arguments.size();
  out.numbers.reserve(numbers);  // so that none of them moves
  for (std::size_t i = 0; i < plan.instructions.size(); ++i) {
    const Instruction& instruction = plan.instructions[i];
    if (instruction.op != &kOrder) {
      add(instruction, row, out);
      continue;
    }
    const auto count = static_cast<std::size_t>(value_of(instruction.arguments[0], row));
    std::vector<const Instruction*> items;
    for (std::size_t k = 1; k <= count; ++k) items.push_back(&plan.instructions[i + k]);
    permute(items, static_cast<int>(value_of(instruction.arguments[1], row)));
    for (const Instruction* item : items) add(*item, row, out);
    i += count;
  }
}

}  // namespace vary
