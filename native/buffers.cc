#include "buffers.h"

#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <new>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace vary {
namespace {

constexpr std::size_t kHeader = 64, kPage = 2 << 20;
constexpr std::size_t kKept = 8, kKeptBytes = std::size_t{512} << 20;

std::mutex mutex;                 // guards idle and idle_bytes
std::vector<std::uint8_t*> idle;  // oldest first
std::size_t idle_bytes = 0;

std::size_t& size_of_block(std::uint8_t* block) { return *reinterpret_cast<std::size_t*>(block); }

}  // namespace

void* take_block(std::size_t bytes) {
  const std::size_t unit = bytes >= kPage ? kPage : 4096;
  const std::size_t size = (bytes + kHeader + unit - 1) / unit * unit;
  {
    const std::lock_guard lock(mutex);
    for (std::size_t i = idle.size(); i-- > 0;) {
      if (size_of_block(idle[i]) != size) continue;
      std::uint8_t* const found = idle[i];
      idle.erase(idle.begin() + static_cast<std::ptrdiff_t>(i));
      idle_bytes -= size;
      return found + kHeader;
    }
  }
  auto* const block = static_cast<std::uint8_t*>(std::aligned_alloc(unit == kPage ? kPage : 64, size));
  if (block == nullptr) throw std::bad_alloc();
#if defined(__linux__)
  if (unit == kPage) madvise(block, size, MADV_HUGEPAGE);
#endif
  size_of_block(block) = size;
  return block + kHeader;
}

void return_block(void* pointer) noexcept {
  std::uint8_t* const block = static_cast<std::uint8_t*>(pointer) - kHeader;
  std::uint8_t* surplus = block;
  {
    const std::lock_guard lock(mutex);
    if (size_of_block(block) <= kKeptBytes && idle.size() < kKept) {
      idle.push_back(block);
      idle_bytes += size_of_block(block);
      surplus = nullptr;
      if (idle_bytes > kKeptBytes) {
        surplus = idle.front();
        idle_bytes -= size_of_block(surplus);
        idle.erase(idle.begin());
      }
    } else if (!idle.empty() && idle.size() >= kKept) {  // the sizes in use have changed: let the oldest go
      surplus = idle.front();
      idle_bytes -= size_of_block(surplus);
      idle.erase(idle.begin());
      idle.push_back(block);
      idle_bytes += size_of_block(block);
    }
  }
  std::free(surplus);
}

}  // namespace vary
