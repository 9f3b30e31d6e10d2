#include "segment.h"

#include "chain.h"
#include "pool.h"
#include "rows.h"
#include "sample.h"
#include "size_limits.h"

namespace vary {
namespace {

void run_steps(const std::vector<Step>& steps, float* const* planes, const Row& row) {
  for (const Step& step : steps) step.run(step, planes, row);
}

OutputRow row_of(float* const* planes) {
  OutputRow out;
  for (int c = 0; c < 4; ++c) out.at[c] = planes[c];
  return out;
}

FloatPicture float_picture_of(const Slot& slot, float* data) {
  const std::int64_t stride = (slot.width + 15) & ~15;
  return {data, slot.height, slot.width, slot.channels, stride, stride * slot.height};
}

FloatPicture new_float_picture(const Slot& slot, Buffer& buffer) {
  const std::int64_t stride = (slot.width + 15) & ~15;
  return float_picture_of(slot, buffer.get<float>(stride * slot.height * slot.channels));
}

// A slot of planar float32, to work in place.
FloatPicture slot_as_picture(const Slot& slot) {
  const std::int64_t area = std::int64_t{slot.height} * slot.width;
  return {reinterpret_cast<float*>(slot.data), slot.height, slot.width, slot.channels, slot.width, area};
}

// The picture that each sweep of a chain writes. A sweep after a statistic works in place; a sweep after a filter reads
// one picture and writes another. The last sweep needs no picture if it writes rows straight into the slot.
std::vector<FloatPicture> pictures_of_sweeps(const Chain& chain, const Slot& slot, bool direct, Workspace& w) {
  std::vector<FloatPicture> out(chain.sweeps.size());
  std::size_t last = 0;  // the first sweep after all filters
  for (std::size_t i = 1; i < out.size(); ++i)
    if (chain.sweeps[i - 1].whole->filters()) last = i;
  FloatPicture whole[2];
  int number = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (i > 0 && chain.sweeps[i - 1].whole->filters()) number ^= 1;
    if (i >= last && direct) {
      out[i] = slot_as_picture(slot);
    } else if (i != last || i + 1 < out.size()) {  // else rows are written from the filter straight into the slot
      if (whole[number].data == nullptr) whole[number] = new_float_picture(slot, w.whole[number]);
      out[i] = whole[number];
    }
  }
  return out;
}

// Runs a chain with steps that need the whole picture: each of them adds a sweep over the picture.
void run_sweeps(const Context& context, const Sampler& sampler, const Chain& chain, const Slot& slot, int first) {
  Workspace& w = context.w;
  const Rows rows(context.k, slot, w);
  const bool finite = sampler.whole;
  const std::vector<FloatPicture> canvas = pictures_of_sweeps(chain, slot, rows.direct(), w);
  float* p[4] = {};
  std::vector<Step> steps;
  for (std::size_t i = 0; i < chain.sweeps.size(); ++i) {
    WholePicture* const before = i == 0 ? nullptr : chain.sweeps[i - 1].whole.get();
    WholePicture* const after = chain.sweeps[i].whole.get();
    if (before != nullptr) steps = before->between(canvas[i - 1], w);
    steps.insert(steps.end(), chain.sweeps[i].steps.begin(), chain.sweeps[i].steps.end());
    for (int y = 0; y < slot.height && !cancelled(); ++y) {
      if (canvas[i].data == nullptr) {
        rows.planes(y, p);
      } else {
        for (int c = 0; c < slot.channels; ++c) p[c] = canvas[i].row(c, y);
      }
      if (i == 0) sampler.row(context.k, y, slot.width, row_of(p));
      if (before != nullptr && before->filters()) before->filter(context.k, y, p);
      const Row row{y, slot.width, slot.channels, first};
      run_steps(steps, p, row);
      if (after != nullptr) {
        after->gather(context.k, p, row, finite);
      } else {
        rows.finish(y, p);
      }
      if (i == 0) w.next_source.prefetch(y, slot.height);
    }
  }
}

// Runs a segment on one group of channels, as many as kernels work on at once.
void run_group(const Context& context, const Image& source, const Segment& s, const Slot& slot) {
  Workspace& w = context.w;
  const Chain chain = compile(context.k, s.stages, {source.first, source.channels, context.plan.channels, source.type});
  Sampler sampler = prepare(context.k, context.plan, source, s.view, w);
  sampler.set_scale(chain.scale, chain.bias);
  ++context.counts.resamples;
  context.counts.reductions += sampler.reduced;
  context.counts.sweeps += static_cast<std::int64_t>(chain.sweeps.size()) - 1;
  if (chain.sweeps.size() > 1) {
    run_sweeps(context, sampler, chain, slot, source.first);
    if (slot.far) settle();
    return;
  }
  const Rows rows(context.k, slot, w);
  const std::vector<Step>& steps = chain.sweeps.front().steps;
  const bool at_once = steps.empty() && rows.plain();
  float* p[4] = {};
  for (int y = 0; y < slot.height && !cancelled(); ++y) {
    if (at_once) {
      sampler.row(context.k, y, slot.width, rows.slot_row(y));
    } else {
      rows.planes(y, p);
      sampler.row(context.k, y, slot.width, row_of(p));
      run_steps(steps, p, {y, slot.width, slot.channels, source.first});
      rows.finish(y, p);
    }
    w.next_source.prefetch(y, slot.height);
  }
  if (slot.far) settle();
}

}  // namespace

void check_canvas(const Segment& s, int channels, Element type) {
  check_picture(s.last == nullptr ? "the policy" : name_of(*s.last), s.view.height, s.view.width, channels, type,
                "choose a smaller size, or cut the picture into tiles first");
}

Segment next_segment(const Concrete* begin, const Concrete* end, const View& start) {
  Segment s;
  s.end = begin;
  s.view = start;
  for (; s.end != end && s.end->op != &kCut; ++s.end) {
    if (s.end->op->kind == Kind::map) {
      apply(*s.end, s.view);
      ++s.maps;
      s.last = s.end;
    } else {
      s.stages.push_back(*s.end);
    }
  }
  if (s.end != end) s.stored = static_cast<Element>(static_cast<int>(s.end->a[0]));
  return s;
}

void run_segment(const Context& context, const Image& source, const Segment& s, const Slot& slot) {
  int count = next_group(source.channels);
  if (count == source.channels) return run_group(context, source, s, slot);
  Counts unused;  // of the other groups, which count as the same sampling
  const Context others{context.k, context.plan, context.options, context.w, unused};
  for (int first = 0; first < source.channels && !cancelled(); first += count) {
    count = next_group(source.channels - first);
    run_group(first == 0 ? context : others, group_of(source, first, count), s, group_of(slot, first, count));
  }
}

}  // namespace vary
