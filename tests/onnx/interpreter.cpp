#include "onnx/interpreter.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <map>
#include <numeric>
#include <stdexcept>

namespace espalier::test {
namespace {

using Extents = std::vector<int64_t>;

int64_t product(Extents::const_iterator from, Extents::const_iterator to) {
  return std::accumulate(from, to, int64_t{1}, std::multiplies<>());
}
int64_t product(const Extents& shape) {
  return product(shape.begin(), shape.end());
}

template <class T>
void append(const std::string& raw, std::vector<double>& values) {
  for (size_t at = 0; at < raw.size(); at += sizeof(T)) {
    T value;
    std::memcpy(&value, raw.data() + at, sizeof(T));
    values.push_back(static_cast<double>(value));
  }
}

class Node {
 public:
  Node(const onnx::NodeProto& proto, const std::map<std::string, Array>& tensors)
      : proto_(proto), tensors_(tensors) {}

  Array run() const {
    const std::string& type = proto_.op_type();
    if (type == "Conv") return conv();
    if (type == "Gemm") return gemm();
    if (type == "MaxPool" || type == "AveragePool") return pool(type == "MaxPool");
    if (type == "GlobalAveragePool") return global_pool();
    if (type == "Flatten") return {{x().shape[0], product(x().shape) / x().shape[0]}, x().values};
    if (type == "Reshape") return reshape();
    if (type == "Transpose") return transpose();
    if (type == "Concat") return concat();
    if (type == "Add") return pairwise(std::plus<>());
    if (type == "Sub") return pairwise(std::minus<>());
    if (type == "Mul") return pairwise(std::multiplies<>());
    if (type == "Div") return pairwise(std::divides<>());
    if (type == "QuantizeLinear") return quantize();
    if (type == "DequantizeLinear") return dequantize();
    if (type == "Clip") {
      const double low = x(1).values.at(0), high = x(2).values.at(0);
      return each([=](double v) { return std::clamp(v, low, high); });
    }
    if (type == "Relu") return each([](double v) { return std::max(v, 0.0); });
    if (type == "LeakyRelu") {
      const double alpha = double{attribute("alpha").f()};
      return each([=](double v) { return v < 0 ? alpha * v : v; });
    }
    if (type == "Sigmoid") return each([](double v) { return 1 / (1 + std::exp(-v)); });
    if (type == "Tanh") return each([](double v) { return std::tanh(v); });
    if (type == "Erf") return each([](double v) { return std::erf(v); });
    if (type == "HardSwish")
      return each([](double v) { return v * std::clamp(v / 6 + 0.5, 0.0, 1.0); });
    if (type == "Identity") return x();
    throw std::runtime_error("the interpreter has no operator " + type);
  }

 private:
  const Array& x(int which = 0) const { return tensors_.at(proto_.input(which)); }
  const onnx::AttributeProto& attribute(const std::string& name) const {
    for (const onnx::AttributeProto& each : proto_.attribute()) {
      if (each.name() == name) return each;
    }
    throw std::runtime_error(proto_.name() + " has no attribute " + name);
  }
  int64_t integer(const std::string& name, int64_t otherwise) const {
    for (const onnx::AttributeProto& each : proto_.attribute()) {
      if (each.name() == name) return each.i();
    }
    return otherwise;
  }
  int64_t both(const std::string& name) const {  // of height and width, which are equal for us
    const auto& values = attribute(name).ints();
    if (std::any_of(values.begin(), values.end(), [&](int64_t v) { return v != values[0]; })) {
      throw std::runtime_error(proto_.name() + ": unequal " + name);
    }
    return values[0];
  }

  Array each(const std::function<double(double)>& f) const {
    Array y = x();
    for (double& value : y.values) value = f(value);
    return y;
  }
  /// The second input has the first one's shape, or the last extents of it and 1.
  template <class F>
  Array pairwise(F f) const {
    Array y = x(0);
    const Array& b = x(1);
    for (size_t i = 0; i < y.values.size(); ++i) {
      int64_t rest = static_cast<int64_t>(i), at = 0, step = 1;
      for (size_t back = 1; back <= b.shape.size(); ++back) {
        const int64_t extent = y.shape.at(y.shape.size() - back),
                      own = b.shape[b.shape.size() - back];
        if (own != extent && own != 1) throw std::runtime_error(proto_.name() + ": shapes");
        at += own == 1 ? 0 : rest % extent * step;
        step *= own;
        rest /= extent;
      }
      y.values[i] = f(y.values[i], b.values[static_cast<size_t>(at)]);
    }
    return y;
  }

  Array conv() const {
    const Array &in = x(0), &w = x(1);
    const int64_t stride = both("strides"), pad = both("pads"), dilation = both("dilations");
    const int64_t groups = integer("group", 1), outputs = w.shape[0], depth = w.shape[1];
    const int64_t height = in.shape[2], width = in.shape[3], kh = w.shape[2], kw = w.shape[3];
    const int64_t ph = (height + 2 * pad - dilation * (kh - 1) - 1) / stride + 1;
    const int64_t pw = (width + 2 * pad - dilation * (kw - 1) - 1) / stride + 1;
    if (depth * groups != in.shape[1]) throw std::runtime_error(proto_.name() + ": channels");
    Array y{{in.shape[0], outputs, ph, pw}, {}};
    for (int64_t n = 0; n < in.shape[0]; ++n)
      for (int64_t o = 0; o < outputs; ++o)
        for (int64_t p = 0; p < ph; ++p)
          for (int64_t q = 0; q < pw; ++q) {
            double sum = proto_.input_size() > 2 ? x(2).values.at(static_cast<size_t>(o)) : 0;
            for (int64_t c = 0; c < depth; ++c)
              for (int64_t i = 0; i < kh; ++i)
                for (int64_t j = 0; j < kw; ++j) {
                  const int64_t r = p * stride - pad + i * dilation,
                                s = q * stride - pad + j * dilation;
                  if (r < 0 || r >= height || s < 0 || s >= width) continue;
                  const int64_t channel = o / (outputs / groups) * depth + c;
                  sum += at(in, n, channel, r, s) * at(w, o, c, i, j);
                }
            y.values.push_back(sum);
          }
    return y;
  }
  static double at(const Array& a, int64_t i, int64_t j, int64_t k, int64_t l) {
    return a.values[static_cast<size_t>(((i * a.shape[1] + j) * a.shape[2] + k) * a.shape[3] + l)];
  }

  Array gemm() const {
    const Array &in = x(0), &w = x(1);
    if (attribute("transB").i() != 1 || in.shape.size() != 2 || in.shape[1] != w.shape[1]) {
      throw std::runtime_error(proto_.name() + ": not x·Wᵀ");
    }
    Array y{{in.shape[0], w.shape[0]}, {}};
    for (int64_t n = 0; n < in.shape[0]; ++n)
      for (int64_t o = 0; o < w.shape[0]; ++o) {
        double sum = proto_.input_size() > 2 ? x(2).values.at(static_cast<size_t>(o)) : 0;
        for (int64_t i = 0; i < w.shape[1]; ++i) {
          sum += in.values[static_cast<size_t>(n * w.shape[1] + i)] *
                 w.values[static_cast<size_t>(o * w.shape[1] + i)];
        }
        y.values.push_back(sum);
      }
    return y;
  }

  Array pool(bool max) const {
    const Array& in = x();
    const int64_t kernel = both("kernel_shape"), stride = both("strides"), pad = both("pads");
    if (!max && attribute("count_include_pad").i() != 1) throw std::runtime_error("padding");
    const int64_t height = in.shape[2], width = in.shape[3];
    const int64_t ph = (height + 2 * pad - kernel) / stride + 1;
    const int64_t pw = (width + 2 * pad - kernel) / stride + 1;
    Array y{{in.shape[0], in.shape[1], ph, pw}, {}};
    for (int64_t n = 0; n < in.shape[0]; ++n)
      for (int64_t c = 0; c < in.shape[1]; ++c)
        for (int64_t p = 0; p < ph; ++p)
          for (int64_t q = 0; q < pw; ++q) {
            double largest = -std::numeric_limits<double>::infinity(), sum = 0;
            for (int64_t r = p * stride - pad; r < p * stride - pad + kernel; ++r)
              for (int64_t s = q * stride - pad; s < q * stride - pad + kernel; ++s) {
                if (r < 0 || r >= height || s < 0 || s >= width) continue;
                largest = std::max(largest, at(in, n, c, r, s));
                sum += at(in, n, c, r, s);
              }
            y.values.push_back(max ? largest : sum / static_cast<double>(kernel * kernel));
          }
    return y;
  }
  Array global_pool() const {
    const Array& in = x();
    const size_t pixels = static_cast<size_t>(in.shape[2] * in.shape[3]);
    Array y{{in.shape[0], in.shape[1], 1, 1}, {}};
    for (auto from = in.values.begin(); from != in.values.end();
         from += static_cast<long>(pixels)) {
      y.values.push_back(std::accumulate(from, from + static_cast<long>(pixels), 0.0) /
                         static_cast<double>(pixels));
    }
    return y;
  }

  Array reshape() const {
    Array y{{}, x().values};
    for (size_t i = 0; i < x(1).values.size(); ++i) {
      const int64_t extent = static_cast<int64_t>(x(1).values[i]);
      y.shape.push_back(extent == 0 ? x().shape.at(i) : extent);
    }
    return y;
  }
  Array transpose() const {
    const auto& order = attribute("perm").ints();
    Array y;
    for (const int64_t axis : order) y.shape.push_back(x().shape.at(static_cast<size_t>(axis)));
    for (int64_t i = 0; i < product(y.shape); ++i) {
      int64_t rest = i, from = 0;
      for (size_t axis = y.shape.size(); axis-- > 0; rest /= y.shape[axis]) {
        const Extents& shape = x().shape;
        from += rest % y.shape[axis] *
                product(shape.begin() + order[static_cast<int>(axis)] + 1, shape.end());
      }
      y.values.push_back(x().values[static_cast<size_t>(from)]);
    }
    return y;
  }
  Array concat() const {
    if (attribute("axis").i() != 1) throw std::runtime_error(proto_.name() + ": axis");
    Array y{x().shape, {}};
    y.shape[1] = 0;
    for (int i = 0; i < proto_.input_size(); ++i) y.shape[1] += x(i).shape[1];
    for (int64_t n = 0; n < y.shape[0]; ++n) {
      for (int i = 0; i < proto_.input_size(); ++i) {
        const long size = product(x(i).shape.begin() + 1, x(i).shape.end());
        y.values.insert(y.values.end(), x(i).values.begin() + n * size,
                        x(i).values.begin() + (n + 1) * size);
      }
    }
    return y;
  }

  Array quantize() const {  // to uint8, as we have no other
    const double scale = x(1).values.at(0), zero = x(2).values.at(0);
    return each([=](double v) { return std::clamp(std::nearbyint(v / scale) + zero, 0.0, 255.0); });
  }
  Array dequantize() const {
    Array y = x();
    const Array& scale = x(1);
    if (!scale.shape.empty() && attribute("axis").i() != 0) throw std::runtime_error("axis");
    const size_t row = y.values.size() / scale.values.size();
    for (size_t i = 0; i < y.values.size(); ++i) {
      const double zero = proto_.input_size() > 2 ? x(2).values.at(i / row) : 0;
      y.values[i] = (y.values[i] - zero) * scale.values[i / row];
    }
    return y;
  }

  const onnx::NodeProto& proto_;
  const std::map<std::string, Array>& tensors_;
};

}  // namespace

Array numbers(const onnx::TensorProto& tensor) {
  Array array{{tensor.dims().begin(), tensor.dims().end()}, {}};
  const std::string& raw = tensor.raw_data();
  switch (tensor.data_type()) {
    case onnx::TensorProto::FLOAT:
      append<float>(raw, array.values);
      break;
    case onnx::TensorProto::INT8:
      append<int8_t>(raw, array.values);
      break;
    case onnx::TensorProto::UINT8:
      append<uint8_t>(raw, array.values);
      break;
    case onnx::TensorProto::INT32:
      append<int32_t>(raw, array.values);
      break;
    case onnx::TensorProto::INT64:
      append<int64_t>(raw, array.values);
      break;
    default:
      throw std::runtime_error("the type of " + tensor.name());
  }
  if (product(array.shape) != static_cast<int64_t>(array.values.size())) {
    throw std::runtime_error("the size of " + tensor.name());
  }
  return array;
}

Array interpret(const onnx::ModelProto& model, const Array& input) {
  std::map<std::string, Array> tensors;
  tensors["input"] = input;
  for (const onnx::TensorProto& constant : model.graph().initializer()) {
    tensors[constant.name()] = numbers(constant);
  }
  for (const onnx::NodeProto& node : model.graph().node()) {
    Array result = Node(node, tensors).run();
    if (!tensors.emplace(node.output(0), std::move(result)).second) {
      throw std::runtime_error(node.output(0) + " is made twice");
    }
  }
  return tensors.at("logits");
}

}  // namespace espalier::test
