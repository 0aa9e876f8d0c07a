#include "espalier/nn/io/state_file.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <span>
#include <string_view>

#include "espalier/autograd/core/error.h"
#include "espalier/autograd/core/platform.h"
#include "espalier/nn/io/checksum.h"

static_assert(std::endian::native == std::endian::little,
              "values are stored as they are in memory");

namespace espalier::nn {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view magic = "espstate";
constexpr uint32_t format_version = 1;

/// What stands before everything that the checksum covers.
struct Preamble {
  char magic[8];
  uint32_t version;
  uint32_t checksum;
  uint64_t length;
};
static_assert(sizeof(Preamble) == 24);

void pad(std::string& text, char with) {
  text.resize((text.size() + 7) / 8 * 8, with);
}

std::vector<int64_t> extents(const Shape& shape) {
  return {shape.begin(), shape.end()};
}

/// A value's type, shape and bytes.
struct Raw {
  const char* type;
  std::vector<int64_t> shape;
  std::string_view bytes;
};

template <class T>
std::string_view bytes_of(const T* values, size_t count) {
  return {reinterpret_cast<const char*>(values), count * sizeof(T)};
}

struct ToRaw {
  Raw operator()(const int64_t& value) const { return {"int64", {}, bytes_of(&value, 1)}; }
  Raw operator()(const double& value) const { return {"float64", {}, bytes_of(&value, 1)}; }
  Raw operator()(const std::string& value) const {
    return {"text", {static_cast<int64_t>(value.size())}, value};
  }
  Raw operator()(const std::vector<int64_t>& value) const {
    return {"int64", {static_cast<int64_t>(value.size())}, bytes_of(value.data(), value.size())};
  }
  Raw operator()(const Tensor& value) const {
    return {"float32", extents(value.shape()), bytes_of(value.data(), value.values().size())};
  }
  Raw operator()(const Mask& value) const {
    return {"bit", extents(value.shape()),
            bytes_of(value.words(), static_cast<size_t>((value.size() + 63) / 64))};
  }
};

template <class T>
std::vector<T> copied(std::string_view bytes) {
  if (bytes.size() % sizeof(T) != 0)
    throw Error("state", "its bytes are no whole number of values");
  std::vector<T> values(bytes.size() / sizeof(T));
  std::copy_n(bytes.data(), bytes.size(), reinterpret_cast<char*>(values.data()));
  return values;
}

State::Value from_raw(const std::string& type, const std::vector<int64_t>& shape,
                      std::string_view bytes) {
  if (type == "text") return std::string(bytes);
  if (type == "int64") {
    const std::vector<int64_t> values = copied<int64_t>(bytes);
    if (!shape.empty()) return values;
    return values.at(0);
  }
  if (type == "float64") return copied<double>(bytes).at(0);
  if (type == "float32") {
    return Tensor::from(Shape(std::span<const int64_t>(shape)), copied<float>(bytes));
  }
  if (type == "bit") {
    return Mask::from_words(Shape(std::span<const int64_t>(shape)), copied<uint64_t>(bytes));
  }
  throw Error("state", "it is of the unknown type '" + type + "'");
}

StateFile parse(std::string_view content) {
  uint64_t length = 0;
  std::memcpy(&length, content.data(), sizeof(length));
  content.remove_prefix(sizeof(length));
  if (length > content.size()) throw Error("state", "its header does not fit");
  const Json header = Json::parse(content.substr(0, length));
  const std::string_view values = content.substr(length);
  StateFile file;
  file.metadata = header.at("metadata").get<std::map<std::string, std::string>>();
  for (const auto& [name, entry] : header.at("values").items()) {
    const auto [from, to] = entry.at("bytes").get<std::pair<size_t, size_t>>();
    if (from > to || to > values.size()) throw Error("state", "'" + name + "' does not fit");
    file.state.values[name] =
        from_raw(entry.at("type").get<std::string>(), entry.at("shape").get<std::vector<int64_t>>(),
                 values.substr(from, to - from));
  }
  return file;
}

}  // namespace

void write_state_file(const std::string& path, const StateFile& content) {
  Json values = Json::object();
  size_t offset = 0;
  for (const auto& [name, value] : content.state.values) {
    const Raw raw = std::visit(ToRaw(), value);
    values[name] = {
        {"type", raw.type}, {"shape", raw.shape}, {"bytes", {offset, offset + raw.bytes.size()}}};
    offset += (raw.bytes.size() + 7) / 8 * 8;
  }
  std::string header = Json{{"metadata", content.metadata}, {"values", values}}.dump();
  pad(header, ' ');

  const uint64_t header_length = header.size();
  std::string file(sizeof(Preamble), '\0');
  file.reserve(sizeof(Preamble) + sizeof(header_length) + header.size() + offset);
  file += bytes_of(&header_length, 1);
  file += header;
  for (const auto& [name, value] : content.state.values) {
    file += std::visit(ToRaw(), value).bytes;
    pad(file, '\0');
  }
  const std::string_view covered = std::string_view(file).substr(sizeof(Preamble));
  Preamble preamble{{}, format_version, checksum(covered), covered.size()};
  std::memcpy(preamble.magic, magic.data(), magic.size());
  std::memcpy(file.data(), &preamble, sizeof(preamble));
  write_file_atomically(path, file);
}

StateFile read_state_file(const std::string& path) {
  const auto fail = [&](const std::string& why) {
    return Error("checkpoint", "'" + path + "' " + why);
  };
  const std::string file = read_file(path);
  if (file.size() < magic.size() || !std::string_view(file).starts_with(magic))
    throw fail("is no checkpoint");
  Preamble preamble{};
  if (file.size() < sizeof(preamble) + sizeof(uint64_t)) throw fail("is cut short");
  std::memcpy(&preamble, file.data(), sizeof(preamble));
  if (preamble.version != format_version) {
    throw fail("has format version " + std::to_string(preamble.version) +
               ", this build reads version " + std::to_string(format_version));
  }
  const std::string_view content = std::string_view(file).substr(sizeof(preamble));
  if (content.size() < preamble.length) {
    throw fail("is cut short: " + std::to_string(content.size()) + " of " +
               std::to_string(preamble.length) + " bytes are there");
  }
  if (content.size() > preamble.length || checksum(content) != preamble.checksum)
    throw fail("is damaged: its checksum does not match");
  try {
    return parse(content);
  } catch (const std::exception& error) {  // written so by something else: the checksum is right
    throw fail(std::string("cannot be understood: ") + error.what());
  }
}

}  // namespace espalier::nn
