#include "espalier/compress/dropout_scaling.h"

#include <cmath>

namespace espalier::compress {

DropoutScaling::DropoutScaling(nn::Module& model) {
  std::string before;
  model.for_each_module([&](const std::string& path, nn::Module& module) {
    for (const auto& parameter : module.record()->parameters) {
      if (parameter->role() == nn::Role::weight) before = path;
    }
    auto* dropout = dynamic_cast<nn::Dropout*>(&module);
    if (dropout && !before.empty()) dropouts_.push_back({dropout, before, dropout->p()});
  });
}

void DropoutScaling::apply(const std::function<double(const std::string& layer)>& kept) {
  for (const Scaled& scaled : dropouts_)
    scaled.dropout->set_p(scaled.p * std::sqrt(kept(scaled.layer)));
}

}  // namespace espalier::compress
