// A one-page thread pool. One pool a process, started on first use; a forked child starts its own.
#pragma once

#include <functional>

namespace vary {

// Calls work(0) .. work(count - 1), each once, on at most `threads` threads of which the caller is one; returns when
// all are done. If the system gives fewer threads, those do the work. Callers may overlap: a slow call uses only its
// own threads. `work` must not throw. On every thread the floating-point mode is the default one (round to nearest,
// subnormals kept) while `work` runs.
void parallel(int count, int threads, const std::function<void(int)>& work);

// Ends work early, because the program is ending: `parallel` takes no further index, and long work stops where it asks
// `cancelled`. What was being made is then incomplete. The calling thread is spared, and so are those that help it: it
// may still run other code. A forked child begins anew.
void cancel_all();

// Should the work at hand stop?
bool cancelled();

// What affinity and cgroup quota allow, at least 1.
int allowed_threads();

}  // namespace vary
