#include "segment.h"

#include "chain.h"
#include "pool.h"
#include "rows.h"
#include "sample.h"
#include "size_limits.h"

namespace vary {
namespace {

void sweep(const Kernels& k, const std::vector<Step>& steps, float* const* planes, const Slot& slot) {
  if (!steps.empty()) k.colour(steps.data(), static_cast<int>(steps.size()), planes, slot.channels, slot.width);
}

// Contrasts need the mean of the whole picture so far: sampled into planes, summed, then swept once more each.
// Pixels that are not finite have no part in it.
void with_statistics(const Kernels& k, const Sampler& sampler, const Chain& chain, const Slot& slot, Workspace& w) {
  const Rows rows(k, slot, w);
  const bool finite = sampler.type == static_cast<int>(Type::u8);  // by its source
  const std::int64_t stride = (slot.width + 15) & ~15, area = stride * slot.height;
  float* const whole = rows.direct() ? nullptr : w.whole.get<float>(area * slot.channels);
  const auto planes = [&](int y, float** out) {
    if (rows.direct()) return rows.planes(y, out);
    for (int c = 0; c < slot.channels; ++c) out[c] = whole + c * area + y * stride;
  };
  float* p[4];
  std::vector<Step> steps;
  for (std::size_t i = 0; i < chain.sweeps.size(); ++i) {
    const Sweep& sweep_now = chain.sweeps[i];
    steps.insert(steps.end(), sweep_now.steps.begin(), sweep_now.steps.end());
    std::int64_t sum = 0, counted = 0;
    for (int y = 0; y < slot.height; ++y) {
      planes(y, p);
      if (i == 0) sampler.row(k, y, slot.width, p);
      sweep(k, steps, p, slot);
      if (sweep_now.ends_in_contrast) {
        sum += k.grey_sum(p, slot.channels, slot.width, static_cast<float>(sweep_now.low),
                          static_cast<float>(sweep_now.high), finite ? nullptr : &counted);
      } else {
        rows.finish(y, p);
      }
      if (i == 0) w.ahead.bring(y, slot.height);
    }
    const double count = finite ? static_cast<double>(slot.height) * slot.width : static_cast<double>(counted);
    const double grey = count > 0 ? static_cast<double>(sum) / (count * 0x1p20) : 0;
    const double mean = sweep_now.low + grey * (sweep_now.high - sweep_now.low);
    steps = {contrast_step(sweep_now.contrast, mean, sweep_now.low, sweep_now.high, slot.channels)};
  }
}

}  // namespace

void check_canvas(const Segment& s, int channels, Type type) {
  check_picture(s.last == nullptr ? "the policy" : name_of(*s.last), s.view.height, s.view.width, channels, type,
                "choose a smaller size, or cut the picture into tiles first");
}

Segment next_segment(const Concrete* begin, const Concrete* end, const View& start) {
  Segment s{begin, start, {}, 0, Type::u8, nullptr};
  for (; s.end != end && s.end->op != Op::cut; ++s.end) {
    if (is_geometry(s.end->op)) {
      apply(*s.end, s.view);
      ++s.geometry;
      s.last = s.end;
    } else {
      s.colours.push_back(*s.end);
    }
  }
  if (s.end != end) s.stored = s.end->a[0] == 0 ? Type::u8 : Type::f32;
  return s;
}

void run_segment(const Kernels& k, const Plan& plan, const Image& source, const Segment& s, const Slot& slot,
                 Workspace& w, Counts& counts) {
  const bool bounded = source.type == Type::u8;
  const Chain chain = compile(s.colours.data(), s.colours.data() + s.colours.size(), source.channels, bounded, 0, 255);
  Sampler sampler = prepare(k, plan, source, s.view, w);
  sampler.set_scale(chain.scale, chain.bias);
  ++counts.resamples;
  counts.reductions += sampler.box_x > 1 || sampler.box_y > 1;
  counts.sweeps += static_cast<std::int64_t>(chain.sweeps.size()) - 1;
  if (chain.sweeps.size() > 1) return with_statistics(k, sampler, chain, slot, w);
  const Rows rows(k, slot, w);
  sampler.warp.far = slot.far && rows.direct() && chain.sweeps.front().steps.empty();
  float* p[4];
  for (int y = 0; y < slot.height && !cancelled(); ++y) {
    rows.planes(y, p);
    sampler.row(k, y, slot.width, p);
    sweep(k, chain.sweeps.front().steps, p, slot);
    rows.finish(y, p);
    w.ahead.bring(y, slot.height);
  }
  if (sampler.warp.far) settle();
}

}  // namespace vary
