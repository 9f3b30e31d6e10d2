// The thread pool: one for each process, started on first use. A forked child starts its own.
#pragma once

#include <atomic>
#include <functional>

namespace vary {

// Calls work(0) .. work(count - 1), each once, on at most `threads` threads of which the caller is one; returns when
// all are done. If the system allows fewer threads, those do the work. Several threads may call it at once. `work` must
// not throw. While it runs, the thread has the default floating-point mode (round to nearest, subnormals kept).
void parallel(int count, int threads, const std::function<void(int)>& work);

// The threads of a stream, each of which makes a batch. One that waits for its next batch helps the others, so that
// none is idle while another has several pictures left: at the end of an epoch, or where the consumer needs a batch
// that is late.
struct BatchThreads {
  int threads_per_batch = 1;  // of them and of the pool together: how many work on a batch while no other thread waits
  std::atomic<int> submitted = 0;  // batches that no thread has begun; changed under the pool's mutex
};

void submit_batch(BatchThreads& threads);

// Returns when a batch was submitted that no other thread has begun: the calling thread, now one of `threads`, makes
// it.
void await_batch(BatchThreads& threads);

// How many threads work on `parallel(count, threads, work)` from its beginning, if called by this thread.
int threads_at_first(int threads);

// Ends work early, because the program is ending: `parallel` starts no further index, and long work stops where it
// checks `cancelled`. Results are then incomplete. The calling thread and those that help it are exempt, because it may
// still run other code. In a forked child nothing is cancelled.
void cancel_all();

// Should the work of this thread stop?
bool cancelled();

// The number of threads that CPU affinity and cgroup quota allow, at least 1.
int allowed_threads();

}  // namespace vary
