// Counter-based random numbers: each is a pure function of its address, so there is no state. Philox4x32-10 of Salmon,
// Moraes, Dror and Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3" (SC 2011). The bit layout is fixed in
// src/vary/rng.py.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace vary {

using Words = std::array<std::uint32_t, 4>;
using Key = std::array<std::uint32_t, 2>;

inline Words philox(Words counter, Key key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53} * counter[0];
    const std::uint64_t b = std::uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(b),
               static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(a)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

// The key of one transform: its 64-bit name (a hash of class name and occurrence) encrypted under the seed.
inline Key key_of(std::uint64_t seed, std::uint64_t name) {
  const Words words = philox({static_cast<std::uint32_t>(name), static_cast<std::uint32_t>(name >> 32), 0, 0},
                             {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
  return {words[0], words[1]};
}

// How one column of the parameter array is filled. u is uniform in [0, 1).
struct Draw {
  enum Kind : int {
    chance,       // gate: 1 if u < a
    uniform,      // a + (b - a) u
    log_uniform,  // exp(ln a + (ln b - ln a) u)
    integer,      // floor(u a): 0 .. a - 1
    between,      // gate: 1 if a <= u < b
    among,        // gate: 1 if u is one of the a (+ row[column], if column >= 0) smallest of draws b .. b + count - 1
    word,         // u 2^32: 32 random bits, of a key
    computed,     // 0: Python writes a number that a user's transform computes
  };
  std::uint64_t name = 0;  // of the transform, for the key
  std::uint32_t number = 0;
  Kind kind = uniform;
  double a = 0, b = 0;
  int parent = -1;  // gate column that must be open, or -1
  int column = -1, count = 0;
};

struct Address {
  std::uint64_t seed = 0;
  std::uint32_t epoch = 0;
};

// Fills `rows` (n x table.size(), row-major) for n samples, each given by its index and its view. A gate whose parent
// is closed is closed; a value whose parent is closed is drawn nevertheless, so that no draw depends on another.
void draw(const std::vector<Draw>& table, const Address& address, const std::int64_t* indices,
          const std::int64_t* views, int n, double* rows);

// `permutation`: a keyed permutation of 0 .. n-1 as a table (Fisher-Yates). `permute`: where another one takes a
// position, for any n up to 2^63, without a table (a balanced Feistel network with Philox as its round function,
// repeated until the result is below n).
void permutation(std::uint64_t n, Key key, std::int64_t* out);
std::uint64_t permute(std::uint64_t position, std::uint64_t n, Key key);

}  // namespace vary
