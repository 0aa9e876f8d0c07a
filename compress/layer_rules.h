#pragma once

#include <string>
#include <vector>

#include "espalier/compress/config/map_reader.h"
#include "espalier/compress/config/name_pattern.h"
#include "espalier/compress/config/rules.h"
#include "espalier/compress/layer_info.h"
#include "espalier/nn/module.h"

namespace espalier::compress {

/// Which layers a rule is for, and whether it takes them out.
///
/// `support_type` (or `support_layer`): `default`, which is all Conv2d and Linear, or type names;
/// `support_op`: layer names or patterns of them (see `NamePattern`); a layer that matches either
/// is meant. In the newer spelling `op_types` and `op_names` a layer must match both. A rule
/// without any of them is for the default types. Each is a list or a single word. `prune: false` or
/// `exclude: true` takes the layers out.
class LayerSelector {
 public:
  /// Asks `rule` for the keys above.
  /// \throws ConfigError when spellings are mixed, keys contradict each other, or a regular
  /// expression is wrong
  explicit LayerSelector(MapReader& rule);

  bool excludes() const { return excludes_; }
  bool matches(const std::string& layer, const std::string& type) const;
  /// Whether the rule means this layer by its name, and not only by its type.
  bool names(const std::string& layer) const;
  /// \throws ConfigError for a name, pattern or type that no layer of the model has, with the
  /// nearest one
  void require_present(const std::vector<LayerInfo>& layers, const MapReader& rule) const;

 private:
  struct Types {
    std::string key = {};  ///< as the user spelt it; empty if not given
    std::vector<std::string> words = {};
  };
  struct Names {
    std::string key = {};
    std::vector<NamePattern> patterns = {};
  };
  void require_types(const std::vector<LayerInfo>& layers, const MapReader& rule) const;
  void require_names(const std::vector<LayerInfo>& layers, const MapReader& rule) const;

  Types types_;
  Names names_;
  bool both_ = false;
  bool excludes_ = false;
};

/// Every layer of the model that has a weight to compress.
std::vector<LayerInfo> compressible_layers(const nn::Module& model);

}  // namespace espalier::compress
