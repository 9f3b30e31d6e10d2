#include "open.h"

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <string>

#include "reduce.h"
#include "sample.h"
#include "size_limits.h"

namespace vary {
namespace {

void check_pixels(const JpegHeader& header, const Options& options) {
  if (std::int64_t{header.width} * header.height <= options.max_pixels) return;
  throw std::runtime_error("the header claims " + std::to_string(header.width) + " x " + std::to_string(header.height) +
                           " pixels, over the limit of " + std::to_string(options.max_pixels) +
                           "; raise it with max_pixels= if the file is to be trusted");
}

Image packed_image(std::uint8_t* data, int height, int width, int channels) {
  return {data, height, width, channels, std::ptrdiff_t{width} * channels, channels, 1, Element::u8};
}

void check_file(int height, int width, int channels) {
  if (channels != 1 && channels != 3 && channels != 4)
    throw std::runtime_error("a file is decoded to 1, 3 or 4 channels, not to " + std::to_string(channels));
  check_picture("decoding this file", height, width, channels, Element::u8, "cut it into smaller files");
}

// The exact length of a side of a file at a level: its last pixel may lie partly beyond the edge.
double part(int side, int level) { return static_cast<double>(side) / level; }

// Planes converted to RGB, within a window; other pixels are unspecified.
Image converted(const Planes& planes, const Window& window, Workspace& w) {
  if (planes.count == 1) return {planes.data[0], planes.height, planes.width, 1, planes.row[0], 1, 1, Element::u8};
  check_file(planes.height, planes.width, 3);
  auto* const data = w.decoded.get<std::uint8_t>(std::int64_t{planes.height} * planes.width * 3 + 192);
  convert(planes, window, data, w);
  return packed_image(data, planes.height, planes.width, 3);
}

// A JPEG decoded at a level. Of planes, only what `view` shows is decoded, unless other pictures share the result.
Image decoded(const Context& context, Task& task, const JpegHeader& header, int level, const View& view) {
  const Plan& plan = context.plan;
  Workspace& w = context.w;
  const bool allow_truncated = context.options.allow_truncated;
  check_file(jpeg_scaled(header.height, level), jpeg_scaled(header.width, level), plan.channels);
  const Source& source = task.source;
  std::int64_t bytes = 0;
  std::string error;
  bool ok = false;
  Image image;
  if (jpeg_layout(header, level, plan.channels, nullptr, bytes).count > 0) {
    const Planes planes = jpeg_layout(header, level, plan.channels, w.planes.get<std::uint8_t>(bytes + 64), bytes);
    const Window whole{0, 0, planes.height, planes.width};
    const Window window =
        w.shared.level > 0 ? whole : window_of(plan, view, part(header.height, level), part(header.width, level));
    ok = jpeg_planes({source.data, source.size, level, allow_truncated}, window.top, window.bottom, planes, error,
                     &task.damaged);
    if (ok) image = converted(planes, window, w);
  } else {
    const int height = jpeg_scaled(header.height, level), width = jpeg_scaled(header.width, level);
    auto* const data = w.decoded.get<std::uint8_t>(std::int64_t{height} * width * plan.channels + 8);
    image = packed_image(data, height, width, plan.channels);
    ok = jpeg_decode({source.data, source.size, level, allow_truncated},
                     {data, height, width, plan.channels, image.row}, error, &task.damaged);
  }
  if (!ok) throw std::runtime_error(error);
  return image;
}

Image kept(const Plan& plan, const Level& kept, const View& view, Workspace& w) {
  if (kept.channels != plan.channels)
    throw std::runtime_error("the cached copy of this file has " + std::to_string(kept.channels) + " channels, not " +
                             std::to_string(plan.channels));
  if (kept.planes.count == 0 && kept.pixels.data == nullptr)
    throw std::runtime_error("the cached copy of this file has a header and no pixels");
  if (kept.planes.count == 0) return kept.pixels;
  return converted(
      kept.planes,
      window_of(plan, view, part(kept.header.height, kept.denominator), part(kept.header.width, kept.denominator)), w);
}

}  // namespace

View whole(const Image& image) {
  View view;
  view.height = image.height;
  view.width = image.width;
  return view;
}

Opened open(const Source& source, const Options& options) {
  Opened out;
  if (source.kind == Source::array) {
    out.view = whole(source.image);
    return out;
  }
  const JpegHeader& header = out.level.header;
  std::string error;
  if (source.kind == Source::jpeg) {
    if (!jpeg_header(source.data, source.size, out.level.header, error)) throw std::runtime_error(error);
  } else if (!read_level(source.data, source.size, out.level)) {
    throw std::runtime_error("the cached copy of this file is damaged");
  }
  check_pixels(header, options);
  out.view.height = header.height;
  out.view.width = header.width;
  orient(header.orientation, out.view);
  return out;
}

int choose_level(const Plan& plan, const Opened& opened, const View& view, const Options& options) {
  const bool jpeg = opened.level.header.components > 0;
  if (!jpeg || options.full_decode || plan.nearest || !plan.antialias) return 1;
  const Shrink s = shrink_of(view);
  const double shrink = std::min(s.x, s.y) + 1e-6;  // so that the map from the level still shrinks, or keeps the size
  return shrink >= 8 ? 8 : shrink >= 4 ? 4 : shrink >= 2 ? 2 : 1;
}

void at_level(View& view, int level) {
  for (double& m : view.m) m /= level;
}

Image opened_image(const Context& context, Task& task, const Opened& opened, View& view) {
  const Level& file = opened.level;
  Shared& shared = context.w.shared;
  const auto began = std::chrono::steady_clock::now();
  Image image;
  int level = shared.level;
  if (task.source.kind == Source::level) {
    level = file.denominator;
    at_level(view, level);
    image = kept(context.plan, file, view, context.w);
    task.damaged = file.damaged;
  } else {
    if (level == 0) level = choose_level(context.plan, opened, view, context.options);
    at_level(view, level);
    if (shared.decoded) return shared.image;
    ++context.counts.decodes;
    image = decoded(context, task, file.header, level, view);
  }
  image.spare_height = image.height - part(file.header.height, level);
  image.spare_width = image.width - part(file.header.width, level);
  if (shared.level > 0) shared = {level, true, image};
  if (image.data != file.pixels.data)
    context.w.cached_source = {image.data, image.row * image.height};  // it was just written, so it is in a cache
  const auto spent = std::chrono::steady_clock::now() - began;
  context.counts.decode_ns += std::chrono::duration_cast<std::chrono::nanoseconds>(spent).count();
  return image;
}

}  // namespace vary
