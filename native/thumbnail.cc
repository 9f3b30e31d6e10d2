#include "thumbnail.h"

#include <algorithm>
#include <cstring>

#include "cpu.h"
#include "size_limits.h"
#include "workspace.h"

namespace vary {
namespace {

constexpr std::int64_t kPadding = 192;  // bytes after a row that kernels may write

Planes layout(const JpegHeader& header, std::uint8_t* data, std::int64_t& bytes) {
  return jpeg_layout(header, 1, 3, data, bytes);
}

}  // namespace

std::vector<int> nearest_places(int side, int wanted) {
  std::vector<int> places(static_cast<std::size_t>(wanted));
  const double step = static_cast<double>(side) / wanted;
  double at = step * 0.5;
  for (int& place : places) {
    place = std::min(static_cast<int>(at), side - 1);
    at += step;
  }
  return places;
}

bool has_nearest_thumbnail(const JpegHeader& header, std::int64_t max_pixels) {
  std::int64_t bytes = 0;
  return header.orientation == 1 && std::int64_t{header.height} * header.width <= max_pixels &&
         picture_fits(header.height, header.width, 3, Element::u8) && layout(header, nullptr, bytes).count == 3;
}

bool nearest_thumbnail(const JpegFile& file, const JpegHeader& header, int height, int width, std::uint8_t* out,
                       std::string& error) {
  Workspace& w = Workspace::mine();
  std::int64_t bytes = 0;
  layout(header, nullptr, bytes);
  const Planes planes = layout(header, w.planes.get<std::uint8_t>(bytes + 64), bytes);
  const bool ok = jpeg_planes(file, 0, planes.height, planes, error);
  if (ok) {
    const std::vector<int> rows = nearest_places(planes.height, height), columns = nearest_places(planes.width, width);
    auto* const line = w.line.get<std::uint8_t>(std::int64_t{3} * planes.width + kPadding);
    // the sizes that `rgb` needs: see kernels/kernels.h
    auto* const scratch = w.sums.get<std::uint16_t>(5 * (std::int64_t{planes.width} / 2 + 40));
    const std::size_t row = std::size_t{3} * static_cast<std::size_t>(width);
    for (int y = 0, last = -1; y < height; ++y, out += row) {
      const int place = rows[static_cast<std::size_t>(y)];
      if (place == last) {
        std::memcpy(out, out - row, row);
        continue;
      }
      live_kernels().rgb(planes, last = place, 0, planes.width, line, scratch);
      std::uint8_t* to = out;
      for (const int x : columns) {
        std::memcpy(to, line + std::ptrdiff_t{3} * x, 3);
        to += 3;
      }
    }
  }
  w.trim();
  return ok;
}

}  // namespace vary
