#include "espalier/compress/quantizers/qat_quantizer.h"

#include "espalier/compress/late_start.h"

namespace espalier::compress {

QATQuantizer::~QATQuantizer() {
  let_statistics_go();
}

void QATQuantizer::let_statistics_go() {
  for (const LayerInfo& layer : layers()) {
    nn::BatchNorm2d* norm = batch_norm(layer);
    if (norm && options_of(layer).freeze_bn_epoch) norm->freeze_statistics(false);
  }
}

void QATQuantizer::read_rule(int rule, MapReader& options) {
  Quantizer::read_rule(rule, options);
  const auto epoch = [&](const char* key, const char* help) -> std::optional<int64_t> {
    if (!options.find(key, help)) return std::nullopt;
    return options.integer(key, {.min = 0, .help = help});
  };
  const bool paper = options.boolean(
      "paper", false, "the paper to the letter: one affine grid for all of a weight");
  const Widths& grids = read_widths(rule, options, paper);
  options.check(!paper || !grids.per_channel, {"per_channel", "paper"},
                "cannot be true beside 'paper: true', which has one grid for all of a weight");
  options.check(!paper || !grids.symmetric_weights, {"symmetric", "paper"},
                "cannot be true beside 'paper: true', whose grids are affine");
  Options o;
  o.quant_start_step = options.integer(
      "quant_start_step",
      {.min = 0,
       .fallback = 0,
       .help = "the optimizer update from which activations are quantized; ranges are followed "
               "from the beginning"});
  o.ema_decay = options.number(
      "ema_decay",
      {.min = 0, .below = 1, .fallback = 0.999, .help = "how slowly ranges follow the batches"});
  o.freeze_observers_epoch =
      epoch("freeze_observers_epoch", "the epoch from which ranges stay as they are (never)");
  o.freeze_bn_epoch = epoch("freeze_bn_epoch",
                            "the epoch from which the statistics of batch normalisation stay as "
                            "they are (never)");
  options_.resize(static_cast<size_t>(rule) + 1);
  options_.back() = o;
}

std::shared_ptr<ActivationRange> QATQuantizer::make_range(const LayerInfo& layer,
                                                          const ActivationRange::Options& options) {
  moving_.push_back(std::make_shared<MovingRange>(*this, options, options_of(layer).ema_decay));
  return moving_.back();
}

void QATQuantizer::on_attached(nn::Module& model) {
  IntegerQuantizer::on_attached(model);
  follow_clock();
}

void QATQuantizer::on_attach_failed() {
  let_statistics_go();
  IntegerQuantizer::on_attach_failed();
  moving_.clear();
}

void QATQuantizer::update_epoch(int epoch) {
  Quantizer::update_epoch(epoch);
  if (attached()) follow_clock();
}

void QATQuantizer::follow_clock() {
  if (for_evaluation()) return;  // what the ranges were at the end of training is loaded
  const auto has_come = [this](const std::optional<int64_t>& at) { return at && epoch() >= *at; };
  for (size_t i = 0; i < moving_.size(); ++i) {
    const LayerInfo& layer = *ranges()[i].layer;
    const Options& o = options_of(layer);
    moving_[i]->set_active(epoch() >= start_epoch(layer.rule) && updates() >= o.quant_start_step);
    moving_[i]->set_frozen(has_come(o.freeze_observers_epoch));
  }
  for (const LayerInfo& layer : layers()) {
    nn::BatchNorm2d* norm = batch_norm(layer);
    const std::optional<int64_t>& at = options_of(layer).freeze_bn_epoch;
    if (norm && at) norm->freeze_statistics(has_come(at));
  }
}

std::vector<ScheduleEnd> QATQuantizer::schedule_ends(int64_t epochs,
                                                     int64_t steps_per_epoch) const {
  std::vector<ScheduleEnd> ends = Quantizer::schedule_ends(epochs, steps_per_epoch);
  for (int rule = 0; rule < static_cast<int>(options_.size()); ++rule) {
    const LateStart start{options_[static_cast<size_t>(rule)].quant_start_step, false,
                          "quant_start_step", "its quant_start_step", "no activation is quantized"};
    if (in_use(rule) && is_late(start, epochs, steps_per_epoch))
      ends.push_back(end_of(start, rule, epochs, steps_per_epoch));
  }
  return ends;
}

void QATQuantizer::visit_state(nn::StateVisitor& state) {
  IntegerQuantizer::visit_state(state);
  if (state.restores()) follow_clock();
}

}  // namespace espalier::compress
