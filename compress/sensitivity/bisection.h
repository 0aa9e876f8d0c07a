#pragma once

namespace espalier::compress {

/// Halves the interval [below, above] so often, keeping the part in which a condition comes to
/// hold: it is taken not to hold at `below` and to hold at `above`, and is asked in between only.
struct Bisection {
  double below, above;

  template <class Holds>
  Bisection& halve(int times, const Holds& holds) {
    for (int i = 0; i < times; ++i) {
      const double middle = below + (above - below) / 2;
      (holds(middle) ? above : below) = middle;
    }
    return *this;
  }
};

}  // namespace espalier::compress
