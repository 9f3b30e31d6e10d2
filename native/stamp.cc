#include "stamp.h"

#include <sys/stat.h>

namespace vary {

Stamp stamp_of(const char* path) {
  struct stat status;
  if (stat(path, &status) != 0) return {};
#if defined(__APPLE__)
  const timespec& changed = status.st_mtimespec;
#else
  const timespec& changed = status.st_mtim;
#endif
  const auto seconds =
      static_cast<std::uint64_t>(changed.tv_sec);  // unsigned, so that overflow is defined: stamps are only compared
  return {status.st_size,
          static_cast<std::int64_t>(seconds * 1'000'000'000 + static_cast<std::uint64_t>(changed.tv_nsec))};
}

}  // namespace vary
