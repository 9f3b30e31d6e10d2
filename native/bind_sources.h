// Pixels and bytes of Python objects, without copies. The objects are referred to for the length of a call, so memory
// that is read without the GIL can be neither freed nor resized during it.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <deque>
#include <string>
#include <vector>

#include "execute.h"

namespace vary {

namespace nb = nanobind;

using ConstRows = nb::ndarray<const double, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Indices = nb::ndarray<const std::int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

// References to Python objects and to their memory. Must be destroyed while the GIL is held.
class Borrowed {
 public:
  Borrowed() = default;
  Borrowed(const Borrowed&) = delete;
  Borrowed& operator=(const Borrowed&) = delete;
  ~Borrowed();

  // The list's items as they are now: they stay valid if another thread changes the list.
  nb::tuple hold(const nb::list& list);

  // An object's memory. As long as `Borrowed` exists, a bytearray cannot be resized and a mapped file cannot be closed.
  const Py_buffer& buffer_of(PyObject* object, int flags);

 private:
  nb::tuple items_;
  std::deque<Py_buffer> buffers_;  // a deque, because some buffers contain pointers to themselves
};

[[noreturn]] void refuse(std::size_t i, const std::string& what);

// The bytes of an object that has a buffer (bytes, bytearray, memoryview, mmap, an array), which may be a JPEG.
Source encoded_of(PyObject* object, Borrowed& held);

// An array of a type in element.h, the bytes of a JPEG in any object that has a buffer, or a cache block.
Source source_of(PyObject* object, std::size_t i, const Plan& plan, Borrowed& held);

std::vector<Task> tasks_of(const Plan& plan, nb::handle sources, const ConstRows& rows, Borrowed& held);

void slots_of(const Plan& plan, PyObject* out, bool planar, std::vector<Task>& tasks, Borrowed& held);

}  // namespace vary
