#include "espalier/compress/stored_tensors.h"

#include <algorithm>
#include <memory>
#include <span>

namespace espalier::compress {
namespace {

using Kind = StoredTensor::Kind;
using Children = std::span<const std::unique_ptr<nn::Module>>;

bool is_one_of(const nn::Module& module, std::initializer_list<const char*> types) {
  return std::any_of(types.begin(), types.end(),
                     [&](const char* type) { return module.type() == type; });
}

bool has_weights(const nn::Module& module) {
  const auto& parameters = module.record()->parameters;
  return std::any_of(parameters.begin(), parameters.end(),
                     [](const auto& parameter) { return parameter->role() == nn::Role::weight; });
}

/// Whether the results are values of the input.
bool keeps_values(const nn::Module& module) {
  return is_one_of(module, {"MaxPool2d", "Flatten", "Dropout"});
}

bool is_activation(const nn::Module& module) {
  return module.children().empty() && module.record()->parameters.empty() &&
         !keeps_values(module) && !is_one_of(module, {"AvgPool2d", "GlobalAvgPool2d"});
}

class Walk {
 public:
  explicit Walk(StoredTensors& found) : found_(found) {}

  void list(Children layers, const std::string& path) {
    for (size_t i = 0; i < layers.size();) i += unit(layers.subspan(i), path);
  }

  /// One layer and those behind it whose work is done in the same go. \return how many
  size_t unit(Children layers, const std::string& path) {
    nn::Module& first = *layers[0];
    const std::string name = joined(path, first);
    if (first.type() == "Sequential") {
      list(first.children(), name);
      return 1;
    }
    if (keeps_values(first)) return 1;
    if (has_weights(first)) {
      weighted_ = name;
      LayerSurroundings& around = found_.layers[name];
      around.input = current_;
      size_t count = 1;
      if (count < layers.size())
        around.batch_norm = dynamic_cast<nn::BatchNorm2d*>(layers[count].get());
      if (around.batch_norm) ++count;
      return store(Kind::layer, layers, count, path);
    }
    if (first.type() == "Residual") {
      // The shortcut is the first child; without layers it is the input itself.
      const int input = current_;
      list(Children(first.children()).first(1), name);
      current_ = input;
      list(Children(first.children()).subspan(1), name);
      return store(Kind::sum, layers, 1, path);
    }
    if (first.type() == "Concat") {
      const int input = current_;
      for (const auto& branch : first.children()) {
        current_ = input;
        list(Children(&branch, 1), name);
      }
      return store(Kind::joined, layers, 1, path);
    }
    if (is_one_of(first, {"AvgPool2d", "GlobalAvgPool2d"}))
      return store(Kind::average, layers, 1, path);
    if (!first.children().empty()) list(first.children(), name);
    // A lone ReLU only takes values away.
    if (first.type() == "ReLU") return 1;
    return store(Kind::other, layers, 1, path);
  }

 private:
  static std::string joined(const std::string& path, const nn::Module& module) {
    return path.empty() ? module.name() : path + "." + module.name();
  }

  /// The result of the first `count` layers, or of the activation function behind them.
  size_t store(Kind kind, Children layers, size_t count, const std::string& path) {
    if (kind != Kind::average && count < layers.size() && is_activation(*layers[count])) ++count;
    nn::Module& last = *layers[count - 1];
    current_ = static_cast<int>(found_.tensors.size());
    found_.tensors.push_back({kind, &last, joined(path, last), weighted_});
    return count;
  }

  StoredTensors& found_;
  int current_ = 0;
  std::string weighted_;
};

}  // namespace

StoredTensors StoredTensors::of(nn::Module& model) {
  StoredTensors found;
  found.tensors.push_back({Kind::input, &model, "", ""});
  Walk walk(found);
  if (model.type() == "Sequential") {
    walk.list(model.children(), "");
  } else if (has_weights(model) || model.children().empty()) {
    found.layers[""].input = 0;
    found.tensors.push_back({Kind::layer, &model, "", ""});
  } else {
    walk.list(model.children(), "");
  }
  const auto first = std::find_if(found.tensors.begin(), found.tensors.end(),
                                  [](const StoredTensor& t) { return !t.weighted.empty(); });
  if (first != found.tensors.end()) found.tensors.front().weighted = first->weighted;
  return found;
}

}  // namespace espalier::compress
