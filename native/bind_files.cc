#include "bind_files.h"

#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <memory>
#include <stdexcept>

#include "bind_gil.h"
#include "bind_sources.h"
#include "jpeg_orientation.h"
#include "level.h"
#include "size_limits.h"
#include "stamp.h"
#include "thumbnail.h"

namespace vary {
namespace {

using namespace nb::literals;

using Bytes3 = nb::ndarray<nb::numpy, std::uint8_t, nb::ndim<3>>;

Bytes3 decode_jpeg(nb::handle data, int channels, int denominator, bool allow_truncated) {
  Borrowed held;
  const Source file = encoded_of(data.ptr(), held);
  JpegHeader header;
  std::string error;
  if (!jpeg_header(file.data, file.size, header, error)) throw std::invalid_argument(error);
  const auto h = static_cast<std::size_t>(jpeg_scaled(header.height, denominator));
  const auto w = static_cast<std::size_t>(jpeg_scaled(header.width, denominator)),
             c = static_cast<std::size_t>(channels);
  auto* const out = new std::uint8_t[h * w * c];
  const nb::capsule owner(out, [](void* p) noexcept { delete[] static_cast<std::uint8_t*>(p); });
  bool ok = false;
  without_gil([&] {
    ok = jpeg_decode({file.data, file.size, denominator, allow_truncated},
                     {out, static_cast<int>(h), static_cast<int>(w), channels, static_cast<std::ptrdiff_t>(w * c)},
                     error);
  });
  if (!ok) throw std::invalid_argument(error);
  return Bytes3(out, {h, w, c}, owner);
}

// (bytes, nanoseconds) of each file. One call for all files: otherwise each call would release the GIL, and wait for it
// afterwards.
nb::list file_stamps(const nb::list& paths) {
  std::vector<nb::bytes> encoded;
  for (const nb::handle path :
       nb::tuple(paths)) {  // a copy: converting a path may run Python code that changes the list
    PyObject* bytes = nullptr;
    if (PyUnicode_FSConverter(path.ptr(), static_cast<void*>(&bytes)) == 0) nb::raise_python_error();
    encoded.push_back(nb::steal<nb::bytes>(bytes));
  }
  std::vector<Stamp> stamps(encoded.size());
  without_gil([&] {
    for (std::size_t i = 0; i < stamps.size() && !cancelled(); ++i)
      stamps[i] = stamp_of(PyBytes_AS_STRING(encoded[i].ptr()));
  });
  nb::list out;
  for (const Stamp& stamp : stamps) out.append(nb::make_tuple(stamp.bytes, stamp.changed));
  return out;
}

// A cache block that is being made of a source, or why it could not be made.
struct NewBlock {
  Source source;
  LevelRequest request;
  std::unique_ptr<std::uint8_t[]> block;
  std::size_t size = 0;
  std::string error;
};

void make_block(NewBlock& k, bool allow_truncated) {
  try {
    if (k.source.kind == Source::jpeg && !jpeg_header(k.source.data, k.source.size, k.request.header, k.error)) return;
    if (k.source.kind == Source::array) {
      k.request.header.width = k.source.image.width;
      k.request.header.height = k.source.image.height;
    }
    k.size = level_bytes(k.request);
    k.block.reset(new std::uint8_t[k.size]);
    if (k.source.kind == Source::array) return keep_pixels(k.source.image, k.request, k.block.get());
    if (!make_level(k.source.data, k.source.size, k.request, allow_truncated, k.block.get(), k.error) &&
        k.error.empty())
      k.error = "cannot be decoded";
  } catch (const std::bad_alloc&) {
    k.error = "not enough memory for this picture";
  } catch (const std::runtime_error& error) {
    k.error = error.what();
  }
}

// Makes cache blocks of files and uint8 pictures, which `run` accepts in their place: one-dimensional arrays, or the
// text of the error for those that fail.
nb::list keep_levels(const nb::list& sources, const std::vector<int>& levels, int channels, bool allow_truncated,
                     bool compact, int threads) {
  Plan any;
  any.channels = channels;
  Borrowed held;
  const nb::tuple items = held.hold(sources);
  std::vector<NewBlock> each(nb::len(items));
  if (levels.size() != each.size()) throw std::invalid_argument("give one level for each source");
  for (std::size_t i = 0; i < each.size(); ++i) {
    each[i].source = source_of(PyTuple_GET_ITEM(items.ptr(), static_cast<Py_ssize_t>(i)), i, any, held);
    each[i].request = {{}, levels[i], channels, compact};
    if (each[i].source.kind == Source::array && (each[i].source.image.type != Element::u8 || levels[i] != 1))
      refuse(i, "must be uint8, at level 1, to be cached");
  }
  without_gil([&] {
    parallel(static_cast<int>(each.size()), threads,
             [&](int i) { make_block(each[static_cast<std::size_t>(i)], allow_truncated); });
  });
  nb::list out;
  for (NewBlock& k : each) {
    if (!k.error.empty()) {
      out.append(k.error);
      continue;
    }
    const nb::capsule owner(k.block.get(), [](void* p) noexcept { delete[] static_cast<std::uint8_t*>(p); });
    out.append(nb::ndarray<nb::numpy, std::uint8_t, nb::ndim<1>>(k.block.release(), {k.size}, owner));
  }
  return out;
}

// Makes RGB arrays (height, width, 3) of JPEGs by their nearest pixels. In the list, a file that cannot be decoded has
// the reason as text, and one without a nearest thumbnail (`has_nearest_thumbnail`) has None.
nb::list nearest_thumbnails(const nb::list& sources, int height, int width, std::int64_t max_pixels) {
  struct Thumbnail {
    Source file;
    bool is_made = false;
    std::unique_ptr<std::uint8_t[]> pixels;
    std::string error;
  };
  if (height < 1 || width < 1 || !picture_fits(height, width, 3, Element::u8))
    throw std::invalid_argument("give a height and a width of at least 1");
  const auto h = static_cast<std::size_t>(height), w = static_cast<std::size_t>(width);
  Borrowed held;
  const nb::tuple items = held.hold(sources);
  std::vector<Thumbnail> each(nb::len(items));
  for (std::size_t i = 0; i < each.size(); ++i)
    each[i].file = encoded_of(PyTuple_GET_ITEM(items.ptr(), static_cast<Py_ssize_t>(i)), held);
  without_gil([&] {
    for (Thumbnail& one : each) {
      if (cancelled()) return;
      JpegHeader header;
      if (!jpeg_header(one.file.data, one.file.size, header, one.error)) continue;
      one.is_made = has_nearest_thumbnail(header, max_pixels);
      if (!one.is_made) continue;
      one.pixels.reset(new std::uint8_t[3 * h * w]);
      if (!nearest_thumbnail({one.file.data, one.file.size}, header, height, width, one.pixels.get(), one.error) &&
          one.error.empty())
        one.error = "cannot be decoded";
    }
  });
  nb::list out;
  for (Thumbnail& one : each) {
    if (!one.error.empty()) {
      out.append(one.error);
    } else if (!one.is_made) {
      out.append(nb::none());
    } else {
      const nb::capsule owner(one.pixels.get(), [](void* p) noexcept { delete[] static_cast<std::uint8_t*>(p); });
      out.append(Bytes3(one.pixels.release(), {h, w, 3}, owner));
    }
  }
  return out;
}

}  // namespace

void bind_files(nb::module_& m) {
  m.def("jpeg_header", [](nb::handle data) {
    Borrowed held;
    const Source file = encoded_of(data.ptr(), held);
    JpegHeader h;
    std::string error;
    if (!jpeg_header(file.data, file.size, h, error)) throw std::invalid_argument(error);
    return nb::make_tuple(h.width, h.height, h.components, h.orientation, h.progressive);
  });
  m.def("decode_jpeg", &decode_jpeg, "data"_a, "channels"_a, "denominator"_a, "allow_truncated"_a);
  m.def("exif_orientation", [](const nb::bytes& data) {
    return exif_orientation(reinterpret_cast<const std::uint8_t*>(data.c_str()), data.size());
  });
  m.def("xmp_orientation", [](const nb::bytes& data) {
    return xmp_orientation(reinterpret_cast<const std::uint8_t*>(data.c_str()), data.size());
  });
  m.def("keep_levels", &keep_levels, "sources"_a, "levels"_a, "channels"_a, "allow_truncated"_a, "compact"_a,
        "threads"_a);
  m.attr("LEVEL_HEAD") = kLevelHead;
  m.def("file_stamps", &file_stamps, "paths"_a);
  m.def("libjpeg_version", &jpeg_version);
  m.def("nearest_thumbnails", &nearest_thumbnails, "sources"_a, "height"_a, "width"_a, "max_pixels"_a);
}

}  // namespace vary
