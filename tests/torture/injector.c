/* Makes calls of the C library on chosen paths fail, wait or come in small parts: a library for LD_PRELOAD.

   What it does is read, at every call, from a page of shared memory in the file that TORTURE_CONTROL names. So it can
   be switched while programs run, for all of them at once. The class Injector of faults.py writes that page. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum call { OPEN = 1, READ = 2, WRITE = 4, RENAME = 8, TRUNCATE = 16, SYNC = 32, MAP = 64, MEMFD = 128 };
enum mode { FAIL, WAIT, SLOW }; /* with `error`; until `on` is cleared; at most 1 KB a read, after 1 ms each */

static struct control {
  atomic_uint on, mode, error, calls, every; /* calls: a mask; every: 1 for each of them, n for each n-th */
  atomic_uint seen, hit;                     /* such calls so far, and those to which something was done */
  char prefix[1024];                         /* what their paths begin with; shared memory is called "/memfd:..." */
}* control;

static _Thread_local int slow; /* the read under way */

__attribute__((constructor)) static void attach(void) {
  const char* path = getenv("TORTURE_CONTROL");
  int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
  if (file < 0) return;
  void* page = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (page != MAP_FAILED) control = page;
}

/* Does this call fail? If so, errno says why; it may have to wait first. */
static int fails(unsigned call, const char* path) {
  slow = 0;
  if (!control || !control->on || !(control->calls & call)) return 0;
  if (strncmp(path, control->prefix, strlen(control->prefix)) != 0) return 0;
  if (control->seen++ % control->every != 0) return 0;
  control->hit++;
  while (control->mode == WAIT && control->on) usleep(5000);
  slow = control->mode == SLOW;
  if (slow) usleep(1000);
  if (control->mode != FAIL) return 0;
  errno = (int)control->error;
  return 1;
}

static int file_fails(unsigned call, int file) {
  char link[64], path[1024];
  if (!control || !control->on) return slow = 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, path, sizeof path - 1);
  path[length < 0 ? 0 : length] = 0;
  return fails(call, path);
}

static size_t part(size_t size) { return slow && size > 1024 ? 1024 : size; }

static int opening_fails(const char* path, int flags, va_list more, mode_t* mode) {
  *mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
  return fails(OPEN, path);
}

#define REAL(result, name, parameters) ((result(*) parameters)dlsym(RTLD_NEXT, #name))
#define CALL(result, name, parameters, arguments, failing, error) \
  result name parameters { return failing ? error : REAL(result, name, parameters) arguments; }

/* Half of what is written arrives before the error. */
static int writing_fails(int file, const void* data, size_t size, off_t start) {
  if (!file_fails(WRITE, file)) return 0;
  int error = errno;
  if (start < 0)
    REAL(ssize_t, write, (int, const void*, size_t))(file, data, size / 2);
  else
    REAL(ssize_t, pwrite, (int, const void*, size_t, off_t))(file, data, size / 2, start);
  errno = error;
  return 1;
}

#define OPENING(name, parameters, arguments)                     \
  int name parameters {                                          \
    va_list more;                                                \
    mode_t mode;                                                 \
    va_start(more, flags);                                       \
    const int failing = opening_fails(path, flags, more, &mode); \
    va_end(more);                                                \
    return failing ? -1 : REAL(int, name, parameters) arguments; \
  }

OPENING(open, (const char* path, int flags, ...), (path, flags, mode))
OPENING(open64, (const char* path, int flags, ...), (path, flags, mode))
OPENING(openat, (int folder, const char* path, int flags, ...), (folder, path, flags, mode))
OPENING(openat64, (int folder, const char* path, int flags, ...), (folder, path, flags, mode))

#define AT (int file, void* data, size_t size, off_t start)
#define FROM (int file, const void* data, size_t size, off_t start)
#define TO (int file, const void* data, size_t size)
#define MAPPED (void* at, size_t size, int access, int flags, int file, off_t start)

CALL(ssize_t, read, (int file, void* data, size_t size), (file, data, part(size)), file_fails(READ, file), -1)
CALL(ssize_t, pread, AT, (file, data, part(size), start), file_fails(READ, file), -1)
CALL(ssize_t, pread64, AT, (file, data, part(size), start), file_fails(READ, file), -1)
CALL(ssize_t, write, TO, (file, data, size), writing_fails(file, data, size, -1), -1)
CALL(ssize_t, pwrite, FROM, (file, data, size, start), writing_fails(file, data, size, start), -1)
CALL(ssize_t, pwrite64, FROM, (file, data, size, start), writing_fails(file, data, size, start), -1)
CALL(int, rename, (const char* from, const char* to), (from, to), fails(RENAME, to), -1)
CALL(int, ftruncate, (int file, off_t size), (file, size), file_fails(TRUNCATE, file), -1)
CALL(int, ftruncate64, (int file, off_t size), (file, size), file_fails(TRUNCATE, file), -1)
CALL(int, fsync, (int file), (file), file_fails(SYNC, file), -1)
CALL(int, fdatasync, (int file), (file), file_fails(SYNC, file), -1)
CALL(int, memfd_create, (const char* name, unsigned flags), (name, flags), fails(MEMFD, "/memfd:"), -1)
CALL(void*, mmap, MAPPED, (at, size, access, flags, file, start), file >= 0 && file_fails(MAP, file), MAP_FAILED)
CALL(void*, mmap64, MAPPED, (at, size, access, flags, file, start), file >= 0 && file_fails(MAP, file), MAP_FAILED)
