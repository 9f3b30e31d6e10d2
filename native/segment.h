// Splits a program into segments and runs them. Between two cuts all geometry is one map, and all other instructions
// are one chain after it.
#pragma once

#include "execute.h"
#include "workspace.h"

namespace vary {

// The instructions up to the next cut.
struct Segment {
  const Concrete* end = nullptr;  // the cut, or the end of the program
  View view;                      // canvas -> source of this segment
  std::vector<Concrete> stages;   // pointwise, whole and noise, in listed order
  int maps = 0;
  Element stored = Element::u8;    // the type in which the cut that ends it stores the picture
  const Concrete* last = nullptr;  // the last map, which made the canvas; for messages
};
Segment next_segment(const Concrete* begin, const Concrete* end, const View& start);

// Throws std::runtime_error, with the name of the transform, if the segment's canvas has over 2 GiB.
void check_canvas(const Segment& s, int channels, Element type);

// Runs one segment on one picture and writes the result into a slot.
void run_segment(const Context& context, const Image& source, const Segment& s, const Slot& slot);

}  // namespace vary
