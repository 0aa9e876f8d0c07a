#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace espalier::compress {

/// How many characters must be inserted, deleted, replaced, or swapped with their neighbour to turn
/// `a` into `b` (Damerau-Levenshtein, no character edited twice); capitals count as small letters.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The candidate that a mistyped `word` most likely means, or "" if none is near: at most one edit
/// for each three characters of the longer word. Of equally near ones the first is taken.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

/// The end of an error message: `; did you mean 'frequency'?`, or "" if nothing is near.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

/// The same with all that there are: `; did you mean 'conv1'? There are conv1, fc1`, or `; there
/// are conv1, fc1` if nothing is near.
std::string mean_or_there_are(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace espalier::compress
