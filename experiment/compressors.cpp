#include "espalier/experiment/compressors.h"

#include "espalier/compress/plugin.h"
#include "espalier/compress/registry.h"

namespace espalier::experiment {

std::vector<std::unique_ptr<compress::Compressor>> make_compressors(const TrainConfig& config) {
  compress::Registry registry = compress::Registry::with_builtin();
  for (const std::string& plugin : config.plugins) compress::load_plugin(plugin, registry);
  return registry.make_all(config.compress);
}

}  // namespace espalier::experiment
