#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "espalier/compress/scheduled_pruner.h"
#include "espalier/compress/structure/channel_groups.h"

namespace espalier::compress {

/// The base of pruners that take whole channels, which can then be removed from the network (see
/// `remove_dead_channels`). What is masked of a channel is all that it is made of and all that
/// reads it: filters, biases, γ and β, and the inputs of the layers behind, in every layer of its
/// group (see `ChannelGroups`); so the masked and the removed network give the same outputs.
///
/// A pruner of your own gives filters a score, and those that score least go:
///
///     class MyFilterPruner : public compress::ChannelPruner {
///      public:
///       using ChannelPruner::ChannelPruner;
///       std::vector<double> score_filters(const std::string& layer, const Tensor& weight)
///       override;
///     };
///     MyFilterPruner pruner({{{"sparsity", 0.5}}});
///     pruner(net, {32, 32, 3});   // the shape of a sample, to follow channels through the network
///
/// A channel's score is the sum over its filters in all layers of its group. Options of a rule:
/// - `sparsity`, required: the fraction of channels that go
/// - `scope`: `layer`, where each group loses that fraction; or `global`, where all groups of the
///   rule together do, and scores are divided by their group's mean to be comparable
/// - `multiple` (16): the channels that stay in a group are a multiple of it, the nearest (of two
///   the larger) and at least one of them; a group that has fewer stays whole
/// - `start_epoch` (0): when channels are masked, once; with `end_epoch` and `frequency` (1) they
///   are in several updates, along the cubic of `AGPruner` from 0 to `sparsity`; with `unit: step`
///   times are optimizer updates
///
/// A group is pruned if a rule chooses all layers whose filters make its channels. What is masked
/// stays masked, unless `masked_weights: train` lets scores recover.
class ChannelPruner : public ScheduledPruner {
 public:
  explicit ChannelPruner(Rules rules = {}) : ScheduledPruner(std::move(rules)) {}
  ~ChannelPruner() override;

  /// A score for each filter of a weight `O×…`, the stored value; those of least score go.
  virtual std::vector<double> score_filters(const std::string& layer, const Tensor& weight) = 0;

  /// \throws Error unless the shape of a sample was said
  void preprocess_model(nn::Module& model) override;
  Tensor calc_mask(const LayerInfo& layer, const Tensor& weight) override;
  std::string rule_note(int rule) const override;
  std::vector<std::string> notes() const override;
  void visit_state(nn::StateVisitor& state) override;

  /// What it follows, in the order of the network; pinned groups are among them.
  const std::vector<ChannelGroup>& groups() const { return groups_; }
  /// The rule that a group follows; −1 if none.
  int rule_of(const ChannelGroup& group) const { return rules_of_groups_[index_of(group)]; }
  /// Channels of the group that are there and not masked.
  int64_t live_channels(const ChannelGroup& group) const;

 protected:
  void read_rule(int rule, MapReader& options) override;
  /// The score of each channel of the group.
  virtual std::vector<double> score_channels(const ChannelGroup& group);
  /// Whether scores are ranked over all groups as they are.
  virtual bool is_always_global() const { return false; }
  /// The earliest `start_epoch`, and what it is by default.
  virtual int64_t earliest_start() const { return 0; }
  /// Why a group that could lose channels cannot be scored; empty: it can.
  virtual std::string reason_to_leave_whole(const ChannelGroup& /*group*/) const { return {}; }
  /// It is known which group follows which rule: for those who put something on parameters. May be
  /// called again, with other groups; what was put there is gone then.
  virtual void on_rules_chosen() {}
  /// Layers have been refreshed, those of this rule among them.
  virtual void after_update(int /*rule*/) {}
  /// Whether masks of the rule are still to be made, at this moment.
  bool is_unfinished(int rule) const;
  /// Of each of a layer's filters, whether it is masked and does not come back.
  std::vector<bool> gone_filters(const std::string& layer, int64_t filters) const;
  /// Puts a transform on a parameter, as long as the pruner lives.
  void put_on_parameter(nn::Parameter& parameter, std::shared_ptr<nn::WeightTransform> transform);

  std::string goal() const override { return "its sparsity"; }
  std::string reached(int rule, int64_t time) const override;
  void on_attached(nn::Module& model) override;
  void on_attach_failed() override;
  void on_channels_removed(nn::Module& model) override;
  std::string reason_to_leave_out(const LayerInfo& layer, int place, int count) const override;
  void before_refresh() override;
  void after_refresh() override;

 private:
  struct Options {
    double sparsity = 0;
    bool global = false;
    int64_t multiple = 16;
  };
  Tensor scheduled_mask(const LayerInfo& layer, const Tensor& weight) override;
  size_t index_of(const ChannelGroup& group) const {
    return static_cast<size_t>(&group - groups_.data());
  }
  const Options& options(int rule) const { return options_[static_cast<size_t>(rule)]; }
  double sparsity_at(int rule, int64_t time) const;
  int64_t time_of(int rule) const;
  std::string why_whole(const nn::Parameter& weight) const;
  void choose_rules();
  void follow_rules();
  void take_off();
  int64_t rounded(int64_t group, double channels) const;
  bool is_masked(const ChannelGroup& group, int64_t channel) const;
  const Mask* mask_of(const nn::Parameter& parameter) const;
  std::vector<int64_t> channels_to_keep(int rule, const std::vector<std::vector<double>>& scores);
  void decide(int rule);
  Tensor mask_from_decisions(const nn::Parameter& parameter) const;

  std::vector<Options> options_;  // by rule
  std::vector<ChannelGroup> groups_;
  std::vector<int> rules_of_groups_;
  std::vector<std::string> left_whole_;  // a sentence each
  std::vector<int64_t> original_;        // by group: its channels before any were removed
  std::vector<std::vector<bool>> gone_;  // by group: what is to be masked, by channel
  struct Extra {                         // a parameter that is no weight of `layers()`
    std::string path;
    nn::Parameter* parameter;
    MaskedWeights policy;
    std::shared_ptr<MaskTransform> mask;
  };
  std::vector<Extra> extras_;
  std::vector<std::pair<nn::Parameter*, std::shared_ptr<nn::WeightTransform>>> placed_;
  std::shared_ptr<nn::ModuleRecord> root_;  // keeps the parameters
};

/// Σ over the filters of each channel: `scores[i]` is that of filter i of the member.
void add_filter_scores(const ChannelMember& member, const std::vector<double>& scores,
                       std::vector<double>& channels);

}  // namespace espalier::compress
