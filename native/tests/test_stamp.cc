// Files' stamps: as the system tells them, whatever the time, and told apart from no file at all.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <string>

#include "check.h"
#include "stamp.h"

namespace {

void set_time(const std::string& path, std::time_t seconds, long nanoseconds) {
  const timespec both[2] = {{seconds, nanoseconds}, {seconds, nanoseconds}};
  CHECK_EQUAL(utimensat(AT_FDCWD, path.c_str(), both, 0), 0);
}

}  // namespace

int main() {
  std::string path = std::filesystem::temp_directory_path() / "vary-stamp-XXXXXX";
  const int file = mkstemp(path.data());
  CHECK(file >= 0);
  CHECK_EQUAL(write(file, "12345", 5), 5);
  set_time(path, 1'700'000'000, 123'456'789);
  const vary::Stamp stamp = vary::stamp_of(path.c_str());
  CHECK_EQUAL(stamp.bytes, 5);
  CHECK_EQUAL(stamp.changed, 1'700'000'000'123'456'789);
  set_time(path, 9'300'000'000, 1);  // in 2264, beyond 63 bits of nanoseconds
  const vary::Stamp late = vary::stamp_of(path.c_str());
  CHECK(late.changed != stamp.changed);
  unlink(path.c_str());
  close(file);
  const vary::Stamp none = vary::stamp_of(path.c_str());
  CHECK_EQUAL(none.bytes, -1);
  CHECK_EQUAL(none.changed, -1);
  return check::report();
}
