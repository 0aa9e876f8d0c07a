#include <catch2/catch.hpp>
#include <filesystem>

#include "espalier/autograd/core/error.h"
#include "espalier/compress/export/onnx.h"
#include "support/files.h"

using namespace espalier;

TEST_CASE("a build without ONNX says which packages are missing") {
  const testing::TemporaryFolder folder;
  CHECK_THROWS_WITH(compress::export_onnx({}, folder / "net.onnx"),
                    Catch::Contains("net.onnx") && Catch::Contains("libonnx-dev") &&
                        Catch::Contains("libprotobuf-dev"));
  CHECK(std::filesystem::is_empty(folder.path()));
}
