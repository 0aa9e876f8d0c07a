#include "espalier/experiment/exported_file.h"

#include <utility>

#include "espalier/autograd/core/engine.h"
#include "espalier/autograd/core/error.h"
#include "espalier/autograd/core/parallel.h"
#include "espalier/autograd/core/platform.h"
#include "espalier/compress/file/loaded.h"

namespace espalier::experiment {
namespace {

/// The engine's threads.
class EngineThreads : public runtime::ThreadPool {
 public:
  int threads() const override { return Engine::current().threads(); }
  void run(int count, void (*task)(void*, int), void* context) override {
    parallel_for(count, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) task(context, static_cast<int>(i));
    });
  }
};

std::vector<uint8_t> bytes_of(const std::string& path) {
  const std::string content = read_file(path);
  return {content.begin(), content.end()};
}

}  // namespace

ExportedFile::ExportedFile(const std::string& path) : ExportedFile(bytes_of(path), path) {}

ExportedFile::ExportedFile(std::vector<uint8_t> bytes, const std::string& name)
    : name_(name), bytes_(std::move(bytes)) {
  const runtime::Status status =
      runtime::load(bytes_.data(), bytes_.size(), compress::file::without_limits(), model_);
  if (!status.ok()) throw Error("exported network", "'" + name + "': " + status.message());
}

std::span<const float> ExportedFile::scores(std::span<const uint8_t> pixels, int batch) {
  const int threads = Engine::current().threads();
  const size_t needed = model_.arena_bytes(batch, threads);
  if (arena_.size() < needed) arena_.resize(needed);
  scores_.resize(static_cast<size_t>(batch * model_.output_size()));
  EngineThreads pool;
  const runtime::Status status = model_.run(pixels.data(), batch, scores_.data(), arena_.data(),
                                            arena_.size(), threads > 1 ? &pool : nullptr);
  if (!status.ok()) throw Error("exported network", "'" + name_ + "': " + status.message());
  return scores_;
}

}  // namespace espalier::experiment
