// Shared parts of a file: what is written to them, who sees it, and what a fork makes of those that are held.
#include "shared.h"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "check.h"

namespace {

using vary::SharedPart;

constexpr std::size_t kSize = 1 << 16;
constexpr std::int64_t kHeld = 7, kFree = 4;

int temporary_file() {
  std::string name = std::filesystem::temp_directory_path() / "vary-shared-XXXXXX";
  const int file = mkstemp(name.data());
  unlink(name.c_str());
  CHECK(ftruncate(file, 4 * kSize) == 0);
  return file;
}

bool all(const SharedPart& part, int value) {
  for (std::size_t i = 0; i < part.bytes(); ++i)
    if (part.data()[i] != value) return false;
  return true;
}

int exit_code(int child) {
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void test_words() {
  std::int64_t word = 3;
  CHECK(!vary::exchange_word(&word, 4, 5));
  CHECK_EQUAL(word, 3);
  CHECK(vary::exchange_word(&word, 3, 5));
  CHECK_EQUAL(word, 5);
}

void test_both_see_it(int file) {
  const SharedPart one(file, kSize, kSize), other(file, kSize, kSize);
  std::memset(one.data(), 9, kSize);
  CHECK(all(other, 9));
  CHECK_EQUAL(other.bytes(), kSize);
  bool refused = false;
  try {
    const SharedPart odd(file, 1, kSize);
  } catch (const std::system_error&) {
    refused = true;
  }
  CHECK(refused);
}

void test_let_go(int file) {
  SharedPart part(file, 0, kSize);
  std::int64_t word = kHeld;
  CHECK(part.hold(&word, kHeld, kFree));
  part.release();
  CHECK_EQUAL(word, kFree);
  word = kHeld + 4;  // another use
  CHECK(part.hold(&word, kHeld, kFree));
  part.release();
  CHECK_EQUAL(word, kHeld + 4);
}

void test_fork(int file) {
  SharedPart held(file, 0, kSize), idle(file, kSize, kSize), server(file, 0, 2 * kSize);
  std::memset(server.data(), 1, 2 * kSize);
  std::int64_t word = kHeld;
  CHECK(held.hold(&word, kHeld, kFree));
  const int child = fork();
  if (child == 0) {
    usleep(20000);
    const bool right = all(held, 1) && word == kFree;
    std::memset(held.data(), 5, kSize);
    held.release();
    _exit(right ? 0 : 1);
  }
  CHECK_EQUAL(word, kFree);
  std::memset(server.data(), 2, 2 * kSize);
  CHECK_EQUAL(exit_code(child), 0);
  CHECK(all(held, 1));
  CHECK(all(idle, 2));
  word = kHeld + 4;
  held.release();
  CHECK_EQUAL(word, kHeld + 4);
  CHECK(!held.hold(&word, kHeld, kFree));
  CHECK(idle.hold(&word, kHeld, kFree));
  idle.release();
}

// A fork loses nothing that other threads write to a held part at that moment.
void test_fork_while_it_is_written_to(int file) {
#if defined(__SANITIZE_THREAD__)
  return static_cast<void>(file);  // to it, mapping the same bytes anew is a write of them
#endif
  for (int round = 0; round < 20; ++round) {
    SharedPart part(file, 0, kSize);
    std::memset(part.data(), 0, kSize);
    std::int64_t word = kHeld;
    CHECK(part.hold(&word, kHeld, kFree));
    std::atomic<bool> stop{false};
    int count = 0;
    std::thread writer([&] {
      for (; !stop; ++count) {
        for (std::size_t i = 0; i < kSize; i += 512) __atomic_fetch_add(part.data() + i, 1, __ATOMIC_RELAXED);
      }
    });
    for (int i = 0; i < 3; ++i) {
      const int child = fork();
      if (child == 0) _exit(0);
      CHECK_EQUAL(exit_code(child), 0);
    }
    stop = true;
    writer.join();
    bool right = true;
    for (std::size_t i = 0; i < kSize; i += 512) right &= part.data()[i] == static_cast<std::uint8_t>(count);
    CHECK(right);
    part.release();
  }
}

void test_detached(int file) {
  SharedPart part(file, 0, kSize);
  std::memset(part.data(), 3, kSize);
  std::int64_t word = kHeld;
  CHECK(part.hold(&word, kHeld, kFree));
  part.detach();
  close(file);
  CHECK(all(part, 3));
  part.release();
  CHECK_EQUAL(word, kHeld);
}

void test_punch(int file) {
  const SharedPart part(file, 0, kSize), next(file, kSize, kSize);
  std::memset(part.data(), 8, kSize);
  std::memset(next.data(), 8, kSize);
  vary::punch(file, 0, kSize);
  CHECK(all(part, 0) || all(part, 8));  // where the file system cannot
  CHECK(all(next, 8));
}

}  // namespace

int main() {
  const int file = temporary_file();
  test_words();
  test_both_see_it(file);
  test_let_go(file);
  test_fork(file);
  test_fork_while_it_is_written_to(file);
  test_punch(file);
  test_detached(file);
  return check::report();
}
