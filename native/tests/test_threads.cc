// Several callers at once, as from Python without a GIL: they share a plan, pictures, working memory, batch memory and
// parts of a file. `make tsan` runs it under the thread sanitizer.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "buffers.h"
#include "check.h"
#include "encoded.h"
#include "made.h"
#include "pool.h"
#include "shared.h"

namespace {

using made::Batch;
using vary::Element;
using vary::SharedPart;

constexpr int kCallers = 4;

// Runs work(0) .. work(kCallers - 1), each in a thread of its own, all begun before one ends.
template <typename Work>
void together(const Work& work) {
  std::atomic<int> here{0};
  std::vector<std::thread> threads(kCallers);
  for (int caller = 0; caller < kCallers; ++caller)
    threads[static_cast<std::size_t>(caller)] = std::thread([&, caller] {
      ++here;
      while (here < kCallers) std::this_thread::yield();
      work(caller);
    });
  for (std::thread& thread : threads) thread.join();
}

std::vector<double> row_of(int i) { return {i * 11. - 30, i * 3. - 9, 0, 1 + i / 20., i / 30., -.1, i % 2 + 0.}; }

void test_one_plan() {  // of arrays and of files, each in calls of one thread and of several
  const vary::Plan plan = made::main_policy(30, 40);
  const made::Picture picture(60, 70, 3, Element::u8);
  const encoded::Buffer file = encoded::encode({.width = 90, .height = 80, .progressive = true});
  const auto batch_of = [&] {
    Batch batch;
    for (int i = 0; i < 6; ++i) {
      vary::Source source = made::source_of(picture);
      if (i % 2 != 0) source = {vary::Source::jpeg, {}, file.data(), file.size()};
      batch.add(source, {nullptr, 30, 40, 3, Element::f32, i % 3 == 0}, row_of(i));
    }
    return batch;
  };
  Batch expected = batch_of();
  expected.run(plan);
  const vary::Source source = expected.tasks[1].source;
  const int level = vary::level_of(plan, source, expected.tasks[1].row, {});
  std::atomic<int> wrong{0};
  together([&](int caller) {
    for (int turn = 0; turn < 10; ++turn) {
      Batch batch = batch_of();
      batch.run(plan, 1 + (caller + turn) % 4);
      wrong += batch.outputs != expected.outputs;
      wrong += vary::level_of(plan, source, batch.tasks[1].row, {}) != level;
      wrong += vary::final_view(plan, source, batch.tasks[1].row, {}).width != 40;
    }
  });
  CHECK_EQUAL(wrong.load(), 0);
}

void test_batch_memory() {  // a block has one owner at a time, also if it is returned in another thread
  std::atomic<std::uint8_t*> passed{nullptr};
  std::atomic<int> wrong{0};
  together([&](int caller) {
    for (int turn = 0; turn < 300; ++turn) {
      const auto bytes = static_cast<std::size_t>(5000 + 4096 * (turn % 3));
      auto* const block = static_cast<std::uint8_t*>(vary::take_block(bytes));
      const auto mark = static_cast<std::uint8_t>(caller * 50 + turn % 50);
      std::fill_n(block, 5000, mark);
      wrong += std::count(block, block + 5000, mark) != 5000;
      if (std::uint8_t* const other = passed.exchange(block)) vary::return_block(other);
    }
  });
  if (std::uint8_t* const last = passed.exchange(nullptr)) vary::return_block(last);
  CHECK_EQUAL(wrong.load(), 0);
}

void test_parts() {  // a word is free again when its part is released; a part is detached in another thread
  constexpr std::size_t size = 1 << 16;
  constexpr std::int64_t held = 7, free = 4;
  std::string name = std::filesystem::temp_directory_path() / "vary-threads-XXXXXX";
  const int file = mkstemp(name.data());
  unlink(name.c_str());
  CHECK(ftruncate(file, size) == 0);
  std::int64_t word = free;
  std::atomic<int> owners{0}, wrong{0};
  together([&](int) {
    SharedPart part(file, 0, size);
    for (int turn = 0; turn < 200; ++turn) {
      if (!vary::exchange_word(&word, free, held)) continue;
      wrong += ++owners != 1;
      --owners;
      if (part.hold(&word, held, free)) part.release();
    }
  });
  CHECK_EQUAL(wrong.load(), 0);
  CHECK_EQUAL(word, free);
  std::vector<std::unique_ptr<SharedPart>> parts(kCallers);
  for (std::unique_ptr<SharedPart>& part : parts) part = std::make_unique<SharedPart>(file, 0, size);
  std::int64_t words[kCallers] = {held, held, held, held};
  std::atomic<int> refused{0};
  together([&](int caller) {
    if (caller == 0)
      for (const std::unique_ptr<SharedPart>& part : parts) part->detach();
    std::int64_t& own = words[caller];
    for (SharedPart& part = *parts[static_cast<std::size_t>(caller)]; part.hold(&own, held, free); part.release())
      own = held;
    ++refused;
  });
  CHECK_EQUAL(refused.load(), kCallers);
  close(file);
}

}  // namespace

int main() {
  test_one_plan();
  test_batch_memory();
  test_parts();
  return check::report();
}
