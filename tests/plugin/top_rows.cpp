// A pruner in a shared library: keeps the first rows of each weight.
#include "espalier/compress/plugin.h"
#include "espalier/compress/pruner.h"

using namespace espalier;

namespace {

class TopRows : public compress::Pruner {
 public:
  using Pruner::Pruner;
  Tensor calc_mask(const compress::LayerInfo& layer, const Tensor& weight) override {
    const int64_t rows = layer.shape[0], columns = weight.size() / rows;
    const double kept = keep_[static_cast<size_t>(layer.rule)] * static_cast<double>(rows);
    return Tensor::generate(layer.shape, [&](int64_t i) {
      return static_cast<double>(i / columns) < kept ? 1.0f : 0.0f;
    });
  }

 private:
  void read_rule(int rule, compress::MapReader& options) override {
    Pruner::read_rule(rule, options);
    keep_.resize(static_cast<size_t>(rule) + 1);
    keep_.back() = options.number("keep", {.above = 0, .max = 1});
  }
  std::vector<double> keep_;  // by rule, a fraction
};

}  // namespace

extern "C" int espalier_plugin(int host_version, compress::Registry& registry) {
  if (host_version != compress::plugin_version) return compress::plugin_version;
  registry.add<TopRows>("TopRows", "keeps the first rows of each weight");
  return compress::plugin_version;
}
