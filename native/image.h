// Pictures in memory that these structs do not own: a pointer and strides. Copying such a struct copies no pixels.
#pragma once

#include <cstddef>
#include <cstdint>

#include "element.h"

namespace vary {

// A source picture, or some of its channels. Strides are in bytes and may be negative. If a JPEG 9 pixels wide is
// decoded at half size, it has 5 columns, of which the last lies half beyond the picture's edge.
struct Image {
  const std::uint8_t* data = nullptr;
  int height = 0, width = 0, channels = 0;
  std::ptrdiff_t row = 0, column = 0, channel = 0;
  Element type = Element::u8;
  int first = 0;                             // the number of the first channel, if these are some of a picture's
  double spare_height = 0, spare_width = 0;  // the parts of the last row and column beyond the picture's edge

  double true_height() const { return height - spare_height; }
  double true_width() const { return width - spare_width; }
  bool packed() const {  // no gaps between channels and columns; rows may have any stride
    const std::ptrdiff_t size = size_of(type);
    return (channel == size || channels == 1) && (column == size * channels || width == 1);
  }
};

// A JPEG's picture as coded: luma and, in colour, two planes of chroma, which may be half as wide or high.
struct Planes {
  int height = 0, width = 0;  // of the picture, and of its luma
  int count = 0;              // 1: luma alone, 3: with chroma; 0: no picture that planes can hold
  int down = 1, across = 1;   // pixels for each sample of chroma along y and x, 1 or 2
  bool smooth = true;         // interpolate chroma between its samples, or else repeat it
  std::uint8_t* data[3] = {};
  std::ptrdiff_t row[3] = {};  // bytes

  int chroma_height() const { return (height + down - 1) / down; }
  int chroma_width() const { return (width + across - 1) / across; }
};

// Pixels [left, right) of rows [top, bottom).
struct Window {
  int top = 0, left = 0, bottom = 0, right = 0;
};

// Where one picture of a batch is written: `height x width x channels` values of `type`.
struct Slot {
  std::uint8_t* data = nullptr;
  int height = 0, width = 0, channels = 0;
  Element type = Element::u8;
  bool planar = false;  // true: CHW, false: HWC; both contiguous
  bool far = false;     // of a batch larger than the caches: written by non-temporal stores
  int of = 0;           // if these are some channels of a picture: how many channels it has

  int between() const { return of > 0 ? of : channels; }  // values from one pixel to the next, if not planar
};

// Kernels work on one, three or four channels at once: the size of the next group if `left` channels are left.
inline int next_group(int left) { return left >= 4 ? 4 : left == 2 ? 1 : left; }

// Channels [first, first + count) of a picture.
inline Image group_of(Image image, int first, int count) {
  image.data += first * image.channel;
  image.first = first;
  image.channels = count;
  return image;
}

inline Slot group_of(Slot slot, int first, int count) {
  const std::ptrdiff_t apart = slot.planar ? std::ptrdiff_t{slot.height} * slot.width : 1;
  slot.data += first * apart * size_of(slot.type);
  slot.of = slot.channels;
  slot.channels = count;
  return slot;
}

}  // namespace vary
