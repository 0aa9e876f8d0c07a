#include "espalier/experiment/exported_network.h"

#include "espalier/autograd/core/error.h"

namespace espalier::experiment {
namespace {

/// What the classes are called, unless that is their numbers.
std::vector<std::string> names_of(const datasets::Dataset& pictures) {
  std::vector<std::string> names = pictures.class_names();
  size_t numbers = 0;
  while (numbers < names.size() && names[numbers] == std::to_string(numbers)) ++numbers;
  if (numbers == names.size()) names.clear();
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
    options.class_names = names_of(*pictures);
  }
  return compress::describe_followed(run.model, options);
}

}  // namespace espalier::experiment
