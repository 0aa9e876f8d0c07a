#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "espalier/autograd/core/buffer_pool.h"
#include "espalier/autograd/core/kernel_plan.h"
#include "espalier/autograd/core/object_cache.h"
#include "espalier/autograd/core/platform.h"
#include "espalier/autograd/core/random.h"

namespace espalier {

constexpr int max_threads = 256;

struct EngineOptions {
  int threads =
      0;  ///< threads a kernel may use, at most `max_threads`; 0: the cores this process may run on
  size_t pool_bytes = size_t{2} << 30;  ///< freed tensor memory kept for reuse at most
  uint64_t seed = 0;  ///< for start values and dropout of layers made without further word
  int cached_primitives = 512;  ///< prepared backend kernels kept at most
  /// Best instruction set the library's own kernels may use; never above what the machine has.
  InstructionSet instruction_set = InstructionSet::avx512;
  /// Where warnings go; unset: one line on standard error.
  std::function<void(const std::string&)> on_warning = {};
};

/// What operations run on: a thread count, reusable memory, prepared kernels and the choice between
/// kernels. Nothing in the library is global: two engines in one program do not share any of it.
/// Each thread has a current engine; one with default options is made for a thread that never
/// chose.
class Engine {
 public:
  explicit Engine(EngineOptions options = {});

  /// The engine of the calling thread.
  static Engine& current();

  int threads() const { return options_.threads; }
  InstructionSet instruction_set() const { return options_.instruction_set; }
  uint64_t seed() const { return options_.seed; }
  BufferPool& buffers() { return buffers_; }
  ObjectCache& primitives() { return primitives_; }
  KernelPlan& plan() { return plan_; }
  /// Random numbers for the next parameter that is made on this engine.
  RandomStream next_start_values() {
    return RandomStream(options_.seed, Purpose::initialisation, parameters_made_++);
  }

  /// Gives reusable memory and prepared kernels back.
  void release_caches();
  /// Tells the user something that is no error but should not pass unseen.
  void warn(const std::string& message) const;

 private:
  EngineOptions options_;
  BufferPool buffers_;
  ObjectCache primitives_;
  KernelPlan plan_;
  uint64_t parameters_made_ = 0;
};

/// Makes `engine` the calling thread's current one while it lives.
class EngineScope {
 public:
  explicit EngineScope(Engine& engine);
  ~EngineScope();
  EngineScope(const EngineScope&) = delete;
  EngineScope& operator=(const EngineScope&) = delete;

 private:
  Engine* previous_;
};

}  // namespace espalier
