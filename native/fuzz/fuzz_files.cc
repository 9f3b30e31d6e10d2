// Fuzzer of damaged JPEGs and damaged cache blocks, through every entry of the core, in memory between guard pages:
// nothing is read beyond the file or written beyond the picture, and a picture that is reported as decoded is complete.
#include <stdexcept>
#include <string>
#include <vector>

#include "driver.h"
#include "guarded.h"
#include "level.h"
#include "mutations.h"
#include "thumbnail.h"

namespace {

using encoded::Buffer;
using fuzz::chance;
using fuzz::Guarded;
using made::Numbers;
using vary::JpegHeader;
using vary::Source;

constexpr std::int64_t kMostPixels = 1 << 18;  // of a file that claims more, the header is enough
constexpr int kDenominators[] = {1, 2, 4, 8}, kChannels[] = {1, 3, 4};

Guarded held(Numbers& n, const std::uint8_t* data, std::size_t size) {
  Guarded out(size, chance(n, 80));
  std::memcpy(out.data(), data, size);
  return out;
}

// Decode to rows, top down or bottom up. Without `allow_truncated`, a decoded picture must be complete.
void rows(Numbers& n, const Guarded& file, const JpegHeader& header) {
  const int denominator = fuzz::one_of(n, kDenominators), channels = fuzz::one_of(n, kChannels);
  const bool allow_truncated = chance(n, 50), upwards = chance(n, 20), at_end = chance(n, 70);
  const int height = vary::jpeg_scaled(header.height, denominator),
            width = vary::jpeg_scaled(header.width, denominator);
  const std::ptrdiff_t row = std::ptrdiff_t{width} * channels;
  std::vector<Guarded> rooms;
  for (const int content : {0x55, 0xaa}) {
    rooms.emplace_back(static_cast<std::size_t>(row * height), at_end, content);
    std::uint8_t* const first = rooms.back().data() + (upwards ? row * (height - 1) : 0);
    std::string error;
    const vary::Pixels out{first, height, width, channels, upwards ? -row : row};
    if (!vary::jpeg_decode({file.data(), file.size(), denominator, allow_truncated}, out, error)) {
      FUZZ_CHECK(!error.empty());
      return;
    }
  }
  FUZZ_CHECK(allow_truncated || std::memcmp(rooms[0].data(), rooms[1].data(), rooms[0].size()) == 0);
}

// Decode some rows to planes, laid out by a header that may belong to another file.
void planes(Numbers& n, const Guarded& file, const JpegHeader& header) {
  const int denominator = fuzz::one_of(n, kDenominators), channels = chance(n, 30) ? 1 : 3;
  std::int64_t bytes = 0;
  if (vary::jpeg_layout(header, denominator, channels, nullptr, bytes).count == 0) return;
  const Guarded room(static_cast<std::size_t>(bytes), chance(n, 70));
  const vary::Planes planes = vary::jpeg_layout(header, denominator, channels, room.data(), bytes);
  const int top = n.below(planes.height), bottom = top + 1 + n.below(planes.height - top);
  std::string error;
  if (!vary::jpeg_planes({file.data(), file.size(), denominator, chance(n, 50)}, top, bottom, planes, error))
    FUZZ_CHECK(!error.empty());
}

// Decode in a program, into a batch slot.
void execute(Numbers& n, const Source& source, int channels) {
  vary::Plan plan = fuzz::program(n, channels, vary::Element::u8, 3, 0);
  plan.instructions.push_back(made::instruction("resize", {1. + n.below(30), 1. + n.below(30), 0}));
  vary::Options options;
  options.full_decode = chance(n, 20);
  options.allow_truncated = chance(n, 50);
  options.max_pixels = kMostPixels;
  options.views = 1 + n.below(2);
  std::vector<vary::Task> tasks(static_cast<std::size_t>(options.views));
  std::vector<Guarded> outputs;
  try {
    for (const vary::Pass& pass : vary::passes(plan, source, fuzz::kGates, options))
      if (std::int64_t{pass.view.height} * pass.view.width > kMostPixels) return;
    const vary::View view = vary::final_view(plan, source, fuzz::kGates, options);
    for (vary::Task& task : tasks) {
      outputs.emplace_back(static_cast<std::size_t>(std::int64_t{view.height} * view.width * channels));
      task.source = source;
      task.row = fuzz::kGates;
      task.slot = {outputs.back().data(), view.height, view.width, channels, vary::Element::u8, false, false};
    }
  } catch (const std::runtime_error& error) {
    FUZZ_CHECK(*error.what() != 0);
    return;
  }
  vary::execute(plan, tasks, options);
}

// Decode to a cache block, perhaps damage it, and run a program on it.
void kept(Numbers& n, const Guarded& file, const JpegHeader& header) {
  const int channels = fuzz::one_of(n, kChannels);
  const vary::LevelRequest request{header, fuzz::one_of(n, kDenominators), channels, chance(n, 50)};
  Guarded block(vary::level_bytes(request), chance(n, 70), 0);
  std::string error;
  if (!vary::make_level(file.data(), file.size(), request, chance(n, 50), block.data(), error)) {
    FUZZ_CHECK(!error.empty());
    return;
  }
  std::size_t size = block.size();
  for (int left = n.below(4); left > 0; --left) {
    const int at = chance(n, 80) ? n.below(static_cast<int>(vary::kLevelHead)) : n.below(static_cast<int>(size));
    block.data()[at] = fuzz::byte(n);
  }
  if (chance(n, 10)) size = static_cast<std::size_t>(n.below(static_cast<int>(size)));
  if (chance(n, 10)) size = vary::kLevelHead;
  const Guarded cut = held(n, block.data(), size);
  execute(n, {Source::level, {}, cut.data(), cut.size()}, chance(n, 90) ? channels : fuzz::one_of(n, kChannels));
}

// Decode, and take the nearest pixels.
void thumbnail(Numbers& n, const Guarded& file, const JpegHeader& header) {
  if (!vary::has_nearest_thumbnail(header, kMostPixels)) return;
  const int height = 1 + n.below(80), width = 1 + n.below(80);
  const Guarded out(std::size_t{3} * static_cast<std::size_t>(height * width), chance(n, 70));
  std::string error;
  if (!vary::nearest_thumbnail({file.data(), file.size()}, header, height, width, out.data(), error))
    FUZZ_CHECK(!error.empty());
}

void one_case(Numbers n) {
  static const std::vector<Buffer> files = fuzz::corpus();
  Buffer bytes = files[static_cast<std::size_t>(n.below(static_cast<int>(files.size())))];
  for (int left = n.below(5); left > 0; --left) fuzz::mutate(n, bytes, files);
  const Guarded file = held(n, bytes.data(), bytes.size());
  JpegHeader header;
  std::string error;
  if (!vary::jpeg_header(file.data(), file.size(), header, error)) {
    FUZZ_CHECK(!error.empty());
    header = JpegHeader{1 + n.below(64), 1 + n.below(64), fuzz::one_of(n, kChannels), 1, false, n.below(3), n.below(3)};
  }
  FUZZ_CHECK(header.width > 0 && header.height > 0 && header.orientation >= 1 && header.orientation <= 8);
  if (std::int64_t{header.width} * header.height > kMostPixels) return;
  if (chance(n, 10)) header.height += n.below(3) - (header.height > 1);  // as if the file had changed since
  if (chance(n, 10)) header.down = n.below(3), header.across = n.below(3);
  switch (n.below(5)) {
    case 0: return rows(n, file, header);
    case 1: return planes(n, file, header);
    case 2: return thumbnail(n, file, header);
    case 3: return kept(n, file, header);
    default: {
      if (file.size() < 3 || file.data()[0] != 0xFF) return;
      return execute(n, {Source::jpeg, {}, file.data(), file.size()}, fuzz::one_of(n, kChannels));
    }
  }
}

}  // namespace

int main(int count, char** arguments) { return fuzz::run(count, arguments, one_case); }
