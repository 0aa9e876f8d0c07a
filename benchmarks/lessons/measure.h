#pragma once

#include <time.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

/// What the lessons about kernels have in common: how versions are compared and measured.
namespace lessons {

/// A kernel in one of its versions. `run` computes the whole result once.
struct Version {
  std::string name;
  std::function<void()> run;
  bool exact = true;  ///< false: it computes something else, and is here to be seen
};

/// Numbers that are the same everywhere: 0 … 2³² − 1, by a linear congruential generator.
class Numbers {
 public:
  uint32_t next() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<uint32_t>(state_ >> 32);
  }
  float between_minus_one_and_one() { return static_cast<float>(next()) * 0x1p-31f - 1; }

 private:
  uint64_t state_ = 42;
};

/// Whether the processor can run what is compiled for AVX2 and FMA.
inline bool has_avx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

/// Seconds that this thread has computed: what other programs take of the core does not count.
inline double computing_time() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// Runs the versions in turn, in many short windows, and prints for each, separated by tabs, its
/// number, name, the 10⁹ operations a second of its fastest window, and the ratio to the version
/// before. The fastest window, because others on the machine can only slow one down.
/// \param operations  multiplications and additions in one run
inline void measure(const std::vector<Version>& versions, double operations) {
  constexpr int rounds = 100;
  constexpr double window = 2e-3;  // seconds
  std::vector<double> best(versions.size(), 0);
  std::vector<int> repeats(versions.size(), 1);
  for (int round = 0; round < rounds; ++round) {
    for (size_t i = 0; i < versions.size(); ++i) {
      versions[i].run();  // what the version before has left in the caches is gone after this
      const double start = computing_time();
      for (int k = 0; k < repeats[i]; ++k) versions[i].run();
      const double seconds = computing_time() - start;
      best[i] = std::max(best[i], operations * repeats[i] / seconds);
      repeats[i] = std::max(1, static_cast<int>(window * best[i] / operations));
    }
  }
  for (size_t i = 0; i < versions.size(); ++i) {
    std::printf("%d\t%s\t%.2f\t", static_cast<int>(i + 1), versions[i].name.c_str(),
                best[i] * 1e-9);
    if (i > 0) std::printf("%.2f", best[i] / best[i - 1]);
    std::printf("\n");
  }
}

/// What both programs take: `--check` compares alone, for tests. \return whether it was given
inline bool only_check(int count, char** arguments) {
  if (count == 1) return false;
  if (count == 2 && std::strcmp(arguments[1], "--check") == 0) return true;
  std::fprintf(stderr, "usage: %s [--check]\n", arguments[0]);
  std::exit(2);
}

}  // namespace lessons
