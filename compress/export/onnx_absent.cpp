// Stands in for onnx.cpp in a build without ONNX.
#include "espalier/autograd/core/error.h"
#include "espalier/compress/export/onnx.h"

namespace espalier::compress {

void export_onnx(const file::Network&, const std::string& path, const OnnxOptions&) {
  throw Error("onnx", "cannot write " + path +
                          ": this build of Espalier has no ONNX; install Debian's libonnx-dev and "
                          "libprotobuf-dev and build it again");
}

}  // namespace espalier::compress
