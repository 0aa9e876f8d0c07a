#include "espalier/report/layers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>

#include "espalier/autograd/core/error.h"
#include "espalier/compress/export/stored_weights.h"
#include "espalier/compress/file/inspect.h"
#include "espalier/compress/layer_rules.h"
#include "espalier/experiment/mask_history.h"
#include "espalier/experiment/run_folder.h"
#include "espalier/nn/summary.h"
#include "espalier/report/histogram.h"
#include "espalier/report/mask_pictures.h"

namespace espalier::report {

namespace fs = std::filesystem;
using compress::LayerInfo;
using experiment::RecordedRun;
using experiment::WeightHistory;

namespace {

constexpr int bins = 80;
constexpr size_t most_grid_values = 256;

/// The least bits that so many values need.
int bits_for(size_t values) {
  int bits = 1;
  while (size_t{1} << bits < values) ++bits;
  return bits;
}

/// What a quantizer that is attached says of a layer's weight.
std::optional<int> promised_bits(const RecordedRun& run, const std::string& name) {
  for (const auto& compressor : run.compressors) {
    const auto* quantizer = dynamic_cast<const compress::Quantizer*>(compressor.get());
    if (!quantizer) continue;
    for (const LayerInfo& layer : quantizer->layers()) {
      if (layer.name == name && quantizer->acts_on(layer) &&
          quantizer->quantized_tensors(layer).weight)
        return quantizer->weight_levels(layer).bits;
    }
  }
  return std::nullopt;
}

/// The values that the first output channel may take, and how many bits tell them apart.
struct WeightGrid {
  int bits = 32;
  std::vector<double> values = {};
};

WeightGrid grid_of(const Tensor& weight, std::optional<int> promised) {
  const compress::file::Weights stored = compress::stored_weights(weight, {});
  WeightGrid grid;
  if (!stored.codes.empty()) {
    const auto [low, high] = std::minmax_element(stored.codes.begin(), stored.codes.end());
    const bool two = std::all_of(stored.codes.begin(), stored.codes.end(),
                                 [&](int16_t code) { return code == *low || code == *high; });
    grid.bits = two ? 1 : bits_for(static_cast<size_t>(*high - *low + 1));
    const double scale{stored.scale(0)};
    if (two) {
      grid.values = {scale * *low, scale * *high};
    } else {
      for (int code = *low; code <= *high; ++code) grid.values.push_back(scale * code);
    }
  } else if (!stored.indices.empty()) {
    grid.values.assign(stored.codebook.begin(), stored.codebook.end());
    // 0 is what masks make.
    const auto zeros = std::count(stored.codebook.begin(), stored.codebook.end(), 0.0f);
    grid.bits = bits_for(stored.codebook.size() - static_cast<size_t>(zeros));
  }
  if (grid.values.size() > most_grid_values) grid.values.clear();
  if (promised) grid.bits = *promised;
  if (grid.bits == 32) grid.values.clear();
  return grid;
}

std::vector<std::string> names(const std::vector<Layer>& layers) {
  std::vector<std::string> result;
  for (const Layer& layer : layers) result.push_back(layer.name);
  return result;
}

/// The masks that the checkpoint of a run holds, by layer; of several pruners what each keeps.
std::map<std::string, Mask> masks_in_checkpoint(const std::string& folder,
                                                const std::vector<Layer>& layers) {
  std::map<std::string, Mask> masks;
  const auto checkpoint =
      experiment::read_checkpoint((fs::path(folder) / experiment::run_file::checkpoint).string());
  if (!checkpoint) return masks;
  for (const auto& [name, value] : checkpoint->training.values) {
    const Mask* mask = std::get_if<Mask>(&value);
    if (!mask || !name.starts_with("training.compressor.")) continue;
    for (const std::string& layer : names(layers)) {
      if (!name.ends_with("." + layer + ".mask")) continue;
      // `conv1` is also the end of `block.conv1`; behind the compressor's number stands the path.
      const size_t number = std::string("training.compressor.").size();
      if (name.substr(name.find('.', number) + 1) != layer + ".mask") continue;
      Mask& known = masks[layer];
      if (!known.defined()) {
        known = *mask;
      } else if (known.shape() == mask->shape()) {
        known = Mask::from(Tensor::generate(
            mask->shape(), [&](int64_t i) { return known[i] && (*mask)[i] ? 1.0f : 0.0f; }));
      }
    }
  }
  return masks;
}

Mask nonzero(const Tensor& weight) {
  return Mask::from(
      Tensor::generate(weight.shape(), [&](int64_t i) { return weight[i] != 0 ? 1.0f : 0.0f; }));
}

/// The smallest magnitude that is not 0.
std::optional<double> smallest_magnitude(const Tensor& weight) {
  std::optional<double> smallest;
  for (const float value : weight.values()) {
    if (value != 0 && (!smallest || std::abs(double{value}) < *smallest))
      smallest = std::abs(double{value});
  }
  return smallest;
}

/// What was recorded while the run was trained or, if it was made of another one, while that was.
std::vector<WeightHistory> recorded_histories(const std::string& folder,
                                              std::vector<std::string>& missing) {
  constexpr int most_generations = 10;  // of runs made of runs
  std::optional<std::string> file;
  std::string at = folder;
  for (int i = 0; i < most_generations && !file && !at.empty(); ++i) {
    file = experiment::recorded_file(at, experiment::run_file::mask_history);
    at = experiment::recorded_origin(at).run;
  }
  if (!file || file->empty()) {
    missing.push_back(
        "When each weight was masked is not known: there is no record of it, as the training was "
        "that of an older version or the run that was trained is not there.");
    return {};
  }
  try {
    return experiment::weight_histories(experiment::read_records(*file));
  } catch (const Error& error) {
    missing.push_back(fmt::format("When each weight was masked is not known: {}.", error.what()));
    return {};
  }
}

}  // namespace

std::vector<Layer> sizes_of_layers(RecordedRun& run,
                                   const std::optional<ExportedNetwork>& exported) {
  std::map<std::string, double> bytes;
  if (exported) {
    for (const compress::file::LayerBytes& layer : compress::file::inspect(exported->bytes).layers)
      bytes[layer.layer] += layer.all();
  }
  std::map<std::string, int64_t> macs;
  for (const nn::LayerSummary& layer : nn::summarise(run.model, run.config.model.sample).layers)
    macs[layer.path] = layer.multiply_adds;
  std::vector<Layer> layers;
  for (const LayerInfo& info : compress::compressible_layers(run.model)) {
    const Tensor weight = info.parameter->effective_value();
    Layer layer;
    layer.name = info.name;
    layer.type = info.type;
    layer.shape.assign(info.shape.begin(), info.shape.end());
    layer.weights = weight.size();
    layer.nonzero =
        weight.size() - std::count(weight.values().begin(), weight.values().end(), 0.0f);
    WeightGrid grid = grid_of(weight, promised_bits(run, info.name));
    layer.bits = grid.bits;
    layer.grid = std::move(grid.values);
    layer.macs = macs[info.name];
    const auto in_file = bytes.find(info.name);
    layer.bytes = in_file != bytes.end() ? std::llround(in_file->second)
                                         : layer.weights * static_cast<int64_t>(sizeof(float));
    layers.push_back(std::move(layer));
  }
  return layers;
}

void add_sparsities(const std::vector<experiment::EpochMetrics>& epochs,
                    std::vector<Layer>& layers) {
  for (const experiment::EpochMetrics& epoch : epochs) {
    for (const auto& [name, sparsity] : epoch.layers) {
      for (Layer& layer : layers) {
        if (layer.name == name) layer.sparsity.push_back(sparsity);
      }
    }
  }
}

void add_histograms(const RecordedRun& run, const nn::Module* dense, std::vector<Layer>& layers) {
  std::map<std::string, Tensor> before;
  if (dense) {
    for (const LayerInfo& info : compress::compressible_layers(*dense))
      before[info.name] = info.parameter->effective_value();
  }
  for (const LayerInfo& info : compress::compressible_layers(run.model)) {
    const auto layer = std::find_if(layers.begin(), layers.end(),
                                    [&](const Layer& each) { return each.name == info.name; });
    if (layer == layers.end()) continue;
    const Tensor after = info.parameter->effective_value();
    Extent ends = extent(after.values());
    const auto was = before.find(info.name);
    const bool comparable = was != before.end() && was->second.shape() == after.shape();
    if (was != before.end() && !comparable) {
      const Shape& shape = was->second.shape();
      layer->dense_shape.assign(shape.begin(), shape.end());
    }
    if (comparable) {
      const Extent others = extent(was->second.values());
      ends = {std::min(ends.low, others.low), std::max(ends.high, others.high)};
      layer->before = histogram(was->second.values(), ends.low, ends.high, bins);
    }
    layer->after = histogram(after.values(), ends.low, ends.high, bins);
  }
}

void add_masks(const std::string& folder, const RecordedRun& run,
               const std::vector<std::string>& pruned, std::vector<Layer>& layers,
               std::vector<std::string>& missing) {
  if (pruned.empty()) return;
  std::vector<WeightHistory> histories = recorded_histories(folder, missing);
  std::map<std::string, Mask> masks;
  try {
    if (histories.empty()) masks = masks_in_checkpoint(folder, layers);
  } catch (const Error&) {
    masks.clear();  // a damaged checkpoint: zeros tell nearly the same
  }
  for (const LayerInfo& info : compress::compressible_layers(run.model)) {
    const auto layer = std::find_if(layers.begin(), layers.end(),
                                    [&](const Layer& each) { return each.name == info.name; });
    if (layer == layers.end()) continue;
    const Tensor weight = info.parameter->effective_value();
    const auto history =
        std::find_if(histories.begin(), histories.end(),
                     [&](const WeightHistory& each) { return each.layer == info.name; });
    const bool was_cut = history != histories.end() && !history->removals.empty();
    if (!was_cut && std::find(pruned.begin(), pruned.end(), info.name) == pruned.end()) continue;
    if (layer->nonzero < layer->weights) layer->threshold = smallest_magnitude(weight);
    if (history != histories.end()) {
      layer->mask = mask_pictures(*history);
      continue;
    }
    const auto mask = masks.find(info.name);
    const bool fits = mask != masks.end() && mask->second.shape() == weight.shape();
    layer->mask = mask_pictures(fits ? mask->second : nonzero(weight));
    if (!fits) layer->mask->legend += "; dark is every weight that is 0";
  }
}

}  // namespace espalier::report
