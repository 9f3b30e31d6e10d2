#include "execute.h"

#include <algorithm>
#include <chrono>
#include <new>
#include <stdexcept>
#include <vector>

#include "cpu.h"
#include "open.h"
#include "pool.h"
#include "segment.h"

namespace vary {

namespace {

using Clock = std::chrono::steady_clock;

std::int64_t nanoseconds_since(Clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start).count();
}

// What to prefetch while picture `at` is worked on: the picture that this thread works on next if `threads` threads are
// equally fast.
PrefetchRange prefetch_after(const std::vector<Task>& tasks, std::size_t at, int threads) {
  constexpr std::int64_t most = 512 << 10;  // half of a usual second-level cache
  const std::size_t next = at + static_cast<std::size_t>(threads);
  if (next >= tasks.size()) return {};
  const Source& source = tasks[next].source;
  PrefetchRange ahead;
  if (source.kind == Source::level) ahead = {source.data, static_cast<std::int64_t>(source.size)};
  if (source.kind == Source::array && source.image.packed())
    ahead = {source.image.data, source.image.row * source.image.height};
  return ahead.bytes > 0 && ahead.bytes <= most ? ahead : PrefetchRange{};
}

Slot between(const View& view, int channels, Element type, Buffer& buffer) {
  const std::int64_t bytes = std::int64_t{view.height} * view.width * channels * size_of(type);
  return {buffer.get<std::uint8_t>(bytes + 8), view.height, view.width, channels, type, false};
}

Image as_image(const Slot& s) {
  const std::ptrdiff_t size = size_of(s.type);
  return {s.data, s.height, s.width, s.channels, size * s.channels * s.width, size * s.channels, size, s.type};
}

// Is a batch of such slots larger than usual caches, so that it is better written past them?
bool is_far(const Slot& slot, std::size_t count) {
  constexpr std::int64_t least = 8 << 20;  // bytes
  return std::int64_t{slot.height} * slot.width * slot.channels * size_of(slot.type) *
             static_cast<std::int64_t>(count) >=
         least;
}

void check_size(const View& view, const Slot& slot) {
  if (view.height == slot.height && view.width == slot.width) return;
  throw std::runtime_error("the result of this picture is " + std::to_string(view.height) + " x " +
                           std::to_string(view.width) + ", its place in the batch is " + std::to_string(slot.height) +
                           " x " + std::to_string(slot.width));
}

void run_picture(const Context& context, Task& task) {
  Workspace& w = context.w;
  resolve(context.plan, task.row, w.program);
  const Concrete* at = w.program.instructions.data();
  const Concrete* const end = at + w.program.instructions.size();
  const Opened opened = open(task.source, context.options);
  Image image = task.source.image;
  View start = opened.view;
  for (int turn = 0; !cancelled(); ++turn) {
    Segment s = next_segment(at, end, start);
    if (turn == 0 && task.source.kind != Source::array) image = opened_image(context, task, opened, s.view);
    if (s.end == end) {
      check_size(s.view, task.slot);
      check_canvas(s, image.channels, task.slot.type);
      return run_segment(context, image, s, task.slot);
    }
    check_canvas(s, image.channels, s.stored);
    const Slot slot = between(s.view, image.channels, s.stored, w.between[turn & 1]);
    run_segment(context, image, s, slot);
    image = as_image(slot);
    start = whole(image);
    at = s.end + 1;
  }
}

// The smallest scale denominator at which any of these tasks needs its JPEG; 1 if its header cannot be read, which each
// task will report.
int common_level(const Plan& plan, const std::vector<Task>& tasks, std::size_t first, std::size_t end,
                 const Options& options) {
  int least = 8;
  try {
    for (std::size_t at = first; at < end; ++at)
      least = std::min(least, level_of(plan, tasks[at].source, tasks[at].row, options));
  } catch (const std::exception&) {
    return 1;
  }
  return least;
}

// How many threads to use. Waking one costs as much as some ten thousand pixels, and the training that runs at the same
// time needs cores too.
int useful_threads(const std::vector<Task>& tasks, int threads) {
  constexpr std::int64_t share = 1 << 16;  // pixels for each thread, a tenth of a millisecond
  std::int64_t pixels = 0;
  for (const Task& task : tasks) {
    if (task.source.kind != Source::array) return threads;
    const Image& image = task.source.image;
    pixels += std::max(std::int64_t{image.height} * image.width, std::int64_t{task.slot.height} * task.slot.width);
    if (pixels >= share * threads) return threads;
  }
  return static_cast<int>(std::min<std::int64_t>(threads, 1 + pixels / share));
}

}  // namespace

Counts execute(const Plan& plan, std::vector<Task>& tasks, const Options& options) {
  const Kernels& k = live_kernels();
  const int threads = useful_threads(tasks, options.threads), at_first = threads_at_first(threads);
  for (Task& task : tasks) task.slot.far = is_far(task.slot, tasks.size());
  const auto views = static_cast<std::size_t>(options.views);
  std::vector<Counts> each(tasks.size());
  const auto work = [&](std::size_t at) {
    const std::int64_t before = Buffer::growths;
    const Clock::time_point began = Clock::now();
    Workspace& w = Workspace::mine();
    w.next_source = prefetch_after(tasks, at, at_first);
    PrefetchRange cached;
    try {
      run_picture({k, plan, options, w, each[at]}, tasks[at]);
      cached = w.next_source;
    } catch (const std::bad_alloc&) {
      tasks[at].error = "not enough memory for this picture";
    } catch (const std::exception& error) {
      tasks[at].error = error.what();
    }
    w.cached_source = cached;
    each[at].growths = Buffer::growths - before;
    each[at].total_ns = nanoseconds_since(began);
  };
  parallel(static_cast<int>(tasks.size() / views), threads, [&](int i) {
    const std::size_t first = static_cast<std::size_t>(i) * views, end = first + views;
    Workspace& w = Workspace::mine();
    const bool several = views > 1 && tasks[first].source.kind == Source::jpeg;
    w.shared = {several ? common_level(plan, tasks, first, end, options) : 0, false, {}};
    for (std::size_t at = first; at < end; ++at) work(at);
    w.trim();
  });
  Counts sum;
  sum.pictures = static_cast<std::int64_t>(tasks.size());
  for (const Counts& c : each) {
    sum.decodes += c.decodes;
    sum.resamples += c.resamples;
    sum.sweeps += c.sweeps;
    sum.reductions += c.reductions;
    sum.growths += c.growths;
    sum.decode_ns += c.decode_ns;
    sum.total_ns += c.total_ns;
  }
  return sum;
}

}  // namespace vary
