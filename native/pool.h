// A one-page thread pool. One pool a process, started on first use; a forked child starts its own.
#pragma once

#include <functional>

namespace vary {

// Calls work(0) .. work(count - 1), each once, on at most `threads` threads of which the caller is one; returns when
// all are done. Fewer threads do it where the system gives no more. Callers may overlap: a slow call holds its own
// threads only. `work` must not throw. On every thread the floating-point mode is the default one (round to nearest,
// subnormals kept) while `work` runs.
void parallel(int count, int threads, const std::function<void(int)>& work);

// What affinity and cgroup quota allow, at least 1.
int allowed_threads();

}  // namespace vary
