#include "espalier/nn/io/safetensors.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <span>

#include "espalier/autograd/core/error.h"
#include "espalier/autograd/core/platform.h"

static_assert(std::endian::native == std::endian::little,
              "values are stored as they are in memory");

namespace espalier::nn {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t length_bytes = 8;

/// The float32 of these 32 bits.
float from_bits(uint32_t bits) {
  return std::bit_cast<float>(bits);
}

/// IEEE 754 half precision: 1 bit for the sign, 5 for the exponent, 10 for the fraction.
float from_half(uint16_t half) {
  const uint32_t sign = uint32_t{half} >> 15 << 31, exponent = (half >> 10) & 31u,
                 fraction = half & 1023u;
  if (exponent == 31) return from_bits(sign | 0x7f800000u | fraction << 13);
  if (exponent > 0) return from_bits(sign | (exponent + 112) << 23 | fraction << 13);
  const float tiny = static_cast<float>(fraction) * 0x1p-24f;
  return sign ? -tiny : tiny;
}

/// bfloat16 is the upper half of a float32.
float from_bfloat(uint16_t upper) {
  return from_bits(uint32_t{upper} << 16);
}

float from_double(double value) {
  const float nearest = static_cast<float>(value);
  if (std::isfinite(value) && !std::isfinite(nearest))
    throw Error("safetensors", "a value of " + std::to_string(value) + " is too large for float32");
  return nearest;
}

template <class Stored, class Convert>
void convert(const char* from, int64_t count, float* to, const Convert& to_float) {
  for (int64_t i = 0; i < count; ++i) {
    Stored stored;
    std::memcpy(&stored, from + static_cast<size_t>(i) * sizeof(Stored), sizeof(Stored));
    to[i] = to_float(stored);
  }
}

/// A type of numbers that files hold.
struct Kind {
  std::string_view name;
  size_t bytes;
  void (*read)(const char* from, int64_t count, float* to);
};

constexpr Kind kinds[] = {
    {"F32", 4,
     [](const char* from, int64_t count, float* to) {
       std::memcpy(to, from, static_cast<size_t>(count) * sizeof(float));
     }},
    {"F16", 2,
     [](const char* from, int64_t count, float* to) {
       convert<uint16_t>(from, count, to, from_half);
     }},
    {"BF16", 2,
     [](const char* from, int64_t count, float* to) {
       convert<uint16_t>(from, count, to, from_bfloat);
     }},
    {"F64", 8,
     [](const char* from, int64_t count, float* to) {
       convert<double>(from, count, to, from_double);
     }},
};

const Kind& kind_of(const std::string& name, const std::string& dtype) {
  for (const Kind& kind : kinds) {
    if (kind.name == dtype) return kind;
  }
  throw Error("safetensors", "tensor '" + name + "' has values of the type " + dtype +
                                 "; those of F32, F16, BF16 and F64 can be read");
}

Tensor read_tensor(const std::string& name, const Json& entry, std::string_view values) {
  const Kind& kind = kind_of(name, entry.at("dtype").get<std::string>());
  const auto extents = entry.at("shape").get<std::vector<int64_t>>();
  const auto [begin, end] = entry.at("data_offsets").get<std::pair<size_t, size_t>>();
  const Shape shape{std::span<const int64_t>(extents)};
  if (begin > end || end > values.size() ||
      end - begin != static_cast<size_t>(shape.elements()) * kind.bytes) {
    throw Error("safetensors", "the bytes of tensor '" + name +
                                   "' do not fit its shape or the file, which may be cut short");
  }
  NewTensor tensor(shape);
  kind.read(values.data() + begin, shape.elements(), tensor.data());
  return tensor;
}

}  // namespace

void write_safetensors(const std::string& path, const Safetensors& content) {
  Json header = Json::object();
  if (!content.metadata.empty()) header["__metadata__"] = content.metadata;
  size_t offset = 0;
  for (const auto& [name, tensor] : content.tensors) {
    const size_t bytes = static_cast<size_t>(tensor.size()) * sizeof(float);
    header[name] = {{"dtype", "F32"},
                    {"shape", std::vector<int64_t>(tensor.shape().begin(), tensor.shape().end())},
                    {"data_offsets", {offset, offset + bytes}}};
    offset += bytes;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');  // so that the values are aligned in the file

  std::string file(length_bytes, '\0');
  const uint64_t length = text.size();
  std::memcpy(file.data(), &length, length_bytes);
  file.reserve(length_bytes + text.size() + offset);
  file += text;
  for (const auto& [name, tensor] : content.tensors) {
    file.append(reinterpret_cast<const char*>(tensor.data()),
                static_cast<size_t>(tensor.size()) * sizeof(float));
  }
  write_file_atomically(path, file);
}

Safetensors read_safetensors(const std::string& path) {
  const auto fail = [&](const std::string& why) -> Error {
    return Error("safetensors", "'" + path + "' " + why);
  };
  const std::string file = read_file(path);
  uint64_t length = 0;
  if (file.size() >= length_bytes) std::memcpy(&length, file.data(), length_bytes);
  if (file.size() < length_bytes || length > file.size() - length_bytes) {
    throw fail("is cut short or no safetensors file: its header does not fit");
  }
  const std::string_view values = std::string_view(file).substr(length_bytes + length);
  Safetensors content;
  try {
    const Json header =
        Json::parse(file.begin() + length_bytes,
                    file.begin() + static_cast<std::ptrdiff_t>(length_bytes + length));
    for (const auto& [name, entry] : header.items()) {
      if (name == "__metadata__") {
        content.metadata = entry.get<std::map<std::string, std::string>>();
      } else if (!name.ends_with("num_batches_tracked")) {
        content.tensors.emplace_back(name, read_tensor(name, entry, values));
      }
    }
  } catch (const Json::exception&) {
    throw fail("has a damaged header; get another copy of it");
  } catch (const Error& error) {
    throw error.and_also("so '" + path + "' cannot be read");
  }
  return content;
}

}  // namespace espalier::nn
