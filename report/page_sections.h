#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "espalier/report/report_data.h"

/// The pieces that a page is put together from, as HTML. A section whose data there are not is the
/// empty string. `index` is the run's place in the report, from 0: it is in all names (`id`) of its
/// elements and says the script where a chart's values are.
namespace espalier::report {

/// What the summary says: `lenet5 on mnist answers 99.1 % …`.
std::string headline(const Run& run);
/// The large figures, beside those of the dense network.
std::string cards_section(const Run& run);
/// Charts over epochs on one clock, what happened when, and the table behind them.
std::string training_section(const Run& run, size_t index);
/// A table of all layers, and for each what became of its weights.
std::string layers_section(const Run& run, size_t index);
/// Quantized activations: values against grids.
std::string activations_section(const Run& run, size_t index);
/// Which classes are taken for which, and pictures that were lost by compression.
std::string answers_section(const Run& run, size_t index);
/// Configuration, seed, machine, version, and the commands that train it again.
std::string setup_section(const Run& run, size_t index);
/// What the report lacks, and how to get it.
std::string missing_section(const Run& run, size_t index);

/// All runs side by side.
std::string comparison_section(const std::vector<Run>& runs);
/// What their configurations do not have in common, as a table.
std::string config_differences(const std::vector<Run>& runs);

/// A part of the page with a heading, or nothing if `content` is empty.
std::string section(std::string_view id, std::string_view title, std::string_view content);

/// A place for the script to draw in.
struct ChartPlace {
  std::string_view kind;    ///< what page.js draws there
  std::string title, unit;  ///< above it
  std::string description;  ///< read out in its stead
  size_t run = 0;           ///< whose values
  int layer = -1;           ///< of which of its layers
  bool wide = false;        ///< as wide as the page
  std::string note = {};    ///< below it, HTML
};
std::string chart(const ChartPlace& place);

/// A cell with a number, and behind it a bar as long as `part` of the cell.
std::string bar_cell(const std::string& text, double part);

}  // namespace espalier::report
