#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "espalier/compress/file/network.h"
#include "espalier/datasets/dataset.h"
#include "espalier/experiment/recorded_run.h"
#include "espalier/report/report_data.h"

namespace espalier::report {

/// What a run is compared with.
struct DenseNetwork {
  experiment::RecordedRun run;
  std::string from;                ///< where it comes from: a run's folder, or a file of weights
  bool trained_beside_it = false;  ///< by the run itself, without compression
};

/// The same network before compression: that of the folder `dense` in the run's own; or else of the
/// run that it began with or was made from, or what that can be compared with in turn.
/// \param missing  gets a sentence where there is none
/// \return none also for a run that compresses nothing
std::optional<DenseNetwork> find_dense(const std::string& folder,
                                       const experiment::RecordedRun& run,
                                       std::vector<std::string>& missing);

/// A network as a `.esp` file, in memory.
struct ExportedNetwork {
  compress::file::Network network;
  std::vector<uint8_t> bytes;
};

/// \param pictures  whose normalisation becomes part of the network; null: none does
/// \param why_not  gets the reason where it cannot be exported
std::optional<ExportedNetwork> exported(experiment::RecordedRun& run,
                                        const datasets::Dataset* pictures, std::string& why_not);

/// Sizes and work of a network, in all; neither accuracy nor time.
/// \param layers  its own
Figures figures(experiment::RecordedRun& run, const std::optional<ExportedNetwork>& exported,
                const std::vector<Layer>& layers);

/// Microseconds that each network takes for one picture, on one thread: the middle of windows that
/// are measured in turns, so that both see the same machine.
/// \param seconds  for each
std::vector<double> latencies_us(const std::vector<const ExportedNetwork*>& networks,
                                 double seconds);

}  // namespace espalier::report
