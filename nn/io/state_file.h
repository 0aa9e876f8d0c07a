#pragma once

#include <map>
#include <string>

#include "espalier/nn/io/state.h"

namespace espalier::nn {

/// A file that holds a `State`. Little-endian, each value at a multiple of 8 bytes:
///
///     0   8 bytes   "espstate"
///     8   uint32    version of this format: 1
///     12  uint32    CRC-32 of everything from byte 24 on
///     16  uint64    number of bytes from byte 24 on
///     24  uint64    length L of the header, a multiple of 8
///     32  L bytes   JSON: {"metadata": {…}, "values": {name: {"type", "shape", "bytes": [from,
///     to]}}} …             the values, as they are in memory; `bytes` counts from the end of the
///     header
///
/// Types are `int64`, `float64`, `text`, `float32` (a tensor) and `bit` (a mask: words of 64 bits,
/// the lowest first). `shape` is [] for single numbers, the length for lists and texts.
struct StateFile {
  State state;
  std::map<std::string, std::string> metadata;  ///< what was running, for messages
};

/// Writes the file in one go: a reader sees the old file or the whole new one.
/// \throws Error naming the path and the system's reason; the old file stays
void write_state_file(const std::string& path, const StateFile& content);

/// \throws Error naming the path when there is no such file, it is something else, of another
///         version, cut short or damaged
StateFile read_state_file(const std::string& path);

}  // namespace espalier::nn
