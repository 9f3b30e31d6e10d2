// Hashes of the results of kernels, draws and whole programs for fixed inputs, one a line:
//   hashes                         prints them, in the form of native/tests/hashes.txt
//   hashes --check FILE [TARGET]   compares; with TARGET, only if that instruction set is in use (exit code 77: not
//   available)
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "cpu.h"
#include "made.h"

#if defined(VARY_WITHOUT_JPEG)  // cross-compilers seldom have libjpeg, and no case here decodes
#include "jpeg.h"
namespace vary {
bool jpeg_header(const std::uint8_t*, std::size_t, JpegHeader&, std::string&) { return false; }
bool jpeg_decode(const JpegFile&, const Pixels&, std::string&, bool*) { return false; }
Planes jpeg_layout(const JpegHeader&, int, int, std::uint8_t*, std::int64_t&) { return {}; }
bool jpeg_planes(const JpegFile&, int, int, const Planes&, std::string&, bool*) { return false; }
}  // namespace vary
#endif

namespace {

using made::Bytes;
using made::instruction;
using made::Picture;
using vary::Draw;
using vary::Element;
using vary::Fill;
using vary::Kernels;
using vary::Step;

std::uint64_t fnv1a(const Bytes& bytes) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const std::uint8_t byte : bytes) hash = (hash ^ byte) * 0x100000001b3;
  return hash;
}

Bytes sample(int channels, Element type, Fill fill, bool nearest, const vary::View& view) {
  vary::Plan plan;
  plan.fill = fill;
  plan.nearest = nearest;
  plan.fill_value = {0, 50, 100, 150};
  const Picture picture(120, 150, channels, type);
  return made::sampled(vary::live_kernels(), plan, picture.image, view);
}

Bytes colours(bool clip) {
  const Kernels& k = vary::live_kernels();
  constexpr int n = 3001;
  made::Planes planes(4, n);
  planes.fill(made::Numbers(3));
  std::vector<Step> steps(3);
  for (Step& step : steps) {
    step.clip = clip;
    step.high = 255;
    for (int i = 0; i < 9; ++i) step.mix[i] = i % 4 == 0 ? .7f : .15f;
    for (int c = 0; c < 4; ++c) step.scale[c] = 1.1f + static_cast<float>(c), step.bias[c] = -3;
    step.value = .1f;
  }
  steps[0].run = k.affine;
  steps[1].run = k.matrix;
  steps[2].run = made::kernel(k, "hue");
  for (const Step& step : steps) step.run(step, planes.get(), {0, n, 4});
  const std::int64_t sum = k.grey_sum(planes.get(), 4, n, 0, 255, nullptr);
  Bytes out(std::size_t{4} * n);
  k.store(planes.get(), 4, n, made::packed_row(out.data(), Element::u8));
  planes.append_to(out);
  made::append(out, &sum, sizeof sum);
  return out;
}

std::vector<double> draws(int n) {  // rows of main_policy
  std::vector<Draw> table(7);
  constexpr double reach[7] = {30, 10, 5, .5, .2, .2, .5};
  for (std::uint32_t i = 0; i < 7; ++i) {
    table[i].name = 0x123456789abcdef0 + i / 2;
    table[i].number = i;
    table[i].kind = i == 6 ? Draw::chance : i == 3 ? Draw::log_uniform : Draw::uniform;
    table[i].a = i == 6 || i == 3 ? reach[i] : -reach[i];
    table[i].b = i == 3 ? 1 / reach[i] : reach[i];
  }
  std::vector<std::int64_t> indices(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < indices.size(); ++i) indices[i] = std::int64_t{1} << i;
  std::vector<double> rows(indices.size() * table.size());
  const std::vector<std::int64_t> views(indices.size(), 3);
  vary::draw(table, {1, 2}, indices.data(), views.data(), n, rows.data());
  return rows;
}

Bytes drawn() {
  const std::vector<double> rows = draws(40);
  Bytes out;
  made::append(out, rows.data(), rows.size() * sizeof(double));
  return out;
}

Bytes batch(vary::Plan plan, Element from, Element to, bool planar, int channels = 3) {
  constexpr int sizes[][2] = {{64, 64}, {150, 90}, {90, 150}, {31, 400}, {300, 300}, {5, 5}};
  const int many = static_cast<int>(std::size(sizes));
  plan.fill = Fill::reflect;
  plan.channels = channels;
  const std::vector<double> rows = draws(many);
  made::Batch batch;
  std::vector<Picture> pictures;
  pictures.reserve(std::size(sizes));
  for (int i = 0; i < many; ++i) {
    pictures.emplace_back(sizes[i][0], sizes[i][1], channels, from, static_cast<std::uint64_t>(i));
    const auto row = rows.begin() + std::ptrdiff_t{i} * 7;
    batch.add(made::source_of(pictures.back()), {nullptr, 64, 64, channels, to, planar}, {row, row + 7});
  }
  batch.run(plan, 2);
  Bytes out;
  for (std::size_t i = 0; i < batch.outputs.size(); ++i) {
    if (!batch.tasks[i].error.empty()) std::printf("# %s\n", batch.tasks[i].error.c_str());
    made::append(out, batch.outputs[i].data(), batch.outputs[i].size());
  }
  return out;
}

vary::Plan strict() {  // every instruction on a stored picture
  return made::plan_of({instruction("zoom", {.8, 1.2}), instruction("cut", {0}), instruction("rotate", {33}),
                        instruction("hue", {.2, 0, 255}), instruction("contrast", {1.4, 0, 255}),
                        instruction("cut", {1}), instruction("saturation", {1.7, 0, 255}),
                        instruction("resize", {64, 64, 3}), instruction("center_crop", {64, 64})});
}

vary::Plan filters() {  // filters, contrast and noise, with a projective map between them
  return made::plan_of({instruction("gaussian_blur", {1.3}), instruction("cut", {0}),
                        instruction("perspective", {.3, .1, .9, .8, .2, .7, .3, .4, .6}),
                        instruction("solarize", {.6, 0, 255}), instruction("gauss_noise", {.1, 7, 9e8, 0, 255}),
                        instruction("contrast", {1.4, 0, 255}), instruction("gaussian_blur", {.7}),
                        instruction("resize", {64, 64, 0})});
}

vary::Plan many_channels() {  // instructions that accept any number of channels
  return made::plan_of({instruction("zoom", {.8, 1.2}), instruction("solarize", {.6, 0, 65535}),
                        instruction("gauss_noise", {.1, 7, 9e8, 0, 65535}), instruction("gaussian_blur", {.7}),
                        instruction("cut", {3}), instruction("brightness", {1.2, 0, 65535}),
                        instruction("resize", {64, 64, 0})});
}

std::vector<double> ripples() {
  return {3,   4,   .05,  -.02, -.04, .03, .1,  0,    -.1, .06, .02, .02,  -.03,
          .04, .08, -.05, .01,  .07,  .03, -.1, -.06, .02, .09, .04, -.02, .05};
}

vary::Plan fields() {  // between maps of each kind
  return made::plan_of({instruction("zoom", {.8, 1.2}), instruction("displace", ripples()),
                        instruction("perspective", {.3, .1, .9, .8, .2, .7, .3, .4, .6}),
                        instruction("displace", ripples()), instruction("gaussian_blur", {.7}),
                        instruction("resize", {64, 64, 0})});
}

vary::View rippled(vary::View view) {
  apply(made::concrete("displace", ripples()), view);
  apply(made::concrete("rotate", {20}), view);
  return view;
}

Bytes rgb(int down, int across) {  // of noise in planes
  constexpr int height = 40, width = 201, row = width + 64;
  Picture noise(height, row, 3, Element::u8);
  vary::Planes planes{height, width, 3, down, across, true, {}, {row, row, row}};
  for (int c = 0; c < 3; ++c) planes.data[c] = noise.bytes.data() + c * (height * row - 64);
  Bytes out, line(3 * width + 192);
  std::vector<std::uint16_t> scratch(5 * (width / 2 + 40));
  for (int y = 0; y < height; ++y) {
    vary::live_kernels().rgb(planes, y, 0, width, line.data(), scratch.data());
    made::append(out, line.data(), 3 * width);
  }
  return out;
}

std::string all() {
  const vary::View turned{70, 171, {.83, -.41, 30, .37, .91, -9}}, shrunk{70, 171, {1.4, 2.1, -40, -2.3, 1.7, 60}},
      less{70, 131, {1.2, .3, -20, -.4, 1.1, 30}}, far{40, 31, {14, -3, -100, 9, 17, -300}},
      smaller{50, 61, {2.4, 0, -3, 0, 3.1, -20}}, crossed{50, 61, {0, 2.4, 10, 1.9, 0, 3}};
  const struct {
    const char* name;
    Bytes bytes;
  } cases[] = {
      {"warp-1-constant", sample(1, Element::u8, Fill::constant, false, turned)},
      {"warp-3-nearest", sample(3, Element::u8, Fill::nearest, false, turned)},
      {"warp-4-reflect101", sample(4, Element::u8, Fill::reflect101, false, turned)},
      {"warp-3-picks", sample(3, Element::u8, Fill::wrap, true, turned)},
      {"warp-3-floats", sample(3, Element::f32, Fill::reflect, false, turned)},
      {"reduced-3", sample(3, Element::u8, Fill::nearest, false, shrunk)},
      {"reduced-4-floats", sample(4, Element::f32, Fill::wrap, false, shrunk)},
      {"reduced-1-less", sample(1, Element::u8, Fill::constant, false, less)},
      {"reduced-3-less", sample(3, Element::u8, Fill::reflect101, false, less)},
      {"reduced-4-boxes", sample(4, Element::u8, Fill::reflect, false, far)},
      {"reduced-3-far", sample(3, Element::f32, Fill::reflect101, false, far)},
      {"resize-3", sample(3, Element::u8, Fill::nearest, false, smaller)},
      {"resize-1-floats", sample(1, Element::f32, Fill::constant, false, crossed)},
      {"field-3", sample(3, Element::u8, Fill::wrap, false, rippled(turned))},
      {"field-1-picks", sample(1, Element::u8, Fill::constant, true, rippled(turned))},
      {"field-4-floats", sample(4, Element::f32, Fill::reflect, false, rippled(shrunk))},
      {"field-3-far", sample(3, Element::u8, Fill::reflect101, false, rippled(far))},
      {"fields-bytes", batch(fields(), Element::u8, Element::u8, false)},
      {"fields-uint16", batch(fields(), Element::u16, Element::u16, true, 5)},
      {"rgb-444", rgb(1, 1)},
      {"rgb-420", rgb(2, 2)},
      {"colours", colours(false)},
      {"colours-clipped", colours(true)},
      {"draws", drawn()},
      {"main-policy", batch(made::main_policy(64, 64), Element::u8, Element::f32, true)},
      {"strict-bytes", batch(strict(), Element::u8, Element::u8, false)},
      {"filters-bytes", batch(filters(), Element::u8, Element::u8, false)},
      {"filters-floats", batch(filters(), Element::f32, Element::f32, true)},
      {"strict-floats", batch(strict(), Element::f32, Element::f32, false)},
      {"uint16-planes", batch(made::main_policy(64, 64), Element::u16, Element::u16, true)},
      {"int16-to-float16", batch(strict(), Element::i16, Element::f16, false)},
      {"float16-to-int16", batch(strict(), Element::f16, Element::i16, true)},
      {"seven-channels", batch(made::main_policy(64, 64), Element::f16, Element::u16, false, 7)},
      {"sixteen-channels", batch(many_channels(), Element::u16, Element::i16, false, 16)},
  };
  std::string out;
  char line[64];
  for (const auto& c : cases) {
    std::snprintf(line, sizeof line, "%-18s %016llx\n", c.name, static_cast<unsigned long long>(fnv1a(c.bytes)));
    out += line;
  }
  return out;
}

int check(const char* file, const std::string& target) {
  const std::vector<std::string> here = vary::available_targets();
  if (!target.empty() && std::find(here.begin(), here.end(), target) == here.end()) {
    std::printf("this processor cannot run %s\n", target.c_str());
    return 77;
  }
  const std::string live = vary::live_kernels().name;
  if (!target.empty() && live != target) {
    std::printf("%s is live where %s is meant\n", live.c_str(), target.c_str());
    return 1;
  }
  std::ifstream stream(file);
  const std::string stored{std::istreambuf_iterator<char>(stream), {}}, seen = all();
  std::printf("%s: the hashes of %s %s\n", live.c_str(), file, seen == stored ? "hold" : "differ; seen:");
  if (seen != stored) std::printf("%s", seen.c_str());
  return seen == stored ? 0 : 1;
}

}  // namespace

int main(int count, char** arguments) {
  if (count > 2 && std::string(arguments[1]) == "--check") return check(arguments[2], count > 3 ? arguments[3] : "");
  std::printf("%s", all().c_str());
  return 0;
}
