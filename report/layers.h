#pragma once

#include <optional>
#include <string>
#include <vector>

#include "espalier/compress/quantizer.h"
#include "espalier/experiment/epoch_metrics.h"
#include "espalier/report/networks.h"

namespace espalier::report {

/// Every layer that compressors may take, in the order of the network: names, sizes, bits and work.
/// Neither histograms nor masks.
std::vector<Layer> sizes_of_layers(experiment::RecordedRun& run,
                                   const std::optional<ExportedNetwork>& exported);

/// Adds the sparsity at the end of each epoch.
void add_sparsities(const std::vector<experiment::EpochMetrics>& epochs,
                    std::vector<Layer>& layers);

/// Adds how the weights are distributed, in bins that are the same before and after.
/// \param dense  the network before; null: it is not known
void add_histograms(const experiment::RecordedRun& run, const nn::Module* dense,
                    std::vector<Layer>& layers);

/// Adds the pictures of masks and thresholds of the layers that are pruned.
/// \param folder  of the run
/// \param pruned  names of the layers that pruners act on
/// \param missing  gets a sentence if nothing was recorded while it was trained
void add_masks(const std::string& folder, const experiment::RecordedRun& run,
               const std::vector<std::string>& pruned, std::vector<Layer>& layers,
               std::vector<std::string>& missing);

}  // namespace espalier::report
