// Whole batches: slots, layouts, order of instructions, cuts, errors of single pictures, counts.
#include <algorithm>
#include <array>
#include <cfenv>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "buffers.h"
#include "check.h"
#include "made.h"

namespace {

using made::Batch;
using made::Bytes;
using made::instruction;
using made::Picture;
using made::plan_of;
using made::source_of;
using vary::Counts;
using vary::Element;
using vary::Fill;
using vary::Instruction;
using vary::Plan;
using vary::Slot;
using vary::Task;

Bytes run_one(const Plan& plan, const Picture& picture, const Slot& slot, const std::vector<double>& row = {}) {
  Batch batch;
  batch.add(source_of(picture), slot, row);
  batch.run(plan);
  CHECK_EQUAL(batch.tasks[0].error, std::string());
  return batch.outputs[0];
}

std::vector<double> main_row(int i) { return {i * 11. - 30, i * 3. - 9, 0, 1 + i / 20., i / 30., -.1, i % 2 + 0.}; }

struct Pictures {
  std::vector<std::unique_ptr<Picture>> all;
  Pictures() {
    constexpr int sizes[][2] = {{80, 90}, {33, 200}, {200, 33}, {1, 1}, {60, 60}, {7, 5}, {150, 150}, {500, 40}};
    for (const auto& [height, width] : sizes)
      all.push_back(std::make_unique<Picture>(height, width, 3, Element::u8, all.size() + 1));
  }
};

void test_main_policy() {
  const Pictures pictures;
  const Plan plan = made::main_policy(60, 60);
  const auto batch_of = [&] {
    Batch batch;
    for (std::size_t i = 0; i < pictures.all.size(); ++i)
      batch.add(source_of(*pictures.all[i]), {nullptr, 60, 60, 3, Element::f32, true}, main_row(static_cast<int>(i)));
    return batch;
  };
  Batch first = batch_of();
  const Counts cold = first.run(plan);
  CHECK_EQUAL(cold.pictures, 8);
  CHECK_EQUAL(cold.resamples, 8);
  CHECK_EQUAL(cold.sweeps, 0);
  const Counts warm = first.run(plan);
  CHECK_EQUAL(warm.growths, 0);
  CHECK(warm.total_ns > 0);
  CHECK_EQUAL(warm.decode_ns, 0);
  for (const int threads : {2, 7, 40}) {
    Batch other = batch_of();
    const Counts counts = other.run(plan, threads);
    CHECK_EQUAL(counts.resamples, 8);
    CHECK(other.outputs == first.outputs);
  }
  for (std::size_t i = 0; i < pictures.all.size(); ++i) {  // no picture depends on others
    CHECK_EQUAL(first.tasks[i].error, std::string());
    CHECK(run_one(plan, *pictures.all[i], first.tasks[i].slot, first.rows[i]) == first.outputs[i]);
  }
}

void test_layouts_of_slots() {  // one picture in each kind of slot
  const Picture picture(20, 30, 3, Element::u8);
  const Plan plan = plan_of({instruction("rotate", {20}), instruction("contrast", {1.5, 0, 255})});
  const Bytes bytes = run_one(plan, picture, {nullptr, 20, 30, 3, Element::u8, false});
  const Bytes planar = run_one(plan, picture, {nullptr, 20, 30, 3, Element::u8, true});
  const Bytes floats = run_one(plan, picture, {nullptr, 20, 30, 3, Element::f32, false});
  const Bytes planar_floats = run_one(plan, picture, {nullptr, 20, 30, 3, Element::f32, true});
  const auto number = [](const Bytes& from, std::size_t at) {
    float value;
    std::memcpy(&value, &from[at * sizeof value], sizeof value);
    return value;
  };
  int wrong = 0;
  for (std::size_t i = 0; i < 600; ++i)
    for (std::size_t c = 0; c < 3; ++c) {
      wrong += bytes[3 * i + c] != planar[600 * c + i];
      wrong += number(floats, 3 * i + c) != number(planar_floats, 600 * c + i);
      wrong += std::abs(number(floats, 3 * i + c) - bytes[3 * i + c]) > .5f;
    }
  CHECK_EQUAL(wrong, 0);
}

void test_large_batches() {  // non-temporal stores write the same values
  const Picture picture(60, 70, 3, Element::u8);
  const Plan plan =
      plan_of({instruction("resize", {832, 960, 0}), instruction("rotate", {20}), instruction("rescale", {.5, 1})});
  vary::Slot slot{nullptr, 832, 960, 3, Element::f32, false};
  const std::ptrdiff_t values = std::ptrdiff_t{832} * 960 * 3;
  const Bytes expected = run_one(plan, picture, slot);
  auto* const block = static_cast<std::uint8_t*>(vary::take_block(static_cast<std::size_t>(values * 4)));
  slot.planar = true;
  slot.data = block;
  std::vector<vary::Task> tasks(1);
  tasks[0].source = source_of(picture);
  tasks[0].slot = slot;
  vary::execute(plan, tasks, {});
  CHECK(tasks[0].slot.far);
  Bytes seen(expected.size());
  for (std::ptrdiff_t i = 0; i < values; ++i)
    std::memcpy(&seen[static_cast<std::size_t>(i * 4)], block + (i % 3 * values / 3 + i / 3) * 4, 4);
  CHECK(seen == expected);
  vary::return_block(block);
}

// The same pixels, `strides` (of rows, columns, channels; in values) apart.
vary::Image laid_out(const vary::Image& image, const std::array<std::ptrdiff_t, 3>& strides, Bytes& memory) {
  const std::ptrdiff_t size = vary::size_of(image.type), counts[3] = {image.height, image.width, image.channels};
  memory.resize(static_cast<std::size_t>(counts[0] * counts[1] * counts[2] * size));
  std::uint8_t* first = memory.data();
  for (std::size_t axis = 0; axis < 3; ++axis)
    first += std::max<std::ptrdiff_t>(0, -strides[axis]) * (counts[axis] - 1) * size;
  for (std::ptrdiff_t y = 0; y < image.height; ++y)
    for (std::ptrdiff_t x = 0; x < image.width; ++x)
      for (std::ptrdiff_t c = 0; c < image.channels; ++c)
        std::memcpy(first + (y * strides[0] + x * strides[1] + c * strides[2]) * size,
                    image.data + y * image.row + x * image.column + c * image.channel, static_cast<std::size_t>(size));
  vary::Image out = image;
  out.data = first;
  out.row = strides[0] * size;
  out.column = strides[1] * size;
  out.channel = strides[2] * size;
  return out;
}

void check_layouts(const Plan& plan, std::ptrdiff_t height, std::ptrdiff_t width, int channels, Element type) {
  const Picture picture(static_cast<int>(height), static_cast<int>(width), channels, type);
  const Slot slot{nullptr, 3, 4, channels, type, false};
  const Bytes expected = run_one(plan, picture, slot);
  for (const std::array<std::ptrdiff_t, 3>& strides : {
           std::array<std::ptrdiff_t, 3>{-width * channels, channels, 1},  // bottom row first
           {width * channels, -channels, 1 - 2 * (channels > 1)},          // from right to left
           {width, 1, height * width},                                     // planes
           {-1, -height, height * width},                                  // planes of columns, all backwards
       }) {
    Bytes memory;
    Batch batch;
    batch.add({vary::Source::array, laid_out(picture.image, strides, memory), nullptr, 0}, slot);
    batch.run(plan);
    CHECK_EQUAL(batch.tasks[0].error, std::string());
    CHECK(batch.outputs[0] == expected);
  }
}

void test_layouts_of_pictures() {  // the strides of a picture do not change the result
  const Instruction turn = instruction("rotate", {20}), cross = instruction("transpose"),
                    small = instruction("resize", {3, 4, 0});
  for (const auto& [height, width] : {std::pair{6, 5}, {20, 1}, {1, 20}, {1, 1}})
    for (const Element type : {Element::u8, Element::f32})
      for (const int channels : {1, 3})
        for (const Plan& plan : {plan_of({turn, small}), plan_of({cross, small}), plan_of({small})})
          check_layouts(plan, height, width, channels, type);
}

void test_crossed_axes() {  // a picture that is turned by 90 degrees is transposed first, where it is visible
  for (const Element type : {Element::u8, Element::f32})
    for (int fill = 0; fill < 5; ++fill)
      for (const double shift : {0., .4, -.9}) {
        const Picture picture(37, 52, 3, type);
        Bytes memory;
        const vary::Image turned = laid_out(picture.image, {3, 37 * 3, 1}, memory);  // its columns lie as rows
        Plan plan = plan_of({instruction("zoom", {.6, .3}), instruction("translate", {shift, -shift}),
                             instruction("resize", {9, 8, 0})});
        plan.fill = static_cast<Fill>(fill);
        const Slot slot{nullptr, 9, 8, 3, type, false};
        const Bytes expected = run_one(plan, picture, slot);
        plan.instructions.insert(plan.instructions.begin(), instruction("transpose"));
        Batch batch;
        vary::Image sideways = turned;
        std::swap(sideways.height, sideways.width);
        std::swap(sideways.row, sideways.column);
        batch.add({vary::Source::array, sideways, nullptr, 0}, slot);
        batch.run(plan);
        CHECK(batch.outputs[0] == expected);
      }
}

void test_cuts() {  // strict: a cut is a picture stored and read again
  const Picture picture(40, 30, 3, Element::u8);
  const Instruction turn = instruction("rotate", {30}), window = instruction("center_crop", {33, 20}),
                    light = instruction("brightness", {1.7, 0, 255}), small = instruction("resize", {9, 7, 0});
  const Slot between{nullptr, 33, 20, 3, Element::u8, false}, last{nullptr, 9, 7, 3, Element::u8, false};
  for (const Element type : {Element::u8, Element::f32}) {
    const Instruction cut = instruction("cut", {type == Element::u8 ? 0. : 1.});
    const Plan plan = plan_of({turn, window, cut, light, cut, small});
    Slot slot = between;
    slot.type = type;
    Picture turned(33, 20, 3, type), lit(33, 20, 3, type);
    const auto take = [&](Picture& into, const Bytes& bytes) {
      std::copy(bytes.begin(), bytes.end(), into.bytes.begin());
    };
    take(turned, run_one(plan_of({turn, window}), picture, slot));
    take(lit, run_one(plan_of({light}), turned, slot));
    Batch whole;
    whole.add(source_of(picture), last);
    CHECK_EQUAL(whole.run(plan).resamples, 3);
    CHECK(run_one(plan_of({small}), lit, last) == whole.outputs[0]);
    const std::vector<vary::Pass> passes = vary::passes(plan, source_of(picture), nullptr, {});
    CHECK_EQUAL(passes.size(), std::size_t{3});
    CHECK(!passes[0].separable && passes[2].separable);
    CHECK_EQUAL(passes[1].stages, 1);
    CHECK_EQUAL(passes[2].view.width, 7);
  }
}

void test_errors() {
  const Picture picture(4, 6, 3, Element::u8);
  const Bytes text = {'G', 'I', 'F', '8'};
  Batch batch;
  batch.add(source_of(picture), {nullptr, 4, 6, 3, Element::u8, false});
  batch.add(source_of(picture), {nullptr, 5, 7, 3, Element::u8, false});
  batch.add({vary::Source::jpeg, {}, text.data(), text.size()}, {nullptr, 4, 6, 3, Element::u8, false});
  batch.add(source_of(picture), {nullptr, 4, 6, 3, Element::u8, false});
  for (const int threads : {1, 3}) {
    for (Task& task : batch.tasks) task.error.clear();
    for (Bytes& bytes : batch.outputs) std::fill(bytes.begin(), bytes.end(), std::uint8_t{9});
    const Counts counts = batch.run(plan_of({instruction("flip_horizontal")}), threads);
    CHECK_EQUAL(counts.pictures, 4);
    CHECK_EQUAL(batch.tasks[0].error + batch.tasks[3].error, std::string());
    CHECK_EQUAL(batch.tasks[1].error,
                std::string("the result of this picture is 4 x 6, its place in the batch is 5 x 7"));
    CHECK_EQUAL(batch.tasks[2].error, std::string("not a JPEG"));
    CHECK(batch.outputs[0] == batch.outputs[3]);
    for (int x = 0; x < 6; ++x)
      CHECK_EQUAL(batch.outputs[0][static_cast<std::size_t>(3 * x)],
                  picture.bytes[static_cast<std::size_t>(3 * (5 - x))]);
  }
}

void test_sizes() {
  const Picture picture(4, 6, 3, Element::u8);
  const Plan plan = plan_of({instruction("rotate90", {1}), instruction("cut", {0}), instruction("pad", {1, 0, 2, 0}),
                             instruction("transpose", {}, 0)},
                            1);
  for (const double open : {0., 1.}) {
    const vary::View view = vary::final_view(plan, source_of(picture), &open, {});
    CHECK_EQUAL(view.height, open == 0 ? 9 : 4);
    CHECK_EQUAL(view.width, open == 0 ? 4 : 9);
  }
}

void test_rounding() {  // the caller's rounding mode changes neither sizes nor passes
  const Picture picture(40, 50, 3, Element::u8);
  const Plan plan = plan_of({instruction("rotate", {20}), instruction("resize", {33, 33, 1})});
  const vary::Pass expected = vary::passes(plan, source_of(picture), nullptr, {})[0];
  for (const int mode : {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO}) {
    std::fesetround(mode);
    const vary::View size = vary::final_view(plan, source_of(picture), nullptr, {});
    const vary::Pass pass = vary::passes(plan, source_of(picture), nullptr, {})[0];
    std::fesetround(FE_TONEAREST);
    CHECK_EQUAL(size.height, expected.view.height);
    CHECK(std::equal(std::begin(pass.view.m), std::end(pass.view.m), std::begin(expected.view.m)));
  }
}

void test_order() {  // `code` names each of the 24 orders once; gates inside still count
  Plan plan = plan_of({instruction("order", {4, 0}), instruction("rescale", {1}), instruction("rescale", {2}),
                       instruction("rescale", {3}, 1), instruction("rescale", {4}), instruction("rescale", {5})},
                      2);
  plan.instructions[0].arguments[1].column = 0;
  std::set<int> seen;
  vary::Resolved program;
  for (int code = 0; code < 24; ++code)
    for (const double open : {0., 1.}) {
      const double row[2] = {static_cast<double>(code), open};
      vary::resolve(plan, row, program);
      int digits = 0;
      for (const vary::Concrete& c : program.instructions) digits = 10 * digits + static_cast<int>(c.a[0]);
      CHECK_EQUAL(digits % 10, 5);
      CHECK_EQUAL(program.instructions.size(), open == 0 ? std::size_t{4} : std::size_t{5});
      if (open != 0) seen.insert(digits);
    }
  CHECK_EQUAL(seen.size(), std::size_t{24});
  CHECK_EQUAL(*seen.begin(), 12345);
  CHECK_EQUAL(*seen.rbegin(), 43215);
}

Instruction any(made::Numbers& numbers) {
  constexpr double angles[] = {0, 1, -1, .5, 90, -360, 1e-3, -1e-3, 45, 89.999}, factors[] = {.01, .1, .5, 1, 2, 100};
  constexpr double shears[] = {0, -89, 89, 45, 1e-3}, shifts[] = {0, -10, 10, .5, 1e-3};
  const auto pick = [&](const auto& from) { return from[numbers.below(static_cast<int>(std::size(from)))]; };
  const auto below = [&](int n) { return static_cast<double>(numbers.below(n)); };
  switch (numbers.below(9)) {
    case 0: return instruction("rotate", {pick(angles)});
    case 1: return instruction("shear_degrees", {pick(shears), 0});
    case 2: return instruction("translate", {pick(shifts), pick(shifts)});
    case 3: return instruction("zoom", {pick(factors), pick(factors)});
    case 4: return instruction("transpose");
    case 5: return instruction("contrast", {pick(factors), 0, 255});
    case 6: return instruction("hue", {pick(angles), 0, 255});
    case 7: return instruction("cut", {below(2)});
    default: return instruction("resize", {1 + below(50), 1 + below(50), below(4)});
  }
}

void check_runs(std::vector<Instruction> list, made::Numbers& numbers, const Pictures& pictures) {
  list.push_back(instruction("resize", {9, 8, 0}));
  Plan plan = plan_of(std::move(list));
  plan.fill = static_cast<Fill>(numbers.below(5));
  plan.nearest = numbers.below(4) == 0;
  plan.antialias = numbers.below(3) > 0;
  Batch one, three;
  for (int i = 0; i < 3; ++i) {
    const Picture& picture = *pictures.all[static_cast<std::size_t>(numbers.below(8))];
    for (Batch* batch : {&one, &three}) batch->add(source_of(picture), {nullptr, 9, 8, 3, Element::u8, false});
  }
  one.run(plan, 1);
  three.run(plan, 3);
  CHECK(one.outputs == three.outputs);
  for (const Task& task : one.tasks) CHECK_EQUAL(task.error, std::string());
}

#if defined(__SANITIZE_THREAD__)
constexpr int kTurns = 100;  // rounds in which threads share objects
#else
constexpr int kTurns = 2000;
#endif

// Random programs, also with strange numbers: no undefined behaviour, and the same result for any number of threads.
void test_anything() {
  made::Numbers numbers(5);
  const Pictures pictures;
  for (int turn = 0; turn < kTurns; ++turn) {
    std::vector<Instruction> list;
    for (int i = numbers.below(7); i >= 0; --i) list.push_back(any(numbers));
    check_runs(list, numbers, pictures);
  }
  for (int turn = 0; turn < kTurns / 5; ++turn) {  // the same program, repeated
    const std::vector<Instruction> list(static_cast<std::size_t>(1 + turn % 12), any(numbers));
    check_runs(list, numbers, pictures);
  }
}

}  // namespace

int main() {
  test_main_policy();
  test_layouts_of_slots();
  test_large_batches();
  test_layouts_of_pictures();
  test_crossed_axes();
  test_cuts();
  test_errors();
  test_sizes();
  test_rounding();
  test_order();
  test_anything();
  return check::report();
}
