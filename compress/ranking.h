#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "espalier/autograd/tensor.h"
#include "espalier/compress/config/map_reader.h"

namespace espalier::compress {

/// How a pruner ranks weights by magnitude: which of them are masked together, and among whom they
/// are ranked. Two options of a rule say it.
///
/// `granularity`, for a weight O×kH×kW×I (Conv2d) or O×I (Linear):
///
/// | value                  | masked together                                                     |
/// |------------------------|---------------------------------------------------------------------|
/// | `element`              | each weight alone                                                   |
/// | `row`                  | the kW weights of one row of a kernel; of a matrix, one output's I  |
/// | `filter`               | all weights of one output                                           |
/// | `channel`              | all weights of one input (of grouped convolutions: in every group)  |
/// | `{block: [a, b]}`      | a outputs × b inputs at one place of the kernel; the last are less  |
/// | `N:M`, as in `2:4`     | of each M consecutive inputs the N largest stay                     |
///
/// A group's score is its mean magnitude, (1/size)·Σ|w|. The smallest are masked first, of equal
/// ones the first in memory. As many are masked as bring the masked weights nearest to the
/// sparsity; one group of each layer stays, so that no layer dies of a coarse granularity. N:M has
/// no sparsity beside it, it is 1 − N/M; of a shorter group at the end N stay as well.
///
/// `scope`: `layer`, each layer is masked to the sparsity, or `global`, all layers of the rule
/// together are. Scores are then multiplied by fan_in^¼, fan_in = kH·kW·I, because large layers
/// start with small weights (their deviation goes with fan_in^-½, of which this takes back half).
struct Ranking {
  enum class Group { element, row, filter, channel, block, pattern };

  Group group = Group::element;
  int64_t outputs = 1, inputs = 1;  ///< of a block
  int64_t kept = 1, of = 1;         ///< of a pattern: N and M
  bool global = false;

  /// Reads `granularity` and `scope`.
  static Ranking read(MapReader& options);
  bool is_pattern() const { return group == Group::pattern; }
  /// Reads the fraction to mask, a number in [0, 1). A pattern gives it itself.
  /// \throws ConfigError when it is given beside a pattern
  double read_sparsity(MapReader& options, std::string_view key, std::string_view help) const;
  /// \throws ConfigError when any of the keys is given and this is a pattern
  void refuse_beside_pattern(MapReader& options,
                             std::initializer_list<std::string_view> keys) const;
  /// What differs from single weights ranked by layer, for a listing: "by filter, ranked together
  /// by |w|·fan_in^¼". Empty if nothing does.
  std::string describe() const;
  /// Why nothing of a weight of this shape can be masked; empty: something can. A depthwise
  /// convolution has one input for each output: no 2:4 and no channel of it is more than all.
  std::string why_nothing_can_go(const Shape& weight) const;
};

/// round(sparsity·n), the number of weights to mask out of n.
int64_t masked_count(double sparsity, int64_t n);

/// 1 for all but the `count` entries of smallest magnitude; of equal magnitudes the one that comes
/// first in memory is masked first.
Tensor mask_smallest(const Tensor& weight, int64_t count);

/// The same for the groups of these layers, which together are to have the sparsity: one mask for
/// each. One layer alone has it for itself. A pattern is put on whatever the sparsity.
std::vector<Tensor> mask_smallest(const std::vector<Tensor>& weights, double sparsity,
                                  const Ranking& ranking);

/// 1 where the group's score is above the threshold. Not for patterns.
Tensor mask_up_to(const Tensor& weight, double threshold, const Ranking& ranking);

/// 1 for the `kept` largest of each `of` consecutive entries along the last axis.
Tensor mask_pattern(const Tensor& weight, int64_t kept, int64_t of);

}  // namespace espalier::compress
