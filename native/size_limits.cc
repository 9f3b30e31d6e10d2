#include "size_limits.h"

#include <stdexcept>

namespace vary {

void check_picture(const std::string& who, int height, int width, int channels, Type type, const std::string& cure) {
  if (picture_fits(height, width, channels, type)) return;
  throw std::runtime_error(who + " makes a picture of " + std::to_string(height) + " x " + std::to_string(width) +
                           " x " + std::to_string(channels) + (type == Type::u8 ? " uint8" : " float32") +
                           ", over 2 GiB, the most that one picture may take; " + cure);
}

}  // namespace vary
