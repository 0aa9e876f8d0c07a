#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "espalier/compress/config/map_reader.h"
#include "espalier/experiment/layers/layer_kinds.h"

namespace espalier::experiment {

/// Largest value of an option that counts something; products of four still fit a double well.
constexpr int64_t largest_size = 1'000'000;

/// Where a layer, or a list of layers, stands.
struct LayerPlace {
  const LayerKinds& kinds;
  std::string path;  ///< `block2.conv1`; empty for the network itself
  int depth = 0;     ///< how many layers it stands in
};

/// Reads the options of one layer, knowing the shape of the sample that comes in. What is asked for
/// is also written down, defaults included, so that `written()` makes the same layer again.
///
///     LayerPlan read_linear(LayerReader& reader) {
///       nn::Linear::Options options;
///       options.in = reader.in(reader.row("takes a row of values"));
///       options.out = reader.size("out");
///       return {{options.out}, [options] { return std::make_unique<nn::Linear>(options); }};
///     }
///
/// All errors are ConfigErrors that name the layer, its position and the nearest valid word.
class LayerReader {
 public:
  /// \param type      the layer's type, for messages
  /// \param position  where the type stands
  LayerReader(std::string type, LayerPlace place, const Shape& input, compress::Value options,
              compress::Position position);

  const Shape& input() const { return input_; }
  /// The input, which must be a picture `H×W×C`.
  const Shape& picture() const;
  /// The size of the input, which must be a row of values.
  int64_t row() const;
  /// The last extent of the input: the channels of a picture, or the values of a row.
  int64_t channels() const { return input_[input_.axes() - 1]; }

  /// The option `in`, which may be left out: `actual`, as it follows from the layer before.
  int64_t in(int64_t actual);
  /// An integer of at least 1.
  int64_t size(std::string_view key, std::optional<int64_t> fallback = {});
  /// `padding`: an integer of at least 0, 0 if not given.
  int64_t padding();
  /// `groups` of a convolution with `in` channels: 1 if not given; `depthwise` is `in`.
  int64_t groups(int64_t in);
  double number(std::string_view key, const compress::NumberOptions& options);
  bool boolean(std::string_view key, bool fallback);
  bool has(std::string_view key) { return options_.has(key); }

  /// How many windows fit into each row and column of the picture, as `H×W`: 1 + ⌊(extent +
  /// 2·padding − span)/stride⌋, where a window spans dilation·(kernel − 1) + 1 pixels.
  struct Window {
    int64_t kernel, stride, padding, dilation = 1;
  };
  Shape windows(const Window& window) const;

  /// The layers listed under `key`, at least one, as children of this layer.
  LayerChain layers(std::string_view key);
  /// The same where no layers are needed: a chain without any is the identity. They are children of
  /// `child`, a child of this layer: `block2.shortcut`.
  LayerChain optional_layers(std::string_view key, const std::string& child);
  /// The lists of layers under `key`, at least one; an empty one is the identity. Each is read as
  /// children of `stem` with its number, a child of this layer: `concat1.branch2`.
  std::vector<LayerChain> branches(std::string_view key, const std::string& stem);

  /// Refuses weights that no memory holds; `count` in floating point, as it may be large.
  void check_weights(double count) const;

  /// A ConfigError about an option, in the style of MapReader.
  [[noreturn]] void fail(std::string_view key, std::string_view complaint) const {
    options_.fail(key, complaint);
  }
  /// A ConfigError about the layer as a whole: `Conv2d 'conv1' <complaint>`.
  [[noreturn]] void fail(std::string_view complaint) const;

  /// Complains about options that nobody asked for.
  void finish() const { options_.finish(); }
  /// All options, with the values that hold.
  const compress::Value& written() const { return written_; }

 private:
  /// Reads a list as children of this layer, or of a child of it.
  LayerChain read_below(const compress::Value& list, std::string_view what,
                        const std::string& child) const;

  LayerPlace place_;
  Shape input_;
  compress::MapReader options_;
  compress::Position position_;
  compress::Value written_;
};

/// Reads a list of layers, each of which gets what the one before makes of `input`. Unnamed layers
/// are called by the stem of their type and their number among those of that stem.
/// \param what  the option it is, for messages: "layers"
/// \throws ConfigError for an unknown type, a name that comes twice, no layer at all, and whatever
///         is wrong with a layer
LayerChain read_layers(const compress::Value& list, std::string_view what, const Shape& input,
                       const LayerPlace& place);

}  // namespace espalier::experiment
