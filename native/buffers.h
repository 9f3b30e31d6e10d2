// Batch memory that is reused. The first write to a new page costs more than the pixels in it. So when nothing refers
// to a block any more (no array, view or DLPack capsule), it is put on a short list, and the next batch of its size
// uses it.
#pragma once

#include <cstddef>

namespace vary {

void* take_block(std::size_t bytes);  // 64-byte aligned; throws std::bad_alloc
void return_block(void* pointer) noexcept;

}  // namespace vary
