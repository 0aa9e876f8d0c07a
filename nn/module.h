#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "espalier/autograd/tensor.h"
#include "espalier/nn/io/state.h"
#include "espalier/nn/parameter.h"

/// nn/: layers with the seam for compression, initialisation, losses, optimizers, training.
namespace espalier::nn {

class Module;
struct Fusion;

/// Is told when a module it has registered with is about to compute in training mode, and when
/// channels of the model have been removed.
class TrainingListener {
 public:
  virtual ~TrainingListener() = default;
  virtual void before_training_forward() = 0;
  /// Parameters of `model` may have other shapes than before.
  virtual void after_channels_removed(Module& /*model*/) {}
};

/// A tensor of a layer that training changes without a gradient, such as a running mean: saved and
/// cut with the layer, never touched by an optimizer.
struct NamedBuffer {
  std::string name;
  Tensor value;
};

/// Names the random numbers that a layer draws while it computes, together with its path.
struct RandomDraws {
  uint64_t seed = 0;
  int64_t forwards = 0;  ///< forward passes that have drawn
};

/// What a module owns, on the heap: modules may be moved (into a `Sequential`, say) while
/// parameters, listeners and this record stay where they are.
struct ModuleRecord {
  std::string name;  ///< what the parent calls it; empty at the root
  std::string type;  ///< "Conv2d", "Linear", …
  bool training = true;
  std::vector<std::unique_ptr<Parameter>> parameters;
  std::vector<std::unique_ptr<NamedBuffer>> buffers;
  std::vector<std::unique_ptr<Module>> children;
  std::vector<TrainingListener*> listeners;
  std::shared_ptr<ActivationTransform> input_transform, output_transform;
  RandomDraws draws;
  int next_optimizer = 0;
};

/// A parameter with the path of its layer: `conv1` and `weight`.
struct NamedParameter {
  std::string layer;       ///< path of the layer; empty for the root module's own
  std::string layer_type;  ///< "Conv2d", …
  Parameter* parameter;
  ModuleRecord* module;  ///< of the layer
  /// `conv1.weight`.
  std::string path() const {
    return layer.empty() ? parameter->name() : layer + "." + parameter->name();
  }
};

/// The base of all layers. A layer registers its parameters and children in its constructor and
/// overrides `forward`, where it asks for `effective(parameter)`: the seam at which masks and
/// quantization act. Calling a module goes through `operator()`, which nothing overrides.
class Module {
 public:
  virtual ~Module();
  Module(Module&&) noexcept = default;
  Module& operator=(Module&&) noexcept = default;

  /// Runs listeners (in training mode), input transform, `forward`, output transform.
  /// \throws Error with the path of the layer in which something went wrong
  Tensor operator()(const Tensor& x);

  /// Switches this module and all below between training and evaluation.
  void train(bool on = true);
  void eval() { train(false); }
  bool training() const { return record_->training; }

  const std::string& type() const { return record_->type; }
  const std::string& name() const { return record_->name; }
  const std::vector<std::unique_ptr<Module>>& children() const { return record_->children; }

  /// All parameters of this module and of those below, in the order of the network.
  std::vector<NamedParameter> parameters() const;
  /// Visits this module (path empty) and all below with their paths (`block2.conv1`).
  void for_each_module(const std::function<void(const std::string& path, Module&)>& visit);
  void for_each_module(
      const std::function<void(const std::string& path, const Module&)>& visit) const;
  /// Visits what this module alone must remember between steps beside parameters and buffers, such
  /// as how often it has drawn random numbers.
  virtual void visit_state(StateVisitor& /*state*/) {}
  /// Gives the buffers of this module alone the values they had before any training.
  virtual void restart_buffers() {}
  /// Number of trainable values.
  int64_t parameter_count() const;

  /// At most one each; null takes it off. \throws Error if there is another one
  void set_input_transform(std::shared_ptr<ActivationTransform> transform);
  void set_output_transform(std::shared_ptr<ActivationTransform> transform);

  /// For whoever must outlive moves of this module.
  const std::shared_ptr<ModuleRecord>& record() const { return record_; }

 protected:
  explicit Module(std::string type);

  Parameter& add_parameter(std::string name, Role role, const Shape& shape, StartValues start);
  /// The buffer stays where it is when the module moves.
  NamedBuffer& add_buffer(std::string name, Tensor value);
  /// \throws Error if there is a child of that name
  Module& add_child(std::string name, std::unique_ptr<Module> child);
  /// What the layer computes with: the parameter's latent value through mask, folding,
  /// quantization.
  Tensor effective(const Parameter& parameter) const;

 private:
  virtual Tensor forward(const Tensor& x) = 0;
  /// As `forward`, for layers that can do more in the same pass over memory: see `Fusion`.
  virtual Tensor forward_fused(const Tensor& x, Fusion& /*fusion*/) { return forward(x); }
  /// What `operator()` does, with a request to the layer.
  Tensor call(const Tensor& x, Fusion& fusion);
  /// What `operator()` does behind `forward`, for a layer whose result another has computed.
  Tensor finish(const Tensor& y);
  friend Tensor run_layers(std::span<const std::unique_ptr<Module>> layers, const Tensor& x,
                           Fusion& fusion);

  std::shared_ptr<ModuleRecord> record_;
};

}  // namespace espalier::nn
