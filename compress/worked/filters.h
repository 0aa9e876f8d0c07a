#pragma once

#include <string>
#include <vector>

#include "espalier/compress/pruners/channel_pruner.h"
#include "espalier/compress/worked/by_hand.h"

/// What examples of pruners that take whole filters share: a layer of filters with two weights
/// each, of which a `fraction` goes.
namespace espalier::compress::worked {

inline constexpr double fraction = 0.4;

/// The rule of these examples.
Rules filter_rules();
/// How many filters these numbers are, `numbers_each` for one.
/// \throws Error in the algorithm's name unless they are whole filters, two at least
int64_t filters_in(const std::vector<float>& numbers, int64_t numbers_each,
                   const std::string& algorithm);
/// "(0.5, -0.5)" for each filter.
std::vector<std::string> filter_cells(const std::vector<float>& weights);
/// A table of the filters, ready for further columns.
Table filter_table(const std::vector<float>& weights);
/// The table with score, rank and mask behind it, and what goes in this and the next layer.
std::string decided(Table table, const std::vector<double>& scores, const SmallLayer& layer);

}  // namespace espalier::compress::worked
