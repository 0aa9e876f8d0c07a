#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "espalier/compress/config/config_error.h"
#include "espalier/compress/config/yaml.h"
#include "espalier/report/page_sections.h"
#include "espalier/report/text.h"

namespace espalier::report {
namespace {

using compress::Value;

/// A key with all that it lies in: `compress`, `compress.AGPruner`, `compress.AGPruner.config[0]`,
/// …, the whole path last.
using Path = std::vector<std::string>;

bool holds_maps(const Value& value) {
  return value.is_list() &&
         std::any_of(value.as_list().begin(), value.as_list().end(),
                     [](const Value& item) { return item.is_map() || item.is_list(); });
}

/// What is set where, of one configuration, in its order.
struct Settings {
  std::vector<std::pair<Path, std::string>> leaves;
  std::map<std::string, std::string> text;  ///< of a leaf, by its whole path
  std::set<std::string> sections;           ///< whole paths of maps and of lists of maps

  void add(const Value& value, const Path& path) {
    const auto below = [&](const std::string& name) {
      Path longer = path;
      longer.push_back(name);
      return longer;
    };
    const std::string here = path.empty() ? "" : path.back();
    if (value.is_map() || holds_maps(value)) sections.insert(here);
    if (value.is_map()) {
      for (const compress::Member& member : value.as_map()) {
        add(member.value, below(here.empty() ? member.key : here + "." + member.key));
      }
    } else if (holds_maps(value)) {
      for (size_t i = 0; i < value.as_list().size(); ++i) {
        add(value.as_list()[i], below(fmt::format("{}[{}]", here, i)));
      }
    } else {
      std::string words = compress::to_yaml(value);
      while (!words.empty() && words.back() == '\n') words.pop_back();
      leaves.emplace_back(path, words);
      text[here] = words;
    }
  }

  bool has(const std::string& path) const { return text.count(path) || sections.count(path); }
};

Settings settings_of(const Run& run) {
  Settings settings;
  std::string complaint;
  try {
    const Value config = compress::parse_yaml(run.config, run.name + "/config.yaml");
    if (config.is_map()) {
      settings.add(config, {});
    } else if (!config.is_null()) {
      complaint = "it is no map";
    }
  } catch (const compress::ConfigError& error) {
    complaint = error.what();
  }
  if (!complaint.empty()) {
    const std::string key = "(cannot be read)";
    settings.leaves.emplace_back(Path(1, key), complaint);
    settings.text[key] = complaint;
  }
  return settings;
}

/// The rows of the table: a path, and a text for each run; empty where it is not set.
class Differences {
 public:
  explicit Differences(std::vector<Settings> all) : all_(std::move(all)) {
    for (const Settings& settings : all_) {
      for (const auto& [path, text] : settings.leaves) look_at(path);
    }
  }

  const std::vector<std::pair<std::string, std::vector<std::string>>>& rows() const {
    return rows_;
  }

 private:
  void look_at(const Path& path) {
    if (!seen_.insert(path.back()).second) return;
    std::vector<std::string> texts;
    std::set<std::string> different;
    for (const Settings& settings : all_) {
      const auto found = settings.text.find(path.back());
      texts.push_back(found == settings.text.end() ? "" : found->second);
      if (!texts.back().empty()) different.insert(texts.back());
    }
    // A section that only some have is one row, not a row for each of its keys; a key of it gets
    // one if those that have it set it differently.
    const auto outermost = std::find_if(path.begin(), path.end(), [&](const std::string& part) {
      return !std::all_of(all_.begin(), all_.end(),
                          [&](const Settings& settings) { return settings.has(part); });
    });
    const bool section_is_missing = outermost != path.end() && *outermost != path.back();
    if (section_is_missing && seen_.insert(*outermost).second) {
      std::vector<std::string> there;
      for (const Settings& settings : all_) there.push_back(settings.has(*outermost) ? "yes" : "");
      rows_.emplace_back(*outermost, there);
    }
    if (different.size() > 1 || (outermost != path.end() && !section_is_missing)) {
      rows_.emplace_back(path.back(), texts);
    }
  }

  std::vector<Settings> all_;
  std::set<std::string> seen_;
  std::vector<std::pair<std::string, std::vector<std::string>>> rows_;
};

}  // namespace

std::string config_differences(const std::vector<Run>& runs) {
  std::vector<Settings> all;
  for (const Run& run : runs) all.push_back(settings_of(run));
  const Differences differences(std::move(all));
  if (differences.rows().empty()) return "<p>Their configurations are the same.</p>\n";
  std::string head = "<th scope=\"col\">Key</th>", rows;
  for (size_t i = 0; i < runs.size(); ++i) {
    head += fmt::format("<th scope=\"col\"><span class=\"swatch s{}\"></span>{}</th>", i % 7,
                        escaped(runs[i].name));
  }
  for (const auto& [path, texts] : differences.rows()) {
    rows += fmt::format("<tr><th scope=\"row\"><code>{}</code></th>", breakable(path));
    for (const std::string& text : texts) {
      rows += text.empty() ? "<td class=\"none\">–</td>"
                           : "<td><code>" + escaped(text) + "</code></td>";
    }
    rows += "</tr>\n";
  }
  return "<div class=\"scroll\"><table class=\"settings\"><thead><tr>" + head +
         "</tr></thead><tbody>\n" + rows + "</tbody></table></div>\n";
}

}  // namespace espalier::report
