#include "sensitivity_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "display/text.h"
#include "espalier/compress/config/yaml.h"
#include "espalier/compress/ranking.h"

namespace espalier::app {
namespace {

using compress::Allocation;
using compress::LayerInfo;
using compress::Value;

std::string comment(const std::string& text) {
  std::string commented;
  std::istringstream lines(wrapped("", 0, text));
  for (std::string line; std::getline(lines, line);) commented += "# " + line + "\n";
  return commented;
}

}  // namespace

Allocation rounded(const Allocation& allocation, const std::vector<LayerInfo>& layers, bool up) {
  constexpr double steps = 1e4, rounding = 1e-6;
  Allocation result{allocation.drop, {}, 0};
  int64_t masked = 0, weights = 0;
  for (size_t i = 0; i < layers.size(); ++i) {
    const double exact = steps * allocation.sparsity[i];
    const double step = up ? std::ceil(exact - rounding) : std::floor(exact + rounding);
    result.sparsity.push_back(std::min(step, steps - 1) / steps);
    const int64_t size = layers[i].shape.elements();
    masked += compress::masked_count(result.sparsity.back(), size);
    weights += size;
  }
  result.total = static_cast<double>(masked) / static_cast<double>(weights);
  return result;
}

std::string to_yaml(const SensitivityRules& rules) {
  Value list = Value::list();
  std::string dense;
  int64_t weights = 0;
  for (size_t i = 0; i < rules.layers.size(); ++i) {
    const double sparsity = rules.allocation.sparsity[i];
    const std::string& name = rules.layers[i].name;
    weights += rules.layers[i].shape.elements();
    if (sparsity <= 0) {
      dense += (dense.empty() ? "" : ", ") + name;
      continue;
    }
    // Two thirds of a training like the run's; the rest is left for retraining at the end.
    list.append(Value::map({{"final_sparsity", sparsity},
                            {"start_epoch", 0},
                            {"end_epoch", std::max(1, (2 * rules.epochs + 1) / 3)},
                            {"support_op", name}}));
  }
  std::string text = comment("Found by: " + rules.command);
  text += comment(fmt::format(
      "The accuracy of each layer alone was measured on {} at several sparsities, the other layers "
      "left alone and nothing retrained. Every layer gets the largest sparsity at which it loses "
      "{:.2f} points at most.",
      rules.pictures, 100 * rules.allocation.drop));
  if (!dense.empty()) text += comment("Left as they are, because they lose more: " + dense + ".");
  text +=
      comment(fmt::format("Sparsity {} of {} weights. Accuracy with all of it at once, nothing "
                          "retrained: {}, before: {}.",
                          percent(rules.allocation.total, 2), grouped(weights),
                          percent(rules.accuracy, 2), percent(rules.before, 2)));
  text += comment("To train with it: espalier train CONFIG.yaml --from " + rules.run +
                  " --compress THIS-FILE");
  return text + compress::to_yaml(Value::map({{"AGPruner", Value::map({{"config", list}})}}));
}

}  // namespace espalier::app
