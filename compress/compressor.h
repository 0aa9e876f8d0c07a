#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "espalier/compress/config/map_reader.h"
#include "espalier/compress/config/rules.h"
#include "espalier/compress/layer_info.h"
#include "espalier/nn/io/state.h"
#include "espalier/nn/module.h"
#include "espalier/nn/train/callback.h"

/// compress/: configuration, and the algorithms that prune and quantize a network while it trains.
namespace espalier::compress {

/// When the schedule of a rule is through, and where a training that is too short leaves it.
struct ScheduleEnd {
  int rule;             ///< from 0
  int64_t epochs;       ///< of the shortest training that completes it
  int64_t step;         ///< in which it does, from 0
  std::string goal;     ///< what it reaches then: "its final sparsity"
  std::string reached;  ///< where it stands at the end of the training: "sparsity is 0.41"
  std::string remedy;   ///< what in the rule fits the training: "set end_epoch to 5"
};

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
  /// masks or grids take effect. The model may be moved afterwards. Masks stay with it also after
  /// this object is gone, but no longer change; quantizers go.
  ///
  /// All or nothing: if it throws, all that had been put in place is taken out again, no stored
  /// weight has changed (but for what `preprocess_model` has done), and it may be tried once more.
  /// \throws ConfigError for a rule that is wrong or matches nothing; Error if attached already
  void operator()(nn::Module& model);
  /// The same for an algorithm that follows what a layer computes through the network: it needs to
  /// know the shape of a sample, `H×W×C`. The others take no notice of it.
  void operator()(nn::Module& model, const Shape& sample);

  /// The same for a model that is about to get the weights of a finished training, which are masked
  /// and quantized already: only what acts on activations is attached, and nothing at all of an
  /// algorithm that acts on weights alone. The training is taken to have gone to its end, unless
  /// `update_epoch` says which epoch was its last.
  void attach_for_evaluation(nn::Module& model);

  /// Appends the rules of this algorithm's section in a YAML file to those it has; sections of
  /// other algorithms are left to them:
  ///
  ///     AGPruner:           # or tfAGPruner, torchAGPruner
  ///       config:
  ///         - {final_sparsity: 0.9, end_epoch: 10, support_type: default}
  ///
  /// \throws ConfigError when the file cannot be read or has no such section or two of them; Error
  /// when attached already
  void load_configure(const std::string& path);

  /// What messages and sections of files call this algorithm: the name it was registered by, or
  /// that of its class.
  virtual std::string name() const;
  /// Further names that sections of files may have for it.
  virtual std::vector<std::string> aliases() const { return {}; }
  /// What it does to a layer, for messages: "prune".
  virtual std::string_view verb() const { return "compress"; }
  /// May change the model; called once, before layers are matched.
  virtual void preprocess_model(nn::Module& /*model*/) {}
  /// One batch has been trained on.
  virtual void step();
  /// Epoch `epoch`, counted from 0, begins.
  virtual void update_epoch(int epoch);

  /// The layers that rules matched, in the order of the network.
  const std::vector<LayerInfo>& layers() const { return layers_; }
  /// The layers that a rule took out, in the order of the network.
  const std::vector<ExcludedLayer>& excluded() const { return excluded_; }
  /// The rules as they were given, in the order they apply.
  const Rules& rules() const { return rules_; }
  /// The rules as they act, a list of maps that spells out every default: given to another
  /// compressor of this class they have the same effect. Rules that take layers out are as they
  /// were written. Before attaching, when no rule has been read yet, all are.
  Value rules_as_run() const { return attached() ? rules_as_run_ : rules_.to_value(); }
  /// `AGPruner rule 2` or, without rules, `AGPruner`.
  std::string rule_name(int rule) const;
  /// What else is worth knowing at the start of a training, a line each.
  virtual std::vector<std::string> notes() const { return {}; }
  /// What a listing says of a rule beside its layers: "by filter". Empty: nothing.
  virtual std::string rule_note(int /*rule*/) const { return {}; }
  /// What there is to tell of the layers as they are now, a sentence each; for the end of a
  /// training.
  virtual std::vector<std::string> findings() const { return {}; }
  /// When the schedules of the rules in use are through, for a training of this length, at least
  /// one epoch of one step.
  virtual std::vector<ScheduleEnd> schedule_ends(int64_t /*epochs*/,
                                                 int64_t /*steps_per_epoch*/) const {
    return {};
  }

  /// The fraction of the layer's weights that its schedule wanted masked when the mask of `layer`,
  /// one of `layers()`, was last made: 0 before the first. Nothing for an algorithm that is not
  /// after a fraction of weights.
  virtual std::optional<double> target_sparsity(const LayerInfo& /*layer*/) const { return {}; }

  /// Asks `options` for all that a rule may say, and leaves it at that: for those who list options
  /// (see `describe_options`), on a compressor that nothing else is done with.
  void ask_options(MapReader& options) { read_rule(0, options); }

  bool attached() const { return model_ != nullptr; }
  int epoch() const { return epoch_; }
  /// Calls of `step()` or, if there are none, optimizer updates noticed since attaching.
  int64_t updates() const { return updates_; }

  /// What a training needs to go on exactly where it stopped. To restore: make the model, attach,
  /// then restore, before or after the parameters. Attaching itself may change stored weights, so
  /// parameters are restored after it.
  /// \throws Error when not attached, or when the state is of other layers
  virtual void visit_state(nn::StateVisitor& state);

  void on_epoch_begin(int epoch) override { update_epoch(epoch); }
  void on_step_end(const nn::StepReport&) override { step(); }

 protected:
  explicit Compressor(Rules rules) : rules_(std::move(rules)) {}

  /// Reads the options of rule `rule`, in order from 0; called when attaching. A key that nobody
  /// asks for is an error. Without rules it is called once, with an empty rule. A rule that takes
  /// layers out is read too, so that its keys and values are checked; but it need not be complete
  /// (`MapReader::require_nothing`), so use `options.check` for what involves several keys.
  virtual void read_rule(int /*rule*/, MapReader& /*options*/) {}
  /// Called before a training forward when `updates()` has grown.
  virtual void on_update() {}
  /// Puts the algorithm's part into the seam of a layer; called once for each layer.
  virtual void attach_layer(const LayerInfo& layer) = 0;
  /// Whether it acts on anything else than weights.
  virtual bool acts_on_activations() const { return false; }
  /// Puts what acts on the layer's input and result into place; called once for each layer.
  virtual void attach_activations(const LayerInfo& /*layer*/) {}
  /// The layers are known and attached.
  virtual void on_attached(nn::Module& /*model*/) {}
  /// Attaching has failed: takes out what this object had put in place and forgets what it knew of
  /// the layers. Must not throw; an override calls that of its base.
  virtual void on_attach_failed() {}
  /// Computes anew what acts on the layer; called when attaching and before the next training
  /// forward after `request_refresh`. Changes nothing in the model.
  virtual void refresh_layer(const LayerInfo& /*layer*/) {}
  /// What `refresh_layer` has computed takes effect; called once it has been for all layers that
  /// are due, so that an error there leaves the model as it was.
  virtual void apply_refresh(const LayerInfo& /*layer*/) {}
  /// Why a layer is left out that a rule means by its type only; empty: it is not.
  /// \param place  its number among the `count` layers of the model that have weights, from 0
  virtual std::string reason_to_leave_out(const LayerInfo& /*layer*/, int /*place*/,
                                          int /*count*/) const {
    return {};
  }
  /// The layers have lost channels; `layers()` has their shapes already.
  virtual void on_channels_removed(nn::Module& /*model*/) {}
  /// Called before and after layers are refreshed, one or many. The former may request more of
  /// them.
  virtual void before_refresh() {}
  virtual void after_refresh() {}
  /// Whether the algorithm stands still until `update_epoch` is called. Then a loop that never does
  /// so is warned.
  virtual bool waits_for_epoch() const { return false; }

  /// Asks for `refresh_layer` before the next training forward: for all layers or for one.
  void request_refresh();
  void request_refresh(const LayerInfo& layer);
  bool requested(const LayerInfo& layer) const {
    return requested_[static_cast<size_t>(layer.index)];
  }

  /// The stored value of the layer's weight.
  const Tensor& latent(const LayerInfo& layer) const { return layer.parameter->latent({}); }
  /// Zeroes stored weight and optimizer state, or the latter alone, where the mask's bit is 0.
  void zero_masked(const LayerInfo& layer, const Mask& mask) {
    layer.parameter->zero_masked({}, mask);
  }
  void zero_masked_state(const LayerInfo& layer, const Mask& mask) {
    layer.parameter->zero_masked_slots({}, mask);
  }
  /// The same of any parameter of the model.
  const Tensor& latent(const nn::Parameter& parameter) const { return parameter.latent({}); }
  void zero_masked(nn::Parameter& parameter, const Mask& mask) { parameter.zero_masked({}, mask); }
  void zero_masked_state(nn::Parameter& parameter, const Mask& mask) {
    parameter.zero_masked_slots({}, mask);
  }
  /// The shape of a sample, if it was said when attaching.
  const std::optional<Shape>& sample() const { return sample_; }
  /// Whether it has been attached by `attach_for_evaluation`.
  bool for_evaluation() const { return for_evaluation_; }
  /// Whether `update_epoch` has been called.
  bool epoch_announced() const { return epoch_announced_; }
  /// Whether a layer follows this rule.
  bool in_use(int rule) const;

 private:
  friend class Registry;  // gives the name
  void before_training_forward() override;
  void after_channels_removed(nn::Module& model) override;
  void attach(nn::Module& model, bool with_weights);
  void put_in_place(nn::Module& model, bool with_weights);
  void take_out();
  void stop_listening();
  void match_layers(const nn::Module& model);
  int64_t optimizer_updates() const;
  int64_t updates_since_attach() const;
  void warn_of_silence();
  void refresh_requested();

  std::string registered_name_;
  std::optional<Shape> sample_;
  Rules rules_;
  Value rules_as_run_ = Value::list();
  std::shared_ptr<nn::ModuleRecord> model_;
  std::vector<std::shared_ptr<nn::ModuleRecord>> listened_;
  std::vector<LayerInfo> layers_;
  std::vector<ExcludedLayer> excluded_;
  std::vector<bool> requested_;  // by layer
  int64_t updates_at_attach_ = 0;
  // After restoring: updates since attaching in the training that is continued. The parameters' own
  // counts may be restored later, so the difference is taken at the next training forward.
  std::optional<int64_t> restored_updates_;
  int64_t updates_ = 0;
  int64_t steps_ = 0;  // calls of step()
  bool for_evaluation_ = false;
  int epoch_ = 0;
  bool epoch_announced_ = false;
};

}  // namespace espalier::compress
