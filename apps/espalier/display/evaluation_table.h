#pragma once

#include <string>
#include <vector>

#include "espalier/nn/train/evaluation.h"

/// What is said about how well a network answers. Classes without names are called by their
/// numbers.
namespace espalier::app {

/// A row for each class: its samples, how many of them are right, and what the others are most
/// often taken for.
std::string class_table(const nn::ConfusionMatrix& confusion,
                        const std::vector<std::string>& names);

/// A row for each true class, a column for each answer; empty when that is wider than a page.
std::string confusion_table(const nn::ConfusionMatrix& confusion,
                            const std::vector<std::string>& names);

/// Everything, as one JSON object without line breaks.
std::string to_json(const nn::Evaluation& evaluation, const std::vector<std::string>& names);

}  // namespace espalier::app
