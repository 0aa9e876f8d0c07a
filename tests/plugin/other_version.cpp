// A plugin that was compiled for a later version of the interface.
#include "espalier/compress/plugin.h"

extern "C" int espalier_plugin(int host_version, espalier::compress::Registry&) {
  return host_version + 1;
}
