#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace onnx {
class ModelProto;
class NodeProto;
}  // namespace onnx

namespace espalier::compress {

/// A node of an `OnnxModel`, whose attributes are being set.
class OnnxNode {
 public:
  OnnxNode& integer(const std::string& name, int64_t value);
  OnnxNode& integers(const std::string& name, const std::vector<int64_t>& values);
  OnnxNode& real(const std::string& name, float value);

 private:
  friend class OnnxModel;
  explicit OnnxNode(onnx::NodeProto* proto) : proto_(proto) {}
  onnx::NodeProto* proto_;
};

/// A model of ONNX (opset 17, IR version 8) that grows node by node, in the order of computation.
/// Tensors are known by their names, and each name stands for one.
class OnnxModel {
 public:
  OnnxModel();
  ~OnnxModel();
  OnnxModel(const OnnxModel&) = delete;
  OnnxModel& operator=(const OnnxModel&) = delete;

  /// The wanted name if it is free, else with a number behind it; taken from then on.
  std::string free_name(const std::string& wanted);

  /// \param output  a name from `free_name`, which becomes the node's name too
  OnnxNode node(const std::string& type, const std::vector<std::string>& inputs,
                const std::string& output);

  /// A constant tensor; no extents: a scalar. \return  the name that it got
  template <class T>  // float, int8_t, uint8_t, int32_t or int64_t
  std::string constant(const std::string& wanted, const std::vector<int64_t>& shape,
                       const std::vector<T>& values);
  template <class T>
  std::string constant(const std::string& wanted, T value) {
    return constant(wanted, {}, std::vector<T>{value});
  }

  /// Declares a float32 tensor to be input, output or in between. \param sample  the shape behind
  /// the first axis, the number of samples, which stays open
  void input(const std::string& name, const std::vector<int64_t>& sample);
  void output(const std::string& name, const std::vector<int64_t>& sample);
  void between(const std::string& name, const std::vector<int64_t>& sample);

  void metadata(const std::string& key, const std::string& text);

  /// The bytes of a file. \throws Error if there would be more than the 2 GiB that ONNX allows
  std::string bytes() const;

 private:
  std::unique_ptr<onnx::ModelProto> proto_;
  std::set<std::string> names_;
};

}  // namespace espalier::compress
