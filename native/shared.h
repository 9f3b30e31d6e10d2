// Memory that two processes share, as parts of a file: one process writes a part, the other reads it, and sets a word
// in shared memory when it no longer needs the part.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

namespace vary {

// Sets the word to `next` if it is `expected`; else returns false and changes nothing.
bool exchange_word(std::int64_t* word, std::int64_t expected, std::int64_t next) noexcept;

// A part of the file, mapped and shared with the other process.
//
// If the process forks while the part is held, the part becomes private memory: parent and child do not see what the
// other one writes, and the file may change. It never becomes shared again.
class SharedPart {
 public:
  SharedPart(int file, std::size_t offset, std::size_t bytes);  // throws std::system_error
  ~SharedPart();
  SharedPart(const SharedPart&) = delete;
  SharedPart& operator=(const SharedPart&) = delete;

  std::uint8_t* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }

  // Holds the part until `release` or a fork, which sets the word from `held` to `free`. Returns false and does nothing
  // if the part is no longer shared. Throws std::bad_alloc.
  bool hold(std::int64_t* word, std::int64_t held, std::int64_t free);
  void release() noexcept;

  // For a file that no process will change again: a part that is held stays valid, even if the file is closed.
  void detach() noexcept;

 private:
  friend void before_fork();
  bool file_is_open() const noexcept;
  bool make_private() noexcept;
  void free_word() noexcept;

  std::uint8_t* data_ = nullptr;
  const std::size_t offset_, bytes_;
  const int file_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
  bool shared_ = true;
  std::int64_t* word_ = nullptr;  // null: not held
  std::int64_t held_ = 0, free_ = 0;
};

// Frees the memory of a part of the file, which then reads as zeros. Does nothing on systems that cannot do this.
void punch(int file, std::size_t offset, std::size_t bytes) noexcept;

}  // namespace vary
