// Threads: every index runs once, for any caller and after a fork, in the default floating-point mode.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cfloat>
#include <chrono>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "check.h"
#include "pool.h"

namespace {

using vary::parallel;

// How many of `count` indices were not visited exactly once.
int wrong(int count, int threads) {
  std::vector<std::atomic<int>> visits(static_cast<std::size_t>(count));
  parallel(count, threads, [&](int i) { ++visits.at(static_cast<std::size_t>(i)); });
  return static_cast<int>(std::count_if(visits.begin(), visits.end(), [](const auto& v) { return v != 1; }));
}

void test_each_once() {
  for (const int count : {0, 1, 2, 3, 7, 100, 5000})
    for (const int threads : {-1, 0, 1, 2, 3, 7, 40}) CHECK_EQUAL(wrong(count, threads), 0);
}

void test_at_most_so_many_threads() {
  wrong(1000, 16);  // so that the pool has more
  for (const int threads : {1, 2, 5}) {
    std::mutex mutex;
    std::set<std::thread::id> seen;
    std::atomic<int> inside{0}, most{0};
    parallel(200, threads, [&](int) {
      const int now = ++inside;
      for (int known = most; known < now && !most.compare_exchange_weak(known, now);) continue;
      std::this_thread::sleep_for(std::chrono::microseconds(50));
      {
        const std::lock_guard lock(mutex);
        seen.insert(std::this_thread::get_id());
      }
      --inside;
    });
    CHECK(most >= 1 && most <= threads);
    CHECK(threads > 1 || seen == std::set<std::thread::id>{std::this_thread::get_id()});
  }
}

void test_helpers_come() {  // two items that wait for each other need two threads
  std::atomic<int> here{0};
  parallel(2, 2, [&](int) {
    ++here;
    while (here < 2) std::this_thread::yield();
  });
  CHECK_EQUAL(here.load(), 2);
}

// Those of a stream that wait for a batch help the others, and no other thread does.
void test_waiting_threads_help() {
  vary::BatchThreads threads, others;
  std::atomic<bool> returned{false};
  std::atomic<int> here{0}, helped{0};
  const auto wait = [](vary::BatchThreads& mine) { return std::thread([&] { vary::await_batch(mine); }); };
  std::thread stranger = wait(others);
  std::thread maker([&] {
    vary::submit_batch(threads);
    vary::await_batch(threads);
    CHECK_EQUAL(vary::threads_at_first(5), 1);
    const std::thread::id me = std::this_thread::get_id();
    parallel(300, 2, [&](int) { helped += std::this_thread::get_id() != me; });  // nobody waits
    CHECK_EQUAL(helped.load(), 0);
    std::thread helper([&] {
      vary::await_batch(threads);
      returned = true;
    });
    parallel(2, 2, [&](int) {
      ++here;
      while (here < 2) std::this_thread::yield();
    });
    parallel(100, 2, [&](int) {  // a helper leaves when there is a batch for it
      if (std::this_thread::get_id() == me) {
        while (!returned) std::this_thread::yield();
      } else if (++helped == 1) {
        vary::submit_batch(threads);
      }
    });
    CHECK_EQUAL(helped.load(), 1);
    helper.join();
  });
  maker.join();
  vary::submit_batch(others);
  stranger.join();
}

// One that leaves for its own batch is replaced by a thread of the pool, which sleeps because it was not needed. The
// pool must have one thread.
void test_the_pool_replaces_a_helper() {
  vary::BatchThreads threads{2};
  vary::submit_batch(threads);
  std::atomic<bool> pool_is_busy{false}, helped{false}, replaced{false};
  std::thread other([&] {
    const std::thread::id me = std::this_thread::get_id();
    parallel(2, 2, [&](int) {
      if (std::this_thread::get_id() != me) pool_is_busy = true;
      while (!helped) std::this_thread::yield();
    });
  });
  while (!pool_is_busy) std::this_thread::yield();
  std::thread maker([&] {
    vary::await_batch(threads);
    std::atomic<std::thread::id> helper_id;
    std::thread helper([&] {
      helper_id = std::this_thread::get_id();
      vary::await_batch(threads);
    });
    const std::thread::id me = std::this_thread::get_id();
    parallel(100, 2, [&](int) {
      if (std::this_thread::get_id() == me) {
        while (!replaced) std::this_thread::yield();
      } else if (std::this_thread::get_id() != helper_id) {
        replaced = true;
      } else {
        helped = true;
        other.join();
        vary::submit_batch(threads);
        std::this_thread::sleep_for(std::chrono::milliseconds(20));  // the pool's thread finds that none is needed
      }
    });
    helper.join();
  });
  maker.join();
  CHECK(replaced);
}

// A thread may run code of the program after its end as one of them, in a finalizer.
void test_batch_threads_may_end_first() {
  std::thread([] {
    {
      vary::BatchThreads threads{1};
      vary::submit_batch(threads);
      vary::await_batch(threads);
    }
    CHECK_EQUAL(wrong(50, 4), 0);
  }).join();
}

void test_nested() {
  std::atomic<int> sum{0};
  parallel(6, 4, [&](int) { parallel(5, 3, [&](int) { parallel(4, 4, [&](int i) { sum += i; }); }); });
  CHECK_EQUAL(sum.load(), 6 * 5 * 6);
}

void test_overlapping_callers() {
  std::atomic<int> failures{0};
  std::vector<std::thread> callers(8);
  for (int caller = 0; caller < 8; ++caller)
    callers[static_cast<std::size_t>(caller)] = std::thread([&, caller] {
      for (int turn = 0; turn < 200; ++turn) failures += wrong(1 + (turn + caller) % 17, 1 + (turn * caller) % 6);
    });
  for (std::thread& caller : callers) caller.join();
  CHECK_EQUAL(failures.load(), 0);
}

// 0 if the child's work succeeded within a minute.
template <typename Work>
int in_child(Work work) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(60);
    _exit(work() ? 0 : 1);
  }
  int status = -1;
  return child > 0 && waitpid(child, &status, 0) == child ? status : -1;
}

void test_fork() {
#if defined(__SANITIZE_THREAD__)
  return;  // the sanitizer confuses the child's threads with the parent's
#endif
  const auto works = [] { return wrong(500, 4) + wrong(300, 3) == 0; };
  CHECK_EQUAL(in_child(works), 0);
  std::atomic<bool> stop{false};
  std::vector<std::thread> busy(2);
  for (std::thread& thread : busy)
    thread = std::thread([&] {
      while (!stop) wrong(50, 3);
    });
  for (int turn = 0; turn < 20; ++turn) CHECK_EQUAL(in_child(works), 0);
  std::atomic<int> status{-1};
  parallel(2, 2, [&](int i) {  // forks within a job
    if (i == 0) status = in_child(works);
  });
  CHECK_EQUAL(status.load(), 0);
  stop = true;
  for (std::thread& thread : busy) thread.join();
  CHECK_EQUAL(wrong(500, 4), 0);
}

void test_cancel() {
#if defined(__SANITIZE_THREAD__)
  return;  // see test_fork
#endif
  CHECK(!vary::cancelled());
  const auto others = [](const auto& work) {
    int found = -1;
    std::thread([&] { found = work(); }).join();
    return found;
  };
  const auto ends = [&] {
    std::atomic<int> inside{0}, done{0};
    std::thread busy([&] {
      parallel(1000, 2, [&](int) {
        ++inside;
        while (!vary::cancelled()) std::this_thread::yield();  // in a helper, too
        ++done;
      });
    });
    while (inside < 2) std::this_thread::yield();
    vary::cancel_all();
    busy.join();  // both finished their index
    const bool exempt = !vary::cancelled() && wrong(500, 4) == 0;
    const bool refused = others([] { return wrong(500, 4); }) == 500;
    const auto works = [&] { return !vary::cancelled() && others([] { return wrong(300, 3); }) == 0; };
    return done == 2 && inside == 2 && exempt && refused && in_child(works) == 0;
  };
  CHECK_EQUAL(in_child(ends), 0);
  CHECK_EQUAL(wrong(500, 4), 0);
}

void test_without_threads() {  // if the system refuses new threads, the existing ones do the work
#if defined(__linux__) && !defined(__SANITIZE_THREAD__)  // see test_fork
  if (geteuid() != 0) return;                            // root alone can become someone who has no process yet
  const auto limited = [](rlim_t most) {
    return in_child([most] {
      const rlimit limit{most, most};
      if (setrlimit(RLIMIT_NPROC, &limit) != 0 || setuid(61234) != 0) return false;
      std::atomic<int> threads{0};
      static thread_local bool known = false;
      parallel(60, 8, [&](int) {
        threads += !known;
        known = true;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      });
      return wrong(500, 8) == 0 && threads >= 1 && threads <= static_cast<int>(most) && wrong(3, 2) == 0;
    });
  };
  CHECK_EQUAL(limited(1), 0);
  CHECK_EQUAL(limited(3), 0);
#endif
}

void test_float_mode() {
#if defined(__x86_64__)
  constexpr unsigned odd = 0x1f80 | 0x8040 | 0x6000;  // subnormals to zero, round towards zero
  const unsigned before = _mm_getcsr();
  for (const int threads : {1, 4}) {
    _mm_setcsr(odd);
    std::atomic<int> right{0};
    parallel(100, threads, [&](int) {
      volatile float least = FLT_MIN, third = 1;
      least = least / 2;
      third = third / 3;
      right += (_mm_getcsr() & 0xffc0) == 0x1f80 && least > 0 && third == 0x1.555556p-2f;
    });
    const unsigned after = _mm_getcsr();
    _mm_setcsr(before);
    CHECK_EQUAL(right.load(), 100);
    CHECK_EQUAL(after, odd);
  }
#endif
}

}  // namespace

int main() {
  test_the_pool_replaces_a_helper();  // first, while the pool has no other threads
  test_each_once();
  test_at_most_so_many_threads();
  test_helpers_come();
  test_waiting_threads_help();
  test_batch_threads_may_end_first();
  test_nested();
  test_overlapping_callers();
  test_fork();
  test_cancel();
  test_without_threads();
  test_float_mode();
  CHECK(vary::allowed_threads() >= 1);
  return check::report();
}
