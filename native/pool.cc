#include "pool.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace vary {
namespace {

class DefaultFloatMode {
 public:
#if defined(__x86_64__)
  DefaultFloatMode() : saved_(_mm_getcsr()) { _mm_setcsr(0x1f80); }
  ~DefaultFloatMode() { _mm_setcsr(saved_); }

 private:
  unsigned saved_;
#elif defined(__aarch64__)
  DefaultFloatMode() {
    __asm__ volatile("mrs %0, fpcr" : "=r"(saved_));
    __asm__ volatile("msr fpcr, %0" : : "r"(std::uint64_t{0}));
  }
  ~DefaultFloatMode() { __asm__ volatile("msr fpcr, %0" : : "r"(saved_)); }

 private:
  std::uint64_t saved_;
#endif
  DefaultFloatMode(const DefaultFloatMode&) = delete;
  DefaultFloatMode& operator=(const DefaultFloatMode&) = delete;
};

struct Job {
  const std::function<void(int)>* work;
  int count;
  int seats;                 // helpers that may still join; guarded by Pool::mutex_
  int working = 0;           // helpers inside; guarded by Pool::mutex_
  std::atomic<int> next{0};  // the first index nobody has taken

  void run() {
    const DefaultFloatMode mode;
    for (int i = next++; i < count; i = next++) (*work)(i);
  }
};

class Pool {
 public:
  void run(Job& job) {
    {
      const std::lock_guard lock(mutex_);
      while (static_cast<int>(size_) < job.seats) {  // threads are kept, so growth happens once
        std::thread(&Pool::serve, this).detach();
        ++size_;
      }
      jobs_.push_back(&job);
    }
    wake_.notify_all();
    job.run();
    std::unique_lock lock(mutex_);
    jobs_.erase(std::find(jobs_.begin(), jobs_.end(), &job));
    done_.wait(lock, [&] { return job.working == 0; });
  }

 private:
  Job* open_job() {
    for (Job* job : jobs_)
      if (job->seats > 0 && job->next < job->count) return job;
    return nullptr;
  }

  void serve() {
    std::unique_lock lock(mutex_);
    for (;;) {
      Job* job = nullptr;
      wake_.wait(lock, [&] { return (job = open_job()) != nullptr; });
      --job->seats;
      ++job->working;
      lock.unlock();
      job->run();
      lock.lock();
      ++job->seats;
      if (--job->working == 0) done_.notify_all();
    }
  }

  std::mutex mutex_;  // guards jobs_, size_ and the counts inside jobs
  std::condition_variable wake_, done_;
  std::deque<Job*> jobs_;
  std::size_t size_ = 0;
};

// The pool is never destroyed: its threads sleep until the process ends. After fork the child's copy of the parent's
// pool has no threads and perhaps a held lock, so it is abandoned for a new one.
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

}  // namespace

void parallel(int count, int threads, const std::function<void(int)>& work) {
  Job job{&work, count, std::min(threads, count) - 1};
  if (job.seats <= 0) return job.run();
  pool().run(job);
}

int allowed_threads() {
  int allowed = static_cast<int>(std::thread::hardware_concurrency());
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) allowed = CPU_COUNT(&set);
  if (std::FILE* file = std::fopen("/sys/fs/cgroup/cpu.max", "r")) {  // cgroup v2: "quota period" or "max period"
    long quota = 0, period = 0;
    if (std::fscanf(file, "%ld %ld", &quota, &period) == 2 && quota > 0 && period > 0)
      allowed = std::min(allowed, static_cast<int>((quota + period - 1) / period));
    std::fclose(file);
  }
#endif
  return std::max(allowed, 1);
}

}  // namespace vary
