// An operation: what one instruction of a Program does, as one entry of a table. src/vary/ops holds the same table with
// the meaning of each entry in float64; a test compares the two.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace vary {

struct View;
class ChainBuilder;

// Decides where a program is cut (src/vary/plan/segment.py), and how an operation is run.
enum class Kind {
  map,        // moves the canvas: several in a row are one sampling
  pointwise,  // colour of a pixel by itself, after the sampling
  whole,      // needs all pixels around; keeps its place
  noise,      // adds what depends on the place on the canvas; keeps its place
  control,    // order, cut
};

using Arguments = std::span<const double>;

struct Op {
  const char* name;
  Kind kind;
  int numbers, each;                                  // how many arguments: so many, and so many for each channel;
                                                      // each = -1: at least one more
  void (*map)(Arguments, View&) = nullptr;            // of maps
  void (*stage)(Arguments, ChainBuilder&) = nullptr;  // of pointwise, whole and noise

  bool accepts(std::int64_t count, int channels) const {
    const std::int64_t least = numbers + (each < 0 ? 1 : std::int64_t{each} * channels);
    return each < 0 ? count >= least : count == least;
  }
};

// The tables, one a file; table.cc lists them. Constants: threads may use them while the program ends.
std::span<const Op> geometry_ops();
std::span<const Op> colour_ops();
std::span<const Op> filter_ops();
std::span<const Op> noise_ops();
std::span<const Op> control_ops();
std::span<const std::span<const Op>> all_ops();

const Op* find_op(std::string_view name);  // nullptr: no such operation

extern const Op& kOrder;    // the next `count` instructions run in the order of factorial number `code`
extern const Op& kCut;      // resample here, and go on from that picture
extern const Op& kNothing;  // in place of an instruction that is left out, so that orders count the same

}  // namespace vary
