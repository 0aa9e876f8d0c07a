// A folder sees what lies below it and nothing above: compiled with the include folders of a target.
#if defined(LEGAL)
#include "espalier/autograd/ops.h"
#include "espalier/nn/module.h"
#elif defined(UPWARD)
#include "espalier/compress/pruner.h"
#elif defined(KERNELS)
#include "espalier/autograd/backend/matmul.h"
#elif defined(TRAINING)
#include "espalier/experiment/experiment.h"
#elif defined(SIDEWAYS)
#include "espalier/datasets/loader.h"
#endif
