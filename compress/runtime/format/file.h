#pragma once

#include "espalier/compress/runtime/format/graph.h"
#include "espalier/compress/runtime/format/range_coder.h"
#include "espalier/compress/runtime/format/weight_stream.h"

namespace espalier::runtime {

/// The parts of a file whose checksum is right.
struct FileParts {
  ByteReader header{nullptr, 0};
  ByteReader stream{nullptr, 0};       ///< the numbers of all layers
  ByteReader self_test{nullptr, 0};    ///< empty if there is none
  ByteReader class_names{nullptr, 0};  ///< of version 2
  int version = 0;
};
Status open_file(const uint8_t* data, size_t size, FileParts& parts);

/// Gets the numbers of one layer after the other.
class WeightReader {
 public:
  WeightReader(ByteReader stream, const Graph& graph, Budget& budget)
      : graph_(graph), budget_(budget), decoder_(stream.position(), stream.left()) {}

  Status begin();
  /// Of the next operation that has weights: they are asked for in order. Codebooks are looked up:
  /// `data` has values or codes.
  Status read(const Operation& operation, WeightData& data);
  /// Whether the stream ends where the last layer does.
  Status end() const;

 private:
  const Graph& graph_;
  Budget& budget_;
  RangeDecoder decoder_;
  WeightModel<RangeDecoder> model_{decoder_};
  Array<int32_t> kept_;        // by output, of all layers one after the other
  Array<int64_t> kept_begin_;  // by operation
};

/// Whether a layer's numbers are finite and its sums of codes stay below 2^31: |bias| + 510·Σ|w|
/// for each output, as a code less its zero point is at most 255 and kernels split it into two
/// parts.
Status check_weight(const Graph& graph, const Operation& operation, const WeightData& data);

}  // namespace espalier::runtime
