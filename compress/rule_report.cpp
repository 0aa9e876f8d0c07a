#include "espalier/compress/rule_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "espalier/nn/optim/schedule_end.h"

namespace espalier::compress {
namespace {

/// "conv1, conv2, fc1", or the first of them "and 14 more".
std::string listed(const std::vector<std::string>& names) {
  constexpr size_t most = 10;
  const size_t shown = names.size() > most ? most - 2 : names.size();
  std::string text;
  for (size_t i = 0; i < shown; ++i) text += (i == 0 ? "" : ", ") + names[i];
  if (shown < names.size()) text += fmt::format(" and {} more", names.size() - shown);
  return text;
}

template <class Layer>
std::vector<std::string> names_of(const std::vector<Layer>& layers, int rule) {
  std::vector<std::string> names;
  for (const Layer& layer : layers) {
    if (layer.rule == rule) names.push_back(layer.name);
  }
  return names;
}

}  // namespace

std::vector<std::string> summarise_rules(const Compressor& compressor) {
  std::vector<std::string> lines;
  if (compressor.rules().empty()) lines.push_back(listed(names_of(compressor.layers(), 0)));
  for (int rule = 0; rule < static_cast<int>(compressor.rules().size()); ++rule) {
    const std::vector<std::string> chosen = names_of(compressor.layers(), rule);
    std::vector<ExcludedLayer> taken_out = compressor.excluded();
    std::erase_if(taken_out, [](const ExcludedLayer& layer) { return !layer.why.empty(); });
    const std::vector<std::string> excluded = names_of(taken_out, rule);
    std::string line = fmt::format("rule {}", rule + 1);
    if (!chosen.empty()) line += ": " + listed(chosen);
    if (!excluded.empty()) line += " excludes " + listed(excluded);
    if (chosen.empty() && excluded.empty()) line += " is overridden by later rules";
    const std::string note = chosen.empty() ? "" : compressor.rule_note(rule);
    if (!note.empty()) line += " (" + note + ")";
    lines.push_back(std::move(line));
  }
  if (compressor.layers().empty() && !lines.empty())
    lines.back() += fmt::format(": nothing is left to {}", compressor.verb());
  for (const ExcludedLayer& layer : compressor.excluded()) {
    if (!layer.why.empty()) lines.push_back(layer.name + " is left out: " + layer.why);
  }
  for (std::string& note : compressor.notes()) lines.push_back(std::move(note));
  return lines;
}

std::vector<std::string> unfinished_schedules(const Compressor& compressor, int64_t epochs,
                                              int64_t steps_per_epoch) {
  std::vector<std::string> sentences;
  for (const ScheduleEnd& end : compressor.schedule_ends(epochs, steps_per_epoch)) {
    const std::string sentence = nn::unfinished(
        {compressor.rule_name(end.rule), end.epochs, end.goal, end.reached, end.remedy}, epochs);
    if (!sentence.empty()) sentences.push_back(sentence);
  }
  return sentences;
}

}  // namespace espalier::compress
