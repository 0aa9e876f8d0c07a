#include "espalier/nn/io/weights.h"

#include <algorithm>

#include "espalier/autograd/core/error.h"
#include "espalier/nn/io/safetensors.h"

namespace espalier::nn {
namespace {

constexpr const char* format_version = "1";

/// Reorders the four axes of `x`: axis i of the result is axis `axes[i]` of x.
Tensor permuted(const Tensor& x, const int (&axes)[4]) {
  const Shape& from = x.shape();
  const int64_t strides[4] = {from[1] * from[2] * from[3], from[2] * from[3], from[3], 1};
  NewTensor y({from[axes[0]], from[axes[1]], from[axes[2]], from[axes[3]]});
  const Shape& to = y.shape();
  float* out = y.data();
  for (int64_t a = 0; a < to[0]; ++a) {
    for (int64_t b = 0; b < to[1]; ++b) {
      for (int64_t c = 0; c < to[2]; ++c) {
        for (int64_t d = 0; d < to[3]; ++d) {
          *out++ = x[a * strides[axes[0]] + b * strides[axes[1]] + c * strides[axes[2]] +
                     d * strides[axes[3]]];
        }
      }
    }
  }
  return y;
}

Tensor to_pytorch(const Tensor& value) {
  return value.shape().axes() == 4 ? permuted(value, {0, 3, 1, 2}) : value;
}
Tensor from_pytorch(const Tensor& value) {
  return value.shape().axes() == 4 ? permuted(value, {0, 2, 3, 1}) : value;
}

/// A tensor of the file: its name, and where it belongs.
struct Entry {
  std::string name;
  Parameter* parameter;  // or else
  NamedBuffer* buffer;   // or else
  ActivationTransform* transform;

  Shape shape() const {
    if (parameter) return parameter->shape();
    return buffer ? buffer->value.shape() : transform->state().shape();
  }
  Tensor value() const {
    if (parameter) return parameter->effective_value();
    return buffer ? buffer->value : transform->state();
  }
  void load(const Tensor& value) const {
    if (parameter) {
      parameter->load(value);
    } else if (buffer) {
      buffer->value = value;
    } else {
      transform->set_state(value);
    }
  }
};

/// What quantizers have found out about activations: the name of the layer and one of these.
constexpr const char* input_suffix = "input_quantizer";
constexpr const char* output_suffix = "output_quantizer";

/// A model without that quantizer has no place for it, and no need.
bool is_dispensable(const std::string& name) {
  return name.ends_with(input_suffix) || name.ends_with(output_suffix);
}

/// Layer by layer, parameters before buffers.
std::vector<Entry> entries(const Module& model) {
  std::vector<Entry> all;
  model.for_each_module([&](const std::string& path, const Module& module) {
    const std::string prefix = path.empty() ? "" : path + ".";
    for (const auto& parameter : module.record()->parameters)
      all.push_back({prefix + parameter->name(), parameter.get(), nullptr, nullptr});
    for (const auto& buffer : module.record()->buffers)
      all.push_back({prefix + buffer->name, nullptr, buffer.get(), nullptr});
    const auto add_transform = [&](ActivationTransform* transform, const char* suffix) {
      if (transform && transform->state().defined())
        all.push_back({prefix + suffix, nullptr, nullptr, transform});
    };
    add_transform(module.record()->input_transform.get(), input_suffix);
    add_transform(module.record()->output_transform.get(), output_suffix);
  });
  return all;
}

/// What there is instead of a tensor that is missing.
std::string names(const Safetensors& file) {
  constexpr size_t most = 4;
  std::string text;
  for (size_t i = 0; i < std::min(most, file.tensors.size()); ++i)
    text += (i == 0 ? "; there are " : ", ") + file.tensors[i].first;
  if (file.tensors.size() > most)
    text += " and " + std::to_string(file.tensors.size() - most) + " more";
  return text;
}

}  // namespace

void save_weights(const Module& model, const std::string& path) {
  Safetensors file;
  file.metadata = {{"format", "pt"}, {"producer", "espalier"}, {"format_version", format_version}};
  for (const Entry& entry : entries(model)) {
    file.tensors.emplace_back(entry.name, to_pytorch(entry.value()));
  }
  write_safetensors(path, file);
}

std::map<std::string, Shape> weight_shapes(const std::string& path) {
  std::map<std::string, Shape> shapes;
  for (const auto& [name, value] : read_safetensors(path).tensors) {
    const Shape& s = value.shape();
    shapes[name] = s.axes() == 4 ? Shape{s[0], s[2], s[3], s[1]} : s;
  }
  return shapes;
}

void load_weights(Module& model, const std::string& path) {
  const Safetensors file = read_safetensors(path);
  const auto fail = [&](const std::string& why) {
    return Error("weights", "'" + path + "' " + why);
  };
  if (auto version = file.metadata.find("format_version");
      version != file.metadata.end() && version->second != format_version) {
    throw fail("has format version " + version->second + ", this build reads version " +
               format_version);
  }
  const std::vector<Entry> wanted = entries(model);
  std::vector<Tensor> values;
  for (const Entry& entry : wanted) {
    const auto found = std::find_if(file.tensors.begin(), file.tensors.end(),
                                    [&](const auto& tensor) { return tensor.first == entry.name; });
    if (found == file.tensors.end())
      throw fail("has no tensor '" + entry.name + "': it belongs to another model" + names(file));
    values.push_back(from_pytorch(found->second));
    if (values.back().shape() != entry.shape()) {
      throw fail("has another shape for '" + entry.name +
                 "': " + values.back().shape().to_string() + ", the model's is " +
                 entry.shape().to_string());
    }
  }
  for (const auto& tensor : file.tensors) {
    const std::string& name = tensor.first;
    const bool known = std::any_of(wanted.begin(), wanted.end(),
                                   [&](const Entry& entry) { return entry.name == name; });
    if (!known && !is_dispensable(name))
      throw fail("has a tensor '" + name + "' that the model has no place for");
  }
  for (size_t i = 0; i < wanted.size(); ++i) wanted[i].load(values[i]);
}

}  // namespace espalier::nn
