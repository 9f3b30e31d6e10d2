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
  return {status.st_size, std::int64_t{changed.tv_sec} * 1'000'000'000 + changed.tv_nsec};
}

}  // namespace vary
