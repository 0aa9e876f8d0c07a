#pragma once

#include "espalier/autograd/backend/candidate.h"

/// What candidates share that are tables of small kernels, one for each instruction set.
namespace espalier::backend {

/// There is one problem for all of them: the choice depends on the machine alone.
struct AnyVector {};

/// Whether the machine may use the instruction set.
template <InstructionSet needed>
bool has(const AnyVector&, const Machine& machine) {
  return machine.instruction_set >= needed;
}

/// The cost of the table with this rank; 0 is the best one.
template <int rank>
double ranked(const AnyVector&, const Machine&) {
  return rank;
}

}  // namespace espalier::backend
