// The reduction before a warp: boxes by the definition; the triangle filter by what must be true of it. Every
// instruction set gives the same bytes, and the sanitizer sees a byte too far.
#include "reduce.h"

#include <cmath>
#include <string>

#include "check.h"
#include "cpu.h"
#include "made.h"

namespace {

using made::Bytes;
using made::Picture;
using vary::Element;
using vary::Image;
using vary::Kernels;
using vary::Reduction;

constexpr int kChannels[] = {1, 3, 4};
constexpr Element kTypes[] = {Element::u8, Element::f32};
constexpr double kShrinks[] = {1.001, 1.1, 1.5, 1.69, 1.71, 2, 2.6, 3, 4.4, 7.3, 11.9, 12, 20.5, 61};

template <typename Run>
void on_every_target(Run run) {
  for (const std::string& target : vary::available_targets()) run(vary::kernels_of(target));
}

// One box over pixels [top, bottom) x [left, right): the sum over the count; for bytes rounded half up.
template <typename Value>
Value box(const Picture& p, int top, int bottom, int left, int right, int c) {
  double sum = 0;
  Value value;
  for (int y = top; y < bottom; ++y)
    for (int x = left; x < right; ++x) {
      std::memcpy(&value, p.image.data + y * p.image.row + x * p.image.column + c * p.image.channel, sizeof value);
      sum += value;
    }
  const double count = double(bottom - top) * (right - left);
  return static_cast<Value>(sizeof value == 1 ? std::floor((2 * sum + count) / (2 * count)) : sum / count);
}

template <typename Value>
Bytes boxes(const Picture& p, const vary::Boxes& b) {
  Bytes out;
  for (int top = 0, bottom = b.first_down; top < b.height; top = bottom, bottom += b.down)
    for (int left = 0, right = b.first_across; left < b.width; left = right, right += b.across)
      for (int c = 0; c < b.channels; ++c) {
        const auto value = box<Value>(p, top, std::min(bottom, b.height), left, std::min(right, b.width), c);
        made::append(out, &value, sizeof value);
      }
  return out;
}

void check_boxes(const Picture& p, int across, int down, int first_across, int first_down) {
  const bool bytes = p.image.type == Element::u8;
  vary::Boxes b;
  b.data = p.image.data;
  b.row = p.image.row;
  b.height = p.image.height;
  b.width = p.image.width;
  b.channels = p.image.channels;
  b.across = across;
  b.down = down;
  b.first_across = std::min(first_across, b.width);
  b.first_down = std::min(first_down, b.height);
  b.out_row = p.image.column * (1 + (b.width - b.first_across + across - 1) / across);
  const Bytes expected = bytes ? boxes<std::uint8_t>(p, b) : boxes<float>(p, b);
  on_every_target([&](const Kernels& k) {
    Bytes out(expected.size());
    std::vector<std::uint32_t> sums(static_cast<std::size_t>(b.width * b.channels + 8));
    b.out = out.data();
    b.sums = sums.data();
    k.boxes[bytes ? 0 : 1](b);
    const std::string words = std::to_string(across) + " x " + std::to_string(down) + " boxes, the first " +
                              std::to_string(b.first_across) + " x " + std::to_string(b.first_down) + ", width " +
                              std::to_string(b.width) + ", channels " + std::to_string(b.channels);
    check::that(out == expected, __FILE__, __LINE__, words.c_str());
  });
}

void test_boxes() {
  for (const Element type : kTypes)
    for (const int channels : kChannels) {
      for (int across = 1; across <= 20; ++across)
        for (int down = 1; down <= 20; ++down)
          check_boxes(Picture(1 + 2 * down, 41 + across % 3, channels, type, static_cast<std::uint64_t>(across)),
                      across, down, 1 + across * 3 % across, 1 + down * 2 % down);
      for (int width = 1; width <= 70; ++width) check_boxes(Picture(3, width, channels, type), 2, 2, 1 + width % 2, 1);
    }
  for (const int side : {13, 16, 20, 24})  // the greatest sums
    for (const int other : {13, 16, 20})
      check_boxes(Picture(other, side, 1, Bytes(static_cast<std::size_t>(side * other), 255)), side, other, side,
                  other);
  for (const int count : {64, 255, 256, 257, 300}) {
    check_boxes(Picture(count, 2, 1, Bytes(static_cast<std::size_t>(2 * count), 255)), 1, count, 1, count);
    check_boxes(Picture(2, count, 1, Bytes(static_cast<std::size_t>(2 * count), 255)), count, 1, count, 1);
    check_boxes(Picture(count, count, 1, Bytes(static_cast<std::size_t>(count * count), 255)), count, count, 1, 1);
  }
}

// ---- the triangle ---------------------------------------------------------------------------------------------------

Reduction reduction(const Image& image, double down, double across, vary::Fill fill = vary::Fill::nearest) {
  vary::Plan plan;
  plan.fill = fill;
  vary::View view;
  view.m[0] = across;
  view.m[4] = down;
  return vary::reduction_of(plan, view, image.true_height(), image.true_width());
}

// The pixels of a window of a reduced picture, or of all of it.
Bytes pixels(const Kernels& k, const Image& image, const Reduction& r, vary::Window seen) {
  const Image out = vary::reduced(k, image, r, seen, vary::Workspace::mine());
  Bytes found;
  for (int y = seen.top; y < seen.bottom; ++y)
    made::append(found, out.data + y * out.row + seen.left * out.column,
                 static_cast<std::size_t>((seen.right - seen.left) * out.column));
  return found;
}

Bytes pixels(const Kernels& k, const Image& image, const Reduction& r) {
  return pixels(k, image, r, {0, 0, r.y.size, r.x.size});
}

std::string named(const Image& image, double down, double across) {
  return std::to_string(image.height) + " x " + std::to_string(image.width) + " x " + std::to_string(image.channels) +
         ", shrunk " + std::to_string(down) + " x " + std::to_string(across);
}

// All targets alike; and a window holds what the whole picture has there.
void check_targets(const Image& image, double down, double across) {
  const Reduction r = reduction(image, down, across);
  if (!r.changes()) return;
  Bytes first;
  on_every_target([&](const Kernels& k) {
    const Bytes whole = pixels(k, image, r);
    if (first.empty()) first = whole;
    check::that(whole == first, __FILE__, __LINE__, (named(image, down, across) + " on " + k.name).c_str());
    const vary::Window some{r.y.size / 3, r.x.size / 4, r.y.size - r.y.size / 4, r.x.size - r.x.size / 3};
    const Bytes part = pixels(k, image, r, some);
    const auto pixel = static_cast<std::size_t>(image.column), size = static_cast<std::size_t>(r.x.size) * pixel;
    const std::size_t wide = static_cast<std::size_t>(some.right - some.left) * pixel;
    for (int y = some.top; y < some.bottom; ++y) {
      const std::uint8_t* const row =
          whole.data() + static_cast<std::size_t>(y) * size + static_cast<std::size_t>(some.left) * pixel;
      const std::uint8_t* const seen = part.data() + static_cast<std::size_t>(y - some.top) * wide;
      check::that(std::equal(seen, seen + wide, row), __FILE__, __LINE__, named(image, down, across).c_str());
    }
  });
}

void test_targets() {
  for (const Element type : kTypes)
    for (const int channels : kChannels)
      for (const double down : kShrinks)
        for (const double across : kShrinks) {
          check_targets(Picture(37, 61, channels, type).image, down, across);
          check_targets(Picture(12, 7, channels, type).without_left(2), down, across);
        }
  for (int width = 1; width < 80; ++width) check_targets(Picture(5, width, 3, Element::u8).image, 1.3, 2.2);
}

void test_flat_pictures_stay() {
  for (const int value : {0, 1, 128, 255})
    for (int step = 0; step < 340; ++step) {
      const double shrink = std::pow(1.013, step) + .0005 * step;
      const Bytes values(std::size_t{40} * 33, static_cast<std::uint8_t>(value));
      Picture p(40, 33, 1, values);
      p.image.spare_width = .5;
      on_every_target([&](const Kernels& k) {
        for (const std::uint8_t seen : pixels(k, p.image, reduction(p.image, shrink, shrink)))
          check::that(seen == value, __FILE__, __LINE__, named(p.image, shrink, shrink).c_str());
      });
    }
}

Picture mirrored(const Picture& p, bool down, bool across) {
  Bytes values;
  const Image& s = p.image;
  for (int y = 0; y < s.height; ++y)
    for (int x = 0; x < s.width; ++x)
      made::append(values, s.data + (down ? s.height - 1 - y : y) * s.row + (across ? s.width - 1 - x : x) * s.column,
                   static_cast<std::size_t>(s.column));
  return Picture(s.height, s.width, s.channels, values);
}

Picture transposed(const Picture& p) {
  Bytes values;
  for (int x = 0; x < p.image.width; ++x)
    for (int y = 0; y < p.image.height; ++y)
      made::append(values, p.image.data + y * p.image.row + x * p.image.column,
                   static_cast<std::size_t>(p.image.column));
  return Picture(p.image.width, p.image.height, p.image.channels, values);
}

// Mirrored, a picture gives the mirrored result; transposed, and filtered in the other order, the transposed one.
void test_symmetry() {
  const Kernels& k = vary::live_kernels();
  for (const double down : kShrinks)
    for (const double across : kShrinks)
      for (const vary::Fill fill : {vary::Fill::nearest, vary::Fill::reflect101}) {
        const Picture p(43, 62, 3, Element::u8);
        const Reduction r = reduction(p.image, down, across, fill);
        const Bytes plain = pixels(k, p.image, r);
        const Picture result(r.y.size, r.x.size, 3, plain);
        for (const auto& [flip_down, flip_across] : {std::pair{true, false}, {false, true}, {true, true}}) {
          const Bytes seen = pixels(k, mirrored(p, flip_down, flip_across).image, r);
          check::that(seen == mirrored(result, flip_down, flip_across).bytes, __FILE__, __LINE__,
                      named(p.image, down, across).c_str());
        }
        const Picture other = transposed(p);
        Reduction turned = reduction(other.image, across, down, fill);
        turned.columns_first = true;
        check::that(pixels(k, other.image, turned) == transposed(result).bytes, __FILE__, __LINE__,
                    named(p.image, down, across).c_str());
      }
}

}  // namespace

int main() {
  test_boxes();
  test_targets();
  test_flat_pictures_stay();
  test_symmetry();
  return check::report();
}
