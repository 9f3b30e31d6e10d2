// The loop of a fuzzer: numbered cases, each generated from its number alone, until the time is over. If a crash, a
// sanitizer or a check ends a case, its number is printed, and `--first NUMBER --count 1` repeats it.
#pragma once

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "made.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace fuzz {

inline volatile long current = 0;  // the number of the running case
inline const char* name = "";

// Only what a signal handler may do.
inline void tell() {
  char text[200];
  const int length = std::snprintf(text, sizeof text, "\nfailed; again with: %s --first %ld --count 1\n", name,
                                   static_cast<long>(current));
  if (write(STDERR_FILENO, text, static_cast<std::size_t>(length)) < 0) return;
}

inline void on_signal(int signal) {
  tell();
  std::signal(signal, SIG_DFL);
  raise(signal);
}

inline void that(bool ok, const char* file, int line, const char* text) {
  if (ok) return;
  std::fprintf(stderr, "%s:%d: failed: %s", file, line, text);
  std::abort();
}

// Runs `one_case(numbers)`. Arguments: --seconds (10), --first (1), --count (all that the time allows).
template <typename Case>
int run(int count, char** arguments, Case one_case) {
  using Clock = std::chrono::steady_clock;
  double seconds = 10;
  long first = 1, most = 0;
  name = arguments[0];
  for (int i = 1; i + 1 < count; i += 2) {
    if (std::strcmp(arguments[i], "--seconds") == 0) seconds = std::atof(arguments[i + 1]);
    if (std::strcmp(arguments[i], "--first") == 0) first = std::atol(arguments[i + 1]);
    if (std::strcmp(arguments[i], "--count") == 0) most = std::atol(arguments[i + 1]);
  }
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_set_death_callback(tell);
#else
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL}) std::signal(signal, on_signal);
#endif
  for (const int signal : {SIGABRT, SIGALRM}) std::signal(signal, on_signal);
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  long done = 0;
  for (; most > 0 ? done < most : Clock::now() < end; ++done) {
    current = first + done;
    alarm(60);  // a case that runs for a minute counts as a failure
    one_case(made::Numbers(static_cast<std::uint64_t>(current)));
  }
  alarm(0);
  std::printf("%s: %ld cases from %ld on held\n", name, done, first);
  return done > 0 ? 0 : 1;
}

}  // namespace fuzz

#define FUZZ_CHECK(condition) fuzz::that(static_cast<bool>(condition), __FILE__, __LINE__, #condition)
