#include "espalier/experiment/exported_network.h"

#include "espalier/autograd/core/error.h"
#include "espalier/compress/export/describe.h"

namespace espalier::experiment {

compress::file::Network exported_network(RecordedRun& run) {
  if (!run.has_weights) throw Error("export", "the run has no weights: no epoch is finished");
  return exported_network(run, open_data(run.config).evaluation->normalisation());
}

compress::file::Network exported_network(RecordedRun& run,
                                         const datasets::Normalisation& normalisation) {
  return compress::describe(run.model, {.sample = run.config.model.sample,
                                        .mean = normalisation.mean,
                                        .deviation = normalisation.deviation});
}

}  // namespace espalier::experiment
