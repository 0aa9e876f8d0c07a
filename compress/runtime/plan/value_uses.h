#pragma once

#include "espalier/compress/runtime/format/graph.h"

namespace espalier::runtime {

/// Number of the value that an operation reads as its i-th input.
inline int32_t input_index(const Graph& graph, const Operation& o, int i) {
  return graph.inputs[static_cast<size_t>(o.first_input + i)];
}

/// What is known of values before any weight is read.
struct ValueUses {
  Array<int32_t> uses;        ///< how many operations read it
  Array<int32_t> user;        ///< the last of them
  Array<int32_t> border;      ///< pixels around it that convolutions read as padding
  Array<uint8_t> not_linear;  ///< whether something else than a linear layer reads it

  /// \return false when there is no memory
  [[nodiscard]] bool find(const Graph& graph, Budget& budget);
};

}  // namespace espalier::runtime
