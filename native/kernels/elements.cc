// Reads pixels of all types as packed rows that can be sampled, and writes planes of float32 as pixels of all types.
#include "elements.h"

namespace vary::VARY_TARGET_NS {
namespace {

template <typename T>
inline T value_at(const std::uint8_t* at) {
  T v;
  __builtin_memcpy(&v, at, sizeof v);
  return v;
}

template <typename T>
inline void set_value(std::uint8_t* at, T v) {
  __builtin_memcpy(at, &v, sizeof v);
}

// `To`: the type that is sampled.
template <typename From, typename To>
void gather(const std::uint8_t* from, std::ptrdiff_t column, std::ptrdiff_t channel, int channels, int n,
            std::uint8_t* packed) {
  using In = From::Stored;
  using Out = To::Stored;
  auto* const out = reinterpret_cast<Out*>(packed);
  const auto value = [](const std::uint8_t* at) { return To::store(From::load(value_at<In>(at))); };
  constexpr auto size = static_cast<std::ptrdiff_t>(sizeof(In));
  if (channel == size && column == size * channels) {
    for (int i = 0; i < n * channels; ++i) out[i] = value(from + i * size);
    return;
  }
  for (int c = 0; c < channels; ++c)
    for (int k = 0; k < n; ++k) out[k * channels + c] = value(from + k * column + c * channel);
}

template <typename To, int C>
void interleave(const float* const* planes, int n, std::uint8_t* to) {
  using Out = To::Stored;
  for (int k = 0; k < n; ++k)
    for (int c = 0; c < C; ++c)
      set_value<Out>(to + (k * C + c) * static_cast<int>(sizeof(Out)), To::store(planes[c][k]));
}

template <typename To>
void scatter(const float* const* planes, int channels, int n, std::uint8_t* to, std::ptrdiff_t column,
             std::ptrdiff_t channel) {
  using Out = To::Stored;
  constexpr auto size = static_cast<std::ptrdiff_t>(sizeof(Out));
  if (channel == size && column == size * channels) {
    switch (channels) {
      case 1: return interleave<To, 1>(planes, n, to);
      case 3: return interleave<To, 3>(planes, n, to);
      default: return interleave<To, 4>(planes, n, to);
    }
  }
  for (int c = 0; c < channels; ++c) {
    const float* const plane = planes[c];
    std::uint8_t* const out = to + c * channel;
    if (column == size) {
      for (int k = 0; k < n; ++k) set_value<Out>(out + k * size, To::store(plane[k]));
    } else {
      for (int k = 0; k < n; ++k) set_value<Out>(out + k * column, To::store(plane[k]));
    }
  }
}

}  // namespace

extern const ElementTable element_table;
const ElementTable element_table = {
    {gather<Uint8, Uint8>, gather<Float32, Float32>, gather<Uint16, Float32>, gather<Int16, Float32>,
     gather<Float16, Float32>},
    {scatter<Uint8>, scatter<Float32>, scatter<Uint16>, scatter<Int16>, scatter<Float16>}};

}  // namespace vary::VARY_TARGET_NS
