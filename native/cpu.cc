#include "cpu.h"

#include <cstdlib>
#include <stdexcept>

namespace vary {

#if defined(VARY_HAVE_V2)
namespace v2 {
const Kernels& kernels();
}
namespace v3 {
const Kernels& kernels();
}
namespace v4 {
const Kernels& kernels();
}
#else
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

std::vector<Target> targets() {  // slowest first
#if defined(VARY_HAVE_V2)
  __builtin_cpu_init();
  return {{"v2", v2::kernels, __builtin_cpu_supports("x86-64-v2") != 0},
          {"v3", v3::kernels, __builtin_cpu_supports("x86-64-v3") != 0},
          {"v4", v4::kernels, __builtin_cpu_supports("x86-64-v4") != 0}};
#else
  return {{"base", base::kernels, true}};
#endif
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
