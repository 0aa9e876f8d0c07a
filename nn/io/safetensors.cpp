#include "espalier/nn/io/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <fstream>
#include <iterator>
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

Tensor read_tensor(const std::string& name, const Json& entry, std::string_view values) {
  if (entry.at("dtype") != "F32") {
    throw Error("safetensors",
                "tensor '" + name + "' is not float32 but " + entry.at("dtype").get<std::string>());
  }
  const auto extents = entry.at("shape").get<std::vector<int64_t>>();
  const auto [begin, end] = entry.at("data_offsets").get<std::pair<size_t, size_t>>();
  const Shape shape{std::span<const int64_t>(extents)};
  if (begin > end || end > values.size() ||
      end - begin != static_cast<size_t>(shape.elements()) * sizeof(float)) {
    throw Error("safetensors",
                "the byte range of tensor '" + name + "' does not fit its shape or the file");
  }
  NewTensor tensor(shape);
  std::memcpy(tensor.data(), values.data() + begin, end - begin);
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
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw fail("cannot be opened for reading");
  const std::string file{std::istreambuf_iterator<char>(stream), {}};
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
  } catch (const Json::exception& error) {
    throw fail(std::string("has a damaged header: ") + error.what());
  } catch (const Error& error) {
    throw fail(std::string("is damaged: ") + error.what());
  }
  return content;
}

}  // namespace espalier::nn
