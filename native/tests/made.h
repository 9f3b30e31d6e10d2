// Made-up pictures and rows, from integers only, so that they are the same on every machine; in memory that ends where
// they end, so that the sanitizer sees a byte too far.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <deque>
#include <string_view>
#include <utility>
#include <vector>

#include "execute.h"
#include "sample.h"

namespace made {

using Bytes = std::vector<std::uint8_t>;

class Numbers {  // splitmix64
 public:
  explicit Numbers(std::uint64_t seed) : state_(seed) {}

  std::uint32_t operator()() {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return static_cast<std::uint32_t>((z ^ (z >> 31)) >> 32);
  }
  int below(int n) { return static_cast<int>((*this)() % static_cast<std::uint32_t>(n)); }
  float value() { return static_cast<float>(below(1 << 16) - (1 << 13)) * 0x1p-7f; }  // -64 .. 448

 private:
  std::uint64_t state_;
};

inline void append(Bytes& out, const void* data, std::size_t size) {
  const auto* const from = static_cast<const std::uint8_t*>(data);
  out.insert(out.end(), from, from + size);
}

struct Picture {
  Bytes bytes;
  vary::Image image;

  Picture(int height, int width, int channels, vary::Element type, std::uint64_t seed = 1) {
    Numbers numbers(seed);
    const std::ptrdiff_t size = vary::size_of(type), count = std::ptrdiff_t{height} * width * channels;
    Bytes made;
    made.reserve(static_cast<std::size_t>(count * size));
    for (std::ptrdiff_t i = 0; i < count; ++i) {
      const float number = numbers.value();
      const auto byte = static_cast<std::uint8_t>(numbers());
      if (size == 2) append(made, &number, 1);  // any byte, before another
      append(made, type == vary::Element::f32 ? static_cast<const void*>(&number) : &byte, size == 4 ? 4 : 1);
    }
    hold(made, height, width, channels, type);
  }
  Picture(int height, int width, int channels, const Bytes& values) {
    hold(values, height, width, channels, vary::Element::u8);
  }
  Picture(Picture&&) = default;

  // The same picture without its first columns: rows apart, and the last one ends with the memory.
  vary::Image without_left(int columns) const {
    vary::Image out = image;
    out.data += columns * out.column;
    out.width -= columns;
    return out;
  }

 private:
  void hold(const Bytes& values, int height, int width, int channels, vary::Element type) {
    const std::ptrdiff_t size = vary::size_of(type), pixel = size * channels;
    bytes = values;  // a copy has no spare capacity
    image = {bytes.data(), height, width, channels, pixel * width, pixel, size, type};
  }
};

// What a kernel writes: `channels` rows of n floats.
class Planes {
 public:
  Planes(int channels, int n)
      : rows_(static_cast<std::size_t>(channels), std::vector<float>(static_cast<unsigned>(n))) {
    for (std::vector<float>& row : rows_) pointers_.push_back(row.data());
  }
  Planes(const Planes&) = delete;
  Planes& operator=(const Planes&) = delete;

  float* const* get() const { return pointers_.data(); }
  vary::OutputRow row() const {
    vary::OutputRow out;
    std::copy(pointers_.begin(), pointers_.end(), out.at);
    return out;
  }
  void fill(Numbers numbers) {
    for (std::vector<float>& row : rows_)
      for (float& value : row) value = numbers.value();
  }
  void append_to(Bytes& out) const {
    for (const std::vector<float>& row : rows_) append(out, row.data(), row.size() * sizeof(float));
  }

 private:
  std::vector<std::vector<float>> rows_;
  std::vector<float*> pointers_;
};

inline vary::OutputRow packed_row(void* at, vary::Element type) {
  vary::OutputRow out;
  out.at[0] = at;
  out.type = type;
  out.packed = true;
  return out;
}

// Every row of `source` along a map, as planar float32.
inline Bytes sampled(const vary::Kernels& k, const vary::Plan& plan, const vary::Image& source,
                     const vary::View& view) {
  constexpr float scale[4] = {.5f, 1, 2, 1}, bias[4] = {0, 1, -3, 0};
  vary::Sampler sampler = vary::prepare(k, plan, source, view, vary::Workspace::mine());
  sampler.set_scale(scale, bias);
  const int floats = sampler.separable ? sampler.resize.columns * source.channels + 4 : 0;
  std::vector<float> scratch(static_cast<std::size_t>(floats));
  if (sampler.separable) sampler.scratch = scratch.data();
  Bytes out;
  for (int y = 0; y < view.height; ++y) {
    const Planes planes(source.channels, view.width);
    sampler.row(k, y, view.width, planes.row());
    planes.append_to(out);
  }
  return out;
}

// The kernel of a step, by its name.
inline vary::RowStep kernel(const vary::Kernels& k, std::string_view name) {
  if (name == "affine") return k.affine;
  if (name == "matrix") return k.matrix;
  for (const vary::NamedSteps& file : k.steps)
    for (int i = 0; i < file.count; ++i)
      if (name == file.first[i].name) return file.first[i].run;
  return nullptr;
}

using Name = std::string_view;  // of an operation

inline vary::Instruction instruction(Name op, const std::vector<double>& arguments = {}, int gate = -1) {
  vary::Instruction out{vary::find_op(op), gate, {}};
  for (const double value : arguments) out.arguments.push_back({value, -1});
  return out;
}

inline vary::Instruction of_columns(Name op, const std::vector<int>& columns) {
  vary::Instruction out{vary::find_op(op), -1, {}};
  for (const int column : columns) out.arguments.push_back({0, column});
  return out;
}

// One instruction by itself. Its numbers are kept for good: they are few.
inline vary::Concrete concrete(Name op, const std::vector<double>& arguments) {
  static auto& kept = *new std::deque<std::vector<double>>;
  return {vary::find_op(op), kept.emplace_back(arguments), nullptr};
}

inline vary::Plan plan_of(std::vector<vary::Instruction> instructions, int columns = 0) {
  vary::Plan plan;
  plan.instructions = std::move(instructions);
  plan.columns = columns;
  return plan;
}

// What most people run: turn, shear, zoom, shift, perhaps flip, then to one size and to 0 .. 1. A row holds: degrees,
// degrees along x, along y, magnification, x, y, flip or not.
inline vary::Plan main_policy(int height, int width) {
  return plan_of({of_columns("rotate", {0}), of_columns("shear_degrees", {1, 2}), of_columns("zoom", {3, 3}),
                  of_columns("translate", {4, 5}), instruction("flip_horizontal", {}, 6),
                  instruction("resize", {height + 0., width + 0., 0}), instruction("rescale", {1 / 255., 0})},
                 7);
}

// A batch that owns its slots, each exactly as long as it says.
struct Batch {
  std::vector<vary::Task> tasks;
  std::vector<Bytes> outputs;
  std::vector<std::vector<double>> rows;

  void add(const vary::Source& source, vary::Slot slot, const std::vector<double>& row = {}) {
    vary::Task task;
    task.source = source;
    task.slot = slot;
    tasks.push_back(task);
    rows.push_back(row);
    const std::ptrdiff_t values = std::ptrdiff_t{slot.height} * slot.width * slot.channels;
    outputs.emplace_back(static_cast<std::size_t>(values * vary::size_of(slot.type)));
  }

  vary::Counts run(const vary::Plan& plan, int threads = 1) {
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      tasks[i].slot.data = outputs[i].data();
      tasks[i].row = rows[i].data();
    }
    vary::Options options;
    options.threads = threads;
    return vary::execute(plan, tasks, options);
  }
};

inline vary::Source source_of(const Picture& picture) { return {vary::Source::array, picture.image, nullptr, 0}; }

}  // namespace made
