// The types of values, on every target: conversions to and from float32; pixels in any order in memory; groups of
// channels.
#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include "check.h"
#include "cpu.h"
#include "made.h"

namespace {

using made::Bytes;
using made::Picture;
using vary::Element;
using vary::Kernels;

template <typename Run>
void on_every_target(Run run) {
  for (const std::string& target : vary::available_targets()) run(vary::kernels_of(target));
}

std::uint32_t bits_of(float v) {
  std::uint32_t bits;
  std::memcpy(&bits, &v, sizeof bits);
  return bits;
}

// binary16 by its definition.
float half(int bits) {
  const int exponent = bits >> 10 & 31, fraction = bits & 1023;
  const float sign = bits & 0x8000 ? -1.f : 1.f;
  if (exponent == 31) return fraction ? std::numeric_limits<float>::quiet_NaN() : sign * INFINITY;
  return sign * (exponent == 0 ? std::ldexp(static_cast<float>(fraction), -24)
                               : std::ldexp(static_cast<float>(1024 + fraction), exponent - 25));
}

void test_load() {
  std::vector<std::uint16_t> every(1 << 16);
  for (std::size_t i = 0; i < every.size(); ++i) every[i] = static_cast<std::uint16_t>(i);
  on_every_target([&](const Kernels& k) {
    std::vector<float> unsigned_(every.size()), signed_(every.size()), halves(every.size());
    const auto gather = [&](Element element, std::vector<float>& out) {
      k.gather[static_cast<int>(element)](reinterpret_cast<const std::uint8_t*>(every.data()), 2, 2, 1, 1 << 16,
                                          reinterpret_cast<std::uint8_t*>(out.data()));
    };
    gather(Element::u16, unsigned_);
    gather(Element::i16, signed_);
    gather(Element::f16, halves);
    for (int i = 0; i < 1 << 16; ++i) {
      const auto at = static_cast<std::size_t>(i);
      CHECK_EQUAL(unsigned_[at], static_cast<float>(i));
      CHECK_EQUAL(signed_[at], static_cast<float>(i < 1 << 15 ? i : i - (1 << 16)));
      const float expected = half(i);
      CHECK(std::isnan(expected) ? std::isnan(halves[at]) : bits_of(halves[at]) == bits_of(expected));
    }
  });
}

std::vector<std::uint16_t> stored(const Kernels& k, Element element, const std::vector<float>& values) {
  std::vector<std::uint16_t> out(values.size());
  const float* const plane = values.data();
  k.scatter[static_cast<int>(element)](&plane, 1, static_cast<int>(values.size()),
                                       reinterpret_cast<std::uint8_t*>(out.data()), 2, 2);
  return out;
}

// Every finite float16, the middle between it and the next one, and the float32 next to both.
void test_store_half() {
  std::vector<float> values;
  std::vector<int> expected;
  for (int i = 0; i < 0x7c00; ++i) {
    const float low = half(i), high = i + 1 == 0x7c00 ? 65536.f : half(i + 1), middle = low / 2 + high / 2;
    const auto add = [&](float v, int bits) {
      values.insert(values.end(), {v, -v});
      expected.insert(expected.end(), {bits, bits | 0x8000});
    };
    add(low, i);
    add(std::nextafter(low, high), i);
    add(std::nextafter(middle, low), i);
    add(middle, i % 2 == 0 ? i : i + 1);
    add(std::nextafter(middle, high), i + 1);
  }
  on_every_target([&](const Kernels& k) {
    const std::vector<std::uint16_t> seen = stored(k, Element::f16, values);
    for (std::size_t i = 0; i < values.size(); ++i) CHECK_EQUAL(int{seen[i]}, expected[i]);
    const float kNan = std::numeric_limits<float>::quiet_NaN();
    const std::vector<std::uint16_t> odd =
        stored(k, Element::f16, {INFINITY, -INFINITY, 65519.f, 65520.f, -1e38f, 1e-40f, -0.f, kNan, -kNan});
    const int named[] = {0x7c00, 0xfc00, 0x7bff, 0x7c00, 0xfc00, 0, 0x8000};
    for (std::size_t i = 0; i < std::size(named); ++i) CHECK_EQUAL(int{odd[i]}, named[i]);
    CHECK(std::isnan(half(odd[7])) && std::isnan(half(odd[8])));
  });
}

void test_store_whole() {
  const float kNan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> values = {-1,     -.5f,     0.5f, 1.5f,  2.5f,      65534.5f, 65535.5f, 1e30f,
                                     -1e30f, INFINITY, kNan, -3.5f, -32768.5f, -32769.f, 32766.5f, 32767.5f};
  const int as_u16[] = {0, 0, 0, 2, 2, 65534, 65535, 65535, 0, 65535, 0, 0, 0, 0, 32766, 32768};
  const int as_i16[] = {-1, 0, 0, 2, 2, 32767, 32767, 32767, -32768, 32767, 0, -4, -32768, -32768, 32766, 32767};
  on_every_target([&](const Kernels& k) {
    const std::vector<std::uint16_t> u16 = stored(k, Element::u16, values), i16 = stored(k, Element::i16, values);
    for (std::size_t i = 0; i < values.size(); ++i) {
      CHECK_EQUAL(int{u16[i]}, as_u16[i]);
      CHECK_EQUAL(int{static_cast<std::int16_t>(i16[i])}, as_i16[i]);
    }
  });
}

Bytes run(const Picture& picture, const vary::Image& image, const vary::Plan& plan, vary::Slot slot) {
  made::Batch batch;
  batch.add({vary::Source::array, image, nullptr, 0}, slot);
  batch.run(plan);
  CHECK_EQUAL(batch.tasks[0].error, "");
  CHECK(picture.image.height > 0);
  return batch.outputs[0];
}

constexpr Element kTypes[] = {Element::u8, Element::f32, Element::u16, Element::i16, Element::f16};

// A rotation, a cut, a filter, and different constants for channels [first, first + count).
vary::Plan plan_of(int first, int count, Element type, bool normalizes) {
  using made::instruction;
  vary::Plan plan = made::plan_of({instruction("rotate", {20}), instruction("cut", {static_cast<double>(type)}),
                                   instruction("zoom", {.8, 1.1}), instruction("brightness", {1.2, 0, 200}),
                                   instruction("gaussian_blur", {.6})});
  plan.channels = count;
  plan.fill = vary::Fill::constant;
  plan.fill_value.clear();
  std::vector<double> constants;
  for (int c = first; c < first + count; ++c) plan.fill_value.push_back(static_cast<float>(c));
  for (int c = first; c < first + count; ++c) constants.push_back(c);
  for (int c = first; c < first + count; ++c) constants.push_back(1 + c);
  if (normalizes) plan.instructions.push_back(instruction("normalize", constants));
  return plan;
}

// Each channel of many gives the same result as that channel alone, also in planar results.
void test_groups() {
  constexpr int height = 9, width = 14, channels = 11;
  for (const Element type : kTypes)
    for (const Element to : {type, Element::f32})
      for (const bool planar : {false, true}) {
        const Picture picture(height, width, channels, type);
        const Bytes all = run(picture, picture.image, plan_of(0, channels, type, to == Element::f32),
                              {nullptr, height, width, channels, to, planar});
        const auto size = static_cast<std::size_t>(vary::size_of(to));
        for (int c = 0; c < channels; ++c) {
          vary::Image one = picture.image;
          one.data += c * one.channel;
          one.channels = 1;
          const Bytes alone =
              run(picture, one, plan_of(c, 1, type, to == Element::f32), {nullptr, height, width, 1, to, false});
          bool same = true;
          for (std::size_t i = 0; i < std::size_t{height} * width; ++i) {
            const std::size_t at =
                planar ? static_cast<std::size_t>(c) * height * width + i : i * channels + static_cast<std::size_t>(c);
            same = same && std::memcmp(all.data() + at * size, alone.data() + i * size, size) == 0;
          }
          CHECK(same);
        }
      }
}

}  // namespace

int main() {
  test_load();
  test_store_half();
  test_store_whole();
  test_groups();
  return check::report();
}
