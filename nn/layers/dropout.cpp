#include "espalier/nn/layers/dropout.h"

#include "espalier/autograd/core/error.h"
#include "espalier/autograd/graph.h"
#include "espalier/autograd/ops.h"

namespace espalier::nn {

Dropout::Dropout() : Dropout(Options{}) {}

Dropout::Dropout(const Options& options) : Module("Dropout") {
  set_p(options.p);
}

void Dropout::set_p(double p) {
  if (!(p >= 0 && p < 1))
    throw Error("Dropout",
                "the probability p must be at least 0 and below 1, not " + std::to_string(p));
  options_.p = p;
}

void Dropout::visit_state(StateVisitor& state) {
  RandomDraws& draws = record()->draws;
  int64_t seed = static_cast<int64_t>(draws.seed);
  state("seed", seed);
  draws.seed = static_cast<uint64_t>(seed);
  state("forwards", draws.forwards);
}

Tensor Dropout::forward(const Tensor& x) {
  if (!training() || options_.p == 0) return x;
  RandomDraws& draws = record()->draws;
  const uint64_t layer = name_index(LayerScope::current());
  const uint64_t pass = static_cast<uint64_t>(draws.forwards++);
  return dropout(x, options_.p, RandomStream(draws.seed, Purpose::dropout, layer, pass));
}

}  // namespace espalier::nn
