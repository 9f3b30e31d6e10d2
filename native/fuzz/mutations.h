// JPEGs of every kind that libjpeg writes, handmade lossless ones, and random damage to files.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "encoded.h"
#include "programs.h"

namespace fuzz {

using encoded::Buffer;

inline std::vector<Buffer> corpus() {
  std::vector<Buffer> out;
  for (const auto& [width, height] : {std::pair{40, 24}, {1, 1}, {17, 70}, {97, 9}})
    for (const bool progressive : {false, true}) {
      for (const auto& [down, across] : {std::pair{1, 1}, {1, 2}, {2, 1}, {2, 2}, {1, 4}, {4, 1}, {2, 4}})
        for (const int restart : {0, 2})
          out.push_back(encoded::encode({.width = width,
                                         .height = height,
                                         .progressive = progressive,
                                         .restart = restart,
                                         .down = down,
                                         .across = across,
                                         .noise = true}));
      const auto plain = [&](J_COLOR_SPACE in, J_COLOR_SPACE stored, bool adobe) {
        out.push_back(encoded::encode({.width = width,
                                       .height = height,
                                       .in = in,
                                       .stored = stored,
                                       .progressive = progressive,
                                       .adobe = adobe}));
      };
      plain(JCS_GRAYSCALE, JCS_GRAYSCALE, true);
      plain(JCS_RGB, JCS_RGB, true);
      plain(JCS_CMYK, JCS_CMYK, false);
      plain(JCS_CMYK, JCS_YCCK, true);
      out.push_back(
          encoded::encode({.width = width, .height = height, .progressive = progressive, .arithmetic = true}));
    }
  for (const auto& [width, height] : {std::pair{1, 400}, {60, 3}, {40, 24}})
    for (const int components : {1, 3}) out.push_back(encoded::lossless(width, height, components));
  return out;
}

// The place of a marker, chosen at random among those of the file.
inline std::size_t marker_at(Numbers& n, const Buffer& file) {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i + 1 < file.size(); ++i)
    if (file[i] == 0xFF && file[i + 1] != 0 && file[i + 1] != 0xFF) found.push_back(i);
  return found.empty() ? 0 : found[static_cast<std::size_t>(n.below(static_cast<int>(found.size())))];
}

inline std::uint8_t byte(Numbers& n) {
  constexpr std::uint8_t kTelling[] = {0,    1,    2,    3,    4,    7,    8,    9,    0x11,
                                       0x12, 0x21, 0x22, 0x41, 0x44, 0x7f, 0x80, 0xfe, 0xff};
  return chance(n, 50) ? one_of(n, kTelling) : static_cast<std::uint8_t>(n());
}

inline void mutate(Numbers& n, Buffer& file, const std::vector<Buffer>& others) {
  constexpr std::uint8_t kMarkers[] = {0xC0, 0xC1, 0xC2, 0xC3, 0xC4, 0xC5, 0xC9, 0xCA, 0xCB, 0xCC, 0xD0, 0xD3, 0xD7,
                                       0xD8, 0xD9, 0xDA, 0xDB, 0xDC, 0xDD, 0xDE, 0xE0, 0xE1, 0xEE, 0xF7, 0xFE, 0x01};
  if (file.size() < 8) return;
  const auto place = [&](std::size_t size) { return static_cast<std::size_t>(n.below(static_cast<int>(size))); };
  const std::size_t at = place(file.size());
  const auto here = file.begin() + static_cast<std::ptrdiff_t>(at);
  const auto rest = static_cast<std::ptrdiff_t>(std::min(place(40) + 1, file.size() - at));
  switch (n.below(9)) {
    case 0: *here = static_cast<std::uint8_t>(*here ^ 1 << n.below(8)); return;
    case 1: *here = byte(n); return;
    case 2: file.erase(here, here + rest); return;
    case 3: {
      const Buffer again(here, here + rest);
      file.insert(here, again.begin(), again.end());
      return;
    }
    case 4: file.resize(at); return;
    case 5: {  // one file's beginning and another's end
      const Buffer& other = others[place(others.size())];
      file.resize(at);
      file.insert(file.end(), other.begin() + static_cast<std::ptrdiff_t>(place(other.size())), other.end());
      return;
    }
    case 6: file.insert(here, {0xFF, one_of(n, kMarkers)}); return;
    case 7: file[marker_at(n, file) + 1] = one_of(n, kMarkers); return;
    default: {  // a field of a header: sides, samplings, tables, scans
      const std::size_t field = marker_at(n, file) + 2 + place(24);
      if (field < file.size()) file[field] = byte(n);
    }
  }
}

}  // namespace fuzz
