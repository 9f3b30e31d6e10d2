// Batch memory that is used again. A fresh page costs more than the pixels written to it, so a block goes back to a
// short list when its last holder (array, view or DLPack capsule) lets go, and the next batch of its size takes it.
#pragma once

#include <cstddef>

namespace vary {

void* take_block(std::size_t bytes);  // 64-byte aligned; throws std::bad_alloc
void return_block(void* pointer) noexcept;

}  // namespace vary
