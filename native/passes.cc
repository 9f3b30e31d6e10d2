// What a program does to a picture, found without touching a pixel.
#include <algorithm>

#include "chain.h"
#include "float_mode.h"
#include "open.h"
#include "sample.h"
#include "segment.h"

namespace vary {

std::vector<Pass> passes(const Plan& plan, const Source& source, const double* row, const Options& options) {
  const DefaultFloatMode mode;
  std::vector<Concrete> program;
  materialise(plan, row, program);
  const Concrete* at = program.data();
  const Concrete* const end = at + program.size();
  const Opened opened = open(source, options);
  View start = opened.view;
  Type type = source.kind != Source::array ? Type::u8 : source.image.type;
  std::vector<Pass> out;
  for (;;) {
    Segment s = next_segment(at, end, start);
    Pass pass;
    if (out.empty() && source.kind != Source::array) {
      pass.level = choose_level(plan, opened, s.view, options);
      at_level(s.view, pass.level);
    }
    pass.view = s.view;
    pass.geometry = s.geometry;
    pass.colours = static_cast<int>(s.colours.size());
    const Chain chain =
        compile(s.colours.data(), s.colours.data() + s.colours.size(), plan.channels, type == Type::u8, 0, 255);
    pass.sweeps = pass.statistics = static_cast<int>(chain.sweeps.size()) - 1;
    pass.separable = samples_separably(plan, s.view);
    if (!pass.separable && plan.antialias && !plan.nearest) {
      const Footprint f = footprint(s.view);
      pass.box_x = f.x;
      pass.box_y = f.y;
    }
    out.push_back(pass);
    if (s.end == end) return out;
    start = View{s.view.height, s.view.width, {1, 0, 0, 0, 1, 0}};
    type = s.stored;
    at = s.end + 1;
  }
}

int level_of(const Plan& plan, const Source& source, const double* row, const Options& options) {
  const DefaultFloatMode mode;
  std::vector<Concrete> program;
  materialise(plan, row, program);
  const Opened opened = open(source, options);
  return choose_level(plan, opened, next_segment(program.data(), program.data() + program.size(), opened.view).view,
                      options);
}

View final_view(const Plan& plan, const Source& source, const double* row, const Options& options) {
  const DefaultFloatMode mode;
  std::vector<Concrete> program;
  materialise(plan, row, program);
  View view = open(source, options).view;
  for (const Concrete& c : program) {
    if (is_geometry(c.op)) apply(c, view);
  }
  return view;
}

}  // namespace vary