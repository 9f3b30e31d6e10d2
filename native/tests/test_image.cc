#include "check.h"
#include "image.h"

int main() {
  vary::Image image{.height = 2, .width = 3, .channels = 3, .row = 16, .column = 3, .channel = 1};
  CHECK(image.packed());
  image.column = 4;
  CHECK(!image.packed());
  image.width = 1;
  CHECK(image.packed());
  CHECK_EQUAL(vary::size_of(vary::Element::f32), 4);
  CHECK_NEAR(1.0, 1.0 + 1e-12, 1e-9);
  return check::report();
}
