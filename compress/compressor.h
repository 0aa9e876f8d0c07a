#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "espalier/compress/config/map_reader.h"
#include "espalier/compress/config/rules.h"
#include "espalier/compress/layer_info.h"
#include "espalier/nn/module.h"
#include "espalier/nn/train/callback.h"

/// compress/: configuration, and the algorithms that prune and quantize a network while it trains.
namespace espalier::compress {

/// The base of everything that attaches to a model before training and acts during it.
///
///     pruner(net);        // once; the training loop stays as it is
///
/// It notices optimizer updates by itself, before the next training forward. `update_epoch` tells
/// it which epoch begins, for algorithms that count epochs. `step()` may be called after each
/// batch and is then the clock instead of the updates. A `nn::Trainer` to which the compressor is
/// added as a callback calls both.
class Compressor : public nn::Callback, private nn::TrainingListener {
 public:
  ~Compressor() override;
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;

  /// Attaches to the model: `preprocess_model`, then rules are matched with layers, then the first
  /// masks or grids take effect. The model may be moved afterwards; what was attached stays with it
  /// also after this object is gone, but no longer changes.
  /// \throws ConfigError for a rule that is wrong or matches nothing; Error if attached already
  void operator()(nn::Module& model);

  /// What messages call this algorithm.
  virtual std::string name() const = 0;
  /// May change the model; called once, before layers are matched.
  virtual void preprocess_model(nn::Module& /*model*/) {}
  /// One batch has been trained on.
  virtual void step();
  /// Epoch `epoch`, counted from 0, begins.
  virtual void update_epoch(int epoch);

  /// The layers that rules matched, in the order of the network.
  const std::vector<LayerInfo>& layers() const { return layers_; }
  bool attached() const { return model_ != nullptr; }
  int epoch() const { return epoch_; }
  /// Calls of `step()` or, if there are none, optimizer updates noticed since attaching.
  int64_t updates() const { return updates_; }

  void on_epoch_begin(int epoch) override { update_epoch(epoch); }
  void on_step_end(const nn::StepReport&) override { step(); }

 protected:
  explicit Compressor(Rules rules) : rules_(std::move(rules)) {}

  /// Reads the options of rule `rule`, in order from 0; called when attaching. A key that nobody
  /// asks for is an error. Without rules it is called once, with an empty rule.
  virtual void read_rule(int /*rule*/, MapReader& /*options*/) {}
  /// Called before a training forward when `updates()` has grown.
  virtual void on_update() {}
  /// Puts the algorithm's part into the seam of a layer; called once for each layer.
  virtual void attach_layer(const LayerInfo& layer) = 0;
  /// Computes anew what acts on the layer; called when attaching and before the next training
  /// forward after `request_refresh`.
  virtual void refresh_layer(const LayerInfo& layer) = 0;

  /// Asks for `refresh_layer` before the next training forward: for all layers or for one.
  void request_refresh();
  void request_refresh(const LayerInfo& layer);

  /// The stored value of the layer's weight.
  const Tensor& latent(const LayerInfo& layer) const { return layer.parameter->latent({}); }
  /// Zeroes stored weight and optimizer state, or the latter alone, where the mask's bit is 0.
  void zero_masked(const LayerInfo& layer, const Mask& mask) {
    layer.parameter->zero_masked({}, mask);
  }
  void zero_masked_state(const LayerInfo& layer, const Mask& mask) {
    layer.parameter->zero_masked_slots({}, mask);
  }
  /// `AGPruner rule 2` or, without rules, `AGPruner`.
  std::string rule_name(int rule) const;

 private:
  void before_training_forward() override;
  void match_layers(const nn::Module& model);
  int64_t optimizer_updates() const;
  void refresh_requested();

  Rules rules_;
  std::shared_ptr<nn::ModuleRecord> model_;
  std::vector<std::shared_ptr<nn::ModuleRecord>> listened_;
  std::vector<LayerInfo> layers_;
  std::vector<bool> requested_;  // by layer
  int64_t updates_at_attach_ = 0;
  int64_t updates_ = 0;
  int64_t steps_ = 0;  // calls of step()
  int epoch_ = 0;
};

}  // namespace espalier::compress
