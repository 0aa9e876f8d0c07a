#include "espalier/experiment/layers/layer_reader.h"

#include <fmt/format.h>

#include <utility>

#include "espalier/compress/config/config_error.h"

namespace espalier::experiment {
namespace {

using compress::ConfigError;
using compress::Value;

/// 32 GiB of weights in one layer.
constexpr double most_weights = 8.0 * (1 << 30);

bool is_empty_list(const Value& value) {
  return value.is_list() && value.as_list().empty();
}

}  // namespace

LayerReader::LayerReader(std::string type, LayerPlace place, const Shape& input, Value options,
                         compress::Position position)
    : place_(std::move(place)),
      input_(input),
      options_(std::move(options), type + " '" + place_.path + "'"),
      position_(std::move(position)),
      written_(Value::map()) {}

const Shape& LayerReader::picture() const {
  if (input_.axes() == 3) return input_;
  fail(fmt::format("takes pictures of H×W×C, but what comes in is {} values without a place",
                   input_.to_string()));
}

int64_t LayerReader::row() const {
  if (input_.axes() == 1) return input_[0];
  fail(
      fmt::format("takes a row of values, but what comes in is a picture of {}; put Flatten or "
                  "GlobalAvgPool2d before it",
                  input_.to_string()));
}

int64_t LayerReader::in(int64_t actual) {
  if (options_.has("in")) {
    const int64_t given = options_.integer("in", {.min = 1});
    if (given != actual) {
      fail("in", fmt::format("must be {}, which is what comes in ({}), not {}; it may be left out",
                             actual, input_.to_string(), given));
    }
  }
  written_.set("in", actual);
  return actual;
}

int64_t LayerReader::size(std::string_view key, std::optional<int64_t> fallback) {
  const int64_t size = options_.integer(key, {.min = 1, .max = largest_size, .fallback = fallback});
  written_.set(std::string(key), size);
  return size;
}

int64_t LayerReader::padding() {
  const int64_t padding =
      options_.integer("padding", {.min = 0, .max = largest_size, .fallback = 0});
  written_.set("padding", padding);
  return padding;
}

int64_t LayerReader::groups(int64_t in) {
  const Value* given = options_.find("groups");
  if (!given || !given->is_text()) return size("groups", 1);
  if (given->as_text() != "depthwise") {
    fail("groups", "must be an integer of at least 1 or 'depthwise', not " + given->describe());
  }
  written_.set("groups", in);
  return in;
}

double LayerReader::number(std::string_view key, const compress::NumberOptions& options) {
  const double number = options_.number(key, options);
  written_.set(std::string(key), number);
  return number;
}

bool LayerReader::boolean(std::string_view key, bool fallback) {
  const bool flag = options_.boolean(key, fallback);
  written_.set(std::string(key), flag);
  return flag;
}

Shape LayerReader::windows(const Window& window) const {
  const Shape& in = picture();
  const int64_t span = window.dilation * (window.kernel - 1) + 1;
  const auto fit = [&](int64_t extent) {
    const int64_t room = extent + 2 * window.padding - span;
    return room < 0 ? 0 : room / window.stride + 1;
  };
  const Shape places{fit(in[0]), fit(in[1])};
  if (places.elements() == 0) {
    fail("kernel",
         fmt::format("must fit the picture of {}×{} that comes in; {} with padding {}{} does not",
                     in[0], in[1], window.kernel, window.padding,
                     window.dilation == 1 ? "" : fmt::format(" and dilation {}", window.dilation)));
  }
  return places;
}

LayerChain LayerReader::read_below(const Value& list, std::string_view what,
                                   const std::string& child) const {
  const std::string path = child.empty() ? place_.path : place_.path + "." + child;
  return read_layers(list, what, input_, {place_.kinds, path, place_.depth + 1});
}

LayerChain LayerReader::layers(std::string_view key) {
  LayerChain chain = read_below(options_.require(key), key, "");
  written_.set(std::string(key), chain.written());
  return chain;
}

LayerChain LayerReader::optional_layers(std::string_view key, const std::string& child) {
  const Value* list = options_.find(key);
  LayerChain chain{{}, input_};
  if (list && !is_empty_list(*list)) chain = read_below(*list, key, child);
  written_.set(std::string(key), chain.written());
  return chain;
}

std::vector<LayerChain> LayerReader::branches(std::string_view key, const std::string& stem) {
  const Value& lists = options_.require(key);
  if (!lists.is_list() || is_empty_list(lists)) {
    fail(key, "must be a list of lists of layers, not " +
                  (lists.is_list() ? "an empty list" : lists.describe()));
  }
  std::vector<LayerChain> chains;
  Value written = Value::list();
  for (const Value& list : lists.as_list()) {
    const size_t position = chains.size();
    LayerChain chain{{}, input_};
    if (!is_empty_list(list)) {
      chain = read_below(list, fmt::format("{}[{}]", key, position),
                         stem + std::to_string(position + 1));
    }
    written.append(chain.written());
    chains.push_back(std::move(chain));
  }
  written_.set(std::string(key), std::move(written));
  return chains;
}

void LayerReader::check_weights(double count) const {
  if (count > most_weights) fail(fmt::format("has {:.3g} weights, more than memory holds", count));
}

void LayerReader::fail(std::string_view complaint) const {
  throw ConfigError(position_, fmt::format("{} {}", options_.what(), complaint));
}

}  // namespace espalier::experiment
