// The types that values of pictures may have, in one table. src/vary/elements.py has the same; a test compares them.
#pragma once

#include <cstddef>

namespace vary {

enum class Element : int {
  u8,
  f32,
  u16,
  i16,
  f16
};  // these numbers are also written in programs, as the type of a cut

struct ElementInfo {   // NOLINT(clang-analyzer-optin.performance.Padding)
  const char* name;    // NumPy's
  char format;         // of Python's buffer protocol
  int bytes;           // of one value
  double low, high;    // the range of pictures, unless a policy states another
  bool whole;          // integers: these also hold no value outside the range
  bool sampled_as_is;  // else converted to float32 before it is sampled
};

inline constexpr ElementInfo kElements[] = {
    {"uint8", 'B', 1, 0, 255, true, true},     {"float32", 'f', 4, 0, 1, false, true},
    {"uint16", 'H', 2, 0, 65535, true, false}, {"int16", 'h', 2, -32768, 32767, true, false},
    {"float16", 'e', 2, 0, 1, false, false},
};
constexpr int kElementCount = static_cast<int>(sizeof kElements / sizeof *kElements);
constexpr int kMostChannels = 1024;
constexpr int kGroup = 4;  // channels that kernels work on at once

inline const ElementInfo& info_of(Element element) { return kElements[static_cast<int>(element)]; }
inline std::ptrdiff_t size_of(Element element) { return info_of(element).bytes; }
inline Element sampled_as(Element element) { return info_of(element).sampled_as_is ? element : Element::f32; }

}  // namespace vary
