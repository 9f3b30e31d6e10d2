#include "cpu.h"

#include <cstdlib>
#include <stdexcept>

namespace vary {

// One declaration for each target that was built; CMake defines VARY_HAVE_*.
#if defined(VARY_HAVE_V2)
namespace v2 {
const Kernels& kernels();
}
#endif
#if defined(VARY_HAVE_V3)
namespace v3 {
const Kernels& kernels();
}
#endif
#if defined(VARY_HAVE_V4)
namespace v4 {
const Kernels& kernels();
}
#endif
#if defined(VARY_HAVE_BASE)
namespace base {
const Kernels& kernels();
}
#endif

namespace {

struct Target {
  const char* name;
  const Kernels& (*kernels)();
  bool runs;
};

// Slowest first. The features are those that tell the x86-64 levels apart, by names that every compiler knows.
std::vector<Target> targets() {
  std::vector<Target> out;
#if defined(VARY_HAVE_BASE)
  out.push_back({"base", base::kernels, true});
#endif
#if defined(__x86_64__)
  __builtin_cpu_init();
  [[maybe_unused]] const bool v2 = __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
  [[maybe_unused]] const bool v3 = v2 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
                                   __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("fma");
  [[maybe_unused]] const bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                                   __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                                   __builtin_cpu_supports("avx512vl");
#endif
#if defined(VARY_HAVE_V2)
  out.push_back({"v2", vary::v2::kernels, v2});
#endif
#if defined(VARY_HAVE_V3)
  out.push_back({"v3", vary::v3::kernels, v3});
#endif
#if defined(VARY_HAVE_V4)
  out.push_back({"v4", vary::v4::kernels, v4});
#endif
  return out;
}

}  // namespace

std::vector<std::string> available_targets() {
  std::vector<std::string> names;
  for (const Target& target : targets())
    if (target.runs) names.emplace_back(target.name);
  return names;
}

const Kernels& kernels_of(const std::string& name) {
  for (const Target& target : targets())
    if (target.runs && name == target.name) return target.kernels();
  std::string message = "VARY_TARGET=" + name + " is not available here; choose one of:";
  for (const std::string& known : available_targets()) message += " " + known;
  throw std::runtime_error(message);
}

const Kernels& live_kernels() {
  static const Kernels& chosen = []() -> const Kernels& {
    const char* const forced = std::getenv("VARY_TARGET");
    if (forced != nullptr && *forced != 0) return kernels_of(forced);
    const std::vector<std::string> names = available_targets();
    return kernels_of(names.empty() ? "" : names.back());
  }();
  return chosen;
}

}  // namespace vary
