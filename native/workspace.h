// Memory that a thread keeps between pictures. Buffers only grow, so a long stream soon allocates nothing.
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

class Buffer {  // for the fuzzers: new memory in each call, of the exact size, not aligned
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
    std::memset(data_, 0xff, bytes);  // NaNs, so that reading what was not written is noticed
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

// The memory of the picture that this thread will probably work on next. A part of it is prefetched with every finished
// row, because sampling it across its rows would otherwise wait for memory.
struct PrefetchRange {
  const std::uint8_t* data = nullptr;
  std::int64_t bytes = 0;

  void prefetch(int part, int parts) const {
    const std::int64_t end = bytes * (part + 1) / parts;
    for (std::int64_t i = bytes * part / parts & ~std::int64_t{63}; i < end; i += 64)
      __builtin_prefetch(data + i, 0, 2);
  }

  bool contains(const std::uint8_t* at) const { return at >= data && at < data + bytes; }
};

// A JPEG that several consecutive tasks share (`Options::views`): its level, and its picture once it was decoded.
struct Shared {
  int level = 0;  // 0: it is not shared
  bool decoded = false;
  Image image;  // in `planes` or `decoded`
};

struct Workspace {
  PrefetchRange next_source, cached_source;  // being prefetched; already in a cache when work on this picture began
  Shared shared;

  Buffer planes, decoded, repacked, turned, boxes, half_reduced, reduced, sums;  // sources
  Buffer start_x, start_y, weight_x, weight_y, line;                             // of a separable filter
  Buffer count_x, count_y;                                                       // of a reduction before a warp
  Buffer positions;       // of a row's pixels, where there are fields
  Buffer rows, whole[2];  // planar float32: one row, or pictures between sweeps
  Buffer between[2];      // pictures at cuts
  Resolved program;

  static Workspace& mine();  // this thread's
  void trim();               // frees buffers that only a huge picture needed
};

}  // namespace vary
