#include "espalier/compress/file/inspect.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <memory>

#include "espalier/compress/file/loaded.h"
#include "espalier/compress/runtime/format/file.h"

namespace espalier::compress::file {
namespace {

using runtime::Purpose;

/// Decodes, and counts what each bit has cost.
class CountingDecoder : public runtime::RangeDecoder {
 public:
  using RangeDecoder::RangeDecoder;

  void count_into(LayerBytes& layer) { layer_ = &layer; }
  void begin(Purpose purpose) {
    cost_ = purpose == Purpose::positions ? &layer_->positions
            : purpose == Purpose::values  ? &layer_->values
                                          : &layer_->rest;
  }
  int bit(int ignored, uint32_t probability) {
    const int result = RangeDecoder::bit(ignored, probability);
    const double p = probability / 65536.0;
    *cost_ -= std::log2(result ? p : 1 - p) / 8;
    return result;
  }

 private:
  LayerBytes* layer_ = nullptr;
  double* cost_ = nullptr;
};

std::string form_of(const runtime::WeightInfo& w, const runtime::WeightData& data) {
  if (w.form == runtime::WeightForm::values) return "float32";
  if (w.form == runtime::WeightForm::codebook)
    return "codebook of " + std::to_string(w.codebook_size);
  int largest = 0;
  for (const int16_t code : data.codes) largest = std::max(largest, std::abs(int{code}));
  int bits = 1;  // the sign
  while (largest >> (bits - 1)) ++bits;
  return std::to_string(bits) + " bits";
}

}  // namespace

FileBytes inspect(const std::vector<uint8_t>& bytes) {
  // Whoever wrote the file: behind this it contradicts itself nowhere.
  loaded(bytes);

  runtime::FileParts parts;
  require(runtime::open_file(bytes.data(), bytes.size(), parts));
  FileBytes found;
  found.file = static_cast<int64_t>(bytes.size());
  found.header = static_cast<int64_t>(parts.header.left());
  found.self_test = static_cast<int64_t>(parts.self_test.left());
  found.class_names = static_cast<int64_t>(parts.class_names.left());
  runtime::Budget budget(std::numeric_limits<size_t>::max());
  runtime::Graph graph;
  require(runtime::read_graph(parts.header, budget, graph));

  CountingDecoder decoder(parts.stream.position(), parts.stream.left());
  const auto coder = std::make_unique<runtime::WeightModel<CountingDecoder>>(decoder);
  std::vector<runtime::Array<int32_t>> kept(graph.operations.size());
  for (size_t i = 0; i < graph.operations.size(); ++i) {
    const runtime::Operation& operation = graph.operations[i];
    if (!operation.has_weight()) continue;
    const runtime::WeightInfo& w = operation.weight;
    LayerBytes layer;
    layer.layer.assign(reinterpret_cast<const char*>(operation.name), operation.name_size);
    layer.shape = {w.outputs, w.kernel_height, w.kernel_width, w.inputs};
    if (operation.kind == runtime::OperationKind::linear) layer.shape = {w.outputs, w.inputs};
    layer.weights = w.size();
    decoder.count_into(layer);
    runtime::WeightData data;
    if (!data.allocate(budget, w, !graph.input(operation).codes) ||
        !kept[i].allocate(budget, static_cast<size_t>(w.outputs)) ||
        !coder->reserve(budget, w.outputs, w.columns()))
      throw Error("file", "there is no memory for the weights");
    const runtime::WeightGeometry geometry = runtime::weight_geometry(graph, operation);
    const int maker = runtime::channel_maker(graph, operation);
    const bool known =
        maker >= 0 &&
        static_cast<int64_t>(kept[static_cast<size_t>(maker)].size()) == geometry.channels;
    runtime::code_weight(decoder, *coder, w, geometry,
                         known ? kept[static_cast<size_t>(maker)].data() : nullptr, data, kept[i]);
    for (const int32_t of_output : kept[i]) layer.kept += of_output;
    layer.form = form_of(w, data);
    found.layers.push_back(std::move(layer));
  }
  return found;
}

}  // namespace espalier::compress::file
