#include "espalier/experiment/trace_file.h"

#include <nlohmann/json.hpp>

#include "espalier/autograd/core/platform.h"

namespace espalier::experiment {

using Json = nlohmann::ordered_json;

void write_trace(const Profile& profile, const std::string& path) {
  Json events = Json::array();
  for (const Profile::Event& event : profile.events()) {
    const Profile::Key& key = profile.rows()[event.row].key;
    std::string name = key.layer.empty() ? "" : key.layer + " ";
    name += key.operation;
    if (!key.kernel.empty()) name += std::string(" ") + name_of(key.work);
    // "X": a stretch of time that is complete; microseconds.
    Json entry = {{"ph", "X"},
                  {"pid", 1},
                  {"tid", 1},
                  {"name", name},
                  {"cat", name_of(key.work)},
                  {"ts", 1e6 * event.start},
                  {"dur", 1e6 * event.seconds}};
    if (!key.kernel.empty()) entry["args"] = {{"kernel", key.kernel}};
    events.push_back(std::move(entry));
  }
  const Json trace = {{"displayTimeUnit", "ms"}, {"traceEvents", std::move(events)}};
  write_file_atomically(path, trace.dump());
}

}  // namespace espalier::experiment
