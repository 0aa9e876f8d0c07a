#include "espalier/autograd/kernels.h"

#include "espalier/autograd/backend/activation_kernels.h"
#include "espalier/autograd/backend/channel_kernels.h"
#include "espalier/autograd/backend/conv2d.h"
#include "espalier/autograd/backend/matmul.h"
#include "espalier/autograd/backend/update_kernels.h"
#include "espalier/autograd/backend/vector_kernels.h"

namespace espalier {
namespace {

template <class Problem, class Run>
OperationKernels names_of(const backend::CandidateList<Problem, Run>& list) {
  OperationKernels names{list.operation, {}};
  for (const auto& candidate : list.candidates) names.kernels.push_back(candidate.name);
  return names;
}

}  // namespace

std::vector<OperationKernels> known_kernels() {
  return {names_of(backend::matmul_candidates()),
          names_of(backend::conv2d_forward_candidates()),
          names_of(backend::conv2d_input_gradient_candidates()),
          names_of(backend::conv2d_weight_gradient_candidates()),
          names_of(backend::vector_candidates()),
          names_of(backend::channel_candidates()),
          names_of(backend::activation_candidates()),
          names_of(backend::update_candidates())};
}

}  // namespace espalier
