// A program in segments: between two cuts, all geometry is one map and all colour one chain behind it.
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
  Element stored = Element::u8;    // of the picture at the cut that ends it
  const Concrete* last = nullptr;  // map: what made the canvas
};
Segment next_segment(const Concrete* begin, const Concrete* end, const View& start);

// Throws std::runtime_error, with the name of the transform, if the segment's canvas has over 2 GiB.
void check_canvas(const Segment& s, int channels, Element type);

// One picture through one segment, into a slot.
void run_segment(const Context& context, const Image& source, const Segment& s, const Slot& slot);

}  // namespace vary
