#pragma once

#include <string>

#include "espalier/report/report_data.h"

namespace espalier::report {

/// The values that the page's script draws, as one JSON object; it can stand in a `<script>`
/// element, since `<` is written as an escape. Numbers are written so that they are read back
/// exactly; those that are not finite are null.
///
///     {"runs": [{"name": …, "accuracy_of": …, "compressed": figures, "dense": figures or null,
///       "epochs": columns, "dense_epochs": columns, "events": [{"epoch", "kind", "text"}, …],
///       "layers": [{"name", "sparsity", "before", "after", "threshold", "grid"}, …]}, …]}
///
/// where figures are {"accuracy", "bytes"}, and columns are lists of equal length under the names
/// of metrics.jsonl: "epoch" (of epochs done: from 1), "accuracy", "train_loss", "learning_rate",
/// "images_per_second", "sparsity", and "target_sparsity".
std::string page_data(const Report& report);

}  // namespace espalier::report
