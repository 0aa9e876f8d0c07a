#include "espalier/experiment/exported_network.h"

#include "espalier/autograd/core/error.h"

namespace espalier::experiment {
namespace {

/// What the classes are called, unless that is their numbers. A network may tell more of them apart
/// than the pictures have: the others are called by their numbers.
std::vector<std::string> names_of(const datasets::Dataset& pictures, int64_t classes) {
  std::vector<std::string> names = pictures.class_names();
  size_t numbers = 0;
  while (numbers < names.size() && names[numbers] == std::to_string(numbers)) ++numbers;
  if (numbers == names.size()) return {};
  while (std::ssize(names) < classes) names.push_back(std::to_string(names.size()));
  return names;
}

}  // namespace

compress::file::Network exported_network(RecordedRun& run) {
  if (!run.has_weights) throw Error("export", "the run has no weights: no epoch is finished");
  return exported_network(run, open_data(run.config).evaluation.get());
}

compress::file::Network exported_network(RecordedRun& run, const datasets::Dataset* pictures) {
  return followed_network(run, pictures).network;
}

compress::Description followed_network(RecordedRun& run, const datasets::Dataset* pictures) {
  compress::DescribeOptions options{.sample = run.config.model.sample};
  if (pictures) {
    options.mean = pictures->normalisation().mean;
    options.deviation = pictures->normalisation().deviation;
    options.class_names = names_of(*pictures, run.config.model.classes);
  }
  return compress::describe_followed(run.model, options);
}

}  // namespace espalier::experiment
