#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <string>
#include <vector>

/// A model of ONNX, computed as the standard defines its operators, naively and in double.
namespace espalier::test {

struct Array {
  std::vector<int64_t> shape;
  std::vector<double> values;
};

/// The output `logits` for `input`. \throws std::runtime_error for an operator or attribute that
/// is not known here
Array interpret(const onnx::ModelProto& model, const Array& input);

/// The numbers of a constant of any type.
Array numbers(const onnx::TensorProto& tensor);

}  // namespace espalier::test
