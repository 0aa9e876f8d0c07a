#include "espalier/compress/structure/channel_removal.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <set>
#include <tuple>

#include "espalier/autograd/core/error.h"
#include "espalier/autograd/core/random.h"
#include "espalier/nn/keep_indices.h"
#include "espalier/nn/train/evaluation.h"

namespace espalier::compress {
namespace {

std::vector<int64_t> all_indices(int64_t count) {
  std::vector<int64_t> indices(static_cast<size_t>(count));
  std::iota(indices.begin(), indices.end(), int64_t{0});
  return indices;
}

Tensor output_of_noise(nn::Module& model, const Shape& sample) {
  std::vector<int64_t> extents{2};
  extents.insert(extents.end(), sample.begin(), sample.end());
  const RandomStream noise(0, Purpose::synthetic);
  const nn::EvaluationMode evaluation(model);
  NoGrad no_grad;
  const Tensor y = model(Tensor::generate(Shape(std::span<const int64_t>(extents)), [&](int64_t i) {
    return noise.normal(static_cast<uint64_t>(i));
  }));
  return y;
}

bool is_quantized(const Graph& graph) {
  const auto of_value = [](const NetworkValue& value) { return value.grid.has_value(); };
  const auto of_reader = [](const NetworkOperation& operation) {
    return operation.kind == "quantize" ||
           std::any_of(operation.inputs.begin(), operation.inputs.end(),
                       [](const NetworkInput& input) { return input.grid.has_value(); });
  };
  return std::any_of(graph.values().begin(), graph.values().end(), of_value) ||
         std::any_of(graph.operations().begin(), graph.operations().end(), of_reader);
}

void require_equal(const Tensor& before, const Tensor& after, double tolerance) {
  double largest = 0, difference = 0;
  for (int64_t i = 0; i < before.size(); ++i) {
    largest = std::max(largest, std::abs(double{before[i]}));
    difference = std::max(difference, std::abs(double{before[i]} - double{after[i]}));
  }
  if (difference <= tolerance * largest) return;
  throw Error("remove_dead_channels",
              fmt::format("the network's outputs have changed by {:.2g} of the largest, more than "
                          "{:.2g}: a layer or a quantizer depends on channels that are zero",
                          difference / largest, tolerance));
}

/// How many channels of the group are left when parameters have these shapes; empty: that cannot be
/// said.
std::optional<int64_t> channels_at(const ChannelGroup& group,
                                   const std::map<std::string, Shape>& shapes,
                                   const std::map<std::pair<nn::Parameter*, int>, int>& shared) {
  for (const ChannelMember& member : group.members) {
    if (!member.parameter || shared.at({member.parameter, member.axis}) > 1) continue;
    const auto shape = shapes.find(member.name());
    if (shape == shapes.end() || shape->second.axes() <= member.axis) continue;
    return shape->second[member.axis] / static_cast<int64_t>(member.indices.front().size());
  }
  return std::nullopt;
}

}  // namespace

std::vector<std::vector<int64_t>> dead_channels(const Graph& graph, const ChannelGroups& groups,
                                                bool by_masks) {
  const std::vector<std::vector<bool>> zero = zero_channels(graph, by_masks);
  std::vector<std::vector<int64_t>> dead;
  for (const ChannelGroup& group : groups.all()) {
    dead.emplace_back();
    if (!group.pinned.empty()) continue;
    for (int64_t c = 0; c < group.channels; ++c) {
      const auto& reads = group.reads[static_cast<size_t>(c)];
      const bool is_dead = std::all_of(reads.begin(), reads.end(), [&](const auto& read) {
        return zero[static_cast<size_t>(read.first)][static_cast<size_t>(read.second)];
      });
      if (is_dead) dead.back().push_back(c);
    }
  }
  return dead;
}

std::vector<AxisCut> ChannelCut::keep(nn::Module& model, const std::vector<ChannelGroup>& groups,
                                      const std::vector<std::vector<int64_t>>& kept) {
  struct Place {
    const ChannelMember* member;
    std::set<int64_t> removed = {};
  };
  // Several groups may have a share in one axis, so what goes is collected first.
  std::map<std::tuple<nn::Parameter*, nn::NamedBuffer*, int>, Place> places;
  for (size_t g = 0; g < groups.size(); ++g) {
    const ChannelGroup& group = groups[g];
    if (static_cast<int64_t>(kept[g].size()) == group.channels) continue;
    if (!group.pinned.empty())
      throw Error("channel removal", group.describe() + " cannot lose channels: " + group.pinned);
    if (kept[g].empty())
      throw Error("channel removal", group.describe() + " cannot lose all channels");
    for (const ChannelMember& member : group.members) {
      Place& place =
          places.try_emplace({member.parameter, member.buffer, member.axis}, Place{&member})
              .first->second;
      for (int64_t c = 0; c < group.channels; ++c) {
        if (std::binary_search(kept[g].begin(), kept[g].end(), c)) continue;
        const auto& indices = member.indices[static_cast<size_t>(c)];
        place.removed.insert(indices.begin(), indices.end());
      }
    }
  }
  std::vector<AxisCut> cuts;
  if (places.empty()) return cuts;
  for (const auto& [key, place] : places) {
    std::vector<int64_t> left = all_indices(place.member->extent());
    std::erase_if(left, [&](int64_t index) { return place.removed.contains(index); });
    const int axis = place.member->axis;
    if (nn::NamedBuffer* buffer = place.member->buffer) {
      buffer->value = nn::keep_indices(buffer->value, axis, left);
    } else {
      place.member->parameter->keep({}, axis, left);
      cuts.push_back({place.member->name(), axis, std::move(left)});
    }
  }
  // The places are in the order of addresses, which are others in every process.
  std::sort(cuts.begin(), cuts.end(), [](const AxisCut& a, const AxisCut& b) {
    return std::tie(a.parameter, a.axis) < std::tie(b.parameter, b.axis);
  });
  std::set<nn::TrainingListener*> listeners;
  model.for_each_module([&](const std::string&, nn::Module& module) {
    listeners.insert(module.record()->listeners.begin(), module.record()->listeners.end());
  });
  for (nn::TrainingListener* listener : listeners) listener->after_channels_removed(model);
  return cuts;
}

std::vector<RemovedChannels> remove_dead_channels(nn::Module& model, const Shape& sample,
                                                  const RemovalOptions& options) {
  const Graph graph = Graph::of(model, sample);
  const ChannelGroups groups(graph);
  const std::vector<std::vector<int64_t>> dead = dead_channels(graph, groups, options.masked_only);
  std::vector<RemovedChannels> removed;
  std::vector<std::vector<int64_t>> kept;
  for (size_t g = 0; g < dead.size(); ++g) {
    const ChannelGroup& group = groups.all()[g];
    kept.push_back(all_indices(group.channels));
    std::erase_if(kept.back(),
                  [&](int64_t c) { return std::binary_search(dead[g].begin(), dead[g].end(), c); });
    if (kept.back().empty()) kept.back() = {0};
    const auto left = static_cast<int64_t>(kept.back().size());
    if (left < group.channels) removed.push_back({group.describe(), group.channels, left});
  }
  if (removed.empty()) return removed;
  const Tensor before = output_of_noise(model, sample);
  const std::vector<AxisCut> cuts = ChannelCut::keep(model, groups.all(), kept);
  if (options.on_cut) options.on_cut(cuts);
  const double tolerance =
      is_quantized(graph) ? std::max(options.tolerance, 0.05) : options.tolerance;
  require_equal(before, output_of_noise(model, sample), tolerance);
  return removed;
}

bool fit_channels(nn::Module& model, const Shape& sample,
                  const std::map<std::string, Shape>& shapes) {
  const std::vector<nn::NamedParameter> parameters = model.parameters();
  const auto differs = [&](const nn::NamedParameter& named) {
    const auto found = shapes.find(named.path());
    return found != shapes.end() && found->second != named.parameter->shape();
  };
  const auto other = std::find_if(parameters.begin(), parameters.end(), differs);
  if (other == parameters.end()) return false;
  const Error misfit("channel removal", "no removal of channels makes '" + other->path() +
                                            "' of shape " + other->parameter->shape().to_string() +
                                            " one of " + shapes.at(other->path()).to_string() +
                                            ": it is of another model");

  const Graph graph = Graph::of(model, sample);
  const ChannelGroups groups(graph);
  std::map<std::pair<nn::Parameter*, int>, int> shared;
  for (const ChannelGroup& group : groups.all()) {
    for (const ChannelMember& member : group.members) ++shared[{member.parameter, member.axis}];
  }
  std::vector<std::vector<int64_t>> kept;
  std::map<std::pair<nn::Parameter*, int>, int64_t> lost;
  for (const ChannelGroup& group : groups.all()) {
    const int64_t left = channels_at(group, shapes, shared).value_or(group.channels);
    if (left < 1 || left > group.channels || (left < group.channels && !group.pinned.empty()))
      throw misfit;
    kept.push_back(all_indices(left));
    for (const ChannelMember& member : group.members) {
      for (int64_t c = left; c < group.channels; ++c) {
        lost[{member.parameter, member.axis}] +=
            static_cast<int64_t>(member.indices[static_cast<size_t>(c)].size());
      }
    }
  }
  for (const nn::NamedParameter& named : parameters) {
    const auto wanted = shapes.find(named.path());
    if (wanted == shapes.end()) continue;
    const Shape& shape = named.parameter->shape();
    if (wanted->second.axes() != shape.axes()) throw misfit;
    for (int axis = 0; axis < shape.axes(); ++axis) {
      if (shape[axis] - lost[{named.parameter, axis}] != wanted->second[axis]) throw misfit;
    }
  }
  ChannelCut::keep(model, groups.all(), kept);
  return true;
}

}  // namespace espalier::compress
