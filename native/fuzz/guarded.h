// Memory of a given number of bytes, with an inaccessible guard page directly before its first or after its last byte.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <utility>

namespace fuzz {

class Guarded {
 public:
  Guarded() = default;

  // at_end: the last byte lies before a guard, and the first after one only if they fill whole pages; else the other
  // way round.
  explicit Guarded(std::size_t size, bool at_end = true, int content = 0xff) : size_(size) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t middle = (size + page - 1) / page * page;
    length_ = middle + 2 * page;
    void* const base = mmap(nullptr, length_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED) throw std::bad_alloc();
    base_ = static_cast<std::uint8_t*>(base);
    if (middle > 0 && mprotect(base_ + page, middle, PROT_READ | PROT_WRITE) != 0) throw std::bad_alloc();
    data_ = at_end ? base_ + page + middle - size : base_ + page;
    std::memset(data_, content, size);
  }
  Guarded(Guarded&& other) noexcept { *this = std::move(other); }
  Guarded& operator=(Guarded&& other) noexcept {
    std::swap(base_, other.base_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(length_, other.length_);
    return *this;
  }
  ~Guarded() {
    if (base_ != nullptr) munmap(base_, length_);
  }

  std::uint8_t* data() const { return data_; }
  std::size_t size() const { return size_; }

 private:
  std::uint8_t *base_ = nullptr, *data_ = nullptr;
  std::size_t size_ = 0, length_ = 0;
};

}  // namespace fuzz
