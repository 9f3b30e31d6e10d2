#include "execute.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <new>
#include <stdexcept>
#include <vector>

#include "chain.h"
#include "cpu.h"
#include "float_mode.h"
#include "level.h"
#include "pool.h"
#include "sample.h"
#include "size_limits.h"

namespace vary {

namespace {

using Clock = std::chrono::steady_clock;

std::int64_t nanoseconds_since(Clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start).count();
}

// The instructions up to the next cut.
struct Segment {
  const Concrete* end;  // the cut, or the end of the program
  View view;            // canvas -> source of this segment
  std::vector<Concrete> colours;
  int geometry = 0;
  Type stored = Type::u8;          // of the picture at the cut that ends it
  const Concrete* last = nullptr;  // geometric instruction: what made the canvas
};

void check_canvas(const Segment& s, int channels, Type type) {
  check_picture(s.last == nullptr ? "the policy" : name_of(*s.last), s.view.height, s.view.width, channels, type,
                "choose a smaller size, or cut the picture into tiles first");
}

Segment next_segment(const Concrete* begin, const Concrete* end, const View& start) {
  Segment s{begin, start, {}, 0, Type::u8, nullptr};
  for (; s.end != end && s.end->op != Op::cut; ++s.end) {
    if (is_geometry(s.end->op)) {
      apply(*s.end, s.view);
      ++s.geometry;
      s.last = s.end;
    } else {
      s.colours.push_back(*s.end);
    }
  }
  if (s.end != end) s.stored = s.end->a[0] == 0 ? Type::u8 : Type::f32;
  return s;
}

View whole(const Image& image) {
  View view;
  view.height = image.height;
  view.width = image.width;
  return view;
}

// A file is shown by its orientation; the view counts in pixels of its full size, as stored.
struct Opened {
  View view;
  Level level;  // of a file: its header, and what was kept of it
};

void check_pixels(const JpegHeader& header, const Options& options) {
  if (std::int64_t{header.width} * header.height <= options.max_pixels) return;
  throw std::runtime_error("the header claims " + std::to_string(header.width) + " x " + std::to_string(header.height) +
                           " pixels, over the limit of " + std::to_string(options.max_pixels) +
                           "; raise it with max_pixels= if the file is to be trusted");
}

Opened open(const Source& source, const Options& options) {
  Opened out;
  if (source.kind == Source::array) {
    out.view = whole(source.image);
    return out;
  }
  const JpegHeader& header = out.level.header;
  std::string error;
  if (source.kind == Source::jpeg) {
    if (!jpeg_header(source.data, source.size, out.level.header, error)) throw std::runtime_error(error);
  } else if (!read_level(source.data, source.size, out.level)) {
    throw std::runtime_error("what was kept of this file is no level of a picture");
  }
  check_pixels(header, options);
  out.view.height = header.height;
  out.view.width = header.width;
  orient(header.orientation, out.view);
  return out;
}

int choose_level(const Plan& plan, const Opened& opened, const View& view, const Options& options) {
  const bool jpeg = opened.level.header.components > 0;
  if (!jpeg || options.exact || plan.nearest || !plan.antialias) return 1;
  const Footprint f = footprint(view);
  const int least = std::min(f.x, f.y);
  return least >= 8 ? 8 : least >= 4 ? 4 : least >= 2 ? 2 : 1;
}

Image packed_image(std::uint8_t* data, int height, int width, int channels) {
  return {data, height, width, channels, std::ptrdiff_t{width} * channels, channels, 1, Type::u8};
}

void check_file(int height, int width, int channels) {
  check_picture("decoding this file", height, width, channels, Type::u8, "cut it into smaller files");
}

// The pixels of planes that a window shows, in their places.
Image converted(const Planes& planes, const Window& window, Workspace& w) {
  if (planes.count == 1) return {planes.data[0], planes.height, planes.width, 1, planes.row[0], 1, 1, Type::u8};
  check_file(planes.height, planes.width, 3);
  auto* const data = w.decoded.get<std::uint8_t>(std::int64_t{planes.height} * planes.width * 3 + 192);
  convert(planes, window, data, w);
  return packed_image(data, planes.height, planes.width, 3);
}

// What `view`, which counts in pixels of this level, shows of a JPEG; of planes no more than that, or `all`.
Image decoded(const Plan& plan, Task& task, const JpegHeader& header, int level, const View& view, bool all,
              const Options& options, Workspace& w) {
  check_file(jpeg_scaled(header.height, level), jpeg_scaled(header.width, level), plan.channels);
  const Source& source = task.source;
  std::int64_t bytes = 0;
  std::string error;
  bool ok = false;
  Image image;
  if (jpeg_layout(header, level, plan.channels, nullptr, bytes).count > 0) {
    const Planes planes = jpeg_layout(header, level, plan.channels, w.planes.get<std::uint8_t>(bytes + 64), bytes);
    const Window whole{0, 0, planes.height, planes.width};
    const Window window = all ? whole : window_of(plan, view, planes.height, planes.width);
    ok = jpeg_planes(source.data, source.size, level, options.tolerant, window.top, window.bottom, planes, error,
                     &task.damaged);
    if (ok) image = converted(planes, window, w);
  } else {
    const int height = jpeg_scaled(header.height, level), width = jpeg_scaled(header.width, level);
    auto* const data = w.decoded.get<std::uint8_t>(std::int64_t{height} * width * plan.channels + 8);
    image = packed_image(data, height, width, plan.channels);
    ok = jpeg_decode(source.data, source.size, level, options.tolerant, {data, height, width, plan.channels, image.row},
                     error, &task.damaged);
  }
  if (!ok) throw std::runtime_error(error);
  return image;
}

Image kept(const Plan& plan, const Level& kept, const View& view, Workspace& w) {
  if (kept.channels != plan.channels)
    throw std::runtime_error("what was kept of this file has " + std::to_string(kept.channels) + " channels, not " +
                             std::to_string(plan.channels));
  if (kept.planes.count == 0 && kept.pixels.data == nullptr)
    throw std::runtime_error("of this file only the head was kept");
  if (kept.planes.count == 0) return kept.pixels;
  return converted(kept.planes, window_of(plan, view, kept.planes.height, kept.planes.width), w);
}

void at_level(View& view, int level) {
  for (double& m : view.m) m /= level;
}

// Writes finished rows: directly where the slot is planar float32, else through a row of planes in cache.
class Rows {
 public:
  Rows(const Kernels& k, const Slot& slot, Workspace& w) : k_(k), slot_(slot) {
    stride_ = (slot.width + 63) & ~63;
    if (!direct()) line_ = w.rows.get<float>(std::int64_t{stride_} * slot.channels);
  }

  bool direct() const { return slot_.type == Type::f32 && slot_.planar; }

  void planes(int y, float** out) const {
    if (!slot_.planar) bring(y);
    const std::int64_t area = std::int64_t{slot_.height} * slot_.width;
    for (int c = 0; c < slot_.channels; ++c)
      out[c] = direct() ? reinterpret_cast<float*>(slot_.data) + c * area + std::int64_t{y} * slot_.width
                        : line_ + std::int64_t{c} * stride_;
  }

  void finish(int y, const float* const* planes) const {
    if (direct()) return;
    const std::int64_t area = std::int64_t{slot_.height} * slot_.width, at = std::int64_t{y} * slot_.width;
    if (slot_.type == Type::f32)
      return k_.to_f32(planes, slot_.channels, slot_.width, reinterpret_cast<float*>(slot_.data) + at * slot_.channels);
    std::uint8_t* planar[4];
    for (int c = 0; c < slot_.channels; ++c) planar[c] = slot_.data + c * area + at;
    k_.to_u8(planes, slot_.channels, slot_.width, slot_.planar ? planar : nullptr, slot_.data + at * slot_.channels);
  }

 private:
  // A packed row is written in one go, and would wait for its memory then: it is asked for while the row is sampled.
  void bring(int y) const {
    const std::int64_t bytes = std::int64_t{slot_.width} * slot_.channels * size_of(slot_.type);
    for (std::int64_t i = 0; i < bytes; i += 64) __builtin_prefetch(slot_.data + y * bytes + i, 1, 3);
  }

  const Kernels& k_;
  const Slot& slot_;
  std::int64_t stride_ = 0;
  float* line_ = nullptr;
};

void sweep(const Kernels& k, const std::vector<Step>& steps, float* const* planes, const Slot& slot) {
  if (!steps.empty()) k.colour(steps.data(), static_cast<int>(steps.size()), planes, slot.channels, slot.width);
}

// Contrasts need the mean of the whole picture so far: sampled into planes, summed, then swept once more each.
// Pixels that are not finite have no part in it.
void with_statistics(const Kernels& k, const Sampler& sampler, const Chain& chain, const Slot& slot, Workspace& w) {
  const Rows rows(k, slot, w);
  const bool finite = sampler.type == static_cast<int>(Type::u8);  // by its source
  const std::int64_t stride = (slot.width + 15) & ~15, area = stride * slot.height;
  float* const whole = rows.direct() ? nullptr : w.whole.get<float>(area * slot.channels);
  const auto planes = [&](int y, float** out) {
    if (rows.direct()) return rows.planes(y, out);
    for (int c = 0; c < slot.channels; ++c) out[c] = whole + c * area + y * stride;
  };
  float* p[4];
  std::vector<Step> steps;
  for (std::size_t i = 0; i < chain.sweeps.size(); ++i) {
    const Sweep& sweep_now = chain.sweeps[i];
    steps.insert(steps.end(), sweep_now.steps.begin(), sweep_now.steps.end());
    std::int64_t sum = 0, counted = 0;
    for (int y = 0; y < slot.height; ++y) {
      planes(y, p);
      if (i == 0) sampler.row(k, y, slot.width, p);
      sweep(k, steps, p, slot);
      if (sweep_now.ends_in_contrast) {
        sum += k.grey_sum(p, slot.channels, slot.width, static_cast<float>(sweep_now.low),
                          static_cast<float>(sweep_now.high), finite ? nullptr : &counted);
      } else {
        rows.finish(y, p);
      }
      if (i == 0) w.ahead.bring(y, slot.height);
    }
    const double count = finite ? static_cast<double>(slot.height) * slot.width : static_cast<double>(counted);
    const double grey = count > 0 ? static_cast<double>(sum) / (count * 0x1p20) : 0;
    const double mean = sweep_now.low + grey * (sweep_now.high - sweep_now.low);
    steps = {contrast_step(sweep_now.contrast, mean, sweep_now.low, sweep_now.high, slot.channels)};
  }
}

void run_segment(const Kernels& k, const Plan& plan, const Image& source, const Segment& s, const Slot& slot,
                 Workspace& w, Counts& counts) {
  const bool bounded = source.type == Type::u8;
  const Chain chain = compile(s.colours.data(), s.colours.data() + s.colours.size(), source.channels, bounded, 0, 255);
  Sampler sampler = prepare(k, plan, source, s.view, w);
  sampler.set_scale(chain.scale, chain.bias);
  ++counts.resamples;
  counts.reductions += sampler.box_x > 1 || sampler.box_y > 1;
  counts.sweeps += static_cast<std::int64_t>(chain.sweeps.size()) - 1;
  if (chain.sweeps.size() > 1) return with_statistics(k, sampler, chain, slot, w);
  const Rows rows(k, slot, w);
  sampler.warp.far = slot.far && rows.direct() && chain.sweeps.front().steps.empty();
  float* p[4];
  for (int y = 0; y < slot.height && !cancelled(); ++y) {
    rows.planes(y, p);
    sampler.row(k, y, slot.width, p);
    sweep(k, chain.sweeps.front().steps, p, slot);
    rows.finish(y, p);
    w.ahead.bring(y, slot.height);
  }
  if (sampler.warp.far) settle();
}

// What to bring while picture `at` is worked on: the one that `threads` equally quick threads would give this one next.
Ahead ahead_of(const std::vector<Task>& tasks, std::size_t at, int threads) {
  constexpr std::int64_t most = 512 << 10;  // half of a usual second-level cache
  const std::size_t next = at + static_cast<std::size_t>(threads);
  if (next >= tasks.size()) return {};
  const Source& source = tasks[next].source;
  Ahead ahead;
  if (source.kind == Source::level) ahead = {source.data, static_cast<std::int64_t>(source.size)};
  if (source.kind == Source::array && source.image.packed())
    ahead = {source.image.data, source.image.row * source.image.height};
  return ahead.bytes > 0 && ahead.bytes <= most ? ahead : Ahead{};
}

Slot between(const View& view, int channels, Type type, Buffer& buffer) {
  const std::int64_t bytes = std::int64_t{view.height} * view.width * channels * size_of(type);
  return {buffer.get<std::uint8_t>(bytes + 8), view.height, view.width, channels, type, false};
}

Image as_image(const Slot& s) {
  const std::ptrdiff_t size = size_of(s.type);
  return {s.data, s.height, s.width, s.channels, size * s.channels * s.width, size * s.channels, size, s.type};
}

// Would a batch of such slots drive everything else from a cache of usual size, and itself as well?
bool is_far(const Slot& slot, std::size_t count) {
  constexpr std::int64_t least = 8 << 20;
  return std::int64_t{slot.height} * slot.width * slot.channels * size_of(slot.type) *
             static_cast<std::int64_t>(count) >=
         least;
}

void check_size(const View& view, const Slot& slot) {
  if (view.height == slot.height && view.width == slot.width) return;
  throw std::runtime_error("this picture comes out " + std::to_string(view.height) + " x " +
                           std::to_string(view.width) + ", its place in the batch is " + std::to_string(slot.height) +
                           " x " + std::to_string(slot.width));
}

Image opened_jpeg(const Plan& plan, Task& task, const JpegHeader& header, int level, const View& view,
                  const Options& options, Workspace& w, Counts& counts) {
  Shared& shared = w.shared;
  if (shared.decoded) return shared.image;
  ++counts.decodes;
  const Image image = decoded(plan, task, header, level, view, shared.level > 0, options, w);
  if (shared.level > 0) shared = {level, true, image};
  return image;
}

void run_picture(const Kernels& k, const Plan& plan, Task& task, const Options& options, Counts& counts) {
  Workspace& w = Workspace::mine();
  materialise(plan, task.row, w.program);
  const Concrete* at = w.program.data();
  const Concrete* const end = at + w.program.size();
  const Opened opened = open(task.source, options);
  Image image = task.source.image;
  View start = opened.view;
  for (int turn = 0; !cancelled(); ++turn) {
    Segment s = next_segment(at, end, start);
    if (turn == 0 && task.source.kind != Source::array) {
      const Level& file = opened.level;
      const bool kept_level = task.source.kind == Source::level;
      const int level = kept_level           ? file.denominator
                        : w.shared.level > 0 ? w.shared.level
                                             : choose_level(plan, opened, s.view, options);
      at_level(s.view, level);
      const Clock::time_point began = Clock::now();
      image = kept_level ? kept(plan, file, s.view, w)
                         : opened_jpeg(plan, task, file.header, level, s.view, options, w, counts);
      counts.decode_ns += nanoseconds_since(began);
      if (kept_level) task.damaged = file.damaged;
    }
    if (s.end == end) {
      check_size(s.view, task.slot);
      check_canvas(s, image.channels, task.slot.type);
      return run_segment(k, plan, image, s, task.slot, w, counts);
    }
    check_canvas(s, image.channels, s.stored);
    const Slot slot = between(s.view, image.channels, s.stored, w.between[turn & 1]);
    run_segment(k, plan, image, s, slot, w, counts);
    image = as_image(slot);
    start = whole(image);
    at = s.end + 1;
  }
}

}  // namespace

namespace {

// The least level that a JPEG needs at one of these places; 1 where it has no header, which each place will then say.
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

// Threads that a batch is worth: what wakes one costs as much as some ten thousand pixels, and whoever trains beside it
// has use for the other cores.
int worth(const std::vector<Task>& tasks, int threads) {
  constexpr std::int64_t share = 1 << 16;  // pixels, a tenth of a millisecond
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
  const int threads = worth(tasks, options.threads);
  for (Task& task : tasks) task.slot.far = is_far(task.slot, tasks.size());
  const auto views = static_cast<std::size_t>(options.views);
  std::vector<Counts> each(tasks.size());
  const auto work = [&](std::size_t at) {
    const std::int64_t before = Buffer::growths;
    const Clock::time_point began = Clock::now();
    Workspace& w = Workspace::mine();
    w.ahead = ahead_of(tasks, at, threads);
    Ahead brought;
    try {
      run_picture(k, plan, tasks[at], options, each[at]);
      brought = w.ahead;
    } catch (const std::bad_alloc&) {
      tasks[at].error = "not enough memory for this picture";
    } catch (const std::exception& error) {
      tasks[at].error = error.what();
    }
    w.brought = brought;
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

std::vector<Pass> passes(const Plan& plan, const Source& source, const double* row, const Options& options) {
  const DefaultFloatMode mode;
  std::vector<Concrete> program;
  materialise(plan, row, program);
  const Concrete* at = program.data();
  const Concrete* const end = at + program.size();
  const Opened opened = open(source, options);
  View start = opened.view;
  Type type = source.kind != Source::array ? Type::u8 : source.image.type;
  std::vector<Pass> out;
  for (;;) {
    Segment s = next_segment(at, end, start);
    Pass pass;
    if (out.empty() && source.kind != Source::array) {
      pass.level = choose_level(plan, opened, s.view, options);
      at_level(s.view, pass.level);
    }
    pass.view = s.view;
    pass.geometry = s.geometry;
    pass.colours = static_cast<int>(s.colours.size());
    const Chain chain =
        compile(s.colours.data(), s.colours.data() + s.colours.size(), plan.channels, type == Type::u8, 0, 255);
    pass.sweeps = pass.statistics = static_cast<int>(chain.sweeps.size()) - 1;
    pass.separable = samples_separably(plan, s.view);
    if (!pass.separable && plan.antialias && !plan.nearest) {
      const Footprint f = footprint(s.view);
      pass.box_x = f.x;
      pass.box_y = f.y;
    }
    out.push_back(pass);
    if (s.end == end) return out;
    start = View{s.view.height, s.view.width, {1, 0, 0, 0, 1, 0}};
    type = s.stored;
    at = s.end + 1;
  }
}

int level_of(const Plan& plan, const Source& source, const double* row, const Options& options) {
  const DefaultFloatMode mode;
  std::vector<Concrete> program;
  materialise(plan, row, program);
  const Opened opened = open(source, options);
  return choose_level(plan, opened, next_segment(program.data(), program.data() + program.size(), opened.view).view,
                      options);
}

View final_view(const Plan& plan, const Source& source, const double* row, const Options& options) {
  const DefaultFloatMode mode;
  std::vector<Concrete> program;
  materialise(plan, row, program);
  View view = open(source, options).view;
  for (const Concrete& c : program) {
    if (is_geometry(c.op)) apply(c, view);
  }
  return view;
}

}  // namespace vary
