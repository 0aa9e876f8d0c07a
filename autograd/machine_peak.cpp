#include "espalier/autograd/machine_peak.h"

#include <algorithm>

#include "espalier/autograd/backend/packed/matmul.h"
#include "espalier/autograd/core/engine.h"
#include "espalier/autograd/core/parallel.h"
#include "espalier/autograd/core/profile.h"

namespace espalier {

double measured_peak() {
  constexpr int64_t rounds = 1'000'000;
  constexpr int windows = 25;  // other machines on the same processor take turns with this one
  const backend::PackedKernels& kernels = backend::packed::best_kernels();
  const int threads = Engine::current().threads();
  double best = 0;
  for (int window = 0; window < windows; ++window) {
    const double start = Profile::now();
    volatile float seen[max_threads];
    parallel_for(threads, 1,
                 [&](int64_t begin, int64_t) { seen[begin] = kernels.multiply_adds(rounds); });
    const double operations =
        static_cast<double>(threads) * static_cast<double>(rounds * kernels.operations_per_round);
    best = std::max(best, operations / (Profile::now() - start));
  }
  return best;
}

}  // namespace espalier
