#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <optional>
#include <set>

#include "espalier/compress/config/config_error.h"
#include "espalier/compress/config/yaml.h"
#include "espalier/report/page_sections.h"
#include "espalier/report/text.h"

namespace espalier::report {
namespace {

using compress::Value;

/// A figure by which runs are compared.
struct Measure {
  const char* title;
  bool more_is_better;
  std::function<std::optional<double>(const Run&)> value;
  std::function<std::string(double)> text;
};

std::optional<double> positive(int64_t number) {
  return number > 0 ? std::optional<double>(static_cast<double>(number)) : std::nullopt;
}

/// Points of accuracy above the dense network's; rounded as shown, so that equal ones tie.
std::optional<double> beside_dense(const Run& run) {
  if (!run.compressed.accuracy || !run.dense || !run.dense->accuracy) return std::nullopt;
  return std::round(1e4 * (*run.compressed.accuracy - *run.dense->accuracy)) / 100;
}

std::vector<Measure> measures() {
  const auto whole = [](double value) { return grouped(std::llround(value)); };
  return {
      {"Accuracy", true, [](const Run& run) { return run.compressed.accuracy; },
       [](double value) { return percent(value, 2); }},
      {"Beside dense", true, beside_dense,
       [](double points) {
         return fmt::format("{}{:.2f}\u00a0points", points < 0 ? "−" : "+", std::abs(points));
       }},
      {"File", false, [](const Run& run) { return positive(run.compressed.file_bytes); },
       [](double value) { return byte_size(std::llround(value)); }},
      {"Non-zero weights", false, [](const Run& run) { return positive(run.compressed.nonzero); },
       whole},
      {"Bits", false, [](const Run& run) -> std::optional<double> { return run.compressed.bits; },
       bit_width},
      {"Multiply-adds", false, [](const Run& run) { return positive(run.compressed.nonzero_macs); },
       [](double value) { return short_count(std::llround(value)); }},
      {"Time of a picture", false, [](const Run& run) { return run.compressed.latency_us; },
       micros},
  };
}

/// A row as long as the runs: the texts, the best marked where they differ.
std::vector<std::string> cells(const Measure& measure, const std::vector<Run>& runs) {
  std::vector<std::optional<double>> values;
  for (const Run& run : runs) values.push_back(measure.value(run));
  std::optional<double> best, worst;
  for (const std::optional<double>& value : values) {
    if (!value) continue;
    const double low = std::min(best.value_or(*value), *value);
    const double high = std::max(worst.value_or(*value), *value);
    best = low, worst = high;
  }
  if (best && measure.more_is_better) std::swap(*best, *worst);
  std::vector<std::string> row;
  for (const std::optional<double>& value : values) {
    if (!value) {
      row.push_back("<td>–</td>");
    } else if (*value == *best && *best != *worst) {
      row.push_back("<td class=\"best\">" + measure.text(*value) +
                    "<span class=\"unseen\"> (best)</span></td>");
    } else {
      row.push_back("<td>" + measure.text(*value) + "</td>");
    }
  }
  return row;
}

std::string figures_table(const std::vector<Run>& runs) {
  std::vector<std::vector<std::string>> columns;
  std::string head = "<th scope=\"col\">Run</th>";
  for (const Measure& measure : measures()) {
    if (std::none_of(runs.begin(), runs.end(),
                     [&](const Run& run) { return measure.value(run).has_value(); })) {
      continue;
    }
    head += fmt::format("<th scope=\"col\">{}</th>", measure.title);
    columns.push_back(cells(measure, runs));
  }
  std::string rows;
  for (size_t i = 0; i < runs.size(); ++i) {
    rows += fmt::format(
        "<tr><th scope=\"row\"><span class=\"swatch s{}\"></span><a href=\"#run-{}\">{}</a>"
        "<small>{} on {}, {}</small></th>",
        i % 7, i, escaped(runs[i].name), escaped(runs[i].model), escaped(runs[i].data),
        escaped(runs[i].algorithms));
    for (const std::vector<std::string>& column : columns) rows += column[i];
    rows += "</tr>\n";
  }
  return "<p class=\"note\">The best of each column is marked ●.</p>\n"
         "<div class=\"scroll\"><table class=\"numbers compare\"><thead><tr>" +
         head + "</tr></thead><tbody>\n" + rows + "</tbody></table></div>\n";
}

/// `Most accurate: …; smallest: …`.
std::string extremes(const std::vector<Run>& runs) {
  const Run* accurate = nullptr;
  const Run* small = nullptr;
  for (const Run& run : runs) {
    const Figures& figures = run.compressed;
    if (!figures.accuracy || figures.file_bytes <= 0) continue;
    if (!accurate || *figures.accuracy > *accurate->compressed.accuracy) accurate = &run;
    if (!small || figures.file_bytes < small->compressed.file_bytes) small = &run;
  }
  if (!accurate || !small) return "";
  const auto describe = [](const Run& run) {
    return fmt::format("<b>{}</b> with {} in {}", escaped(run.name),
                       percent(*run.compressed.accuracy, 2), byte_size(run.compressed.file_bytes));
  };
  if (accurate == small) {
    return "<p class=\"headline\">Most accurate and smallest: " + describe(*small) + ".</p>\n";
  }
  return fmt::format("<p class=\"headline\">Most accurate: {}. Smallest: {}.</p>\n",
                     describe(*accurate), describe(*small));
}

std::string different_pictures(const std::vector<Run>& runs) {
  std::set<std::string> kinds;
  for (const Run& run : runs) kinds.insert(run.accuracy_of + " of " + run.data);
  if (kinds.size() < 2) return "";
  return fmt::format(
      "<p class=\"note\">These accuracies are of different pictures ({}) and cannot be "
      "ranked.</p>\n",
      escaped(fmt::format("{}", fmt::join(kinds, ", "))));
}

/// Every scalar of a configuration under its path, `compress.AGPruner.config[0].final_sparsity`, in
/// the order of the file.
void flatten(const Value& value, const std::string& path,
             std::vector<std::pair<std::string, std::string>>& found) {
  if (value.is_map()) {
    for (const compress::Member& member : value.as_map()) {
      flatten(member.value, path.empty() ? member.key : path + "." + member.key, found);
    }
  } else if (value.is_list() &&
             std::any_of(value.as_list().begin(), value.as_list().end(),
                         [](const Value& item) { return item.is_map() || item.is_list(); })) {
    for (size_t i = 0; i < value.as_list().size(); ++i) {
      flatten(value.as_list()[i], fmt::format("{}[{}]", path, i), found);
    }
  } else {
    std::string text = compress::to_yaml(value);
    while (!text.empty() && text.back() == '\n') text.pop_back();
    found.emplace_back(path, text);
  }
}

}  // namespace

std::string config_differences(const std::vector<Run>& runs) {
  std::vector<std::string> order;  // of paths, as they first occur
  std::map<std::string, std::vector<std::string>> table;
  for (size_t i = 0; i < runs.size(); ++i) {
    std::vector<std::pair<std::string, std::string>> entries;
    try {
      flatten(compress::parse_yaml(runs[i].config, runs[i].name + "/config.yaml"), "", entries);
    } catch (const compress::ConfigError& error) {
      entries = {{"(cannot be read)", error.what()}};
    }
    for (const auto& [path, text] : entries) {
      auto [row, is_new] = table.try_emplace(path, runs.size());
      if (is_new) order.push_back(path);
      row->second[i] = text;
    }
  }
  std::string rows;
  for (const std::string& path : order) {
    const std::vector<std::string>& texts = table[path];
    if (std::all_of(texts.begin(), texts.end(),
                    [&](const std::string& t) { return t == texts[0]; })) {
      continue;
    }
    rows += fmt::format("<tr><th scope=\"row\"><code>{}</code></th>", escaped(path));
    for (const std::string& text : texts) {
      rows += text.empty() ? "<td class=\"none\">–</td>"
                           : "<td><code>" + escaped(text) + "</code></td>";
    }
    rows += "</tr>\n";
  }
  if (rows.empty()) return "<p>Their configurations are the same.</p>\n";
  std::string head = "<th scope=\"col\">Key</th>";
  for (size_t i = 0; i < runs.size(); ++i) {
    head += fmt::format("<th scope=\"col\"><span class=\"swatch s{}\"></span>{}</th>", i % 7,
                        escaped(runs[i].name));
  }
  return "<div class=\"scroll\"><table class=\"settings\"><thead><tr>" + head +
         "</tr></thead><tbody>\n" + rows + "</tbody></table></div>\n";
}

std::string comparison_section(const std::vector<Run>& runs) {
  std::string text = extremes(runs) + different_pictures(runs);
  std::string charts;
  const auto comparable = std::count_if(runs.begin(), runs.end(), [](const Run& run) {
    return run.compressed.accuracy && run.compressed.file_bytes > 0;
  });
  if (comparable > 0) {
    charts +=
        chart({.kind = "pareto",
               .title = "Accuracy against size",
               .unit = "% of pictures, against bytes of the file",
               .description = "Accuracy of each run against the size of its file; the figures "
                              "are in the table below",
               .wide = true,
               .note = "Filled: no other run is both smaller and more accurate; the line joins "
                       "those. Grey: networks before compression."});
  }
  std::string tables = section("figures", "Figures", figures_table(runs));
  if (std::any_of(runs.begin(), runs.end(), [](const Run& run) { return run.epochs.size() > 1; })) {
    tables += section("curves", "Training",
                      "<div class=\"charts\">" +
                          chart({.kind = "curves",
                                 .title = "Accuracy over epochs",
                                 .unit = "% of pictures",
                                 .description = "Accuracy of each run over its epochs",
                                 .wide = true}) +
                          "</div>\n");
  }
  if (!charts.empty()) text += "<div class=\"charts\">\n" + charts + "</div>\n";
  return text + tables +
         section("differences", "What was set differently", config_differences(runs));
}

}  // namespace espalier::report
