// The instruction set in use: the best of this machine, or VARY_TARGET (v2, v3, v4, base). It is chosen once.
#pragma once

#include <string>
#include <vector>

#include "kernels/kernels.h"

namespace vary {

// The kernels in use. Throws std::runtime_error if VARY_TARGET is not available in this build or machine.
const Kernels& live_kernels();
std::vector<std::string> available_targets();        // slowest first
const Kernels& kernels_of(const std::string& name);  // throws likewise

}  // namespace vary
