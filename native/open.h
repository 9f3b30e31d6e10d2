// Opens a source: reads its header and orientation, chooses the level at which it is decoded, and decodes it.
#pragma once

#include "execute.h"
#include "level.h"
#include "workspace.h"

namespace vary {

View whole(const Image& image);

// `view`: the canvas on which the source is shown, turned by its orientation, with the map to stored pixels at full
// size.
struct Opened {
  View view;
  Level level;  // of a file: its header; of a cache block also its pixels
};
Opened open(const Source& source, const Options& options);

// The scale denominator (1, 2, 4 or 8) at which a JPEG is decoded for a map.
int choose_level(const Plan& plan, const Opened& opened, const View& view, const Options& options);
void at_level(View& view, int level);  // the map then leads to pixels of a source that is this many times smaller

// Decodes a file at the level that its program needs, and of it only what `view`, the program's first one, shows. The
// map of the view then leads to pixels of that level.
Image opened_image(const Context& context, Task& task, const Opened& opened, View& view);

}  // namespace vary
