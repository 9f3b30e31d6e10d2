#include "pool.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <climits>
#include <cmath>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <exception>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "float_mode.h"

namespace vary {
namespace {

std::atomic<bool> cancelling{false};
thread_local bool exempt = false;                          // this thread called `cancel_all`, or helps the one that did
thread_local const BatchThreads* batch_threads = nullptr;  // to which this thread belongs; perhaps freed: only compared
thread_local int most_at_first = INT_MAX;                  // their `threads_per_batch`

struct Job {
  const std::function<void(int)>* work;
  int count;
  int helpers_wanted;        // helpers that may still join; guarded by Pool::mutex_
  int pool_helpers_wanted;   // of these, threads of the pool; guarded by Pool::mutex_
  int working = 0;           // helpers that run it now; guarded by Pool::mutex_
  std::atomic<int> next{0};  // the first index that no thread has started
  bool of_exempt = exempt;   // did an exempt thread start it?
  const BatchThreads* owner = batch_threads;

  bool is_open() const { return helpers_wanted > 0 && next < count; }

  // `helping`: the helper is one of them, and stops if there is a batch for it to make.
  void run(const BatchThreads* helping = nullptr) {
    const DefaultFloatMode mode;
    const bool before = std::exchange(exempt, of_exempt);
    while (helping == nullptr || helping->submitted == 0) {
      const int i = next++;
      if (i >= count) break;
      if (cancelled()) {
        next = count;
        break;
      }
      (*work)(i);
    }
    exempt = before;
  }
};

class Pool {
 public:
  void run(Job& job) {
    const bool wake = job.pool_helpers_wanted > 0;
    {
      const std::lock_guard lock(mutex_);
      grow(job.pool_helpers_wanted);
      jobs_.push_back(&job);
    }
    if (wake) wake_.notify_all();
    if (job.owner != nullptr) wake_waiting_.notify_all();
    job.run();
    std::unique_lock lock(mutex_);
    jobs_.erase(std::find(jobs_.begin(), jobs_.end(), &job));
    done_.wait(lock, [&] { return job.working == 0; });
  }

  void submit(BatchThreads& threads) {
    {
      const std::lock_guard lock(mutex_);
      ++threads.submitted;
    }
    wake_waiting_.notify_all();
  }

  void await(BatchThreads& threads) {
    std::unique_lock lock(mutex_);
    while (threads.submitted == 0) {
      if (Job* const job = open_job(&threads))
        join(*job, lock, &threads);
      else
        wake_waiting_.wait(lock);
    }
    --threads.submitted;
  }

 private:
  // Threads are never ended, so the pool grows once. If the system allows no more threads, the existing ones do the
  // work, at least the caller's own. The caller of this function holds the mutex.
  void grow(int helpers_wanted) {
    try {
      for (; static_cast<int>(size_) < helpers_wanted; ++size_) std::thread(&Pool::help, this).detach();
    } catch (const std::exception&) {  // a limit on processes, or no memory for a stack
      return;
    }
  }

  // A job that needs a helper: one of `threads`; null: a thread of the pool.
  Job* open_job(const BatchThreads* threads) {
    for (Job* job : jobs_)
      if (job->is_open() && (threads != nullptr ? job->owner == threads : job->pool_helpers_wanted > 0)) return job;
    return nullptr;
  }

  void join(Job& job, std::unique_lock<std::mutex>& lock, const BatchThreads* threads) {
    --job.helpers_wanted;
    job.pool_helpers_wanted -= threads == nullptr;
    ++job.working;
    lock.unlock();
    job.run(threads);
    lock.lock();
    ++job.helpers_wanted;
    job.pool_helpers_wanted += threads == nullptr;
    if (job.is_open() && job.pool_helpers_wanted > 0) wake_.notify_all();  // this helper left for a batch of its own
    if (--job.working == 0) done_.notify_all();
  }

  void help() {
    std::unique_lock lock(mutex_);
    for (;;) {
      Job* job = nullptr;
      wake_.wait(lock, [&] { return (job = open_job(nullptr)) != nullptr; });
      join(*job, lock, nullptr);
    }
  }

  std::mutex mutex_;                                    // guards jobs_, size_ and the counts inside jobs
  std::condition_variable wake_, wake_waiting_, done_;  // threads of the pool; those in `await`; callers of `run`
  std::deque<Job*> jobs_;
  std::size_t size_ = 0;
};

// The pool is never destroyed: its threads sleep until the process ends. After a fork, the child's copy of the pool has
// no threads and perhaps a locked mutex, so the child makes a new pool.
std::atomic<Pool*> current{nullptr};
std::mutex creating;

Pool& pool() {
  Pool* found = current.load(std::memory_order_acquire);
  if (found != nullptr) return *found;
  const std::lock_guard lock(creating);
  found = current.load(std::memory_order_acquire);
  if (found == nullptr) {
    static const int registered = pthread_atfork([] { creating.lock(); }, [] { creating.unlock(); },
                                                 [] {
                                                   current.store(nullptr);
                                                   creating.unlock();
                                                 });
    static_cast<void>(registered);
    found = new Pool;
    current.store(found, std::memory_order_release);
  }
  return *found;
}

#if defined(__linux__)

// Reads up to two numbers from the file `path`, "max" as -1; returns how many it found.
int numbers_in(const std::string& path, long (&out)[2]) {
  std::ifstream file(path);
  std::string word;
  int count = 0;
  while (count < 2 && file >> word) out[count++] = word == "max" ? -1 : std::strtol(word.c_str(), nullptr, 10);
  return count;
}

// The CPUs that the quotas of this process' cgroup and of those above it allow, rounded up; INT_MAX without quotas.
// Version 2: "quota period" in cpu.max at each level. Version 1: two files, at the root, which is a container's own.
int quota_of_cgroup() {
  const std::string root = "/sys/fs/cgroup";
  std::string below, line;
  for (std::ifstream file("/proc/self/cgroup"); std::getline(file, line);)
    if (line.starts_with("0::/")) below = line.substr(3);
  double least = INT_MAX;
  const auto note = [&](long quota, long period) {
    if (quota > 0 && period > 0)
      least = std::min(least, std::ceil(static_cast<double>(quota) / static_cast<double>(period)));
  };
  long pair[2], period[2];
  if (numbers_in(root + "/cpu/cpu.cfs_quota_us", pair) > 0 && numbers_in(root + "/cpu/cpu.cfs_period_us", period) > 0)
    note(pair[0], period[0]);
  for (;;) {
    if (numbers_in(root + below + "/cpu.max", pair) == 2) note(pair[0], pair[1]);
    if (below.empty()) return static_cast<int>(least);
    below.erase(below.rfind('/'));
  }
}

#endif

}  // namespace

void parallel(int count, int threads, const std::function<void(int)>& work) {
  const int helpers = std::min(threads, count) - 1;
  Job job{&work, count, helpers, threads_at_first(helpers + 1) - 1};
  if (helpers <= 0) return job.run();
  pool().run(job);
}

int threads_at_first(int threads) { return std::min(threads, most_at_first); }

void submit_batch(BatchThreads& threads) { pool().submit(threads); }

void await_batch(BatchThreads& threads) {
  batch_threads = &threads;
  most_at_first = threads.threads_per_batch;
  pool().await(threads);
}

void cancel_all() {
  static const int registered =
      pthread_atfork(nullptr, nullptr, [] { cancelling.store(false, std::memory_order_relaxed); });
  static_cast<void>(registered);
  exempt = true;
  cancelling.store(true, std::memory_order_relaxed);
}

bool cancelled() { return cancelling.load(std::memory_order_relaxed) && !exempt; }

int allowed_threads() {
  int allowed = static_cast<int>(std::thread::hardware_concurrency());
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) allowed = CPU_COUNT(&set);
  allowed = std::min(allowed, quota_of_cgroup());
#endif
  return std::max(allowed, 1);
}

}  // namespace vary
