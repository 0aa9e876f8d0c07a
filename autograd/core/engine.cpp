#include "espalier/autograd/core/engine.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "espalier/autograd/core/error.h"

namespace espalier {
namespace {

thread_local Engine* chosen = nullptr;
thread_local std::unique_ptr<Engine> made_by_default;

EngineOptions checked(EngineOptions options) {
  if (options.threads < 0 || options.threads > max_threads) {
    throw Error("engine", "the number of threads must be in [0, " + std::to_string(max_threads) +
                              "], not " + std::to_string(options.threads));
  }
  if (options.threads == 0) options.threads = std::min(available_cores(), max_threads);
  options.instruction_set = std::min(options.instruction_set, detected_instruction_set());
  return options;
}

}  // namespace

Engine::Engine(EngineOptions options)
    : options_(checked(std::move(options))),
      buffers_(options_.pool_bytes),
      primitives_(options_.cached_primitives) {}

Engine& Engine::current() {
  if (chosen) return *chosen;
  if (!made_by_default) made_by_default = std::make_unique<Engine>();
  return *made_by_default;
}

void Engine::release_caches() {
  buffers_.release();
  primitives_.release();
}

void Engine::warn(const std::string& message) const {
  if (options_.on_warning) return options_.on_warning(message);
  std::fprintf(stderr, "warning: %s\n", message.c_str());
}

EngineScope::EngineScope(Engine& engine) : previous_(std::exchange(chosen, &engine)) {}

EngineScope::~EngineScope() {
  chosen = previous_;
}

}  // namespace espalier
