#include "bind_sources.h"

#include <nanobind/stl/string.h>

#include <cstring>
#include <stdexcept>

#include "level.h"
#include "size_limits.h"

namespace vary {

Borrowed::~Borrowed() {
  for (Py_buffer& buffer : buffers_) PyBuffer_Release(&buffer);
}

nb::tuple Borrowed::hold(const nb::list& list) {
  PyObject* const items = PyList_AsTuple(list.ptr());
  if (items == nullptr) nb::raise_python_error();
  items_ = nb::steal<nb::tuple>(items);
  return items_;
}

const Py_buffer& Borrowed::buffer_of(PyObject* object, int flags) {
  Py_buffer& buffer = buffers_.emplace_back();
  if (PyObject_GetBuffer(object, &buffer, flags) == 0) return buffer;
  buffers_.pop_back();
  nb::raise_python_error();
}

void refuse(std::size_t i, const std::string& what) {
  throw std::invalid_argument("image " + std::to_string(i) + " " + what);
}

Source encoded_of(PyObject* object, Borrowed& held) {
  const Py_buffer& b = held.buffer_of(object, PyBUF_SIMPLE);
  Source source;
  source.kind = Source::jpeg;
  source.data = static_cast<const std::uint8_t*>(b.buf);
  source.size = static_cast<std::size_t>(b.len);
  return source;
}

namespace {

bool is_jpeg(const std::uint8_t* data, std::size_t size) {
  return size >= 3 && data[0] == 0xFF && data[1] == 0xD8 && data[2] == 0xFF;
}

Element type_of(const Py_buffer& b, std::size_t i) {
  const char* format = b.format == nullptr ? "B" : b.format;
  if (*format == '<' || *format == '=' || *format == '@') ++format;
  std::string names;
  for (int e = 0; e < kElementCount; ++e) {
    if (format[0] == kElements[e].format && format[1] == 0) return static_cast<Element>(e);
    names += (e == 0 ? "" : e + 1 < kElementCount ? ", " : " or ") + std::string(kElements[e].name);
  }
  refuse(i,
         std::string("has values of buffer format '") + format + "'; give " + names + ", e.g. image.astype('float32')");
}

// Does every value lie at a multiple of its size?
bool aligned(const Py_buffer& b) {
  auto places = reinterpret_cast<std::uintptr_t>(b.buf);
  for (int axis = 0; axis < b.ndim; ++axis)
    if (b.shape[axis] > 1) places |= static_cast<std::uintptr_t>(b.strides[axis]);
  return places % static_cast<std::uintptr_t>(b.itemsize) == 0;
}

Image image_of(const Py_buffer& b, std::size_t i) {
  if (b.ndim != 2 && b.ndim != 3) refuse(i, "has " + std::to_string(b.ndim) + " axes; give height x width x channels");
  Image image;
  image.data = static_cast<const std::uint8_t*>(b.buf);
  image.type = type_of(b, i);
  const Py_ssize_t channels = b.ndim == 3 ? b.shape[2] : 1;
  const auto shape = [&] {
    return std::to_string(b.shape[0]) + " x " + std::to_string(b.shape[1]) + " x " + std::to_string(channels);
  };
  if (channels < 1 || channels > kMostChannels)
    refuse(i, "is " + shape() + "; its last axis must hold 1 to " + std::to_string(kMostChannels) + " channels");
  if (b.shape[0] < 1 || b.shape[1] < 1) refuse(i, "is " + shape() + "; a picture needs at least one pixel");
  if (!picture_fits(b.shape[0], b.shape[1], static_cast<int>(channels), image.type))
    refuse(i, "is " + shape() + ", over 2 GiB; cut it into tiles first");
  image.height = static_cast<int>(b.shape[0]);
  image.width = static_cast<int>(b.shape[1]);
  image.channels = static_cast<int>(channels);
  image.row = b.strides[0];
  image.column = b.strides[1];
  image.channel = b.ndim == 3 ? b.strides[2] : size_of(image.type);
  if (!aligned(b)) refuse(i, "has unaligned values; give image.copy()");
  return image;
}

void check_channels(const Plan& plan, const Image& image, std::size_t i) {
  if (image.channels != plan.channels)
    refuse(i, "has " + std::to_string(image.channels) + " channels where the first image has " +
                  std::to_string(plan.channels));
}

}  // namespace

Source source_of(PyObject* object, std::size_t i, const Plan& plan, Borrowed& held) {
  Source source;
  if (PyBytes_Check(object)) {
    source.kind = Source::jpeg;
    source.data = reinterpret_cast<const std::uint8_t*>(PyBytes_AS_STRING(object));
    source.size = static_cast<std::size_t>(PyBytes_GET_SIZE(object));
    return source;
  }
  if (!PyObject_CheckBuffer(object)) {
    refuse(i, std::string("is a ") + Py_TYPE(object)->tp_name +
                  ", not a NumPy array; vary.read_image(path) reads a file, numpy.asarray(image) makes an array");
  }
  const Py_buffer& b = held.buffer_of(object, PyBUF_RECORDS_RO);
  const auto* const block = static_cast<const std::uint8_t*>(b.buf);
  const auto size = static_cast<std::size_t>(b.len);
  if (b.ndim == 1 && b.itemsize == 1 && (b.shape[0] < 2 || b.strides[0] == 1)) {
    source.kind = is_level(block, size) ? Source::level : Source::jpeg;
    source.data = block;
    source.size = size;
    if (source.kind == Source::jpeg && !is_jpeg(block, size))
      refuse(i, "has 1 axes; give height x width x channels, or the bytes of a JPEG");
    return source;
  }
  source.image = image_of(b, i);
  check_channels(plan, source.image, i);
  return source;
}

namespace {

std::vector<Task> tasks_for(const Plan& plan, std::size_t n, const ConstRows& rows) {
  if (rows.shape(0) != n || rows.shape(1) != static_cast<std::size_t>(plan.columns))
    throw std::invalid_argument("parameters do not fit");
  return std::vector<Task>(n);
}

// Pictures that are parts of one array along its first axis: its buffer is read once for all of them.
std::vector<Task> tasks_of_parts(const Plan& plan, nb::handle array, const Indices& places, const ConstRows& rows,
                                 Borrowed& held) {
  std::vector<Task> tasks = tasks_for(plan, places.shape(0), rows);
  const Py_buffer& all = held.buffer_of(array.ptr(), PyBUF_RECORDS_RO);
  if (all.ndim != 3 && all.ndim != 4) throw std::invalid_argument("parts are of an array of images");
  Py_buffer one = all;
  --one.ndim, ++one.shape, ++one.strides;
  const Image first = image_of(one, 0);
  if (!aligned(all)) refuse(0, "has unaligned values; give image.copy()");
  check_channels(plan, first, 0);
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    const std::int64_t place = places.data()[i];
    if (place < 0 || place >= all.shape[0]) refuse(i, "is out of range of its array");
    tasks[i].source.image = first;
    tasks[i].source.image.data += place * all.strides[0];
    tasks[i].row = rows.data() + i * rows.shape(1);
  }
  return tasks;
}

}  // namespace

// `sources` is a list of arrays, JPEGs and cache blocks, or a pair: an array, and indices along its first axis.
std::vector<Task> tasks_of(const Plan& plan, nb::handle sources, const ConstRows& rows, Borrowed& held) {
  if (PyTuple_Check(sources.ptr()) && PyTuple_GET_SIZE(sources.ptr()) == 2)
    return tasks_of_parts(plan, PyTuple_GET_ITEM(sources.ptr(), 0),
                          nb::cast<Indices>(nb::handle(PyTuple_GET_ITEM(sources.ptr(), 1))), rows, held);
  if (!PyList_Check(sources.ptr())) throw std::invalid_argument("sources are a list, or parts of an array");
  const nb::tuple items = held.hold(nb::borrow<nb::list>(sources));
  const std::size_t n = nb::len(items);
  std::vector<Task> tasks = tasks_for(plan, n, rows);
  for (std::size_t i = 0; i < n; ++i) {
    tasks[i].source = source_of(PyTuple_GET_ITEM(items.ptr(), static_cast<Py_ssize_t>(i)), i, plan, held);
    tasks[i].row = rows.data() + i * rows.shape(1);
    const Source& first = tasks[0].source;
    if (tasks[i].source.kind == Source::array && first.kind == Source::array &&
        tasks[i].source.image.type != first.image.type)
      refuse(i, "differs in dtype from the first image; make them one dtype");
  }
  return tasks;
}

// `out` is an array of n pictures, each contiguous; its first axis may have any stride.
void slots_of(const Plan& plan, PyObject* out, bool planar, std::vector<Task>& tasks, Borrowed& held) {
  const Py_buffer& b = held.buffer_of(out, PyBUF_RECORDS);
  Slot slot;
  slot.type = type_of(b, 0);
  slot.planar = planar;
  const int at = planar ? 2 : 1;
  if (b.ndim != 4 || b.shape[0] != static_cast<Py_ssize_t>(tasks.size()) || b.shape[planar ? 1 : 3] != plan.channels)
    throw std::invalid_argument("out= does not fit this batch");
  if (!aligned(b))
    throw std::invalid_argument("out= has unaligned values; give an aligned array, such as numpy.empty(...)");
  slot.height = static_cast<int>(b.shape[at]);
  slot.width = static_cast<int>(b.shape[at + 1]);
  slot.channels = plan.channels;
  Py_ssize_t expected = size_of(slot.type);
  for (int axis = 3; axis >= 1; --axis) {
    if (b.shape[axis] > 1 && b.strides[axis] != expected)
      throw std::invalid_argument("out= must hold contiguous pictures");
    expected *= b.shape[axis];
  }
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    tasks[i].slot = slot;
    tasks[i].slot.data = static_cast<std::uint8_t*>(b.buf) + static_cast<Py_ssize_t>(i) * b.strides[0];
  }
}

}  // namespace vary
