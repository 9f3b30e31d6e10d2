#include "shared.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <mutex>
#include <system_error>
#include <unordered_set>

namespace vary {

void before_fork();

namespace {

constexpr std::size_t kSmallestPage = 4096;

// Never destroyed: arrays may be released after static objects are destroyed.
struct Held {
  std::mutex mutex;  // guards `parts`, and the state of all parts
  std::unordered_set<SharedPart*> parts;
};

Held& held() {
  static Held& all = *[] {
    pthread_atfork(before_fork, [] { held().mutex.unlock(); }, [] { held().mutex.unlock(); });
    return new Held;
  }();
  return all;
}

}  // namespace

bool exchange_word(std::int64_t* word, std::int64_t expected, std::int64_t next) noexcept {
  return __atomic_compare_exchange_n(word, &expected, next, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

SharedPart::SharedPart(int file, std::size_t offset, std::size_t bytes) : offset_(offset), bytes_(bytes), file_(file) {
  struct stat now;
  if (fstat(file, &now) != 0) throw std::system_error(errno, std::generic_category());
  device_ = now.st_dev;
  inode_ = now.st_ino;
  void* const data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, static_cast<off_t>(offset));
  if (data == MAP_FAILED) throw std::system_error(errno, std::generic_category());
  data_ = static_cast<std::uint8_t*>(data);
}

// If the file was closed, its descriptor may belong to another file now.
bool SharedPart::file_is_open() const noexcept {
  struct stat now;
  return fstat(file_, &now) == 0 && now.st_dev == device_ && now.st_ino == inode_;
}

SharedPart::~SharedPart() { munmap(data_, bytes_); }

bool SharedPart::hold(std::int64_t* word, std::int64_t held_value, std::int64_t free_value) {
  const std::lock_guard lock(held().mutex);
  if (!shared_) return false;
  held().parts.insert(this);
  word_ = word;
  held_ = held_value;
  free_ = free_value;
  return true;
}

void SharedPart::free_word() noexcept {
  exchange_word(word_, held_, free_);
  word_ = nullptr;
}

void SharedPart::release() noexcept {
  const std::lock_guard lock(held().mutex);
  if (word_ != nullptr) free_word();
  held().parts.erase(this);
}

// Maps the same bytes at the same address, copy-on-write. Writes of other threads at the same time are not lost.
bool SharedPart::make_private() noexcept {
  shared_ = false;
  return file_is_open() && mmap(data_, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, file_,
                                static_cast<off_t>(offset_)) != MAP_FAILED;
}

void SharedPart::detach() noexcept {
  const std::lock_guard lock(held().mutex);
  if (word_ != nullptr) make_private();
  word_ = nullptr;  // the word stays `held`: the memory in the file is still used
  shared_ = false;
}

void before_fork() {
  held().mutex.lock();
  for (SharedPart* const part : held().parts) {
    if (part->word_ == nullptr) continue;
    if (!part->make_private()) {  // no memory: the child keeps the shared mapping, so the part stays `held` and is
                                  // never reused
      part->word_ = nullptr;
      continue;
    }
    // A write that changes nothing gives each page a private copy. Atomic, because other threads may write as well.
    for (std::size_t at = 0; at < part->bytes_; at += kSmallestPage)
      __atomic_fetch_or(part->data_ + at, 0, __ATOMIC_RELAXED);
    part->free_word();
  }
}

void punch(int file, std::size_t offset, std::size_t bytes) noexcept {
#if defined(FALLOC_FL_PUNCH_HOLE)
  fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset), static_cast<off_t>(bytes));
#endif
}

}  // namespace vary
