#include "espalier/experiment/speeds.h"

#include <algorithm>

namespace espalier::experiment {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double median_of(const std::vector<double>& sorted) {
  const size_t half = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

void summarise(std::vector<double> windows, Speeds& speeds) {
  std::sort(windows.begin(), windows.end());
  speeds.median = median_of(windows);
  speeds.min = windows.front();
  speeds.max = windows.back();
}

}  // namespace espalier::experiment
