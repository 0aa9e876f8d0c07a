#include "espalier/report/page.h"

#include <fmt/format.h>

#include <map>
#include <string_view>

#include "espalier/autograd/core/error.h"
#include "espalier/report/page_data.h"
#include "espalier/report/page_files.h"
#include "espalier/report/page_sections.h"
#include "espalier/report/text.h"

namespace espalier::report {
namespace {

/// Puts texts where the template says `{{name}}`. What is put in is not looked at again, so it may
/// hold anything.
std::string filled(std::string_view form,
                   const std::map<std::string_view, std::string_view>& texts) {
  std::string page;
  for (size_t at = 0; at < form.size();) {
    const size_t open = form.find("{{", at);
    page += form.substr(at, open - at);
    if (open == std::string_view::npos) break;
    const size_t close = form.find("}}", open);
    if (close == std::string_view::npos) {
      throw Error("report", "template.html: a '{{' has no '}}' behind it");
    }
    const std::string_view name = form.substr(open + 2, close - open - 2);
    const auto text = texts.find(name);
    if (text == texts.end()) {
      throw Error("report", fmt::format("template.html asks for '{}', which there is not", name));
    }
    page += text->second;
    at = close + 2;
  }
  return page;
}

std::string unfinished(const Run& run) {
  if (run.finished) return "";
  return fmt::format(
      "<p class=\"banner\">This training has not come to its end: figures are of epoch {}.</p>\n",
      run.epochs.empty() ? 0 : run.epochs.back().metrics.epoch + 1);
}

/// Everything about one run, below its name.
std::string run_body(const Run& run, size_t index) {
  return unfinished(run) + "<p class=\"headline\">" + headline(run) + "</p>\n" +
         cards_section(run) + training_section(run, index) + layers_section(run, index) +
         activations_section(run, index) + answers_section(run, index) + setup_section(run, index) +
         missing_section(run, index);
}

std::string tags(const Run& run) {
  std::string text;
  for (const std::string& word : {run.model, run.data, run.algorithms}) {
    if (!word.empty()) text += fmt::format("<li>{}</li>", escaped(word));
  }
  return "<ul class=\"tags\">" + text + "</ul>\n";
}

/// Links to the sections that there are.
std::string contents(std::string_view body, size_t index) {
  std::string links;
  for (const auto& [name, title] :
       {std::pair{"training", "Training"}, std::pair{"layers", "Layers"},
        std::pair{"activations", "Activations"}, std::pair{"answers", "Answers"},
        std::pair{"setup", "Setup"}, std::pair{"missing", "What it lacks"}}) {
    if (body.find(fmt::format("<section id=\"r{}-{}\">", index, name)) == std::string_view::npos) {
      continue;
    }
    links += fmt::format("<a href=\"#r{}-{}\">{}</a>", index, name, title);
  }
  return "<nav aria-label=\"Sections\">" + links + "</nav>\n";
}

std::string one_run(const Run& run) {
  const std::string body = run_body(run, 0);
  return fmt::format("<header><h1>{}</h1>\n{}{}</header>\n{}", escaped(run.name), tags(run),
                     contents(body, 0), body);
}

std::string several_runs(const std::vector<Run>& runs) {
  std::string folded;
  for (size_t i = 0; i < runs.size(); ++i) {
    const std::string body = run_body(runs[i], i);
    folded += fmt::format(
        "<details class=\"run\" id=\"run-{}\"><summary><span class=\"swatch "
        "s{}\"></span><h3>{}</h3>"
        "<span>{}</span></summary>\n{}{}</details>\n",
        i, i % 7, escaped(runs[i].name), escaped(runs[i].algorithms), contents(body, i), body);
  }
  return fmt::format(
      "<header><h1>{} runs side by side</h1>\n<nav aria-label=\"Sections\"><a href=\"#figures\">"
      "Figures</a><a href=\"#differences\">Settings</a><a href=\"#runs\">Each "
      "run</a></nav></header>\n"
      "{}{}",
      runs.size(), comparison_section(runs), section("runs", "Each run", folded));
}

}  // namespace

std::string to_html(const Report& report) {
  if (report.runs.empty()) throw Error("report", "there is no run to report on; name one at least");
  const bool alone = report.runs.size() == 1;
  const std::string body = alone ? one_run(report.runs.front()) : several_runs(report.runs);
  const std::string title =
      alone ? escaped(report.runs.front().name) : fmt::format("{} runs", report.runs.size());
  const std::string data = page_data(report);
  const std::string version = escaped(report.runs.front().version);
  return filled(template_html, {{"title", title},
                                {"css", page_css},
                                {"body", body},
                                {"version", version},
                                {"data", data},
                                {"chart.js", chart_js},
                                {"page.js", page_js}});
}

}  // namespace espalier::report
