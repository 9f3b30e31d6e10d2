// A source of pixels opened: its header, its orientation, the level at which it is decoded, and then its picture.
#pragma once

#include "execute.h"
#include "level.h"
#include "workspace.h"

namespace vary {

View whole(const Image& image);

// A file is shown by its orientation; the view counts in pixels of its full size, as stored.
struct Opened {
  View view;
  Level level;  // of a file: its header, and what was kept of it
};
Opened open(const Source& source, const Options& options);

// 1, 2, 4 or 8: the part of its size at which a JPEG is decoded for a map.
int choose_level(const Plan& plan, const Opened& opened, const View& view, const Options& options);
void at_level(View& view, int level);  // the source is so many times smaller

// The picture of a file at the level that its program needs, as far as the program's first `view` shows it; the view
// then counts in pixels of that level.
Image opened_image(const Context& context, Task& task, const Opened& opened, View& view);

}  // namespace vary
