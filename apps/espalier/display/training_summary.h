#pragma once

#include <string>
#include <vector>

#include "espalier/experiment/experiment.h"

/// What is said before and after a training.
namespace espalier::app {

/// Model, data, settings, compressors with the layers they matched, teacher, machine, and the
/// folder of the run unless that is empty.
void print_header(experiment::Experiment& experiment, const experiment::TrainingData& data,
                  const std::string& folder);

/// What happens when, on the clock of the training.
void print_timeline(experiment::Experiment& experiment, const experiment::TrainingData& data);

/// One row for each layer and one of totals.
void print_sparsity(const std::vector<compress::LayerSparsity>& layers);

/// The compressed network beside the one that was trained without compression.
void print_comparison(const std::string& accuracy_name, const experiment::Outcome& dense,
                      const experiment::Outcome& compressed);

/// `SGD: lr 0.05, momentum 0.9`.
std::string describe(const std::string& name, const compress::Value& options);

/// What each rule of each algorithm came to, a line for each; or `compress    nothing`.
std::string describe_compression(const experiment::Experiment& experiment);

/// `2 threads, avx512 kernels, with oneDNN`.
std::string describe_machine(int threads);

}  // namespace espalier::app
