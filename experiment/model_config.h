#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "espalier/autograd/core/shape.h"
#include "espalier/compress/config/value.h"
#include "espalier/experiment/layers/layer_kinds.h"
#include "espalier/nn/layers/sequential.h"

namespace espalier::experiment {

/// The `model` section of a configuration, read and checked: a network by its name, written as
/// layers, or in a file of its own.
///
///     model: lenet5
///     model: {file: nets/resnet8.yaml}             # beside the file that says so
///     model:
///       input: [28, 28, 1]                         # H, W, C of a sample, or one number of values
///       layers:
///         - Conv2d: {out: 20, kernel: 5}           # sizes follow from the layer before
///         - ReLU
///         - MaxPool2d: {kernel: 2}
///         - Flatten
///         - Linear: {name: fc, out: 10}
struct ModelConfig {
  std::string name;
  std::string description;  ///< one line
  Shape sample;             ///< what the network takes: `H×W×C`, or one axis of values
  int64_t classes = 0;      ///< how many values it gives for a sample
  compress::Position position;

  /// The network. Start values come from the current engine; `nn::initialise` gives those of a
  /// seed.
  nn::Sequential make() const { return make_(); }
  /// The name, or all layers with every option spelled out: `from` makes the same network of it.
  compress::Value to_value() const { return written_; }

  /// No network is made and no memory taken for its weights; but every shape is checked.
  /// \param kinds the types of layers there are
  /// \throws ConfigError
  static ModelConfig from(const compress::Value& value, const LayerKinds& kinds);
  /// The same with the layers of this library.
  static ModelConfig from(const compress::Value& value);

 private:
  friend class ModelReader;
  std::function<nn::Sequential()> make_;
  compress::Value written_;
};

/// Reads the network of a file, which is a training configuration, of which only the key `model`
/// counts, or a network alone with the keys `input` and `layers`; that is called by the file's name
/// unless it says another.
/// \throws ConfigError also when there is no such file
ModelConfig read_model_file(const std::string& path, const LayerKinds& kinds);
ModelConfig read_model_file(const std::string& path);

}  // namespace espalier::experiment
