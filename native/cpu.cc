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

const Kernels& choose() {
  const char* const forced = std::getenv("VARY_TARGET");
  const bool any = forced == nullptr || *forced == 0;
  const std::vector<Target> all = targets();
  const Target* best = nullptr;
  for (const Target& target : all)
    if (target.runs && (any || std::string(forced) == target.name)) best = &target;
  if (best != nullptr) return best->kernels();
  std::string message = std::string("VARY_TARGET=") + (any ? "" : forced) + " is not available here; choose one of:";
  for (const std::string& name : available_targets()) message += " " + name;
  throw std::runtime_error(message);
}

}  // namespace

std::vector<std::string> available_targets() {
  std::vector<std::string> names;
  for (const Target& target : targets())
    if (target.runs) names.emplace_back(target.name);
  return names;
}

const Kernels& live_kernels() {
  static const Kernels& chosen = choose();
  return chosen;
}

}  // namespace vary
