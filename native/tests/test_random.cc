// Philox against published vectors, the draw table against its sentences, orders as bijections; and maths.h against
// the C library in long double.
#include <cfenv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "check.h"
#include "maths.h"
#include "random.h"

namespace {

using vary::Address;
using vary::Draw;
using vary::Key;
using vary::Words;

void test_philox() {  // the vectors that Random123 prints (kat_vectors, philox4x32 10)
  constexpr struct {
    Words counter;
    Key key;
    Words expected;
  } cases[] = {
      {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
      {{~0U, ~0U, ~0U, ~0U}, {~0U, ~0U}, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
      {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
       {0xa4093822, 0x299f31d0},
       {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
  };
  for (const auto& c : cases) CHECK(vary::philox(c.counter, c.key) == c.expected);
  const Words words = vary::philox({0x55667788, 0x11223344, 0, 0}, {0xddeeff00, 0x99aabbcc});
  CHECK(vary::key_of(0x99aabbccddeeff00, 0x1122334455667788) == (Key{words[0], words[1]}));
}

constexpr Address kAddress = {7, 3};
constexpr std::int64_t kView = 5;
constexpr std::int64_t kIndex = 0x123456789;

double uniform(std::uint64_t name, std::uint32_t number, std::int64_t index = kIndex) {
  const auto low = static_cast<std::uint32_t>(index), high = static_cast<std::uint32_t>(index >> 32);
  const std::uint32_t where = static_cast<std::uint32_t>(kView) << 12 | number / 4;
  return vary::philox({low, high, kAddress.epoch, where}, vary::key_of(kAddress.seed, name))[number % 4] * 0x1p-32;
}

Draw one(Draw::Kind kind, double a, double b = 0, std::uint32_t number = 0) {
  Draw draw;
  draw.name = 11;
  draw.number = number;
  draw.kind = kind;
  draw.a = a;
  draw.b = b;
  return draw;
}

std::vector<double> row_of(const std::vector<Draw>& table, std::int64_t index = kIndex) {
  std::vector<double> row(table.size());
  vary::draw(table, kAddress, &index, &kView, 1, row.data());
  return row;
}

void test_kinds() {
  for (const std::uint32_t number : {0U, 1U, 3U, 4U, 4095U}) {
    const double u = uniform(11, number);
    const auto drawn = [&](Draw::Kind kind, double a, double b) { return row_of({one(kind, a, b, number)})[0]; };
    CHECK_EQUAL(drawn(Draw::uniform, 0, 1), u);
    CHECK_EQUAL(drawn(Draw::uniform, -3, 5), -3 + 8 * u);
    CHECK_EQUAL(drawn(Draw::uniform, 2, 2), 2.0);
    CHECK_NEAR(drawn(Draw::log_uniform, .5, 8), .5 * std::pow(16, u), 1e-13);
    CHECK_NEAR(drawn(Draw::log_uniform, 3, 3), 3.0, 1e-14);
    CHECK_EQUAL(drawn(Draw::integer, 10, 0), std::floor(10 * u));
    CHECK_EQUAL(drawn(Draw::chance, u, 0), 0.0);  // u < a, so never with chance 0
    CHECK_EQUAL(drawn(Draw::chance, std::nextafter(u, 1), 0), 1.0);
    CHECK_EQUAL(drawn(Draw::chance, 1, 0), 1.0);
    CHECK_EQUAL(drawn(Draw::between, u, std::nextafter(u, 1)), 1.0);
    CHECK_EQUAL(drawn(Draw::between, 0, u), 0.0);
  }
}

void test_rows() {  // many pictures at once are the pictures one by one, and any order of the table will do
  const std::vector<Draw> table = {one(Draw::uniform, 0, 1, 9), one(Draw::uniform, 0, 1, 2), one(Draw::integer, 7)};
  const std::vector<std::int64_t> indices = {5, 0, std::int64_t{1} << 40, 5};
  std::vector<double> rows(table.size() * indices.size());
  const std::vector<std::int64_t> views(indices.size(), kView);
  vary::draw(table, kAddress, indices.data(), views.data(), static_cast<int>(indices.size()), rows.data());
  for (std::size_t i = 0; i < indices.size(); ++i) {
    const std::vector<double> row = row_of(table, indices[i]);
    for (std::size_t k = 0; k < row.size(); ++k) CHECK_EQUAL(rows[i * row.size() + k], row[k]);
    CHECK_EQUAL(row[0], uniform(11, 9, indices[i]));
    CHECK_EQUAL(row[1], uniform(11, 2, indices[i]));
  }
}

void test_rounding() {  // however the caller rounds
  const std::vector<Draw> table = {one(Draw::uniform, -.1, .3), one(Draw::log_uniform, .3, 7, 1)};
  const std::vector<double> expected = row_of(table, 5);
  for (const int mode : {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO}) {
    std::fesetround(mode);
    const std::vector<double> row = row_of(table, 5);
    const int after = std::fegetround();
    std::fesetround(FE_TONEAREST);
    CHECK(row == expected);
    CHECK_EQUAL(after, mode);
  }
}

void test_parents() {
  std::vector<Draw> table = {one(Draw::chance, .5), one(Draw::chance, 1, 0, 1), one(Draw::between, 0, 1, 2),
                             one(Draw::among, 1, 3, 3), one(Draw::uniform, 1, 2, 4)};
  table[3].count = 1;
  for (std::size_t k = 1; k < table.size(); ++k) table[k].parent = k == 2 ? 1 : 0;  // 2 is a grandchild of 0
  int open = 0;
  for (std::int64_t index = 0; index < 100; ++index) {
    const std::vector<double> row = row_of(table, index);
    for (const std::size_t gate : {1, 2, 3}) CHECK_EQUAL(row[gate], row[0]);
    CHECK_EQUAL(row[4], 1 + uniform(11, 4, index));  // a value, drawn all the same
    open += row[0] != 0;
  }
  CHECK(30 < open && open < 70);
}

void test_among() {
  for (const bool counted : {false, true})  // 1, or 1 + one of 0 .. 2, of five
    for (std::int64_t index = 0; index < 200; ++index) {
      std::vector<Draw> table = {one(Draw::integer, 3)};
      for (std::uint32_t k = 0; k < 5; ++k) {
        table.push_back(one(Draw::among, 1, 1, 1 + k));
        table.back().count = 5;
        table.back().column = counted ? 0 : -1;
      }
      const std::vector<double> row = row_of(table, index);
      const double most = 1 + (counted ? row[0] : 0);
      double open = 0, highest = 0, lowest = 1;
      for (std::uint32_t k = 1; k <= 5; ++k) {
        const double u = uniform(11, k, index);
        open += row[k];
        if (row[k] != 0) highest = std::max(highest, u);
        if (row[k] == 0) lowest = std::min(lowest, u);
      }
      CHECK_EQUAL(open, most);
      CHECK(highest < lowest);
    }
}

void test_bijections() {
  const Key key = vary::key_of(1, 2);
  std::vector<std::uint64_t> sizes = {1000, 1023, 1024, 1025, 4097, 65537};
  for (std::uint64_t n = 1; n <= 130; ++n) sizes.push_back(n);
  for (const std::uint64_t n : sizes) {
    std::vector<int> shuffled(n), permuted(n);
    std::vector<std::int64_t> order(n);
    vary::permutation(n, key, order.data());
    bool within = true;
    for (std::uint64_t i = 0; i < n; ++i) {
      const std::uint64_t at = vary::permute(i, n, key);
      within = within && order[i] >= 0 && static_cast<std::uint64_t>(order[i]) < n && at < n;
      if (!within) break;
      ++shuffled[static_cast<std::size_t>(order[i])];
      ++permuted[at];
    }
    CHECK(within);
    CHECK(shuffled == std::vector<int>(n, 1));
    CHECK(permuted == std::vector<int>(n, 1));
  }
  vary::permutation(0, key, nullptr);
  for (const std::uint64_t n : {std::uint64_t{1} << 32, (std::uint64_t{1} << 62) + 1, std::uint64_t{1} << 63}) {
    for (std::uint64_t i = 0; i < 100; ++i) CHECK(vary::permute(i, n, key) < n);
    CHECK(vary::permute(n - 1, n, key) != vary::permute(n - 2, n, key));
  }
  int fixed = 0;
  for (std::uint64_t i = 0; i < 10000; ++i) fixed += vary::permute(i, 10000, key) == i;
  CHECK(fixed < 10);  // one is expected
}

// Units in the last place of the expected value.
double ulps(double seen, long double expected) {
  const double near = std::fabs(static_cast<double>(expected));
  const double unit = std::nextafter(near, std::numeric_limits<double>::infinity()) - near;
  return static_cast<double>(std::fabs(static_cast<long double>(seen) - expected) / unit);
}

void test_sines() {
  constexpr long double pi = 3.14159265358979323846264338327950288L;
  double worst = 0;
  for (int i = -72000; i <= 72000; ++i) {
    const double degrees = i * .0101, rest = std::remainder(degrees, 90);
    const auto quarter = static_cast<int>(std::lround((degrees - rest) / 90)) & 3;
    const long double s = std::sin(rest * pi / 180), c = std::cos(rest * pi / 180);
    const long double sines[] = {s, c, -s, -c};
    const vary::SinCos seen = vary::sincos_degrees(degrees);
    worst = std::max(worst, ulps(seen.sin, sines[quarter]));
    worst = std::max(worst, ulps(seen.cos, sines[(quarter + 1) & 3]));
    if (std::fabs(seen.cos) > .01) worst = std::max(worst, ulps(vary::tan_degrees(degrees), seen.sin / seen.cos));
  }
  CHECK_NEAR(worst, 0, 4);
  constexpr double exact[] = {0, 1, 0, -1};
  for (int turns = -8; turns <= 8; ++turns) {
    const vary::SinCos seen = vary::sincos_degrees(turns * 90.);
    CHECK_EQUAL(seen.sin, exact[turns & 3]);
    CHECK_EQUAL(seen.cos, exact[(turns + 1) & 3]);
  }
}

void test_logarithms() {
  double log_worst = 0, exp_worst = 0, back = 0;
  for (int i = 1; i < 40000; ++i) {
    const double x = i / 2048.;  // to 19.5, with 1 among them
    log_worst = std::max(log_worst, ulps(vary::natural_log(x), std::log(static_cast<long double>(x))));
    const double y = (i - 20000) / 4096.;  // -4.9 .. 4.9, more than any range of factors spans
    exp_worst = std::max(exp_worst, ulps(vary::exponential(y), std::exp(static_cast<long double>(y))));
    back = std::max(back, std::fabs(vary::natural_log(vary::exponential(y)) - y));
  }
  for (const double x : {1e-300, 1e-10, 1e10, 1e300})
    log_worst = std::max(log_worst, ulps(vary::natural_log(x), std::log(static_cast<long double>(x))));
  CHECK_NEAR(log_worst, 0, 4);
  CHECK_NEAR(exp_worst, 0, 4);
  CHECK_NEAR(back, 0, 2e-15);
  CHECK_EQUAL(vary::natural_log(1), 0.0);
  CHECK_EQUAL(vary::exponential(0), 1.0);
  for (const double x : {-2.5, -1.5, -.5, -.49, .5, .51, 1.5, 2.5, 1e15 + .5})
    CHECK_EQUAL(vary::nearest_integer(x), std::nearbyint(x));
}

}  // namespace

int main() {
  test_philox();
  test_kinds();
  test_rows();
  test_rounding();
  test_parents();
  test_among();
  test_bijections();
  test_sines();
  test_logarithms();
  return check::report();
}
