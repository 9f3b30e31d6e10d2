// An operation: the entry of a table that says what an instruction of a Program does. src/vary/ops has the same table
// with the meaning of each entry in float64; a test compares both.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace vary {

struct View;
class ChainBuilder;

// Decides where a program is cut (src/vary/plan/segment.py), and how an operation is run.
enum class Kind {
  map,        // geometry: consecutive maps are one sampling
  pointwise,  // changes each pixel by itself, after the sampling
  whole,      // needs other pixels as well; keeps its place
  noise,      // depends on the position on the canvas; keeps its place
  control,    // order, cut, nothing
};

using Arguments = std::span<const double>;

struct Op {
  const char* name;
  Kind kind;
  int numbers, each;                                  // how many arguments: `numbers`, plus `each` for each channel;
                                                      // each = -1: plus any number of at least one
  void (*map)(Arguments, View&) = nullptr;            // of maps
  void (*stage)(Arguments, ChainBuilder&) = nullptr;  // of pointwise, whole and noise

  bool accepts(std::int64_t count, int channels) const {
    const std::int64_t least = numbers + (each < 0 ? 1 : std::int64_t{each} * channels);
    return each < 0 ? count >= least : count == least;
  }
};

// The tables, one for each file; table.cc lists them. They are constants, so threads may use them while the program
// ends.
std::span<const Op> geometry_ops();
std::span<const Op> colour_ops();
std::span<const Op> filter_ops();
std::span<const Op> noise_ops();
std::span<const Op> control_ops();
std::span<const std::span<const Op>> all_ops();

const Op* find_op(std::string_view name);  // nullptr: no such operation

extern const Op& kOrder;    // the next `count` instructions run in the order of factorial number `code`
extern const Op& kCut;      // resample here, and go on from that picture
extern const Op& kNothing;  // replaces an instruction that is left out, so that the counts of orders stay right

}  // namespace vary
