// Rows of pixels as they are written: planes or packed, float32 or bytes, within the caches or past them, at any
// address and of any width. Each row lies between bytes that must stay as they are, and holds what a plain loop makes
// of the values.
#include <bit>
#include <cmath>
#include <limits>
#include <string>

#include "check.h"
#include "cpu.h"
#include "made.h"

namespace {

using made::Bytes;
using made::Picture;
using made::Planes;
using vary::Element;
using vary::Fill;
using vary::Kernels;
using vary::OutputRow;
using vary::Plan;
using vary::View;

constexpr int kChannels[] = {1, 3, 4};
constexpr float kInfinity = std::numeric_limits<float>::infinity(), kNan = std::numeric_limits<float>::quiet_NaN();

struct Kind {
  Element type;
  bool packed, far;
};
constexpr Kind kKinds[] = {{Element::f32, false, false}, {Element::f32, false, true}, {Element::f32, true, false},
                           {Element::f32, true, true},   {Element::u8, false, false}, {Element::u8, true, false}};

std::uint8_t byte_of(float value) {
  if (!(value > 0)) return 0;
  return static_cast<std::uint8_t>(std::nearbyint(std::min(value, 255.f)));
}

// Memory for the rows of one picture row, `offset` bytes beyond a multiple of 64, with 64 bytes to guard each of them.
class Guarded {
 public:
  Guarded(const Kind& kind, int channels, int n, int offset) : kind_(kind), channels_(channels), n_(n) {
    const int rows = kind.packed ? 1 : channels;
    bytes_ = static_cast<std::size_t>(n) * static_cast<std::size_t>(vary::size_of(kind.type)) *
             static_cast<std::size_t>(kind.packed ? channels : 1);
    row_.type = kind.type;
    row_.packed = kind.packed;
    row_.far = kind.far;
    for (int r = 0; r < rows; ++r) {
      memory_.emplace_back(bytes_ + 256, std::uint8_t{0xA5});
      std::uint8_t* const start = memory_.back().data();
      row_.at[r] = start + 64 + (64 - reinterpret_cast<std::uintptr_t>(start) % 64) + offset;
    }
  }

  const OutputRow& row() const { return row_; }

  // How many bytes are not as they should be, given the values as planes.
  int wrong(float* const* planes) const {
    int wrong = 0;
    for (std::size_t r = 0; r < memory_.size(); ++r) {
      Bytes expected(memory_[r].size(), 0xA5);
      const auto start = static_cast<std::size_t>(static_cast<std::uint8_t*>(row_.at[r]) - memory_[r].data());
      for (int x = 0; x < n_; ++x)
        for (int c = 0; c < (kind_.packed ? channels_ : 1); ++c) {
          const float value = planes[kind_.packed ? c : static_cast<int>(r)][x];
          const std::uint8_t byte = byte_of(value);
          const auto size = static_cast<std::size_t>(vary::size_of(kind_.type));
          const auto at = static_cast<std::size_t>(kind_.packed ? x * channels_ + c : x) * size;
          std::memcpy(expected.data() + start + at,
                      kind_.type == Element::u8 ? static_cast<const void*>(&byte) : &value, size);
        }
      for (std::size_t i = 0; i < expected.size(); ++i) wrong += memory_[r][i] != expected[i];
    }
    return wrong;
  }

 private:
  Kind kind_;
  int channels_, n_;
  std::size_t bytes_ = 0;
  OutputRow row_;
  std::vector<Bytes> memory_;
};

std::string words(const Kernels& k, const Kind& kind, int channels, int n, int offset) {
  return std::string(k.name) + ", " + std::to_string(n) + (kind.packed ? " packed" : " planar") + " pixels of " +
         std::to_string(channels) + (kind.type == Element::u8 ? " bytes" : " floats") + (kind.far ? ", far" : "") +
         ", at " + std::to_string(offset);
}

// Calls run(kernels, kind, channels, n, offset) for everything there is.
template <typename Run>
void every_row(Run run) {
  for (const std::string& target : vary::available_targets())
    for (const Kind& kind : kKinds)
      for (const int channels : kChannels)
        for (int n = 1; n <= 200; ++n)
          for (const int offset : {0, kind.far ? 64 : static_cast<int>(vary::size_of(kind.type)) * (1 + n % 15)})
            run(vary::kernels_of(target), kind, channels, n, offset);
}

void test_casts_by_hand() {
  constexpr struct {
    float value;
    int byte;
  } casts[] = {{-1, 0},       {-0.f, 0},        {.5f, 0},      {.50001f, 1},    {1.5f, 2},  {2.5f, 2},
               {127.5f, 128}, {254.49f, 254},   {254.5f, 254}, {254.51f, 255},  {255, 255}, {255.5f, 255},
               {1e30f, 255},  {kInfinity, 255}, {-1e30f, 0},   {-kInfinity, 0}, {kNan, 0},  {-kNan, 0}};
  for (const auto& cast : casts) {
    CHECK_EQUAL(static_cast<int>(byte_of(cast.value)), cast.byte);
    for (const std::string& target : vary::available_targets()) {
      const Planes planes(1, 40);
      Bytes out(40);
      std::fill(planes.get()[0], planes.get()[0] + 40, cast.value);
      vary::kernels_of(target).store(planes.get(), 1, 40, made::packed_row(out.data(), Element::u8));
      CHECK(out == Bytes(40, static_cast<std::uint8_t>(cast.byte)));
    }
  }
}

void test_store() {
  constexpr float special[] = {kNan, -kNan, kInfinity, -kInfinity, .5f, 1.5f, 254.5f, 255.5f, -0.f, 1e-40f};
  every_row([&](const Kernels& k, const Kind& kind, int channels, int n, int offset) {
    Planes planes(channels, n);
    planes.fill(made::Numbers(static_cast<std::uint64_t>(n)));
    for (int x = 0; x < n; x += 3) planes.get()[x % channels][x] = special[x % std::size(special)];
    Guarded memory(kind, channels, n, offset);
    k.store(planes.get(), channels, n, memory.row());
    const int wrong = memory.wrong(planes.get());
    check::that(wrong == 0, __FILE__, __LINE__, wrong == 0 ? "" : words(k, kind, channels, n, offset).c_str());
  });
}

struct Way {
  Fill fill;
  bool nearest, antialias, scaled;
};

// Rows that a sampler writes itself hold what it writes as planes of float32 (which the stored hashes hold).
void test_samplers() {
  constexpr double maps[][6] = {
      {.8, -.6, 3, .6, .8, -2},     // turned: in and out of the picture
      {.03, .01, 9, -.02, .05, 8},  // enlarged: all inside
      {1, 0, 0, 0, 1, 19},          // its last rows
      {1, 0, 500, 0, 1, 500},       // all outside
      {1.3, 0, -5, 0, 1.7, 2},      // smaller: three taps along x
      {-4.4, 0, 70, 0, 1, 3},       // nine, backwards
      {.1, 0, 2, 0, 3, 0},          // two
      {3.6, 0, 0, 0, 1.1, 0},       // eight
  };
  constexpr Way ways[] = {{Fill::nearest, false, false, true}, {Fill::constant, false, true, true},
                          {Fill::wrap, true, false, false},    {Fill::constant, true, false, true},
                          {Fill::nearest, false, true, false}, {Fill::reflect, false, true, true}};
  for (const Element type : {Element::u8, Element::f32})
    for (const int channels : kChannels) {
      Picture picture(20, 30, channels, type);
      if (type == Element::f32) std::memcpy(picture.bytes.data() + picture.image.row * 3, &kNan, 4);
      every_row([&](const Kernels& k, const Kind& kind, int count, int n, int offset) {
        if (count != channels) return;
        for (std::size_t i = 0; i < std::size(ways); ++i) {
          const Way& way = ways[i];
          Plan plan;
          plan.antialias = way.antialias;
          plan.nearest = way.nearest;
          plan.fill = way.fill;
          plan.fill_value = {300, 179.5f, 59, kNan};
          View view;
          view.width = n;
          view.height = 3;
          const double* const map = maps[(static_cast<std::size_t>(n) + i) % std::size(maps)];
          std::copy(map, map + 6, view.m);
          vary::Sampler sampler = vary::prepare(k, plan, picture.image, view, vary::Workspace::mine());
          constexpr float scale[4] = {.5f, 1, 2, 1}, bias[4] = {0, 1, -3, 0};
          if (way.scaled) sampler.set_scale(scale, bias);
          const Planes planes(channels, n);
          sampler.row(k, 1, n, planes.row());
          Guarded memory(kind, channels, n, offset);
          sampler.row(k, 1, n, memory.row());
          const int wrong = memory.wrong(planes.get());
          check::that(wrong == 0, __FILE__, __LINE__, wrong == 0 ? "" : words(k, kind, channels, n, offset).c_str());
        }
      });
    }
}

// One picture through a plan into a slot between guards; its bytes.
Bytes run_into(const Plan& plan, const Picture& picture, vary::Slot slot, int offset) {
  const auto size =
      static_cast<std::size_t>(std::ptrdiff_t{slot.height} * slot.width * slot.channels * vary::size_of(slot.type));
  Bytes memory(size + 192, 0xA5);
  slot.data = memory.data() + 64 + (64 - reinterpret_cast<std::uintptr_t>(memory.data()) % 64) + offset;
  const auto begin = memory.begin() + (slot.data - memory.data());
  std::vector<vary::Task> tasks(1);
  tasks[0].source = made::source_of(picture);
  tasks[0].slot = slot;
  vary::execute(plan, tasks, {});
  CHECK_EQUAL(tasks[0].error, "");
  CHECK(std::all_of(memory.begin(), begin, [](std::uint8_t b) { return b == 0xA5; }));
  CHECK(std::all_of(begin + static_cast<std::ptrdiff_t>(size), memory.end(), [](std::uint8_t b) { return b == 0xA5; }));
  return {begin, begin + static_cast<std::ptrdiff_t>(size)};
}

// What a slot of this kind holds, given the picture as planes of float32.
Bytes arranged(const Bytes& planes, const vary::Slot& slot) {
  const int pixels = slot.height * slot.width;
  Bytes out;
  for (int i = 0; i < pixels * slot.channels; ++i) {
    const int from = slot.planar ? i : i % slot.channels * pixels + i / slot.channels;
    float value = 0;
    std::memcpy(&value, planes.data() + from * 4, 4);
    const std::uint8_t byte = byte_of(value);
    made::append(out, slot.type == Element::u8 ? static_cast<const void*>(&byte) : &value,
                 static_cast<std::size_t>(vary::size_of(slot.type)));
  }
  return out;
}

// Every kind of slot holds the same values, whichever way they went there.
void test_slots() {
  using made::instruction;
  const auto turn = instruction("rotate", {33}), brightness = instruction("brightness", {1.5, 0, 255});
  const auto contrast = instruction("contrast", {1.4, 0, 255}), scale = instruction("rescale", {.5, 3});
  for (const int width : {1, 17, 64, 150})
    for (const int channels : kChannels)
      for (const Element type : {Element::u8, Element::f32}) {
        const Picture picture(40, 50, channels, type);
        const auto size = instruction("resize", {5., width + 0., 0});
        for (const Plan& plan :
             {made::plan_of({turn, size}), made::plan_of({turn, size, scale}), made::plan_of({turn, size, brightness}),
              made::plan_of({turn, size, contrast, brightness}), made::plan_of({size})}) {
          const Bytes planes = run_into(plan, picture, {nullptr, 5, width, channels, Element::f32, true}, 0);
          for (const Element to : {Element::u8, Element::f32})
            for (const bool planar : {false, true}) {
              const vary::Slot slot{nullptr, 5, width, channels, to, planar};
              CHECK(run_into(plan, picture, slot, to == Element::u8 ? 7 : 4) == arranged(planes, slot));
            }
        }
      }
}

// A batch that no cache holds is written past them.
void test_far_slots() {
  constexpr int count = 3;
  for (const int way : {0, 1, 2, 3}) {
    const int side = way < 2 ? 512 : 510;  // of the latter, few rows lie at multiples of 64 bytes
    const bool colour = way % 2 == 1;
    const Picture picture(side, side, 3, Element::u8);
    const auto size = static_cast<std::size_t>(side) * static_cast<std::size_t>(side) * 3;
    std::vector<vary::Instruction> program = {made::instruction("rotate", {33})};
    if (colour) program.push_back(made::instruction("brightness", {1.5, 0, 255}));
    std::vector<float> memory(count * (size + 16) + 16);
    Bytes planes;
    for (const bool planar : {true, false}) {
      std::vector<vary::Task> tasks(count);
      for (std::size_t i = 0; i < count; ++i) {
        auto* const start = reinterpret_cast<std::uint8_t*>(memory.data() + i * (size + 16));
        tasks[i].source = made::source_of(picture);
        tasks[i].slot = {
            start + (64 - reinterpret_cast<std::uintptr_t>(start) % 64) % 64, side, side, 3, Element::f32, planar};
      }
      vary::execute(made::plan_of(program), tasks, {});
      for (const vary::Task& task : tasks) {
        CHECK(task.slot.far);
        Bytes seen(task.slot.data, task.slot.data + size * 4);
        if (planes.empty()) planes = seen;
        CHECK(seen == arranged(planes, task.slot));
      }
    }
  }
}

}  // namespace

int main() {
  test_casts_by_hand();
  test_store();
  test_samplers();
  test_slots();
  test_far_slots();
  return check::report();
}
