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
void at_level(View& view, int level);

void check_file(int height, int width, int channels);

// The picture of a JPEG or of what was kept of one, as far as `view`, which counts in pixels of this level, shows it.
Image decoded_jpeg(const Plan& plan, Task& task, const JpegHeader& header, int level, const View& view,
                   const Options& options, Workspace& w, Counts& counts);
Image kept(const Plan& plan, const Level& kept, const View& view, Workspace& w);

}  // namespace vary
