// The optimizers' update kernels against their definitions.
#include <catch2/catch.hpp>

#include "espalier/autograd/backend/reference/updates.h"
#include "espalier/autograd/backend/update_kernels.h"
#include "support/values.h"

using namespace espalier;
using namespace espalier::test;

namespace {

constexpr int64_t size = 67;

/// A weight with its gradient and the memory of an optimizer.
template <class T>
struct Weights {
  std::vector<T> g, a, b, c, w;
};

template <class T>
std::vector<T> values(uint64_t seed) {
  const Tensor x = normal({size}, seed);
  return {x.values().begin(), x.values().end()};
}

template <class T>
Weights<T> start() {
  return {values<T>(1), std::vector<T>(size), std::vector<T>(size), std::vector<T>(size),
          values<T>(2)};
}

template <class T>
std::vector<double> everything(const Weights<T>& weights) {
  std::vector<double> all;
  for (const auto* part : {&weights.a, &weights.b, &weights.c, &weights.w})
    all.insert(all.end(), part->begin(), part->end());
  return all;
}

}  // namespace

TEST_CASE("update kernels agree with their definitions") {
  namespace reference = backend::reference;
  const backend::SgdUpdate sgd{0.1f, 0.9f, 0.01f, false}, nesterov{0.1f, 0.9f, 0.01f, true};
  const backend::AdamUpdate adam{0.01f, 0.9f, 0.999f, 1e-8f, 0.01f, 0.002f, 0.19f, 0.002f};
  const backend::RmspropUpdate rmsprop{0.01f, 0.9f, 1e-8f, 0.5f, 0.01f};
  for (const auto& candidate : backend::update_candidates().candidates) {
    if (!candidate.supports({}, backend::Machine::current())) continue;
    const backend::UpdateKernels& kernels = *candidate.run;
    const auto check = [&](const char* name, auto ours, auto definition) {
      INFO(name << " on " << candidate.name);
      Weights<float> x = start<float>();
      Weights<double> y = start<double>();
      for (int step = 0; step < 3; ++step) {
        ours(x);
        definition(y);
      }
      CHECK(largest_difference(everything(x), everything(y)) < 1e-5);
      CHECK(everything(x) != everything(start<float>()));
    };
    float* none = nullptr;
    double* no = nullptr;
    check(
        "sgd", [&](auto& x) { kernels.sgd(size, sgd, x.g.data(), x.a.data(), x.w.data()); },
        [&](auto& y) { reference::sgd(size, sgd, y.g.data(), y.a.data(), y.w.data()); });
    check(
        "nesterov",
        [&](auto& x) { kernels.sgd(size, nesterov, x.g.data(), x.a.data(), x.w.data()); },
        [&](auto& y) { reference::sgd(size, nesterov, y.g.data(), y.a.data(), y.w.data()); });
    check(
        "adam",
        [&](auto& x) { kernels.adam(size, adam, x.g.data(), x.a.data(), x.b.data(), x.w.data()); },
        [&](auto& y) {
          reference::adam(size, adam, y.g.data(), y.a.data(), y.b.data(), y.w.data());
        });
    check(
        "rmsprop",
        [&](auto& x) {
          kernels.rmsprop(size, rmsprop, x.g.data(), x.a.data(), none, none, x.w.data());
        },
        [&](auto& y) {
          reference::rmsprop(size, rmsprop, y.g.data(), y.a.data(), no, no, y.w.data());
        });
    check(
        "rmsprop, centered with momentum",
        [&](auto& x) {
          kernels.rmsprop(size, rmsprop, x.g.data(), x.a.data(), x.b.data(), x.c.data(),
                          x.w.data());
        },
        [&](auto& y) {
          reference::rmsprop(size, rmsprop, y.g.data(), y.a.data(), y.b.data(), y.c.data(),
                             y.w.data());
        });
  }
}
