#include "size_limits.h"

#include <stdexcept>

namespace vary {

void check_picture(const std::string& who, int height, int width, int channels, Element type, const std::string& cure) {
  if (picture_fits(height, width, channels, type)) return;
  throw std::runtime_error(who + " makes a picture of " + std::to_string(height) + " x " + std::to_string(width) +
                           " x " + std::to_string(channels) + " " + info_of(type).name +
                           (info_of(type).sampled_as_is ? "" : ", which is sampled as float32") +
                           ", over 2 GiB, the limit for one picture; " + cure);
}

}  // namespace vary
