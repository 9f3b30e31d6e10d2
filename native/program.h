// The instruction list of a policy, which src/vary/plan/compile.py passes to the core. An argument is a number or a
// column of the parameter array. An instruction whose gate column is 0 for a picture is skipped for that picture.
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
  std::string name = {};  // of its transform, for messages; empty: the name of `op`
};

// The instructions of one policy for one kind of picture. Immutable once built; threads share it.
struct Plan {
  std::vector<Instruction> instructions;
  std::vector<Draw> draws;
  int columns = 0;
  int channels = 3;
  Fill fill = Fill::nearest;
  std::vector<float> fill_value = std::vector<float>(1);  // of each channel; the last one also of all channels after it
  bool nearest = false, antialias = true;

  float fill_of(int channel) const {
    const auto c = static_cast<std::size_t>(channel);
    return c < fill_value.size() ? fill_value[c] : fill_value.back();
  }
};

// One instruction for one picture: gates and columns resolved, orders carried out.
struct Concrete {
  const Op* op = nullptr;
  Arguments a;                        // point into `Resolved::numbers`
  const std::string* name = nullptr;  // points into the plan
};
const char* name_of(const Concrete& instruction);

// A program for one picture.
struct Resolved {
  std::vector<Concrete> instructions;
  std::vector<double> numbers;
};
void resolve(const Plan& plan, const double* row, Resolved& out);

}  // namespace vary
