// Fuzzer of random programs on pictures of every size, layout and type, in memory between guard pages: only the picture
// is read, every value of the result is written, and a second run gives the same result.
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "driver.h"
#include "guarded.h"
#include "programs.h"

namespace {

using fuzz::chance;
using fuzz::Guarded;
using made::Numbers;
using vary::Element;
using vary::Image;

struct Picture {
  Guarded memory;
  Image image;
};

Element element(Numbers& n, int bytes) {  // bytes: in percent
  return chance(n, bytes) ? Element::u8 : static_cast<Element>(n.below(vary::kElementCount));
}

void paint(Numbers& n, Picture& picture) {
  const bool odd = picture.image.type == Element::f32 && chance(n, 20);  // with values that are no numbers
  if (picture.image.type != Element::f32) {
    for (std::size_t i = 0; i < picture.memory.size(); ++i) picture.memory.data()[i] = static_cast<std::uint8_t>(n());
    return;
  }
  constexpr float kOdd[] = {INFINITY, -INFINITY, NAN, 3e38f, -3e38f, 1e-40f, -0.f};
  for (std::size_t i = 0; i + 4 <= picture.memory.size(); i += 4) {
    const float value = odd && chance(n, 5) ? fuzz::one_of(n, kOdd) : n.value() / 255;
    std::memcpy(picture.memory.data() + i, &value, 4);
  }
}

// A view with its axes in any order and direction, perhaps with gaps; the memory ends with the last value.
Picture picture(Numbers& n, int channels, Element type) {
  Picture out;
  Image& image = out.image;
  const int most = chance(n, 3) ? 700 : 50;
  image.height = 1 + n.below(most);
  image.width = 1 + n.below(chance(n, 3) ? 4000 : most);
  if (chance(n, 10)) std::swap(image.height, image.width);
  image.channels = channels;
  image.type = type;
  const int counts[3] = {image.height, image.width, channels};
  int order[3] = {2, 1, 0};  // from the innermost axis
  if (chance(n, 30)) std::swap(order[n.below(3)], order[n.below(3)]);
  std::ptrdiff_t strides[3], step = size_of(type), extent = step, first = 0;
  for (const int axis : order) {
    step *= chance(n, 10) ? 1 + n.below(3) : 1;
    const bool repeated = chance(n, 2);  // one row, or column, again and again
    strides[axis] = repeated ? 0 : step;
    extent += strides[axis] * (counts[axis] - 1);
    step *= repeated ? 1 : counts[axis];
  }
  for (int axis = 0; axis < 3; ++axis)
    if (chance(n, 10)) {
      first += strides[axis] * (counts[axis] - 1);
      strides[axis] = -strides[axis];
    }
  image.row = strides[0];
  image.column = strides[1];
  image.channel = strides[2];
  out.memory = Guarded(static_cast<std::size_t>(extent), chance(n, 70));
  image.data = out.memory.data() + first;
  paint(n, out);
  return out;
}

// Are all canvases of this picture small enough? False also if the program is refused.
bool is_short(const vary::Plan& plan, const vary::Source& source, std::int64_t most, vary::View& last) {
  try {
    for (const vary::Pass& pass : vary::passes(plan, source, fuzz::kGates, {})) {
      if (std::int64_t{pass.view.height} * pass.view.width > most) return false;
      last = pass.view;
    }
  } catch (const std::runtime_error& error) {
    FUZZ_CHECK(*error.what() != 0);
    return false;
  }
  return true;
}

void one_case(Numbers n) {
  constexpr int kChannels[] = {1, 2, 3, 4, 5, 8, 17};
  const int channels = fuzz::one_of(n, kChannels);
  const Element type = element(n, 60);
  const vary::Plan plan = fuzz::program(n, channels, type, 7, chance(n, 10) ? 30 : 0);
  std::vector<Picture> pictures;
  std::vector<vary::Task> tasks;
  const Element result = element(n, 30);
  const bool planar = chance(n, 50), at_end = chance(n, 70);
  const std::int64_t most = 1 << (chance(n, 3) ? 18 : 14);  // pixels of any canvas, so that a case is short
  for (int left = 1 + n.below(3); left > 0; --left) {
    Picture next = picture(n, channels, type);
    const vary::Source source{vary::Source::array, next.image, nullptr, 0};
    vary::View view;
    if (!is_short(plan, source, most, view)) continue;
    vary::Task task;
    task.source = source;
    task.row = fuzz::kGates;
    task.slot = {nullptr, view.height, view.width, channels, result, planar, false};
    tasks.push_back(task);
    pictures.push_back(std::move(next));
  }
  std::vector<Guarded> first;
  for (const int turn : {0, 1}) {
    std::vector<Guarded> outputs;
    for (vary::Task& task : tasks) {
      const std::ptrdiff_t values = std::ptrdiff_t{task.slot.height} * task.slot.width * channels;
      outputs.emplace_back(static_cast<std::size_t>(values * size_of(result)), at_end, turn == 0 ? 0x55 : 0xaa);
      task.slot.data = outputs.back().data();
    }
    vary::Options options;
    options.threads = turn == 0 ? 1 : 2;
    vary::execute(plan, tasks, options);
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      FUZZ_CHECK(tasks[i].error.empty());
      if (turn == 1) FUZZ_CHECK(std::memcmp(outputs[i].data(), first[i].data(), outputs[i].size()) == 0);
    }
    if (turn == 0) first = std::move(outputs);
  }
}

}  // namespace

int main(int count, char** arguments) { return fuzz::run(count, arguments, one_case); }
