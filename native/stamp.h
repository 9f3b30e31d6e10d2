// What tells a file from the one that lay there before.
#pragma once

#include <cstdint>

namespace vary {

struct Stamp {
  std::int64_t bytes = -1, changed = -1;  // of the file; nanoseconds of the epoch. -1: there is none
};

// Follows links.
Stamp stamp_of(const char* path);

}  // namespace vary
