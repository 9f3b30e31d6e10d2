// Size and time of change of a file, by which a cache notices that the file was replaced or changed.
#pragma once

#include <cstdint>

namespace vary {

struct Stamp {
  std::int64_t bytes = -1, changed = -1;  // size; nanoseconds since 1970. -1: there is no such file
};

// Follows links.
Stamp stamp_of(const char* path);

}  // namespace vary
