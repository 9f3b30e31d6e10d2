#include "workspace.h"

#include <pthread.h>

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace vary {

thread_local std::int64_t Buffer::growths = 0;

namespace {

// Threads start and end with every epoch. A new thread takes the workspace of one that ended: freeing and allocating
// anew would make the allocator grow, because it keeps a region for each thread.
struct IdleWorkspaces {
  std::mutex mutex;  // guards what follows
  std::vector<std::unique_ptr<Workspace>> list;
};

// Never destroyed: threads may end after static objects were destroyed.
IdleWorkspaces& idle_workspaces() {
  static IdleWorkspaces& only = *[] {
    pthread_atfork([] { idle_workspaces().mutex.lock(); }, [] { idle_workspaces().mutex.unlock(); },
                   [] { idle_workspaces().mutex.unlock(); });
    return new IdleWorkspaces;
  }();
  return only;
}

struct ThreadWorkspace {
  std::unique_ptr<Workspace> workspace;
  ThreadWorkspace() {
    const std::lock_guard lock(idle_workspaces().mutex);
    if (idle_workspaces().list.empty()) {
      workspace = std::make_unique<Workspace>();
    } else {
      workspace = std::move(idle_workspaces().list.back());
      idle_workspaces().list.pop_back();
    }
  }
  ThreadWorkspace(const ThreadWorkspace&) = delete;
  ThreadWorkspace& operator=(const ThreadWorkspace&) = delete;
  ~ThreadWorkspace() {
    const std::lock_guard lock(idle_workspaces().mutex);
    idle_workspaces().list.push_back(std::move(workspace));
  }
};

}  // namespace

Workspace& Workspace::mine() {
  static thread_local ThreadWorkspace own;
  return *own.workspace;
}

void Workspace::trim() {
  constexpr std::size_t kept = std::size_t{64} << 20;  // a picture of 22 megapixels
  for (Buffer* buffer : {&planes,  &decoded,   &repacked, &turned,   &boxes,    &half_reduced, &reduced,
                         &sums,    &start_x,   &start_y,  &weight_x, &weight_y, &line,         &count_x,
                         &count_y, &positions, &rows,     &whole[0], &whole[1], &between[0],   &between[1]})
    buffer->trim(kept);
}

}  // namespace vary
