#include "random.h"

#include "float_mode.h"
#include "maths.h"

namespace vary {
namespace {

// The draws u of one sample. The fourth word of the counter has 20 bits of view and 12 of block; a block is four draws.
class Uniforms {
 public:
  Uniforms(std::uint32_t epoch, std::int64_t index, std::int64_t view)
      : low_(static_cast<std::uint32_t>(index)),
        high_(static_cast<std::uint32_t>(index >> 32)),
        epoch_(epoch),
        view_(static_cast<std::uint32_t>(view)) {}

  double operator()(Key key, std::uint32_t number) {
    const std::uint32_t block = number >> 2;
    if (!valid_ || key != key_ || block != block_) {
      words_ = philox({low_, high_, epoch_, view_ << 12 | block}, key);
      key_ = key;
      block_ = block;
      valid_ = true;
    }
    return words_[number & 3] * 0x1p-32;
  }

 private:
  std::uint32_t low_, high_, epoch_, view_, block_ = 0;
  Key key_{};
  Words words_{};
  bool valid_ = false;
};

double value(const Draw& draw, Key key, Uniforms& u, const double* row) {
  const double x = u(key, draw.number);
  switch (draw.kind) {
    case Draw::chance: return x < draw.a;
    case Draw::uniform: return draw.a + (draw.b - draw.a) * x;
    case Draw::log_uniform: {
      const double low = natural_log(draw.a);
      return exponential(low + (natural_log(draw.b) - low) * x);
    }
    case Draw::integer: return static_cast<double>(static_cast<std::int64_t>(x * draw.a));
    case Draw::word: return x * 0x1p32;
    case Draw::computed: return 0;
    case Draw::between: return draw.a <= x && x < draw.b;
    case Draw::among: {
      const auto first = static_cast<std::uint32_t>(draw.b);
      int rank = 0;
      for (std::uint32_t other = first; other < first + static_cast<std::uint32_t>(draw.count); ++other) {
        const double y = u(key, other);
        rank += y < x || (y == x && other < draw.number);
      }
      return rank < draw.a + (draw.column < 0 ? 0 : row[draw.column]);
    }
  }
  return 0;
}

bool is_gate(const Draw& draw) {
  return draw.kind == Draw::chance || draw.kind == Draw::between || draw.kind == Draw::among;
}

}  // namespace

void draw(const std::vector<Draw>& table, const Address& address, const std::int64_t* indices,
          const std::int64_t* views, int n, double* rows) {
  const DefaultFloatMode mode;
  std::vector<Key> keys;
  keys.reserve(table.size());
  for (const Draw& entry : table) keys.push_back(key_of(address.seed, entry.name));
  for (int i = 0; i < n; ++i) {
    Uniforms u(address.epoch, indices[i], views[i]);
    double* row = rows + static_cast<std::size_t>(i) * table.size();
    for (std::size_t k = 0; k < table.size(); ++k) {
      const Draw& entry = table[k];
      const bool open = entry.parent < 0 || row[entry.parent] != 0;
      row[k] = open || !is_gate(entry) ? value(entry, keys[k], u, row) : 0;
    }
  }
}

void permutation(std::uint64_t n, Key key, std::int64_t* out) {
  for (std::uint64_t i = 0; i < n; ++i) out[i] = static_cast<std::int64_t>(i);
  for (std::uint64_t i = n; i > 1; --i) {
    const Words w = philox({static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(i >> 32), 0, 1}, key);
    // The high part of 64 random bits times i < 2^32; for i < 2^20 the bias is below 2^-44.
    const std::uint64_t j = (w[1] * i + (w[0] * i >> 32)) >> 32;
    const std::int64_t kept = out[i - 1];
    out[i - 1] = out[j];
    out[j] = kept;
  }
}

std::uint64_t permute(std::uint64_t position, std::uint64_t n, Key key) {
  int bits = 4;  // of each half: the smallest number with which n fits, and at least 4, so that the rounds mix well
  while (bits < 32 && (std::uint64_t{1} << (2 * bits)) < n) ++bits;
  const std::uint64_t mask = (std::uint64_t{1} << bits) - 1;
  std::uint64_t x = position;
  do {
    std::uint64_t left = x >> bits, right = x & mask;
    for (std::uint32_t round = 0; round < 10; ++round) {
      const Words w = philox({static_cast<std::uint32_t>(right), round, 0, 2}, key);
      const std::uint64_t next = (left ^ w[0]) & mask;
      left = right;
      right = next;
    }
    x = left << bits | right;
  } while (x >= n);
  return x;
}

}  // namespace vary
