#include "display/sensitivity_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "display/status_line.h"
#include "display/text.h"

namespace espalier::app {
namespace {

using compress::LayerSensitivity;
using compress::SensitivityAnalysis;

constexpr int cell = 6;
constexpr int widest_name = 19;

/// The end of a name that is too long, which tells layers apart.
std::string shortened(const std::string& name) {
  if (columns(name) <= widest_name) return name;
  return "…" + name.substr(name.size() - (widest_name - 1));
}

struct Column {
  std::string title;
  std::function<const double*(const LayerSensitivity&)> accuracy;  ///< null: not measured
};

std::string table(const std::string& what, const SensitivityAnalysis& analysis,
                  const std::vector<Column>& all) {
  int width = columns(what);
  for (const LayerSensitivity& layer : analysis.layers)
    width = std::max(width, columns(shortened(layer.layer)));
  const auto fitting = static_cast<size_t>((page_width - width) / cell);
  std::string text;
  for (size_t from = 0; from < all.size(); from += fitting) {
    const size_t to = std::min(all.size(), from + fitting);
    text += (text.empty() ? "" : "\n") + padded_right(what, width);
    for (size_t i = from; i < to; ++i) text += padded_left(all[i].title + " ", cell);
    text += "\n";
    for (const LayerSensitivity& layer : analysis.layers) {
      text += padded_right(shortened(layer.layer), width);
      for (size_t i = from; i < to; ++i) {
        const double* accuracy = all[i].accuracy(layer);
        const bool marked = accuracy && analysis.accuracy - *accuracy > marked_drop + 1e-9;
        text += padded_left(
            (accuracy ? fmt::format("{:.1f}", 100 * *accuracy) : "-") + (marked ? "*" : " "), cell);
      }
      text += "\n";
    }
  }
  return text;
}

}  // namespace

std::string sensitivity_tables(const SensitivityAnalysis& analysis) {
  std::vector<Column> sparsities, bits;
  const LayerSensitivity& first = analysis.layers.front();
  for (size_t i = 0; i < first.by_sparsity.size(); ++i) {
    sparsities.push_back(
        {fmt::format("{:g}", first.by_sparsity[i].sparsity), [i](const LayerSensitivity& layer) {
           return i < layer.by_sparsity.size() ? &layer.by_sparsity[i].accuracy : nullptr;
         }});
  }
  for (size_t i = 0; i < first.by_bits.size(); ++i) {
    bits.push_back({fmt::format("{}", first.by_bits[i].bits), [i](const LayerSensitivity& layer) {
                      return i < layer.by_bits.size() ? &layer.by_bits[i].accuracy : nullptr;
                    }});
  }
  std::string text =
      wrapped("", 0,
              fmt::format("Accuracy in % with one layer changed, the others as they are, nothing "
                          "retrained; * is more than {:g} point below {:.2f}.",
                          100 * marked_drop, 100 * analysis.accuracy));
  text += "\n" + table("sparsity", analysis, sparsities);
  if (!bits.empty()) text += "\n" + table("bits", analysis, bits);
  return text;
}

std::string sensitivity_progress(const compress::SensitivityProgress& progress, double seconds) {
  const double part = static_cast<double>(progress.done) / static_cast<double>(progress.points);
  return with_bar(
      part, fmt::format("  {} of {}  {} at {}: {}  {} left", progress.done, progress.points,
                        shortened(progress.layer), progress.change, percent(progress.accuracy, 2),
                        clock_time(seconds * (1 - part) / part)));
}

std::string describe(const experiment::ChoicePictures& choice) {
  const std::string count = grouped(choice.pictures->size());
  if (choice.held_out) return count + " held-out training pictures";
  return count + " training pictures that it is trained on too, none being held out";
}

std::string describe_thresholds(const experiment::ThresholdsFound& thresholds) {
  const compress::FoundThresholds& found = thresholds.found;
  std::string layers;
  for (size_t i = 0; i < thresholds.layers.size(); ++i) {
    layers += fmt::format("{}{} {:.3g}·σ ({})", i == 0 ? "" : ", ", thresholds.layers[i],
                          found.quality[i], percent(found.sparsity[i], 1));
  }
  return labelled(
      "thresholds",
      fmt::format("{}, for sparsity {:g}: {}. That is {} in all; alone no layer loses more than "
                  "{:.2f} points, all together bring {} to {} before they are retrained. Measured "
                  "on {}.",
                  thresholds.rule, thresholds.goal, layers, percent(found.total, 2),
                  100 * found.drop, percent(found.before, 2), percent(found.accuracy, 2),
                  describe(thresholds.pictures)));
}

}  // namespace espalier::app
