// The whole C++ test harness: CHECK counts and goes on, so one run shows every failure.
// A test is a file with a main() that ends in `return check::report();`.
#pragma once

#include <cmath>
#include <cstdio>
#include <iostream>

namespace check {

inline int checks = 0, failures = 0;

inline void that(bool ok, const char* file, int line, const char* text) {
  ++checks;
  if (ok) return;
  ++failures;
  std::printf("%s:%d: failed: %s\n", file, line, text);
}

template <class A, class B>
void equal(const A& a, const B& b, const char* file, int line, const char* text) {
  that(a == b, file, line, text);
  if (!(a == b)) std::cout << "    left:  " << a << "\n    right: " << b << std::endl;
}

inline void near(double a, double b, double tolerance, const char* file, int line, const char* text) {
  const bool ok = std::abs(a - b) <= tolerance;  // NaN fails
  that(ok, file, line, text);
  if (!ok) std::printf("    left: %.17g  right: %.17g  tolerance: %g\n", a, b, tolerance);
}

inline int report() {
  std::printf("%d checks, %d failed\n", checks, failures);
  return failures || !checks;  // a test that checks nothing has not passed
}

}  // namespace check

#define CHECK(condition) check::that(static_cast<bool>(condition), __FILE__, __LINE__, #condition)
#define CHECK_EQUAL(a, b) check::equal((a), (b), __FILE__, __LINE__, #a " == " #b)
#define CHECK_NEAR(a, b, tolerance) check::near((a), (b), (tolerance), __FILE__, __LINE__, #a " ~ " #b)
