// The instruction list, as the core reads it: what src/vary/plan/program.py writes. An argument is a number or a
// column of the parameter array; an instruction whose gate column is 0 for a picture is not there for that picture.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "image.h"
#include "kernels/kernels.h"
#include "random.h"

namespace vary {

enum class Op : int {
  // geometry: moves the canvas, changes the map
  resize,
  rotate,
  shear,
  shear_degrees,
  zoom,
  translate,
  flip_horizontal,
  flip_vertical,
  transpose,
  rotate90,
  crop,
  center_crop,
  resized_crop,
  pad,
  // colour: pointwise, in listed order; contrast first needs the mean of the picture at its place
  rescale,
  normalize,
  brightness,
  contrast,
  saturation,
  hue,
  shift,
  // control
  order,  // the next `count` instructions run in the order that `code` names
  cut,    // resample here, and go on from that picture
};

inline bool is_geometry(Op op) { return op < Op::rescale; }

struct OpName {
  const char* name;  // in the Program's text
  Op op;
};
std::span<const OpName> op_table();  // of constants: threads may use it while the program ends

struct Argument {
  double value = 0;
  int column = -1;  // >= 0: read the parameter array instead
};

struct Instruction {
  Op op;
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
  float fill_value[4] = {};
  bool nearest = false, antialias = true;
};

// One instruction for one picture: gates and columns resolved, orders carried out.
struct Concrete {
  Op op;
  double a[12];
  int count;
  const std::string* name = nullptr;  // the plan's
};
const char* name_of(const Concrete& instruction);
void materialise(const Plan& plan, const double* row, std::vector<Concrete>& out);

}  // namespace vary
