#include "buffers.h"

#include <pthread.h>

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

std::size_t& size_of_block(std::uint8_t* block) { return *reinterpret_cast<std::size_t*>(block); }

// Never destroyed: arrays may be freed after static objects are destroyed.
struct Idle {
  std::mutex mutex;                   // guards what follows
  std::vector<std::uint8_t*> blocks;  // oldest first
  std::size_t bytes = 0;
};

Idle& idle() {
  static Idle& list = *[] {
    pthread_atfork([] { idle().mutex.lock(); }, [] { idle().mutex.unlock(); }, [] { idle().mutex.unlock(); });
    auto* const made = new Idle;
    made->blocks.reserve(kKept + 1);
    return made;
  }();
  return list;
}

// Removes the block at `i` from the list. The caller holds the mutex.
std::uint8_t* remove(Idle& list, std::size_t i) {
  std::uint8_t* const block = list.blocks[i];
  list.blocks.erase(list.blocks.begin() + static_cast<std::ptrdiff_t>(i));
  list.bytes -= size_of_block(block);
  return block;
}

}  // namespace

void* take_block(std::size_t bytes) {
  const std::size_t unit = bytes >= kPage ? kPage : 4096;
  const std::size_t size = (bytes + kHeader + unit - 1) / unit * unit;
  {
    Idle& list = idle();
    const std::lock_guard lock(list.mutex);
    for (std::size_t i = list.blocks.size(); i-- > 0;)
      if (size_of_block(list.blocks[i]) == size) return remove(list, i) + kHeader;
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
  Idle& list = idle();
  const std::lock_guard lock(list.mutex);
  list.blocks.push_back(block);  // capacity for kKept + 1 was reserved: this cannot throw
  list.bytes += size_of_block(block);
  while (list.blocks.size() > kKept || list.bytes > kKeptBytes) std::free(remove(list, 0));
}

}  // namespace vary
