#include "display/epoch_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "display/text.h"

namespace espalier::app {

EpochTable::EpochTable(int epochs, const std::string& accuracy)
    : epochs_(epochs), names_{"epoch",      "train loss", accuracy, "sparsity",
                              "learn rate", "images/s",   "time"} {
  for (const std::string& name : names_) widths_.push_back(columns(name));
  widths_.front() = std::max(widths_.front(), columns(fmt::format("{}/{}", epochs, epochs)));
  widths_.back() = columns("59.9 s");
}

void EpochTable::add(const experiment::EpochMetrics& metrics) {
  if (!begun_) print(names_);
  begun_ = true;
  print({fmt::format("{}/{}", metrics.epoch + 1, epochs_),
         fmt::format("{:.4f}", metrics.train_loss), percent(metrics.accuracy, 2),
         percent(metrics.sparsity, 1), fmt::format("{:.3g}", metrics.learning_rate),
         grouped(static_cast<int64_t>(metrics.images_per_second)), duration(metrics.seconds)});
}

void EpochTable::print(const std::vector<std::string>& cells) const {
  std::string line;
  for (size_t i = 0; i < cells.size(); ++i) {
    line += (i == 0 ? "" : "  ") + padded_left(cells[i], widths_[i]);
  }
  fmt::print("{}\n", line);
  std::fflush(stdout);  // whoever reads a pipe wants to see each epoch when it is done
}

}  // namespace espalier::app
