#pragma once

#include "espalier/compress/export/describe.h"
#include "espalier/datasets/dataset.h"
#include "espalier/experiment/recorded_run.h"

namespace espalier::experiment {

/// The network of a run as an engine runs it: with its masks, quantized weights and the grids of
/// its activations, taking pictures as bytes. The pictures' normalisation and the names of classes
/// are those of the run's data set, which is opened for it.
/// \throws Error naming the layer for what cannot be exported (see `compress::describe`), and when
///         the run has no weights or its data set cannot be read
compress::file::Network exported_network(RecordedRun& run);
/// The same with pictures that are open. Null: pictures are not normalised, classes are numbers.
compress::file::Network exported_network(RecordedRun& run, const datasets::Dataset* pictures);
/// The same, to be compared with the run's model.
compress::Description followed_network(RecordedRun& run, const datasets::Dataset* pictures);

}  // namespace espalier::experiment
