// The Python module. Only this file and the others named bind depend on Python. Its functions find the memory of Python
// objects, release the GIL, and call the core.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <iterator>
#include <memory>
#include <stdexcept>
#include <system_error>

#include "bind_files.h"
#include "bind_gil.h"
#include "bind_sources.h"
#include "buffers.h"
#include "cpu.h"
#include "execute.h"
#include "maths.h"
#include "pool.h"
#include "shared.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace vary {
namespace {

using Rows = nb::ndarray<nb::numpy, double, nb::ndim<2>>;

Options options_of(int threads, bool full_decode, bool allow_truncated, std::int64_t max_pixels) {
  Options options;
  options.threads = threads;
  options.full_decode = full_decode;
  options.allow_truncated = allow_truncated;
  options.max_pixels = max_pixels;
  return options;
}

Element element_named(const std::string& dtype) {
  for (int i = 0; i < kElementCount; ++i)
    if (dtype == kElements[i].name) return static_cast<Element>(i);
  throw std::invalid_argument("no such dtype: " + dtype);
}

using ArgumentTuple = std::pair<double, int>;
using InstructionTuple = std::tuple<std::string, int, std::vector<ArgumentTuple>, std::string>;
using DrawTuple = std::tuple<std::uint64_t, std::uint32_t, int, double, double, int, int, int>;

using SamplingTuple = std::tuple<int, std::vector<float>, bool, bool>;  // fill, its value, nearest, antialias

void build(Plan* self, const std::vector<InstructionTuple>& instructions, const std::vector<DrawTuple>& draws,
           int channels, const SamplingTuple& sampling) {
  Plan plan;
  for (const auto& [name, gate, arguments, transform] : instructions) {
    const Op* const op = find_op(name);
    if (op == nullptr) throw std::invalid_argument("no such instruction: " + name);
    if (!op->accepts(std::ssize(arguments), channels))
      throw std::invalid_argument(name + " does not have " + std::to_string(arguments.size()) + " arguments");
    Instruction instruction{op, gate, {}, transform};
    for (const auto& [value, column] : arguments) instruction.arguments.push_back({value, column});
    plan.instructions.push_back(instruction);
  }
  for (const auto& [key, number, kind, a, b, parent, column, count] : draws)
    plan.draws.push_back({key, number, static_cast<Draw::Kind>(kind), a, b, parent, column, count});
  plan.columns = static_cast<int>(plan.draws.size());
  plan.channels = channels;
  const auto& [fill, fill_value, nearest, antialias] = sampling;
  plan.fill = static_cast<Fill>(fill);
  if (!fill_value.empty()) plan.fill_value = fill_value;
  plan.nearest = nearest;
  plan.antialias = antialias;
  new (self) Plan(std::move(plan));
}

Rows draw_rows(const Plan& plan, std::uint64_t seed, std::uint32_t epoch, const Indices& indices,
               const Indices& views) {
  const std::size_t n = indices.shape(0), k = plan.draws.size();
  if (views.shape(0) != n) throw std::invalid_argument("give one view for each index");
  auto* const data = new double[n * k + 1];
  const nb::capsule owner(data, [](void* p) noexcept { delete[] static_cast<double*>(p); });
  draw(plan.draws, {seed, epoch}, indices.data(), views.data(), static_cast<int>(n), data);
  return Rows(data, {n, k}, owner);
}

using RunTuple = std::tuple<bool, int, int, bool, bool, std::int64_t>;  // planar, then fields of `Options`

nb::tuple run(const Plan& plan, nb::handle sources, const ConstRows& rows, nb::handle out, const RunTuple& settings) {
  const auto& [planar, views, threads, full_decode, allow_truncated, max_pixels] = settings;
  Options options = options_of(threads, full_decode, allow_truncated, max_pixels);
  options.views = views;
  Borrowed held;
  std::vector<Task> tasks = tasks_of(plan, sources, rows, held);
  if (views < 1 || tasks.size() % static_cast<std::size_t>(views) != 0) throw std::invalid_argument("views do not fit");
  slots_of(plan, out.ptr(), planar, tasks, held);
  Counts counts;
  without_gil([&] { counts = execute(plan, tasks, options); });
  nb::list errors, damaged;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    if (!tasks[i].error.empty())
      errors.append(nb::make_tuple(i, tasks[i].error));
    else if (tasks[i].damaged)
      damaged.append(i);
  }
  return nb::make_tuple(
      nb::make_tuple(counts.pictures, counts.decodes, counts.resamples, counts.sweeps, counts.reductions,
                     counts.growths, counts.decode_ns, counts.total_ns, nb::tuple(damaged)),
      errors);
}

// A list of `value(task)` for each picture, or the text of the error if its header cannot be read.
template <typename Value>
nb::list of_each(const Plan& plan, nb::handle sources, const ConstRows& rows, Value value) {
  Borrowed held;
  nb::list out;
  for (const Task& task : tasks_of(plan, sources, rows, held)) {
    try {
      out.append(value(task));
    } catch (const std::runtime_error& error) {
      out.append(std::string(error.what()));
    }
  }
  return out;
}

// Final (height, width).
nb::list sizes(const Plan& plan, nb::handle sources, const ConstRows& rows, std::int64_t max_pixels) {
  const Options options = options_of(1, false, false, max_pixels);
  return of_each(plan, sources, rows, [&](const Task& task) {
    const View view = final_view(plan, task.source, task.row, options);
    return nb::make_tuple(view.height, view.width);
  });
}

// The level (1, 2, 4, 8) at which each file has to be decoded. A cache block may be its header alone.
nb::list levels(const Plan& plan, nb::handle sources, const ConstRows& rows, bool full_decode,
                std::int64_t max_pixels) {
  const Options options = options_of(1, full_decode, false, max_pixels);
  return of_each(plan, sources, rows, [&](const Task& task) { return level_of(plan, task.source, task.row, options); });
}

// Appends for each canvas (map as a matrix of 3 x 3, height, width), or for a field (numbers, height, width, rows,
// columns).
void append_canvases(const View& view, nb::list& canvases) {
  const double *m = view.m, *p = view.p;
  const auto append = [&](int height, int width) {
    std::vector<double> matrix(m, m + 6);
    matrix.insert(matrix.end(), p, p + 3);
    canvases.append(nb::make_tuple(matrix, height, width));
  };
  for (const auto& [field, map] : view.layers) {
    append(field.height, field.width);
    canvases.append(nb::make_tuple(*field.numbers, field.height, field.width, field.rows, field.columns));
    m = map.m;
    p = map.p;
  }
  append(view.height, view.width);
}

// For each picture its canvases from the source to the result, each with the map of its points to the canvas before.
nb::list maps_of(const Plan& plan, nb::handle sources, const ConstRows& rows, std::int64_t max_pixels) {
  const Options options = options_of(1, false, false, max_pixels);
  return of_each(plan, sources, rows, [&](const Task& task) {
    nb::list canvases;
    for (const View& view : maps(plan, task.source, task.row, options)) append_canvases(view, canvases);
    return canvases;
  });
}

nb::list describe(const Plan& plan, int height, int width, const std::string& dtype, const ConstRows& rows) {
  Source source;
  source.image.height = height;
  source.image.width = width;
  source.image.channels = plan.channels;
  source.image.type = element_named(dtype);
  nb::list out;
  for (const Pass& pass : passes(plan, source, rows.data(), {})) {
    nb::dict d;
    d["height"] = pass.view.height;
    d["width"] = pass.view.width;
    d["map"] = nb::make_tuple(pass.view.m[0], pass.view.m[1], pass.view.m[2], pass.view.m[3], pass.view.m[4],
                              pass.view.m[5], pass.view.p[0], pass.view.p[1], pass.view.p[2]);
    d["fields"] = pass.view.layers.size();
    d["separable"] = pass.separable;
    d["shrink"] = nb::make_tuple(pass.shrink_y, pass.shrink_x);
    d["maps"] = pass.maps;
    d["stages"] = pass.stages;
    d["sweeps"] = pass.sweeps;
    out.append(d);
  }
  return out;
}

Key key_for(std::uint64_t seed, std::uint64_t name) { return key_of(seed, name); }

nb::ndarray<nb::numpy> empty(const std::vector<std::size_t>& shape, const std::string& dtype) {
  const ElementInfo& element = info_of(element_named(dtype));
  auto bytes = static_cast<std::size_t>(element.bytes);
  for (const std::size_t side : shape) bytes *= side;
  void* const block = take_block(bytes);
  const nb::capsule owner(block, [](void* p) noexcept { return_block(p); });
  using Code = nb::dlpack::dtype_code;
  const Code code = !element.whole ? Code::Float : element.low < 0 ? Code::Int : Code::UInt;
  const nb::dlpack::dtype type{static_cast<std::uint8_t>(code), static_cast<std::uint8_t>(8 * element.bytes), 1};
  return nb::ndarray<nb::numpy>(block, shape.size(), shape.data(), owner, nullptr, type);
}

using Memory = nb::ndarray<nb::numpy, std::uint8_t, nb::ndim<1>>;
using SharedWords = nb::ndarray<nb::numpy, std::int64_t, nb::ndim<1>, nb::c_contig>;

void map_part(SharedPart* self, int file, std::size_t offset, std::size_t bytes) {
  try {
    new (self) SharedPart(file, offset, bytes);
  } catch (const std::system_error& error) {
    errno = error.code().value();
    PyErr_SetFromErrno(PyExc_OSError);
    throw nb::python_error();
  }
}

std::int64_t* word_of(const SharedWords& words, std::size_t number) {
  if (number >= words.shape(0)) throw std::out_of_range("no such word");
  return words.data() + number;
}

// The part's memory as an array. The part is held until nothing refers to the array. None if the part is no longer
// shared.
nb::object hold_part(nb::handle_t<SharedPart> self, const SharedWords& words, std::size_t number, std::int64_t held,
                     std::int64_t free) {
  struct Owned {
    SharedPart* held;
    nb::object part, words;  // keep `held` and its word
    ~Owned() { held->release(); }
  };
  auto* const part = nb::cast<SharedPart*>(self);
  std::int64_t* const word = word_of(words, number);
  if (!part->hold(word, held, free)) return nb::none();
  const nb::capsule owner(new Owned{part, nb::borrow(self), nb::cast(words)},
                          [](void* p) noexcept { delete static_cast<Owned*>(p); });
  return nb::cast(Memory(part->data(), {part->bytes()}, owner));
}

}  // namespace
}  // namespace vary

NB_MODULE(_native, m) {
  using namespace vary;
  nb::set_leak_warnings(false);  // policies may exist until the interpreter ends
  m.doc() = "The native core of vary. Private: use the names of `vary`.";
  nb::class_<Plan>(m, "Plan")
      .def("__init__", &build, "instructions"_a, "draws"_a, "channels"_a, "sampling"_a)
      .def("draw", &draw_rows, "seed"_a, "epoch"_a, "indices"_a, "views"_a)
      .def("run", &run, "sources"_a, "rows"_a, "out"_a, "settings"_a)
      .def("sizes", &sizes, "sources"_a, "rows"_a, "max_pixels"_a)
      .def("maps", &maps_of, "sources"_a, "rows"_a, "max_pixels"_a)
      .def("levels", &levels, "sources"_a, "rows"_a, "full_decode"_a, "max_pixels"_a)
      .def("describe", &describe, "height"_a, "width"_a, "dtype"_a, "rows"_a);
  nb::class_<BatchThreads>(m, "BatchThreads")
      .def(
          "__init__", [](BatchThreads* self, int each) { new (self) BatchThreads{each}; }, "threads_per_batch"_a)
      .def("submit", [](BatchThreads& threads) { submit_batch(threads); })
      .def("await_batch", [](BatchThreads& threads) {
        PyThreadState* const state = PyEval_SaveThread();
        await_batch(threads);  // which throws nothing
        acquire_gil(state);
      });
  m.def("empty", &empty, "shape"_a, "dtype"_a);
  m.def("elements", [] {
    nb::list out;
    for (const ElementInfo& one : kElements)
      out.append(nb::make_tuple(one.name, one.bytes, one.low, one.high, one.whole));
    return out;
  });
  nb::class_<SharedPart>(m, "SharedPart")
      .def("__init__", &map_part, "file"_a, "offset"_a, "size"_a)
      .def_prop_ro("array",
                   [](nb::handle_t<SharedPart> self) {
                     auto* const part = nb::cast<SharedPart*>(self);
                     return nb::cast(Memory(part->data(), {part->bytes()}, self));
                   })
      .def("hold", &hold_part, "words"_a, "number"_a, "held"_a, "free"_a)
      .def("detach", &SharedPart::detach);
  m.def(
      "exchange_word",
      [](const SharedWords& words, std::size_t number, std::int64_t expected, std::int64_t next) {
        return exchange_word(word_of(words, number), expected, next);
      },
      "words"_a, "number"_a, "expected"_a, "following"_a);
  m.def("punch", &punch, "file"_a, "offset"_a, "size"_a);
  m.def("ops", [] {  // of each operation: (name, kind, arguments, arguments for each channel)
    static constexpr const char* kinds[] = {"map", "pointwise", "whole", "noise", "control"};
    nb::list found;
    for (const std::span<const Op> table : all_ops())
      for (const Op& op : table)
        found.append(nb::make_tuple(op.name, kinds[static_cast<int>(op.kind)], op.numbers, op.each));
    return found;
  });
  m.def("philox", [](const std::vector<std::uint32_t>& c, const std::vector<std::uint32_t>& k) {
    const Words w = philox({c.at(0), c.at(1), c.at(2), c.at(3)}, {k.at(0), k.at(1)});
    return std::vector<std::uint32_t>(w.begin(), w.end());
  });
  m.def("permutation", [](std::uint64_t n, std::uint64_t seed, std::uint64_t name) {
    auto* const data = new std::int64_t[n + 1];
    const nb::capsule owner(data, [](void* p) noexcept { delete[] static_cast<std::int64_t*>(p); });
    permutation(n, key_for(seed, name), data);
    return nb::ndarray<nb::numpy, std::int64_t, nb::ndim<1>>(data, {static_cast<std::size_t>(n)}, owner);
  });
  m.def("permute", [](const Indices& positions, std::uint64_t n, std::uint64_t seed, std::uint64_t name) {
    const std::size_t count = positions.shape(0);
    auto* const data = new std::int64_t[count + 1];
    const nb::capsule owner(data, [](void* p) noexcept { delete[] static_cast<std::int64_t*>(p); });
    const Key key = key_for(seed, name);
    for (std::size_t i = 0; i < count; ++i)
      data[i] = static_cast<std::int64_t>(permute(static_cast<std::uint64_t>(positions.data()[i]), n, key));
    return nb::ndarray<nb::numpy, std::int64_t, nb::ndim<1>>(data, {count}, owner);
  });
  m.def("sincos_degrees", [](double x) {
    const SinCos a = sincos_degrees(x);
    return nb::make_tuple(a.sin, a.cos);
  });
  m.def("natural_log", &natural_log);
  m.def("exponential", &exponential);
  m.def("cancel_all", &cancel_all);
  bind_files(m);
  m.def("target", [] { return std::string(live_kernels().name); });
  m.def("targets", &available_targets);
  m.def("allowed_threads", &allowed_threads);
}
