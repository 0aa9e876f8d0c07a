#pragma once

#include <string>
#include <vector>

#include "topics.h"

/// Explanations in three forms.
namespace espalier::app {

/// For people, as wide as the page.
std::string to_text(const Explanation& explanation);
/// For programs: one JSON object, indented.
std::string to_json(const Explanation& explanation);
/// The steps of its worked example for these numbers, as one JSON object.
std::string worked_json(const Explanation& explanation, const std::vector<float>& numbers,
                        const std::string& steps);
/// The page of the documentation that explains all of them.
std::string to_markdown(const std::vector<Explanation>& explanations);

/// The groups' names and what is in them, as JSON.
std::string to_json(const std::vector<TopicGroup>& groups);
/// A table of one group.
std::string to_text(const TopicGroup& group);

}  // namespace espalier::app
