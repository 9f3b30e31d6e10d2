// Which instruction set is live. Chosen once from the machine, or forced by VARY_TARGET (v2, v3, v4, base) for tests.
#pragma once

#include <string>
#include <vector>

#include "kernels/kernels.h"

namespace vary {

// The kernels in use. Throws std::runtime_error when VARY_TARGET names a target this build or machine lacks.
const Kernels& live_kernels();
std::vector<std::string> available_targets();        // slowest first
const Kernels& kernels_of(const std::string& name);  // throws likewise

}  // namespace vary
