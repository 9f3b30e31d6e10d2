// Work without the GIL.
#pragma once

#include <nanobind/nanobind.h>

#include <unistd.h>

#include <exception>
#include <stdexcept>

#include "pool.h"

namespace vary {

// Acquires the GIL again. While the interpreter ends, Python up to 3.13 ends a thread that acquires it, by an exception
// that C++ functions up the stack cannot handle. Such a thread sleeps here instead until the process has ended.
inline void acquire_gil(PyThreadState* state) {
  try {
    PyEval_RestoreThread(state);
  } catch (...) {
    for (;;) pause();
  }
}

// Runs `work` without the GIL. RuntimeError if it was cancelled, whether or not `work` itself failed.
template <typename Work>
void without_gil(const Work& work) {
  PyThreadState* const state = PyEval_SaveThread();
  std::exception_ptr thrown;
  try {
    work();
  } catch (...) {
    thrown = std::current_exception();
  }
  const bool stopped = cancelled();
  acquire_gil(state);
  if (stopped) throw std::runtime_error("the program is ending, and vary does not finish the work of other threads");
  if (thrown) std::rethrow_exception(thrown);
}

}  // namespace vary
