// The algorithms of this folder as a plugin: `espalier train net.yaml --plugin libcustom.so`, with
// sections `HalfTheRows`, `TernaryQuantizer` and `CallLog`.
#include "call_log.h"
#include "half_the_rows.h"
#include "ternary_quantizer.h"

extern "C" int espalier_plugin(int host_version, compress::Registry& registry) {
  if (host_version != compress::plugin_version) return compress::plugin_version;
  registry.add<HalfTheRows>("HalfTheRows", "masks the smaller half of the rows");
  registry.add<TernaryQuantizer>("TernaryQuantizer", "weights of -s, 0 and s");
  registry.add<CallLog>("CallLog", "changes nothing, and lists when it is called");
  return compress::plugin_version;
}
