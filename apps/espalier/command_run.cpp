#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <sstream>
#include <vector>

#include "arguments.h"
#include "commands.h"
#include "display/text.h"
#include "espalier/autograd/core/error.h"
#include "espalier/compress/config/map_reader.h"
#include "espalier/datasets/picture_file.h"
#include "espalier/experiment/exported_file.h"
#include "mistaken_path.h"

namespace espalier::app {
namespace {

const Usage usage = {
    .command = "run",
    .positional = "NET.esp PICTURE…",
    .description =
        "Classifies picture files with an exported network: the likeliest class of each and\n"
        "its probability. Pictures are stretched to the size that the network takes.",
    .options = {{"names", "A,B,…",
                 "what the classes are called, in their order (default: as the file says)"},
                {"top", "N", "how many classes to show of each picture (default: 1)"}},
    .examples =
        "  espalier run lenet5.esp digit.png\n"
        "  espalier run resnet20.esp pictures/*.jpg --top 3\n"
        "  espalier run pets.esp rex.jpg --names cat,dog\n"};

/// Softmax of the scores.
std::vector<double> probabilities(std::span<const float> scores) {
  const double largest = *std::max_element(scores.begin(), scores.end());
  std::vector<double> shares;
  for (const float score : scores) shares.push_back(std::exp(score - largest));
  const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
  for (double& share : shares) share /= sum;
  return shares;
}

/// The names that were given, else those in the file, else numbers.
std::vector<std::string> read_names(const Arguments& arguments, const runtime::Model& model) {
  const int64_t classes = model.output_size();
  std::vector<std::string> names;
  if (!arguments.has("names")) {
    for (int64_t i = 0; i < classes; ++i) {
      const char* name = model.class_name(i);
      names.push_back(name ? name : std::to_string(i));
    }
    return names;
  }
  std::istringstream list(arguments.values.at("names"));
  for (std::string name; std::getline(list, name, ',');) names.push_back(name);
  if (static_cast<int64_t>(names.size()) != classes) {
    throw UsageError(fmt::format("--names has {} names, but the network tells {} classes apart",
                                 names.size(), classes));
  }
  return names;
}

}  // namespace

int run(int argc, char** argv) {
  const std::optional<Arguments> arguments = parse(usage, argc, argv);
  if (!arguments) return 0;
  const std::vector<std::string>& words = arguments->positional;
  if (words.size() < 2)
    throw UsageError("run needs a network and a picture at least: espalier run net.esp digit.png");
  require_exported(words[0]);
  experiment::ExportedFile network(words[0]);
  const runtime::Model& model = network.model();
  const std::vector<std::string> names = read_names(*arguments, model);
  int64_t top = 1;
  if (arguments->has("top")) {
    compress::Value given = compress::Value::map();
    given.set("top", option_value(*arguments, "top"));
    compress::MapReader reader(given, usage.command);
    top = reader.integer("top", {.min = 1, .max = model.output_size(), .fallback = 1});
  }

  int width = 0;
  for (size_t i = 1; i < words.size(); ++i) width = std::max(width, columns(words[i]));
  const Shape sample{model.input_height(), model.input_width(), model.input_channels()};
  std::vector<uint8_t> pixels(static_cast<size_t>(model.input_size()));
  bool failed = false;
  for (size_t i = 1; i < words.size(); ++i) {
    try {
      datasets::read_picture(words[i], sample, pixels.data());
    } catch (const Error& error) {
      fmt::print(stderr, "espalier: {}\n", error.what());  // the others can still be classified
      failed = true;
      continue;
    }
    const std::vector<double> shares = probabilities(network.scores(pixels, 1));
    std::vector<size_t> order(shares.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return shares[a] > shares[b]; });
    std::string line = padded_right(words[i], width);
    for (size_t k = 0; k < static_cast<size_t>(top); ++k) {
      const size_t label = order[k];
      line += fmt::format("  {} {}", names[label], percent(shares[label], 1));
    }
    fmt::print("{}\n", line);
  }
  return failed ? 1 : 0;
}

}  // namespace espalier::app
