// The instruction list, as the core reads it: what src/vary/plan/program.py writes. An argument is a number or a
// column of the parameter array; an instruction whose gate column is 0 for a picture is not there for that picture.
#pragma once

#include <string>
#include <vector>

#include "image.h"
#include "kernels/kernels.h"
#include "ops/op.h"
#include "random.h"

namespace vary {

struct Argument {
  double value = 0;
  int column = -1;  // >= 0: read the parameter array instead
};

struct Instruction {
  const Op* op = nullptr;
  int gate = -1;
  std::vector<Argument> arguments;
  std::string name = {};  // of its transform, for messages; empty: the instruction's own
};

// One template a policy (and input type); immutable once built, shared by all threads.
struct Plan {
  std::vector<Instruction> instructions;
  std::vector<Draw> draws;
  int columns = 0;
  int channels = 3;
  Fill fill = Fill::nearest;
  std::vector<float> fill_value = std::vector<float>(1);  // of each channel, or one for all that are left
  bool nearest = false, antialias = true;

  float fill_of(int channel) const {
    const auto c = static_cast<std::size_t>(channel);
    return c < fill_value.size() ? fill_value[c] : fill_value.back();
  }
};

// One instruction for one picture: gates and columns resolved, orders carried out.
struct Concrete {
  const Op* op = nullptr;
  Arguments a;                        // in `Resolved::numbers`
  const std::string* name = nullptr;  // the plan's
};
const char* name_of(const Concrete& instruction);

// A program for one picture.
struct Resolved {
  std::vector<Concrete> instructions;
  std::vector<double> numbers;
};
void resolve(const Plan& plan, const double* row, Resolved& out);

}  // namespace vary
