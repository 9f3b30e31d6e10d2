// Functions of the Python module about files: JPEGs, their cache blocks, stamps.
#pragma once

#include <nanobind/nanobind.h>

namespace vary {

void bind_files(nanobind::module_& m);

}  // namespace vary
