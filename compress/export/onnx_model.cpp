#include "espalier/compress/export/onnx_model.h"

#include <onnx/onnx_pb.h>

#include <limits>
#include <type_traits>

#include "espalier/autograd/core/error.h"
#include "espalier/autograd/core/version.h"

namespace espalier::compress {
namespace {

// What ONNX 1.12 and all that followed read.
constexpr int64_t opset = 17;
constexpr int64_t ir_version = 8;

onnx::AttributeProto* add_attribute(onnx::NodeProto* node, const std::string& name,
                                    onnx::AttributeProto::AttributeType type) {
  onnx::AttributeProto* attribute = node->add_attribute();
  attribute->set_name(name);
  attribute->set_type(type);
  return attribute;
}

void declare(onnx::ValueInfoProto* info, const std::string& name,
             const std::vector<int64_t>& sample) {
  info->set_name(name);
  onnx::TypeProto::Tensor* type = info->mutable_type()->mutable_tensor_type();
  type->set_elem_type(onnx::TensorProto::FLOAT);
  type->mutable_shape()->add_dim()->set_dim_param("N");
  for (const int64_t extent : sample) type->mutable_shape()->add_dim()->set_dim_value(extent);
}

template <class T>
constexpr onnx::TensorProto::DataType type_of() {
  if constexpr (std::is_same_v<T, float>) return onnx::TensorProto::FLOAT;
  if constexpr (std::is_same_v<T, int8_t>) return onnx::TensorProto::INT8;
  if constexpr (std::is_same_v<T, uint8_t>) return onnx::TensorProto::UINT8;
  if constexpr (std::is_same_v<T, int32_t>) return onnx::TensorProto::INT32;
  if constexpr (std::is_same_v<T, int64_t>) return onnx::TensorProto::INT64;
}

}  // namespace

OnnxNode& OnnxNode::integer(const std::string& name, int64_t value) {
  add_attribute(proto_, name, onnx::AttributeProto::INT)->set_i(value);
  return *this;
}

OnnxNode& OnnxNode::integers(const std::string& name, const std::vector<int64_t>& values) {
  onnx::AttributeProto* attribute = add_attribute(proto_, name, onnx::AttributeProto::INTS);
  for (const int64_t value : values) attribute->add_ints(value);
  return *this;
}

OnnxNode& OnnxNode::real(const std::string& name, float value) {
  add_attribute(proto_, name, onnx::AttributeProto::FLOAT)->set_f(value);
  return *this;
}

OnnxModel::OnnxModel() : proto_(std::make_unique<onnx::ModelProto>()) {
  proto_->set_ir_version(ir_version);
  proto_->set_producer_name("Espalier");
  proto_->set_producer_version(std::string(version()));
  onnx::OperatorSetIdProto* operators = proto_->add_opset_import();
  operators->set_domain("");
  operators->set_version(opset);
  proto_->mutable_graph()->set_name("espalier");
}

OnnxModel::~OnnxModel() = default;

std::string OnnxModel::free_name(const std::string& wanted) {
  std::string name = wanted;
  for (int i = 2; !names_.insert(name).second; ++i) name = wanted + "_" + std::to_string(i);
  return name;
}

OnnxNode OnnxModel::node(const std::string& type, const std::vector<std::string>& inputs,
                         const std::string& output) {
  onnx::NodeProto* node = proto_->mutable_graph()->add_node();
  node->set_op_type(type);
  node->set_name(output);
  for (const std::string& input : inputs) node->add_input(input);
  node->add_output(output);
  return OnnxNode(node);
}

template <class T>
std::string OnnxModel::constant(const std::string& wanted, const std::vector<int64_t>& shape,
                                const std::vector<T>& values) {
  const std::string name = free_name(wanted);
  onnx::TensorProto* tensor = proto_->mutable_graph()->add_initializer();
  tensor->set_name(name);
  tensor->set_data_type(type_of<T>());
  for (const int64_t extent : shape) tensor->add_dims(extent);
  // Little-endian, as are the machines that this is built for.
  tensor->set_raw_data(values.data(), values.size() * sizeof(T));
  return name;
}

using Extents = std::vector<int64_t>;
template std::string OnnxModel::constant(const std::string&, const Extents&,
                                         const std::vector<float>&);
template std::string OnnxModel::constant(const std::string&, const Extents&,
                                         const std::vector<int8_t>&);
template std::string OnnxModel::constant(const std::string&, const Extents&,
                                         const std::vector<uint8_t>&);
template std::string OnnxModel::constant(const std::string&, const Extents&,
                                         const std::vector<int32_t>&);
template std::string OnnxModel::constant(const std::string&, const Extents&,
                                         const std::vector<int64_t>&);

void OnnxModel::input(const std::string& name, const std::vector<int64_t>& sample) {
  declare(proto_->mutable_graph()->add_input(), name, sample);
}
void OnnxModel::output(const std::string& name, const std::vector<int64_t>& sample) {
  declare(proto_->mutable_graph()->add_output(), name, sample);
}
void OnnxModel::between(const std::string& name, const std::vector<int64_t>& sample) {
  declare(proto_->mutable_graph()->add_value_info(), name, sample);
}

void OnnxModel::metadata(const std::string& key, const std::string& text) {
  onnx::StringStringEntryProto* entry = proto_->add_metadata_props();
  entry->set_key(key);
  entry->set_value(text);
}

std::string OnnxModel::bytes() const {
  std::string content;
  if (proto_->ByteSizeLong() > static_cast<size_t>(std::numeric_limits<int32_t>::max()) ||
      !proto_->SerializeToString(&content)) {
    throw Error("onnx", "the model has more than the 2 GiB that ONNX allows");
  }
  return content;
}

}  // namespace espalier::compress
