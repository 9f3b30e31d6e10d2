// Which colour instructions are merged, which clips are left out, and where sweeps end; a chain gives the same result
// as its instructions one after the other.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "chain.h"
#include "check.h"
#include "cpu.h"
#include "made.h"

namespace {

using vary::Chain;
using vary::Concrete;
using vary::Step;
using vary::Sweep;

using made::concrete;

Concrete rescale(double scale, double bias = 0) { return concrete("rescale", {scale, bias}); }
Concrete normalize() { return concrete("normalize", {10, 20, 30, 40, 2, 4, 8, 16}); }  // for four channels
Concrete brightness(double factor) { return concrete("brightness", {factor, 0, 255}); }
Concrete contrast(double factor) { return concrete("contrast", {factor, 0, 255}); }
Concrete saturation(double factor) { return concrete("saturation", {factor, 0, 255}); }
Concrete hue(double turn) { return concrete("hue", {turn, 0, 255}); }
Concrete shift(double red, double green = 0, double blue = 0) { return concrete("shift", {red, green, blue, 0, 255}); }

Chain chain_of(const std::vector<Concrete>& list, int channels, bool bounded) {
  return vary::compile(vary::live_kernels(), list,
                       {0, channels, channels, bounded ? vary::Element::u8 : vary::Element::f32});
}

// "^": affine in the sampler; then a(ffine), m(atrix), h(ue), each with "!" if it clips; "|" where a sweep ends.
std::string text(const Chain& chain) {
  bool head = false;
  for (int c = 0; c < 4; ++c) head = head || chain.scale[c] != 1 || chain.bias[c] != 0;
  std::string out(head ? 1 : 0, '^');
  for (const Sweep& sweep : chain.sweeps) {
    for (const Step& step : sweep.steps) {
      const vary::Kernels& k = vary::live_kernels();
      out += step.run == k.affine ? 'a' : step.run == k.matrix ? 'm' : 'h';
      if (step.clip) out += '!';
    }
    if (sweep.whole != nullptr) out += '|';
  }
  return out;
}

void test_shapes() {
  const struct {
    int line;
    std::vector<Concrete> list;
    int channels;
    bool bounded;
    const char* expected;
  } cases[] = {
      {__LINE__, {}, 3, true, ""},
      // affine: into the sampler, unless the clip may change values
      {__LINE__, {rescale(2)}, 3, false, "^"},
      {__LINE__, {brightness(.5)}, 3, true, "^"},
      {__LINE__, {brightness(.5)}, 3, false, "a!"},
      {__LINE__, {brightness(1.01)}, 3, true, "a!"},
      {__LINE__, {brightness(1)}, 3, true, ""},
      {__LINE__, {brightness(1)}, 3, false, "a!"},  // a factor of 1 still clips
      {__LINE__, {shift(.1)}, 3, true, "a!"},
      {__LINE__, {shift(.1)}, 1, true, "a!"},
      {__LINE__, {rescale(.5, 10), shift(.1, .2, .3)}, 3, true, "^"},
      {__LINE__, {rescale(1, 300), brightness(0)}, 3, true, "^"},
      {__LINE__, {rescale(-1, 255)}, 3, true, "^"},
      {__LINE__, {rescale(-1, 255), brightness(1)}, 3, true, "^"},
      {__LINE__, {rescale(-1, 254), brightness(1)}, 3, true, "a!"},
      // neighbours
      {__LINE__, {brightness(.5), brightness(.5), normalize()}, 4, true, "^"},
      {__LINE__, {brightness(.5), brightness(2)}, 3, true, ""},  // 0 .. 255 again
      {__LINE__, {brightness(.5), brightness(2.1)}, 3, true, "a!"},
      {__LINE__, {brightness(2), brightness(.5), normalize()}, 4, true, "a!a"},
      {__LINE__, {brightness(2), brightness(.5), brightness(2)}, 3, true, "a!a"},
      {__LINE__, {saturation(.5)}, 3, true, "m"},
      {__LINE__, {saturation(.5)}, 3, false, "m!"},
      {__LINE__, {saturation(2)}, 3, true, "m!"},
      {__LINE__, {brightness(.5), saturation(.5), rescale(2)}, 3, true, "m"},
      {__LINE__, {brightness(2), saturation(.5), rescale(2)}, 3, true, "a!m"},
      {__LINE__, {saturation(2), rescale(2)}, 3, true, "m!a"},
      {__LINE__, {saturation(.5), saturation(.5)}, 3, true, "mm"},
      {__LINE__, {rescale(.5), saturation(.5), rescale(2)}, 4, true, "^ma"},  // a matrix does not change alpha
      {__LINE__, {rescale(.5), hue(.1), rescale(2)}, 3, true, "^ha"},
      {__LINE__, {rescale(2), hue(.1), rescale(2)}, 3, true, "^ha!a"},
      {__LINE__, {hue(.1), saturation(.5)}, 3, true, "hm"},
      // no effect on grey
      {__LINE__, {saturation(2), hue(.1)}, 1, true, ""},
      {__LINE__, {saturation(1), hue(0), contrast(1)}, 3, true, ""},
      {__LINE__, {saturation(1)}, 3, false, "a!"},
      // sweeps
      {__LINE__, {contrast(.5)}, 3, true, "|"},
      {__LINE__, {brightness(.5), contrast(2), brightness(.5)}, 3, true, "^|a"},
      {__LINE__, {brightness(2), contrast(2), contrast(.5), hue(.1)}, 3, true, "a!||h"},
      {__LINE__, {contrast(2), brightness(.5), normalize()}, 4, false, "|a"},
      {__LINE__, {shift(-.8), contrast(.5), shift(.5)}, 3, true, "a!|a!"},  // red, at most 51, grows towards the mean
  };
  for (const auto& c : cases) {
    const std::string seen = text(chain_of(c.list, c.channels, c.bounded));
    const std::string words = "'" + seen + "' where '" + c.expected + "' is expected";
    check::that(seen == c.expected, __FILE__, c.line, words.c_str());
  }
}

constexpr int kPixels = 12;
using Pixels = std::vector<double>;  // planar

double grey_of(const Pixels& p, int channels, std::size_t k) {
  const std::size_t second = channels < 3 ? 0 : kPixels, third = 2 * second;
  return .299 * p[k] + .587 * p[k + second] + .114 * p[k + third];
}

// One instruction as defined in README.md, without hue.
void by_the_book(const Concrete& i, Pixels& p, int channels) {
  const auto a = [&](int k) { return i.a[static_cast<std::size_t>(k)]; };
  const std::string_view op = i.op->name;
  const Pixels before = p;
  double mean = 0;
  for (std::size_t k = 0; k < kPixels; ++k) mean += grey_of(p, channels, k) / kPixels;
  const bool whole = op == "rescale" || op == "normalize";
  for (int c = 0; c < (whole ? channels : std::min(channels, 3)); ++c)
    for (std::size_t k = 0; k < kPixels; ++k) {
      double& v = p[static_cast<std::size_t>(c) * kPixels + k];
      if (op == "rescale") v = v * a(0) + a(1);
      if (op == "normalize") v = (v - a(c)) / a(channels + c);
      if (op == "brightness") v *= a(0);
      if (op == "contrast") v = mean + (v - mean) * a(0);
      if (op == "saturation" && channels > 1) v = v * a(0) + grey_of(before, channels, k) * (1 - a(0));
      if (op == "shift") v += a(c) * 255;
      if (!whole) v = std::clamp(v, 0., 255.);
    }
}

// The chain as execute.cc runs it.
Pixels run(const Chain& chain, const Pixels& start, int channels) {
  const vary::Kernels& k = vary::live_kernels();
  const made::Planes planes(channels, kPixels);
  for (int c = 0; c < channels; ++c)
    for (int x = 0; x < kPixels; ++x)
      planes.get()[c][x] =
          static_cast<float>(start[static_cast<std::size_t>(c) * kPixels + static_cast<std::size_t>(x)]) *
              chain.scale[c] +
          chain.bias[c];
  const vary::Row row{0, kPixels, channels};
  std::vector<Step> first;
  for (const Sweep& sweep : chain.sweeps) {
    for (const Step& step : first) step.run(step, planes.get(), row);
    for (const Step& step : sweep.steps) step.run(step, planes.get(), row);
    if (sweep.whole == nullptr) break;
    sweep.whole->gather(k, planes.get(), row, true);
    first = sweep.whole->between({nullptr, 1, kPixels, channels}, vary::Workspace::mine());
  }
  Pixels out;
  for (int c = 0; c < channels; ++c) out.insert(out.end(), planes.get()[c], planes.get()[c] + kPixels);
  return out;
}

Concrete any(made::Numbers& numbers, int channels) {
  const double u = numbers.below(1000) / 500., v = numbers.below(1000) / 500. - 1, w = numbers.below(1000) / 500. - 1;
  switch (numbers.below(6)) {
    case 0: return rescale(u, 255 * v);
    case 1: return brightness(u);
    case 2: return contrast(u);
    case 3: return saturation(u);
    case 4: return shift(v, numbers.below(2) == 0 ? w : 0, 0);
    default: {
      std::vector<double> arguments(static_cast<std::size_t>(channels), 100 * v);  // means, then deviations
      for (int c = 0; c < channels; ++c) arguments.insert(arguments.end(), 1 + c);
      return concrete("normalize", arguments);
    }
  }
}

void test_merged_is_listed() {
  made::Numbers numbers(1);
  constexpr int counts[] = {1, 3, 4};
  for (int turn = 0; turn < 20000; ++turn) {
    const int channels = counts[turn % 3];
    const bool bounded = turn % 2 == 0;
    std::vector<Concrete> list(static_cast<std::size_t>(1 + numbers.below(5)));
    for (Concrete& i : list) i = any(numbers, channels);
    Pixels expected;
    for (int c = 0; c < channels; ++c) {
      const int high = 1 + numbers.below(255), low = numbers.below(2) * high;  // different channels
      for (int x = 0; x < kPixels; ++x) expected.push_back(low + numbers.below(256 - low));
    }
    if (!bounded)
      for (double& v : expected) v = 3 * v - 255;
    const Pixels seen = run(chain_of(list, channels, bounded), expected, channels);
    for (const Concrete& i : list) by_the_book(i, expected, channels);
    double worst = 0;
    for (std::size_t k = 0; k < seen.size(); ++k) worst = std::max(worst, std::fabs(seen[k] - expected[k]));
    const std::string words = text(chain_of(list, channels, bounded)) + ", list " + std::to_string(turn);
    check::that(worst < .02, __FILE__, __LINE__, words.c_str());
  }
}

void test_alpha() {
  const std::vector<Concrete> tints = {brightness(3), contrast(2), saturation(2), hue(.2), shift(.5, .5, .5)};
  const Pixels start(std::size_t{4} * kPixels, 300);
  for (std::size_t last = 1; last <= tints.size(); ++last) {
    std::vector<Concrete> list(tints.begin(), tints.begin() + static_cast<std::ptrdiff_t>(last));
    list.push_back(rescale(.5));  // which does change alpha
    const Pixels seen = run(chain_of(list, 4, false), start, 4);
    for (std::size_t k = 0; k < kPixels; ++k) {
      CHECK_EQUAL(seen[3 * kPixels + k], 150.0);
      CHECK_EQUAL(seen[k], 127.5);
    }
  }
}

}  // namespace

int main() {
  test_shapes();
  test_merged_is_listed();
  test_alpha();
  return check::report();
}
