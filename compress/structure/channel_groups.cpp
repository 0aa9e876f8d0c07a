#include "espalier/compress/structure/channel_groups.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>

#include "espalier/compress/structure/channel_rules.h"

namespace espalier::compress {
namespace {

using Part = ChannelMember::Part;
constexpr std::string_view pass = "channel groups";

/// The channels of all values, of which operations make sets.
class ChannelSets {
 public:
  explicit ChannelSets(const Graph& graph) {
    int64_t count = 0;
    for (const NetworkValue& value : graph.values()) {
      starts_.push_back(count);
      count += channels_of(value.shape);
    }
    parents_.resize(static_cast<size_t>(count));
    std::iota(parents_.begin(), parents_.end(), int64_t{0});
    pinned_.resize(parents_.size());
  }

  int64_t set_of(int value, int64_t channel) {
    int64_t at = starts_[static_cast<size_t>(value)] + channel;
    while (parent(at) != at) at = parent(at) = parent(parent(at));
    return at;
  }
  void join(int64_t a, int64_t b) {
    if (a == b) return;
    parent(std::max(a, b)) = std::min(a, b);
    std::string& why = pinned_[static_cast<size_t>(std::min(a, b))];
    if (why.empty()) why = pinned_[static_cast<size_t>(std::max(a, b))];
  }
  void pin(int value, int64_t channels, const std::string& why) {
    for (int64_t c = 0; c < channels; ++c) {
      std::string& present = pinned_[static_cast<size_t>(set_of(value, c))];
      if (present.empty()) present = why;
    }
  }
  const std::string& pinned(int64_t set) const { return pinned_[static_cast<size_t>(set)]; }

 private:
  int64_t& parent(int64_t at) { return parents_[static_cast<size_t>(at)]; }
  std::vector<int64_t> starts_;      // by value: number of its first channel
  std::vector<int64_t> parents_;     // a forest of sets
  std::vector<std::string> pinned_;  // by set: why; empty if not
};

void join_channels(const Graph& graph, ChannelSets& sets) {
  for (const NetworkOperation& operation : graph.operations()) {
    const ChannelFlow flow = channel_flow(pass, graph, operation);
    const int64_t in = channels_of(operation.inputs[0].shape);
    const int64_t out = channels_of(graph.value(operation.output).shape);
    if (flow == ChannelFlow::fresh) continue;
    if (flow == ChannelFlow::by_group) {
      const auto groups = static_cast<int64_t>(operation.attribute("groups"));
      for (int64_t c = 0; c < in; ++c) {
        const int64_t first_filter = c / (in / groups) * (out / groups);
        sets.join(sets.set_of(operation.input(), c), sets.set_of(operation.output, first_filter));
      }
      for (int64_t c = 0; c < out; ++c) {
        const int64_t first_filter = c / (out / groups) * (out / groups);
        sets.join(sets.set_of(operation.output, c), sets.set_of(operation.output, first_filter));
      }
      continue;
    }
    if (flow == ChannelFlow::mixed) {
      sets.pin(operation.input(), in, operation.describe() + " mixes its channels");
      sets.pin(operation.output, out, operation.describe() + " mixes its channels");
      continue;
    }
    for_each_channel(graph, operation, flow, [&](int input, int64_t from, int64_t to) {
      sets.join(sets.set_of(operation.inputs[static_cast<size_t>(input)].value, from),
                sets.set_of(operation.output, to));
    });
    if (flow == ChannelFlow::never_zero)
      sets.pin(operation.input(), in, "zero does not stay zero in " + operation.describe());
  }
  sets.pin(0, channels_of(graph.value(0).shape), "its channels are the network's input");
  sets.pin(graph.result(), channels_of(graph.value(graph.result()).shape),
           "its channels are the network's result");
}

/// Collects what belongs to each set of channels, and makes groups of sets alike.
class Collector {
 public:
  Collector(const Graph& graph, ChannelSets& sets) : graph_(graph), sets_(sets) {
    for (const NetworkOperation& operation : graph.operations()) visit(operation);
  }

  std::vector<ChannelGroup> groups() {
    std::map<std::pair<std::vector<int>, std::string>, size_t> places;
    std::vector<ChannelGroup> groups;
    for (auto& [set, parts] : sets_of_parts_) {
      std::vector<int> members;
      for (const auto& [member, indices] : parts.indices) members.push_back(member);
      const auto [place, is_first] =
          places.try_emplace({members, sets_.pinned(set)}, groups.size());
      if (is_first) {
        groups.push_back({.pinned = sets_.pinned(set)});
        for (const int member : members)
          groups.back().members.push_back(members_[static_cast<size_t>(member)]);
      }
      ChannelGroup& group = groups[place->second];
      ++group.channels;
      size_t at = 0;
      for (auto& [member, indices] : parts.indices)
        group.members[at++].indices.push_back(std::move(indices));
      group.reads.push_back(std::move(parts.reads));
    }
    return groups;
  }

 private:
  struct Parts {
    std::map<int, std::vector<int64_t>> indices;  // by member
    std::vector<std::pair<int, int64_t>> reads;
  };

  void visit(const NetworkOperation& operation) {
    const bool is_linear = operation.kind == "linear";
    if (operation.kind == "batch_norm") {
      for (nn::Parameter* parameter : {&operation.weight(), &operation.parameter("bias", 2)})
        add(operation, member(operation, Part::norm, parameter, nullptr, 0));
      for (const char* name : {"running_mean", "running_var"})
        add(operation, member(operation, Part::norm, nullptr, &operation.buffer(name), 0));
    } else if (is_linear || operation.kind == "conv2d") {
      nn::Parameter& weight = operation.weight();
      add(operation, member(operation, Part::filters, &weight, nullptr, 0));
      if (nn::Parameter* bias = operation.bias())
        add(operation, member(operation, Part::bias, bias, nullptr, 0));
      // Groups lose their inputs with their filters: that axis stays as it is.
      if (!is_linear && operation.attribute("groups") > 1) return;
      const int inputs =
          member(operation, Part::inputs, &weight, nullptr, weight.shape().axes() - 1);
      for (int64_t c = 0; c < channels_of(operation.inputs[0].shape); ++c) {
        Parts& parts = sets_of_parts_[sets_.set_of(operation.input(), c)];
        add(parts.indices[inputs], c);
        parts.reads.emplace_back(operation.input(), c);
      }
    }
  }

  /// A layer that is called twice has its parameters once.
  int member(const NetworkOperation& operation, Part part, nn::Parameter* parameter,
             nn::NamedBuffer* buffer, int axis) {
    const auto [place, is_new] =
        numbers_.try_emplace({parameter, buffer, axis}, static_cast<int>(members_.size()));
    if (is_new)
      members_.push_back({part, operation.layer, operation.module, parameter, buffer, axis, {}});
    return place->second;
  }

  /// The channels of the operation's result.
  void add(const NetworkOperation& operation, int member) {
    for (int64_t c = 0; c < channels_of(graph_.value(operation.output).shape); ++c)
      add(sets_of_parts_[sets_.set_of(operation.output, c)].indices[member], c);
  }
  static void add(std::vector<int64_t>& indices, int64_t index) {
    if (std::find(indices.begin(), indices.end(), index) == indices.end()) indices.push_back(index);
  }

  const Graph& graph_;
  ChannelSets& sets_;
  std::vector<ChannelMember> members_;  // without indices
  std::map<std::tuple<nn::Parameter*, nn::NamedBuffer*, int>, int> numbers_;
  std::map<int64_t, Parts> sets_of_parts_;
};

/// A layer that is called twice ties the channels of both calls, index by index.
void join_shared_layers(const Graph& graph, ChannelSets& sets) {
  std::map<const nn::ModuleRecord*, const NetworkOperation*> seen;
  for (const NetworkOperation& operation : graph.operations()) {
    if (operation.inputs.size() < 2 || operation.inputs[1].value >= 0 ||
        (operation.kind != "conv2d" && operation.kind != "linear" &&
         operation.kind != "batch_norm"))
      continue;
    const auto [first, is_first] = seen.try_emplace(operation.module.get(), &operation);
    if (is_first || first->second->kind != operation.kind) continue;
    for (int64_t c = 0; c < channels_of(operation.inputs[0].shape); ++c)
      sets.join(sets.set_of(first->second->input(), c), sets.set_of(operation.input(), c));
    for (int64_t c = 0; c < channels_of(graph.value(operation.output).shape); ++c)
      sets.join(sets.set_of(first->second->output, c), sets.set_of(operation.output, c));
  }
}

}  // namespace

std::string ChannelMember::name() const {
  const std::string& own = parameter ? parameter->name() : buffer->name;
  return layer.empty() ? own : layer + "." + own;
}

int64_t ChannelMember::extent() const {
  return parameter ? parameter->shape()[axis] : buffer->value.shape()[axis];
}

std::vector<std::string> ChannelGroup::producers() const {
  std::vector<std::string> layers;
  for (const ChannelMember& member : members) {
    if (member.part == Part::filters) layers.push_back(member.layer);
  }
  return layers;
}

std::string ChannelGroup::describe() const {
  const std::vector<std::string> layers = producers();
  if (layers.empty()) return "the network's input";
  const size_t more = layers.size() - 1;
  if (more == 0) return layers.front();
  return layers.front() + " and " + std::to_string(more) + " more layer" + (more > 1 ? "s" : "");
}

ChannelGroups::ChannelGroups(const Graph& graph) {
  ChannelSets sets(graph);
  join_channels(graph, sets);
  join_shared_layers(graph, sets);
  groups_ = Collector(graph, sets).groups();
}

namespace {

/// Which entries of a parameter are zero.
std::vector<bool> zeros_of(const nn::Parameter& parameter, bool by_masks) {
  const Tensor value = by_masks ? parameter.kept_by_masks() : parameter.effective_value();
  std::vector<bool> zeros(static_cast<size_t>(value.size()));
  for (size_t i = 0; i < zeros.size(); ++i) zeros[i] = value[static_cast<int64_t>(i)] == 0;
  return zeros;
}

/// Of a conv2d or linear: a result is zero if its bias is and every product is.
std::vector<bool> zero_results(const NetworkOperation& operation, const std::vector<bool>& input,
                               bool by_masks) {
  const nn::Parameter& weight = operation.weight();
  const std::vector<bool> weights = zeros_of(weight, by_masks);
  std::vector<bool> bias;
  if (operation.bias()) bias = zeros_of(*operation.bias(), by_masks);
  const size_t filters = static_cast<size_t>(weight.shape()[0]);
  const size_t elements = weights.size() / filters;
  const size_t inputs = static_cast<size_t>(channels_of(weight.shape()));  // of a group
  const size_t filters_per_group = filters / (input.size() / inputs);
  std::vector<bool> zero(filters);
  for (size_t o = 0; o < filters; ++o) {
    const size_t first_input = o / filters_per_group * inputs;
    bool all = bias.empty() || bias[o];
    for (size_t i = 0; all && i < elements; ++i)
      all = weights[o * elements + i] || input[first_input + i % inputs];
    zero[o] = all;
  }
  return zero;
}

}  // namespace

std::vector<std::vector<bool>> zero_channels(const Graph& graph, bool by_masks) {
  std::vector<std::vector<bool>> zero;
  for (const NetworkValue& value : graph.values())
    zero.emplace_back(static_cast<size_t>(channels_of(value.shape)));
  for (const NetworkOperation& operation : graph.operations()) {
    const ChannelFlow flow = channel_flow("zero channels", graph, operation);
    const auto input = [&](int i) -> const std::vector<bool>& {
      return zero[static_cast<size_t>(operation.inputs[static_cast<size_t>(i)].value)];
    };
    std::vector<bool>& output = zero[static_cast<size_t>(operation.output)];
    if (flow == ChannelFlow::fresh || flow == ChannelFlow::by_group) {
      output = zero_results(operation, input(0), by_masks);
      continue;
    }
    if (flow == ChannelFlow::never_zero || flow == ChannelFlow::mixed) continue;
    if (operation.kind == "batch_norm") {
      const std::vector<bool> scale = zeros_of(operation.weight(), by_masks);
      const std::vector<bool> shift = zeros_of(operation.parameter("bias", 2), by_masks);
      for (size_t c = 0; c < output.size(); ++c)
        output[c] = scale[c] && shift[c] && (flow != ChannelFlow::joined || input(3)[c]);
      continue;
    }
    if (operation.kind == "multiply") {
      for (size_t c = 0; c < output.size(); ++c) output[c] = input(0)[c] || input(1)[c];
      continue;
    }
    output.assign(output.size(), true);
    for_each_channel(graph, operation, flow, [&](int i, int64_t from, int64_t to) {
      if (!input(i)[static_cast<size_t>(from)]) output[static_cast<size_t>(to)] = false;
    });
  }
  return zero;
}

}  // namespace espalier::compress
