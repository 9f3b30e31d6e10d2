// What a program does to a picture, found without touching a pixel.
#include <algorithm>

#include "chain.h"
#include "cpu.h"
#include "float_mode.h"
#include "open.h"
#include "reduce.h"
#include "sample.h"
#include "segment.h"

namespace vary {

std::vector<Pass> passes(const Plan& plan, const Source& source, const double* row, const Options& options) {
  const DefaultFloatMode mode;
  Resolved program;
  resolve(plan, row, program);
  const Concrete* at = program.instructions.data();
  const Concrete* const end = at + program.instructions.size();
  const Opened opened = open(source, options);
  View start = opened.view;
  Element type = source.kind != Source::array ? Element::u8 : source.image.type;
  std::vector<Pass> out;
  for (;;) {
    Segment s = next_segment(at, end, start);
    Pass pass;
    if (out.empty() && source.kind != Source::array) {
      pass.level = choose_level(plan, opened, s.view, options);
      at_level(s.view, pass.level);
    }
    pass.view = s.view;
    pass.maps = s.maps;
    pass.stages = static_cast<int>(s.stages.size());
    const Chain chain = compile(live_kernels(), s.stages, {0, next_group(plan.channels), plan.channels, type});
    pass.sweeps = static_cast<int>(chain.sweeps.size()) - 1;
    pass.separable = samples_separably(plan, s.view);
    if (plan.antialias && !plan.nearest) {
      const Shrink shrink = shrink_of(s.view);
      pass.shrink_x = shrink.x;
      pass.shrink_y = shrink.y;
    }
    out.push_back(pass);
    if (s.end == end) return out;
    start = View{s.view.height, s.view.width};
    type = s.stored;
    at = s.end + 1;
  }
}

int level_of(const Plan& plan, const Source& source, const double* row, const Options& options) {
  const DefaultFloatMode mode;
  Resolved program;
  resolve(plan, row, program);
  const Opened opened = open(source, options);
  const Concrete* const begin = program.instructions.data();
  const Segment s = next_segment(begin, begin + program.instructions.size(), opened.view);
  return choose_level(plan, opened, s.view, options);
}

std::vector<View> maps(const Plan& plan, const Source& source, const double* row, const Options& options) {
  const DefaultFloatMode mode;
  Resolved program;
  resolve(plan, row, program);
  const Concrete* at = program.instructions.data();
  const Concrete* const end = at + program.instructions.size();
  const View source_view = open(source, options).view;
  std::vector<View> out{{source_view.height, source_view.width}};
  for (;;) {
    const Segment s = next_segment(at, end, {out.back().height, out.back().width});
    out.push_back(s.view);
    if (s.end == end) return out;
    at = s.end + 1;
  }
}

View final_view(const Plan& plan, const Source& source, const double* row, const Options& options) {
  const DefaultFloatMode mode;
  Resolved program;
  resolve(plan, row, program);
  View view = open(source, options).view;
  for (const Concrete& c : program.instructions)
    if (c.op->kind == Kind::map) apply(c, view);
  return view;
}

}  // namespace vary