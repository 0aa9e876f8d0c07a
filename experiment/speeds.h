#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

namespace espalier::experiment {

/// Images per second, over windows of about half a second.
struct Speeds {
  double median = 0, min = 0, max = 0;
  int64_t steps = 0, windows = 0;
  double seconds = 0;
};

/// How long a window lasts that nobody says otherwise of.
constexpr double window_seconds = 0.5;

double seconds_since(std::chrono::steady_clock::time_point start);

/// The middle value, or the mean of the middle two.
double median_of(const std::vector<double>& sorted);

/// Puts median, minimum and maximum of the windows' speeds into `speeds`.
void summarise(std::vector<double> windows, Speeds& speeds);

/// Repeats `step`, which works on so many images, for about `seconds`, once at least, and adds what
/// was measured.
template <class Step>
void measure_window(double seconds, int64_t images, Speeds& speeds, std::vector<double>& windows,
                    const Step& step) {
  const auto start = std::chrono::steady_clock::now();
  int64_t steps = 0;
  double passed = 0;
  for (; passed < seconds; passed = seconds_since(start), ++steps) step();
  windows.push_back(static_cast<double>(steps * images) / passed);
  speeds.steps += steps;
  ++speeds.windows;
  speeds.seconds += passed;
}

}  // namespace espalier::experiment
