#include "espalier/compress/sensitivity/accuracy_measure.h"

#include <algorithm>
#include <span>
#include <typeinfo>
#include <utility>

#include "espalier/autograd/core/error.h"
#include "espalier/autograd/core/parallel.h"
#include "espalier/autograd/graph.h"
#include "espalier/nn/layers/fusion.h"
#include "espalier/nn/layers/sequential.h"
#include "espalier/nn/train/metrics.h"

namespace espalier::compress {

SuffixAccuracy::SuffixAccuracy(nn::Module& model, BatchSource& samples, int64_t bytes)
    : model_(model),
      samples_(samples),
      bytes_(bytes),
      // A class derived from it may run its layers in any way.
      chain_(typeid(model) == typeid(nn::Sequential)),
      mode_(model) {}

size_t SuffixAccuracy::layers() const {
  return chain_ ? model_.children().size() : 1;
}

/// Runs layers `from` … `to − 1` of the outermost level.
Tensor SuffixAccuracy::run(Tensor x, size_t from, size_t to) const {
  if (from == to) return x;
  if (!chain_) return model_(x);
  const nn::ModuleRecord& record = *model_.record();
  if (from == 0 && record.input_transform) x = record.input_transform->apply(x, false);
  nn::Fusion nothing;
  x = nn::run_layers(std::span(model_.children()).subspan(from, to - from), x, nothing);
  if (to == layers() && record.output_transform) x = record.output_transform->apply(x, false);
  return x;
}

/// Whether this many values for each of its samples can be kept for all samples.
bool SuffixAccuracy::fits(const Tensor& activations) const {
  const int64_t batch = std::max<int64_t>(1, activations.shape()[0]);
  const int64_t each = activations.size() / batch * static_cast<int64_t>(sizeof(float));
  return each <= bytes_ / std::max<int64_t>(1, samples_.samples());
}

void SuffixAccuracy::change_from(const std::string& layer) {
  start_ = 0;
  if (chain_) {
    const std::string outermost = layer.substr(0, layer.find('.'));
    const auto& children = model_.children();
    const auto found = std::find_if(children.begin(), children.end(),
                                    [&](const auto& child) { return child->name() == outermost; });
    if (found == children.end()) throw Error("sensitivity", "there is no layer '" + layer + "'");
    start_ = static_cast<size_t>(found - children.begin());
  }
  NoGrad no_grad;
  FlushDenormals flush;
  // What is kept behind the layer has not seen its changes.
  if (kept_at_ > start_) drop();
  try {
    if (!kept_.empty()) {
      move_kept(start_);
    } else {
      keep_from_samples(start_);
      if (kept_.empty()) keep_from_samples(0);
    }
  } catch (...) {
    drop();
    throw;
  }
}

void SuffixAccuracy::drop() {
  kept_.clear();
  kept_at_ = 0;
}

/// Keeps what enters this layer, if it fits.
void SuffixAccuracy::keep_from_samples(size_t layer) {
  samples_.start_epoch(0);
  for (Batch batch; samples_.next(batch);) {
    batch.images = run(batch.images, 0, layer);
    if (kept_.empty() && !fits(batch.images)) return;
    kept_.push_back(std::move(batch));
    batch = {};
  }
  kept_at_ = layer;
}

/// Replaces what is kept by what comes of it on the way to this layer, if that fits.
void SuffixAccuracy::move_kept(size_t layer) {
  if (kept_at_ == layer) return;
  for (size_t i = 0; i < kept_.size(); ++i) {
    Tensor moved = run(kept_[i].images, kept_at_, layer);
    if (i == 0 && !fits(moved)) return;
    kept_[i].images = std::move(moved);
  }
  kept_at_ = layer;
}

double SuffixAccuracy::measure() {
  NoGrad no_grad;
  FlushDenormals flush;
  int64_t seen = 0;
  nn::ConfusionMatrix answers;
  const auto count = [&](const Batch& batch) {
    const Tensor logits = run(batch.images, kept_at_, layers());
    if (seen == 0) answers = nn::ConfusionMatrix(logits.shape()[1]);
    answers.add(logits, batch.labels);
    seen += batch.labels.size();
  };
  if (kept_.empty()) {
    samples_.start_epoch(0);
    for (Batch batch; samples_.next(batch);) count(batch);
  } else {
    for (const Batch& batch : kept_) count(batch);
  }
  if (seen == 0) throw Error("sensitivity", "there are no samples to measure accuracy on");
  return answers.accuracy();
}

}  // namespace espalier::compress
