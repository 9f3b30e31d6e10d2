#include "workspace.h"

#include <pthread.h>

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace vary {

thread_local std::int64_t Buffer::growths = 0;

namespace {

// Threads come and go with every epoch; what one has grown the next one takes over, so that the allocator, which keeps
// a region for each thread, does not grow with them.
struct Shelf {
  std::mutex mutex;  // guards what follows
  std::vector<std::unique_ptr<Workspace>> idle;
};

// Never destroyed: threads may end after static objects have.
Shelf& shelf() {
  static Shelf& only = *[] {
    pthread_atfork([] { shelf().mutex.lock(); }, [] { shelf().mutex.unlock(); }, [] { shelf().mutex.unlock(); });
    return new Shelf;
  }();
  return only;
}

struct Borrowed {
  std::unique_ptr<Workspace> workspace;
  Borrowed() {
    const std::lock_guard lock(shelf().mutex);
    if (shelf().idle.empty()) {
      workspace = std::make_unique<Workspace>();
    } else {
      workspace = std::move(shelf().idle.back());
      shelf().idle.pop_back();
    }
  }
  Borrowed(const Borrowed&) = delete;
  Borrowed& operator=(const Borrowed&) = delete;
  ~Borrowed() {
    const std::lock_guard lock(shelf().mutex);
    shelf().idle.push_back(std::move(workspace));
  }
};

}  // namespace

Workspace& Workspace::mine() {
  static thread_local Borrowed borrowed;
  return *borrowed.workspace;
}

void Workspace::trim() {
  constexpr std::size_t kept = std::size_t{64} << 20;  // a picture of 22 megapixels
  for (Buffer* buffer : {&planes,  &decoded,   &repacked, &turned,   &boxes,    &half_reduced, &reduced,
                         &sums,    &start_x,   &start_y,  &weight_x, &weight_y, &line,         &count_x,
                         &count_y, &positions, &rows,     &whole[0], &whole[1], &between[0],   &between[1]})
    buffer->trim(kept);
}

}  // namespace vary
