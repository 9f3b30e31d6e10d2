// Runs one kernel on a fixed input, to count instructions: `kernel_driver NAME [repeats]`; without a name, lists the
// names. benchmarks/instructions.py runs it under callgrind. VARY_TARGET selects the instruction set.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <vector>

#include "cpu.h"
#include "made.h"
#include "reduce.h"

namespace {

using made::Picture;
using made::Planes;
using vary::Element;
using vary::Kernels;
using vary::Step;

constexpr int kSide = 224;

// The rows of one sampling, repeated.
void sample(const Kernels& k, const vary::View& view, int repeats) {
  const Picture picture(256, 320, 3, Element::u8);
  const vary::Sampler sampler = vary::prepare(k, {}, picture.image, view, vary::Workspace::mine());
  const Planes planes(3, kSide);
  for (int i = 0; i < repeats; ++i)
    for (int y = 0; y < kSide; ++y) sampler.row(k, y, kSide, planes.row());
}

void warp3(const Kernels& k, int repeats) { sample(k, {kSide, kSide, {.9, -.3, 60, .3, .9, -20}}, repeats); }
void resize3(const Kernels& k, int repeats) {
  sample(k, {kSide, kSide, {320. / kSide, 0, 0, 0, 256. / kSide, 0}}, repeats);
}

void colour(const Kernels& k, int repeats) {
  Planes planes(3, kSide);
  planes.fill(made::Numbers(1));
  std::vector<Step> steps(3);
  for (Step& step : steps) {
    step.clip = true;
    step.high = 255;
    for (int i = 0; i < 9; ++i) step.mix[i] = i % 4 == 0 ? .7f : .15f;
  }
  steps[0].run = k.affine;
  steps[1].run = k.matrix;
  steps[2].run = made::kernel(k, "hue");
  steps[2].value = .1f;
  std::vector<std::uint8_t> out(std::size_t{3} * kSide);
  for (int i = 0; i < repeats * kSide; ++i) {
    for (const Step& step : steps) step.run(step, planes.get(), {0, kSide, 3});
    k.grey_sum(planes.get(), 3, kSide, 0, 255, nullptr);
    k.store(planes.get(), 3, kSide, made::packed_row(out.data(), Element::u8));
  }
}

void reduce(const Kernels& k, int repeats) {
  const Picture picture(kSide, kSide, 3, Element::u8);
  for (int i = 0; i < repeats; ++i)
    for (const double shrink : {1.5, 2.5, 15.}) {
      vary::View view;
      view.m[0] = view.m[4] = shrink;
      const vary::Reduction r = vary::reduction_of({}, view, kSide, kSide);
      vary::reduced(k, picture.image, r, {0, 0, r.y.size, r.x.size}, vary::Workspace::mine());
    }
}

void rgb(const Kernels& k, int repeats) {  // rows of 4:2:0
  Picture luma(kSide, kSide + 64, 1, Element::u8), chroma(kSide, kSide + 64, 1, Element::u8);
  vary::Planes planes;
  planes.height = planes.width = kSide;
  planes.count = 3;
  planes.down = planes.across = 2;
  for (int c = 0; c < 3; ++c) {
    planes.data[c] = (c == 0 ? luma : chroma).bytes.data();
    planes.row[c] = kSide + 64;
  }
  made::Bytes out(3 * kSide + 192);
  std::vector<std::uint16_t> scratch(5 * (kSide / 2 + 40));
  for (int i = 0; i < repeats; ++i)
    for (int y = 0; y < kSide; ++y) k.rgb(planes, y, 0, kSide, out.data(), scratch.data());
}

}  // namespace

int main(int count, char** arguments) {
  constexpr struct {
    const char* name;
    void (*run)(const Kernels&, int);
  } kernels[] = {{"warp3", warp3}, {"resize3", resize3}, {"colour", colour}, {"reduce", reduce}, {"rgb", rgb}};
  bool known = count < 2;
  for (const auto& kernel : kernels) {
    if (count < 2) std::puts(kernel.name);
    if (count < 2 || std::strcmp(arguments[1], kernel.name) != 0) continue;
    kernel.run(vary::live_kernels(), count > 2 ? std::atoi(arguments[2]) : 100);
    known = true;
  }
  return known ? 0 : 2;
}
