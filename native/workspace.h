// Memory that a thread keeps between pictures: buffers only grow, so a steady stream allocates nothing.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <vector>

#include "program.h"

#if defined(VARY_GUARD_PAGES)
#include "fuzz/guarded.h"
#endif

namespace vary {

#if defined(VARY_GUARD_PAGES)

class Buffer {  // for the fuzzers: new each time, as long as was asked for, and not aligned
 public:
  template <typename T>
  T* get(std::int64_t count) {
    memory_ = fuzz::Guarded(static_cast<std::size_t>(count) * sizeof(T));
    return reinterpret_cast<T*>(memory_.data());
  }
  void trim(std::size_t) {}

  static thread_local std::int64_t growths;

 private:
  fuzz::Guarded memory_;
};

#else

class Buffer {  // 64-byte aligned
 public:
  Buffer() = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { std::free(data_); }

  template <typename T>
  T* get(std::int64_t count) {
    const auto bytes = (static_cast<std::size_t>(count) * sizeof(T) + 127) & ~std::size_t{63};
    if (bytes > size_) {
      std::free(data_);
      size_ = 0;
      data_ = std::aligned_alloc(64, bytes);
      if (data_ == nullptr) throw std::bad_alloc();
      size_ = bytes;
      ++growths;
    }
#if defined(__SANITIZE_ADDRESS__)
    std::memset(data_, 0xff, bytes);  // NaNs: nobody reads what was not written since
#endif
    return static_cast<T*>(data_);
  }

  void trim(std::size_t most) {
    if (size_ <= most) return;
    std::free(data_);
    data_ = nullptr;
    size_ = 0;
  }

  static thread_local std::int64_t growths;  // how often any buffer of this thread had to grow

 private:
  void* data_ = nullptr;
  std::size_t size_ = 0;
};

#endif

// The picture this thread will probably be given next, brought towards the cache a little with every finished row: a
// walk that crosses rows would otherwise wait for memory.
struct Ahead {
  const std::uint8_t* data = nullptr;
  std::int64_t bytes = 0;

  void bring(int part, int parts) const {
    const std::int64_t end = bytes * (part + 1) / parts;
    for (std::int64_t i = bytes * part / parts & ~std::int64_t{63}; i < end; i += 64)
      __builtin_prefetch(data + i, 0, 2);
  }

  bool holds(const std::uint8_t* at) const { return at >= data && at < data + bytes; }
};

// A file that stands at several places: the level that serves all, and its picture once it was decoded.
struct Shared {
  int level = 0;  // 0: it stands at one place only
  bool decoded = false;
  Image image;  // in `planes` or `decoded`
};

struct Workspace {
  Ahead ahead, brought;  // of the next picture, and of this one while the last was worked on
  Shared shared;

  Buffer planes, decoded, repacked, turned, boxes, half_reduced, reduced, sums;  // sources
  Buffer start_x, start_y, weight_x, weight_y, line;                             // a filter along the axes
  Buffer count_x, count_y;                                                       // of one that is followed by a warp
  Buffer positions;       // of a row's pixels, where there are fields
  Buffer rows, whole[2];  // planar float32: one row, or pictures between sweeps
  Buffer between[2];      // pictures at cuts
  Resolved program;

  static Workspace& mine();  // this thread's
  void trim();               // gives back what only a huge picture needed
};

}  // namespace vary
