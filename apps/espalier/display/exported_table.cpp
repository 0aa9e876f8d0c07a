#include "display/exported_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "display/text.h"
#include "espalier/autograd/core/shape.h"
#include "espalier/compress/file/inspect.h"
#include "espalier/experiment/exported_file.h"

namespace espalier::app {
namespace {

using compress::file::FileBytes;
using compress::file::LayerBytes;

std::string row(const std::string& layer, int width, const std::string& form, int64_t weights,
                int64_t kept, double positions, double values, double rest) {
  const auto bytes = [](double n) { return grouped(static_cast<int64_t>(n + 0.5)); };
  return fmt::format("{}  {}  {:>9}  {:>8}  {:>9}  {:>8}  {:>6}  {:>8}\n",
                     padded_right(layer, width), padded_right(form, 11), grouped(weights),
                     grouped(kept), bytes(positions), bytes(values), bytes(rest),
                     bytes(positions + values + rest));
}

}  // namespace

void print_exported(const std::string& path) {
  const experiment::ExportedFile exported(path);
  const FileBytes found = compress::file::inspect(exported.bytes());
  const runtime::Model& model = exported.model();
  fmt::print("{}", labelled("file", fmt::format("{}: {} bytes", path, grouped(found.file))));
  fmt::print(
      "{}",
      labelled(
          "input",
          Shape{model.input_height(), model.input_width(), model.input_channels()}.to_string()));
  fmt::print("{}", labelled("result", fmt::format("{} {}", model.output_size(),
                                                  model.output_has_codes() ? "codes of 8 bits"
                                                                           : "float32 values")));
  if (model.class_name(0)) {
    std::vector<std::string> names;
    for (int64_t i = 0; i < model.output_size(); ++i) names.push_back(model.class_name(i));
    fmt::print("{}", labelled("classes", fmt::format("{}", fmt::join(names, ", "))));
  }
  fmt::print("{}",
             labelled("memory", fmt::format("{} bytes loaded, {} more to run one picture",
                                            grouped(static_cast<int64_t>(model.bytes())),
                                            grouped(static_cast<int64_t>(model.arena_bytes(1))))));
  int width = 5;
  for (const LayerBytes& layer : found.layers) width = std::max(width, columns(layer.layer));
  fmt::print("\n{}  {}  {:>9}  {:>8}  {:>9}  {:>8}  {:>6}  {:>8}\n", padded_right("layer", width),
             padded_right("weights", 11), "number", "kept", "positions", "values", "rest", "bytes");
  LayerBytes all;
  for (const LayerBytes& layer : found.layers) {
    fmt::print("{}", row(layer.layer, width, layer.form, layer.weights, layer.kept, layer.positions,
                         layer.values, layer.rest));
    all.weights += layer.weights;
    all.kept += layer.kept;
    all.positions += layer.positions;
    all.values += layer.values;
    all.rest += layer.rest;
  }
  fmt::print("{}",
             row("all", width, "", all.weights, all.kept, all.positions, all.values, all.rest));
  fmt::print("\nbeside them {} bytes of header, {} of self-test, {}and the file's frame\n",
             found.header, found.self_test,
             found.class_names > 0 ? fmt::format("{} of names of classes, ", found.class_names) : "");
}

}  // namespace espalier::app
