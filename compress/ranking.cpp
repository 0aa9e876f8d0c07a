#include "espalier/compress/ranking.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <optional>
#include <tuple>
#include <utility>

#include "espalier/autograd/core/error.h"
#include "espalier/compress/config/nearest.h"

namespace espalier::compress {
namespace {

constexpr std::string_view granularity_help =
    "what is masked together: element, row, filter, channel, {block: [outputs, inputs]}, or N:M "
    "such as 2:4";
constexpr std::string_view scope_help =
    "whether each layer gets the sparsity or all layers of the rule together, ranked by "
    "|w|·fan_in^¼";

/// The groups that have a name.
const std::vector<std::string>& group_names() {
  static const std::vector<std::string> names{"element", "row", "filter", "channel"};
  return names;
}

/// N and M of "N:M".
std::optional<std::pair<int64_t, int64_t>> pattern_of(const std::string& text) {
  std::pair<int64_t, int64_t> pattern;
  const char* end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, pattern.first);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != ':') return {};
  const auto second = std::from_chars(first.ptr + 1, end, pattern.second);
  if (second.ec != std::errc() || second.ptr != end) return {};
  return pattern;
}

/// `{block: [a, b]}` or `[block, a, b]`: a and b.
std::optional<std::pair<int64_t, int64_t>> block_of(const Value& given) {
  const Value* sizes = given.find("block");
  size_t first = 0;
  if (given.is_map() && given.as_map().size() != 1) return {};
  if (given.is_list() && !given.as_list().empty() && given.as_list()[0] == Value("block")) {
    sizes = &given;
    first = 1;
  }
  if (sizes == nullptr || !sizes->is_list() || sizes->as_list().size() != first + 2) return {};
  const Value &outputs = sizes->as_list()[first], &inputs = sizes->as_list()[first + 1];
  if (!outputs.is_integer() || !inputs.is_integer()) return {};
  return std::pair(outputs.as_integer(), inputs.as_integer());
}

/// Floats of one sign compare like their bits.
uint32_t magnitude(float weight) {
  return std::bit_cast<uint32_t>(weight) & 0x7FFFFFFF;
}

/// Magnitude above, position below: one integer orders weights by magnitude and then by position.
uint64_t order_of(uint32_t magnitude, int64_t position) {
  return uint64_t{magnitude} << 32 | static_cast<uint64_t>(position);
}

/// The order of the `count`-th smallest weight, `count` at least 1. `visit(f)` calls f(magnitude,
/// position) for all weights.
template <class Visit>
uint64_t order_of_last(int64_t count, const Visit& visit) {
  // One pass counts the leading bits of the magnitudes, which tells between which two the last one
  // to mask lies; only those near it need to be put in order.
  std::array<int64_t, 4096> counts{};
  constexpr int below_leading = 31 - 12;
  visit([&](uint32_t magnitude, int64_t) { ++counts[magnitude >> below_leading]; });
  size_t leading = 0;
  int64_t smaller = 0;  // weights whose leading bits are less
  while (smaller + counts[leading] < count) smaller += counts[leading++];
  std::vector<uint64_t> near;
  near.reserve(static_cast<size_t>(counts[leading]));
  visit([&](uint32_t magnitude, int64_t position) {
    if (magnitude >> below_leading == leading) near.push_back(order_of(magnitude, position));
  });
  const auto last = near.begin() + (count - smaller - 1);
  std::nth_element(near.begin(), last, near.end());
  return *last;
}

/// fan_in^¼.
double layer_factor(const Shape& shape) {
  return std::sqrt(std::sqrt(static_cast<double>(shape.elements() / shape[0])));
}

/// Which group each entry of a weight belongs to.
class Groups {
 public:
  Groups(const Shape& shape, const Ranking& ranking) : ranking_(ranking) {
    const int axes = shape.axes();
    outputs_ = shape[0];
    inputs_ = axes > 1 ? shape[axes - 1] : 1;
    if (axes > 2) width_ = shape[axes - 2];
    places_ = shape.elements() / (outputs_ * inputs_);
    const bool matrix = axes <= 2;
    if (ranking.group == Ranking::Group::filter || (ranking.group == Ranking::Group::row && matrix))
      inputs_together_ = inputs_;
    if (ranking.group == Ranking::Group::block) inputs_together_ = ranking.inputs;
    along_ = (inputs_ - 1) / inputs_together_ + 1;
    count_ = first_of(outputs_ - 1, places_ - 1) + along_;
  }

  int64_t count() const { return count_; }

  /// f(group, position), by position.
  template <class F>
  void each(const F& f) const {
    int64_t position = 0;
    for (int64_t o = 0; o < outputs_; ++o) {
      for (int64_t place = 0; place < places_; ++place) {
        int64_t group = first_of(o, place);
        for (int64_t i = 0; i < inputs_; ++group) {
          const int64_t end = std::min(inputs_, i + inputs_together_);
          for (; i < end; ++i) f(group, position++);
        }
      }
    }
  }

 private:
  /// The group of input 0 of an output at a place of the kernel; they are numbered in the order of
  /// their first entries.
  int64_t first_of(int64_t output, int64_t place) const {
    switch (ranking_.group) {
      case Ranking::Group::row:
        return (output * (places_ / width_) + place / width_) * along_;
      case Ranking::Group::filter:
        return output;
      case Ranking::Group::channel:
        return 0;
      case Ranking::Group::block:
        return (output / ranking_.outputs * places_ + place) * along_;
      default:
        return (output * places_ + place) * along_;
    }
  }

  const Ranking& ranking_;
  int64_t outputs_, inputs_, places_;
  int64_t width_ = 1;            // places in a row of the kernel
  int64_t inputs_together_ = 1;  // of one group
  int64_t along_, count_;        // groups along the inputs, groups in all
};

/// Mean magnitude and number of weights of each group.
struct Score {
  double mean = 0;
  int64_t size = 0;
};

std::vector<Score> scores_of(const Tensor& weight, const Groups& groups) {
  std::vector<Score> scores(static_cast<size_t>(groups.count()));
  const float* values = weight.data();
  groups.each([&](int64_t group, int64_t position) {
    Score& score = scores[static_cast<size_t>(group)];
    score.mean += std::abs(double{values[position]});
    ++score.size;
  });
  for (Score& score : scores) score.mean /= static_cast<double>(score.size);
  return scores;
}

/// 1 where keep(group).
template <class Keep>
Tensor group_mask(const Shape& shape, const Groups& groups, const Keep& keep) {
  NewTensor mask(shape);
  float* bits = mask.data();
  groups.each([&](int64_t group, int64_t position) { bits[position] = keep(group) ? 1.0f : 0.0f; });
  return mask;
}

/// 0 for the `count` smallest of all these weights, each multiplied by its layer's factor.
std::vector<Tensor> mask_elements(const std::vector<Tensor>& weights,
                                  const std::vector<float>& factors, int64_t count) {
  const auto visit = [&](const auto& each) {
    int64_t before = 0;
    for (size_t layer = 0; layer < weights.size(); ++layer) {
      const float* values = weights[layer].data();
      const float factor = factors[layer];
      const int64_t size = weights[layer].size();
      for (int64_t i = 0; i < size; ++i) each(magnitude(values[i] * factor), before + i);
      before += size;
    }
  };
  const uint64_t last = count == 0 ? 0 : order_of_last(count, visit);
  const uint32_t limit = static_cast<uint32_t>(last >> 32);
  std::vector<Tensor> masks;
  int64_t before = 0;
  for (size_t layer = 0; layer < weights.size(); ++layer) {
    const float* values = weights[layer].data();
    const float factor = factors[layer];
    const int64_t size = weights[layer].size();
    // Up to the last one's position its equals are masked too: two loops without a condition.
    const int64_t through = count == 0 ? -1 : static_cast<int64_t>(last & 0xFFFFFFFF);
    const int64_t split = std::clamp(through + 1 - before, int64_t{0}, size);
    NewTensor mask(weights[layer].shape());
    float* bits = mask.data();
    for (int64_t i = 0; i < split; ++i)
      bits[i] = magnitude(values[i] * factor) <= limit ? 0.0f : 1.0f;
    for (int64_t i = split; i < size; ++i)
      bits[i] = magnitude(values[i] * factor) < limit ? 0.0f : 1.0f;
    before += size;
    masks.push_back(std::move(mask));
  }
  return masks;
}

/// The same for groups: as many of the smallest as come nearest to `wanted` weights.
std::vector<Tensor> mask_groups(const std::vector<Tensor>& weights, double wanted,
                                const Ranking& ranking) {
  std::vector<Groups> groups;
  std::vector<uint64_t> orders;  // of all groups; their positions are their numbers
  std::vector<int64_t> sizes, first, left;
  for (const Tensor& weight : weights) {
    groups.emplace_back(weight.shape(), ranking);
    first.push_back(static_cast<int64_t>(orders.size()));
    left.push_back(groups.back().count());
    const double factor = layer_factor(weight.shape());
    for (const Score& score : scores_of(weight, groups.back())) {
      const uint32_t rank = magnitude(static_cast<float>(score.mean * factor));
      orders.push_back(order_of(rank, static_cast<int64_t>(orders.size())));
      sizes.push_back(score.size);
    }
  }
  std::sort(orders.begin(), orders.end());
  std::vector<bool> masked(orders.size());
  int64_t count = 0;  // of masked weights
  for (const uint64_t order : orders) {
    const int64_t number = static_cast<int64_t>(order & 0xFFFFFFFF);
    const auto layer = std::upper_bound(first.begin(), first.end(), number) - first.begin() - 1;
    if (left[static_cast<size_t>(layer)] == 1) continue;
    const int64_t size = sizes[static_cast<size_t>(number)];
    // With half of it in reach, the count is nearer with this group than without.
    if (static_cast<double>(count) + static_cast<double>(size) / 2 > wanted) break;
    count += size;
    --left[static_cast<size_t>(layer)];
    masked[static_cast<size_t>(number)] = true;
  }
  std::vector<Tensor> masks;
  for (size_t layer = 0; layer < weights.size(); ++layer) {
    masks.push_back(group_mask(weights[layer].shape(), groups[layer], [&](int64_t group) {
      return !masked[static_cast<size_t>(first[layer] + group)];
    }));
  }
  return masks;
}

}  // namespace

Ranking Ranking::read(MapReader& options) {
  Ranking ranking;
  const Value* given = options.find(
      "granularity", {.allowed = "element, row, filter, channel, {block: [a, b]} or N:M",
                      .help = granularity_help});
  if (given == nullptr) {
    options.text("granularity", "element", granularity_help);
  } else if (const auto block = block_of(*given)) {
    ranking.group = Group::block;
    std::tie(ranking.outputs, ranking.inputs) = *block;
    if (ranking.outputs < 1 || ranking.inputs < 1)
      options.fail("granularity", "must have blocks of at least 1 output and 1 input");
  } else if (const auto pattern = given->is_text() ? pattern_of(given->as_text()) : std::nullopt) {
    ranking.group = Group::pattern;
    std::tie(ranking.kept, ranking.of) = *pattern;
    if (ranking.kept < 1 || ranking.kept >= ranking.of) {
      options.fail("granularity", "must be N:M with 1 ≤ N < M: of each M the N largest stay, not " +
                                      given->describe());
    }
  } else {
    const auto& names = group_names();
    const auto name = std::find_if(names.begin(), names.end(),
                                   [&](const std::string& each) { return *given == Value(each); });
    if (name == names.end()) {
      options.fail("granularity",
                   "must be one of element, row, filter, channel, {block: [outputs, inputs]} or "
                   "N:M such as '2:4', not " +
                       given->describe() +
                       (given->is_text() ? did_you_mean(given->as_text(), names) : ""));
    }
    ranking.group = static_cast<Group>(name - names.begin());
  }
  ranking.global = options.choice("scope", {"layer", "global"}, "layer", scope_help) == "global";
  if (ranking.global && ranking.is_pattern()) {
    options.fail("scope",
                 fmt::format("cannot be global beside granularity '{}:{}', which fixes the "
                             "sparsity of every layer",
                             ranking.kept, ranking.of));
  }
  return ranking;
}

double Ranking::read_sparsity(MapReader& options, std::string_view key,
                              std::string_view help) const {
  if (!is_pattern()) return options.number(key, {.min = 0, .below = 1, .help = help});
  refuse_beside_pattern(options, {key});
  return 1 - static_cast<double>(kept) / static_cast<double>(of);
}

void Ranking::refuse_beside_pattern(MapReader& options,
                                    std::initializer_list<std::string_view> keys) const {
  if (!is_pattern()) return;
  for (const std::string_view key : keys) {
    if (!options.has(key)) continue;
    options.fail(key, fmt::format("cannot stand beside granularity '{}:{}', which fixes the "
                                  "sparsity; leave one of them out",
                                  kept, of));
  }
}

std::string Ranking::describe() const {
  std::string text;
  if (group == Group::block) text = fmt::format("in blocks of {}×{}", outputs, inputs);
  if (group == Group::pattern) text = fmt::format("{} of each {} stay", kept, of);
  const size_t name = static_cast<size_t>(group);
  if (name > 0 && name < group_names().size()) text = "by " + group_names()[name];
  if (global) text += std::string(text.empty() ? "" : ", ") + "ranked together by |w|·fan_in^¼";
  return text;
}

std::string Ranking::why_nothing_can_go(const Shape& weight) const {
  if (is_pattern()) {
    const int64_t columns = weight.axes() > 1 ? weight[weight.axes() - 1] : 1;
    if (columns > kept) return {};
    return fmt::format("it has {} {} for each output, and {} of each {} stay", columns,
                       columns == 1 ? "input" : "inputs", kept, of);
  }
  if (group == Group::element || Groups(weight, *this).count() > 1) return {};
  return "it is one " +
         (group == Group::block ? "block" : group_names()[static_cast<size_t>(group)]);
}

int64_t masked_count(double sparsity, int64_t n) {
  return static_cast<int64_t>(std::llround(sparsity * static_cast<double>(n)));
}

Tensor mask_smallest(const Tensor& weight, int64_t count) {
  if (count < 0 || count > weight.size()) {
    throw Error("mask", "cannot mask " + std::to_string(count) + " of " +
                            std::to_string(weight.size()) + " weights");
  }
  return mask_elements({weight}, {1.0f}, count)[0];
}

std::vector<Tensor> mask_smallest(const std::vector<Tensor>& weights, double sparsity,
                                  const Ranking& ranking) {
  std::vector<Tensor> masks;
  std::vector<float> factors;
  int64_t total = 0;
  for (const Tensor& weight : weights) {
    if (ranking.is_pattern()) masks.push_back(mask_pattern(weight, ranking.kept, ranking.of));
    factors.push_back(static_cast<float>(layer_factor(weight.shape())));
    total += weight.size();
  }
  if (ranking.is_pattern()) return masks;
  if (ranking.group != Ranking::Group::element)
    return mask_groups(weights, sparsity * static_cast<double>(total), ranking);
  if (weights.size() == 1) factors = {1.0f};  // nothing to compare with, so nothing is rounded
  return mask_elements(weights, factors, masked_count(sparsity, total));
}

Tensor mask_up_to(const Tensor& weight, double threshold, const Ranking& ranking) {
  if (ranking.group == Ranking::Group::element) {
    return Tensor::generate(weight.shape(), [&](int64_t i) {
      return std::abs(double{weight[i]}) > threshold ? 1.0f : 0.0f;
    });
  }
  const Groups groups(weight.shape(), ranking);
  const std::vector<Score> scores = scores_of(weight, groups);
  const auto best = std::max_element(
      scores.begin(), scores.end(), [](const Score& a, const Score& b) { return a.mean < b.mean; });
  return group_mask(weight.shape(), groups, [&](int64_t group) {
    const Score& score = scores[static_cast<size_t>(group)];
    return score.mean > threshold || &score == &*best;
  });
}

Tensor mask_pattern(const Tensor& weight, int64_t kept, int64_t of) {
  NewTensor mask(weight.shape());
  mask.fill(1.0f);
  const Shape& shape = weight.shape();
  const int64_t inputs = shape.axes() > 1 ? shape[shape.axes() - 1] : 1;
  std::vector<uint64_t> orders;
  for (int64_t first = 0; first < weight.size(); first += inputs) {
    for (int64_t begin = first; begin < first + inputs; begin += of) {
      const int64_t end = std::min(begin + of, first + inputs);
      orders.clear();
      for (int64_t i = begin; i < end; ++i) orders.push_back(order_of(magnitude(weight[i]), i));
      std::sort(orders.begin(), orders.end());
      for (int64_t i = 0; i + kept < end - begin; ++i)
        mask[static_cast<int64_t>(orders[static_cast<size_t>(i)] & 0xFFFFFFFF)] = 0.0f;
    }
  }
  return mask;
}

}  // namespace espalier::compress
