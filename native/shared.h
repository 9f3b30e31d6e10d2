// Memory of a file that two processes see: one fills a part of it, the other reads it and says when it is done, in a
// word of memory that both see.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

namespace vary {

// Puts `next` in the place of `expected` in the word; false, and nothing, where something else stands there.
bool exchange_word(std::int64_t* word, std::int64_t expected, std::int64_t next) noexcept;

// A part of the file, mapped: what is written to it, the other process sees.
//
// While it is held, a fork makes it memory of this process alone: then neither the child nor the parent sees what the
// other one writes, and the file may change. It never becomes shared again.
class SharedPart {
 public:
  SharedPart(int file, std::size_t offset, std::size_t bytes);  // throws std::system_error
  ~SharedPart();
  SharedPart(const SharedPart&) = delete;
  SharedPart& operator=(const SharedPart&) = delete;

  std::uint8_t* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }

  // From now on it is held, until `let_go` or a fork puts `free` in the place of `held` in the word. False, and
  // nothing, if it is not shared any more. Throws std::bad_alloc.
  bool hold(std::int64_t* word, std::int64_t held, std::int64_t free);
  void let_go() noexcept;

  // Nobody changes the file any more: what is held stays as it is without it.
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
  std::int64_t* word_ = nullptr;  // null: not held, or not any more
  std::int64_t held_ = 0, free_ = 0;
};

// Gives the memory of a part of the file back to the system: it reads as zeros then. Does nothing where that is
// unknown.
void punch(int file, std::size_t offset, std::size_t bytes) noexcept;

}  // namespace vary
