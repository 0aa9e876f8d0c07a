#include "espalier/experiment/mask_history.h"

#include <zlib.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <numeric>
#include <span>
#include <utility>

#include "espalier/autograd/core/error.h"
#include "espalier/compress/layer_rules.h"
#include "espalier/nn/keep_indices.h"

static_assert(std::endian::native == std::endian::little, "bits are stored as they are in memory");

namespace espalier::experiment {
namespace {

using compress::AxisCut;
using Json = nlohmann::ordered_json;

constexpr const char* whose = "mask history";

/// What stands before a record.
struct Lengths {
  uint32_t compressed, plain;
};

size_t words_of(int64_t bits) {
  return static_cast<size_t>((bits + 63) / 64);
}

std::string compressed(const std::string& plain) {
  uLongf size = compressBound(static_cast<uLong>(plain.size()));
  std::string bytes(size, '\0');
  const int code = compress2(reinterpret_cast<Bytef*>(bytes.data()), &size,
                             reinterpret_cast<const Bytef*>(plain.data()),
                             static_cast<uLong>(plain.size()), Z_DEFAULT_COMPRESSION);
  if (code != Z_OK) throw Error(whose, "the masks of an epoch cannot be compressed");
  bytes.resize(size);
  return bytes;
}

std::string decompressed(std::string_view bytes, size_t length) {
  // Nothing that zlib has made stands for more than about a thousand times its length.
  if (length / 1100 > bytes.size()) throw Error(whose, "a record is damaged");
  std::string plain(length, '\0');
  uLongf size = static_cast<uLongf>(length);
  const int code =
      uncompress(reinterpret_cast<Bytef*>(plain.data()), &size,
                 reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uLong>(bytes.size()));
  if (code != Z_OK || size != length) throw Error(whose, "a record is damaged");
  return plain;
}

/// The lengths of the first record, if all of it is there.
std::optional<Lengths> first_record(std::string_view file) {
  Lengths lengths{};
  if (file.size() < sizeof(lengths)) return std::nullopt;
  std::memcpy(&lengths, file.data(), sizeof(lengths));
  if (file.size() - sizeof(lengths) < lengths.compressed) return std::nullopt;
  return lengths;
}

Shape shape_in(const Json& layer) {
  const auto extents = layer.at("shape").get<std::vector<int64_t>>();
  return Shape(std::span<const int64_t>(extents));
}

Json to_json(const std::string& layer, const Shape& shape) {
  return {{"layer", layer}, {"shape", std::vector<int64_t>(shape.begin(), shape.end())}};
}

MaskChanges parse(std::string_view plain) {
  const size_t line = std::min(plain.find('\n'), plain.size());
  const Json header = Json::parse(plain.substr(0, line));
  MaskChanges changes;
  for (const Json& layer : header.at("layers"))
    changes.layers.emplace_back(layer.at("layer").get<std::string>(), shape_in(layer));
  for (const Json& cut : header.at("cuts")) {
    changes.cuts.push_back({cut.at("layer").get<std::string>(), cut.at("axis").get<int>(),
                            cut.at("kept").get<std::vector<int64_t>>()});
  }
  plain.remove_prefix(std::min(line + 1, plain.size()));
  for (const Json& layer : header.at("flipped")) {
    const Shape shape = shape_in(layer);
    std::vector<uint64_t> words(words_of(shape.elements()));
    const size_t bytes = words.size() * sizeof(uint64_t);
    if (plain.size() < bytes) throw Error(whose, "a record is cut short");
    std::copy_n(plain.data(), bytes, reinterpret_cast<char*>(words.data()));
    plain.remove_prefix(bytes);
    changes.flipped.emplace_back(layer.at("layer").get<std::string>(),
                                 Mask::from_words(shape, std::move(words)));
  }
  return changes;
}

/// Where two masks differ; or a mask with these bits turned.
Mask flipped(const Mask& from, const Mask& to) {
  if (from.shape() != to.shape())
    throw Error(whose, "the records of a layer are of different shapes");
  std::vector<uint64_t> words(words_of(to.size()));
  for (size_t i = 0; i < words.size(); ++i) words[i] = from.words()[i] ^ to.words()[i];
  return Mask::from_words(to.shape(), std::move(words));
}

std::vector<std::pair<std::string, Mask>> masks_of(const nn::Module& model) {
  std::vector<std::pair<std::string, Mask>> masks;
  for (const compress::LayerInfo& layer : compress::compressible_layers(model))
    masks.emplace_back(layer.name, Mask::from(layer.parameter->kept_by_masks()));
  return masks;
}

bool any_mask(const nn::Module& model) {
  const auto layers = compress::compressible_layers(model);
  return std::any_of(layers.begin(), layers.end(), [](const compress::LayerInfo& layer) {
    return layer.parameter->transform(nn::WeightTransform::Stage::mask) != nullptr;
  });
}

Mask& find(std::vector<std::pair<std::string, Mask>>& masks, const std::string& layer) {
  const auto found = std::find_if(masks.begin(), masks.end(),
                                  [&](const auto& entry) { return entry.first == layer; });
  if (found == masks.end()) throw Error(whose, "the first record knows no layer '" + layer + "'");
  return found->second;
}

/// What an epoch does to the masks at the end of the epoch before.
void advance(std::vector<std::pair<std::string, Mask>>& masks, const MaskChanges& changes) {
  for (const auto& [layer, shape] : changes.layers) masks.emplace_back(layer, Mask::ones(shape));
  for (const AxisCut& cut : changes.cuts) {
    Mask& mask = find(masks, cut.parameter);
    mask = nn::keep_indices(mask, cut.axis, cut.kept);
  }
  for (const auto& [layer, bits] : changes.flipped) {
    Mask& mask = find(masks, layer);
    mask = flipped(mask, bits);
  }
}

/// A layer on its way through the epochs.
struct Followed {
  WeightHistory history;
  Mask mask;
  std::vector<int64_t> places = {};   // of the weights that are left, among those of the beginning
  std::vector<bool> was_masked = {};  // at the end of any epoch

  Followed(const std::string& layer, const Shape& shape)
      : history{layer, shape, {}, 0, {}}, mask(Mask::ones(shape)) {
    history.died.assign(static_cast<size_t>(shape.elements()), WeightHistory::alive);
    places.resize(history.died.size());
    std::iota(places.begin(), places.end(), int64_t{0});
    was_masked.resize(history.died.size());
  }

  void cut(int epoch, const AxisCut& at) {
    const Shape& shape = mask.shape();
    int64_t inner = 1;
    for (int axis = at.axis + 1; axis < shape.axes(); ++axis) inner *= shape[axis];
    const int64_t extent = shape[at.axis];
    std::vector<bool> stays(static_cast<size_t>(extent));
    for (const int64_t index : at.kept) stays.at(static_cast<size_t>(index)) = true;
    std::vector<int64_t> left;
    for (size_t i = 0; i < places.size(); ++i) {
      if (stays[static_cast<size_t>(static_cast<int64_t>(i) / inner % extent)]) {
        left.push_back(places[i]);
      } else if (uint16_t& died = history.died[static_cast<size_t>(places[i])];
                 died == WeightHistory::alive) {
        died = mark(epoch);
      }
    }
    places = std::move(left);
    mask = nn::keep_indices(mask, at.axis, at.kept);
    history.removals.push_back({epoch, at.axis, extent, static_cast<int64_t>(at.kept.size())});
  }

  void flip(int epoch, const Mask& bits) {
    for (int64_t i = 0; i < bits.size(); ++i) {
      if (!bits[i]) continue;
      const auto place = static_cast<size_t>(places[static_cast<size_t>(i)]);
      if (mask[i]) was_masked[place] = true;
      history.died[place] = mask[i] ? mark(epoch) : WeightHistory::alive;
    }
    mask = flipped(mask, bits);
  }

  static uint16_t mark(int epoch) { return static_cast<uint16_t>(std::min(epoch + 1, 65535)); }
};

}  // namespace

std::string to_record(const MaskChanges& changes) {
  Json layers = Json::array(), cuts = Json::array(), flips = Json::array();
  for (const auto& [layer, shape] : changes.layers) layers.push_back(to_json(layer, shape));
  for (const AxisCut& cut : changes.cuts)
    cuts.push_back({{"layer", cut.parameter}, {"axis", cut.axis}, {"kept", cut.kept}});
  for (const auto& [layer, bits] : changes.flipped) flips.push_back(to_json(layer, bits.shape()));
  std::string plain = Json{{"layers", layers}, {"cuts", cuts}, {"flipped", flips}}.dump() + "\n";
  for (const auto& [layer, bits] : changes.flipped) {
    plain.append(reinterpret_cast<const char*>(bits.words()),
                 words_of(bits.size()) * sizeof(uint64_t));
  }
  const std::string bytes = compressed(plain);
  const Lengths lengths{static_cast<uint32_t>(bytes.size()), static_cast<uint32_t>(plain.size())};
  std::string record(reinterpret_cast<const char*>(&lengths), sizeof(lengths));
  return record + bytes;
}

std::optional<size_t> length_of_records(std::string_view file, int records) {
  size_t length = 0;
  for (int i = 0; i < records; ++i) {
    const std::optional<Lengths> lengths = first_record(file.substr(length));
    if (!lengths) return std::nullopt;
    length += sizeof(Lengths) + lengths->compressed;
  }
  return length;
}

std::vector<MaskChanges> read_records(std::string_view file) {
  std::vector<MaskChanges> epochs;
  while (const std::optional<Lengths> lengths = first_record(file)) {
    const std::string plain =
        decompressed(file.substr(sizeof(Lengths), lengths->compressed), lengths->plain);
    try {
      epochs.push_back(parse(plain));
    } catch (const nlohmann::json::exception& error) {
      throw Error(whose, std::string("a record cannot be understood: ") + error.what());
    }
    file.remove_prefix(sizeof(Lengths) + lengths->compressed);
  }
  return epochs;
}

MaskRecorder::MaskRecorder(const nn::Module& model, std::string_view file) {
  const std::vector<MaskChanges> epochs = read_records(file);
  first_ = epochs.empty();
  records_ = !first_ || any_mask(model);
  for (const MaskChanges& changes : epochs) advance(masks_, changes);
  if (!first_) return;
  for (const auto& [layer, mask] : masks_of(model))
    masks_.emplace_back(layer, Mask::ones(mask.shape()));
}

void MaskRecorder::cut(const std::vector<AxisCut>& parameters) {
  constexpr std::string_view suffix = ".weight";
  for (const AxisCut& cut : parameters) {
    if (!cut.parameter.ends_with(suffix)) continue;
    const std::string layer = cut.parameter.substr(0, cut.parameter.size() - suffix.size());
    // Batch normalisations have a `weight` too.
    if (std::any_of(masks_.begin(), masks_.end(),
                    [&](const auto& entry) { return entry.first == layer; }))
      cuts_.push_back({layer, cut.axis, cut.kept});
  }
}

std::string MaskRecorder::end_of_epoch(const nn::Module& model) {
  MaskChanges changes;
  if (first_) {
    for (const auto& [layer, mask] : masks_) changes.layers.emplace_back(layer, mask.shape());
  }
  changes.cuts = std::exchange(cuts_, {});
  advance(masks_, {.cuts = changes.cuts});
  std::vector<std::pair<std::string, Mask>> now = masks_of(model);
  for (const auto& [layer, mask] : now) {
    Mask bits = flipped(find(masks_, layer), mask);
    if (bits.count() > 0) changes.flipped.emplace_back(layer, std::move(bits));
  }
  first_ = false;
  masks_ = std::move(now);
  return to_record(changes);
}

std::vector<WeightHistory> weight_histories(const std::vector<MaskChanges>& epochs) {
  std::vector<Followed> layers;
  const auto find_layer = [&](const std::string& name) -> Followed& {
    const auto found = std::find_if(layers.begin(), layers.end(), [&](const Followed& layer) {
      return layer.history.layer == name;
    });
    if (found == layers.end()) throw Error(whose, "the first record knows no layer '" + name + "'");
    return *found;
  };
  for (int epoch = 0; epoch < static_cast<int>(epochs.size()); ++epoch) {
    const MaskChanges& changes = epochs[static_cast<size_t>(epoch)];
    for (const auto& [layer, shape] : changes.layers) layers.emplace_back(layer, shape);
    for (const AxisCut& cut : changes.cuts) find_layer(cut.parameter).cut(epoch, cut);
    for (const auto& [layer, bits] : changes.flipped) find_layer(layer).flip(epoch, bits);
  }
  std::vector<WeightHistory> all;
  for (Followed& layer : layers) {
    for (size_t i = 0; i < layer.was_masked.size(); ++i)
      layer.history.came_back +=
          layer.was_masked[i] && layer.history.died[i] == WeightHistory::alive;
    all.push_back(std::move(layer.history));
  }
  return all;
}

}  // namespace espalier::experiment
