#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "espalier/report/page_sections.h"
#include "espalier/report/text.h"

namespace espalier::report {
namespace {

struct Card {
  std::string title, value, beside;  // the last is HTML
  double left = -1;                  // what is left of the dense network's figure; −1: no bar
};

std::string html(const Card& card) {
  const std::string bar =
      card.left < 0
          ? ""
          : fmt::format(R"(<span class="meter"><span style="width:{:.2f}%"></span></span>)",
                        100 * std::clamp(card.left, 0.0, 1.0));
  return fmt::format(
      R"(<div class="card"><h3>{}</h3><p class="value">{}</p>{}<p class="beside">{}</p></div>)"
      "\n",
      card.title, escaped(card.value), bar, card.beside);
}

double ratio(double part, double whole) {
  return whole > 0 ? part / whole : 0;
}

Card accuracy_card(const Run& run) {
  const double accuracy = *run.compressed.accuracy;
  Card card{"Accuracy", percent(accuracy, 2), escaped(run.accuracy_of)};
  if (run.dense && run.dense->accuracy) {
    const double points = 100 * (accuracy - *run.dense->accuracy);
    card.beside = fmt::format(
        "dense {}: {}", percent(*run.dense->accuracy, 2),
        std::abs(points) < 0.005
            ? "the same"
            : fmt::format("{:.2f} points {}", std::abs(points), points < 0 ? "lower" : "higher"));
  }
  return card;
}

/// A figure of which less is better, beside the whole that it was.
Card smaller_card(const std::string& title, const std::string& value, double part, double whole,
                  const std::string& whole_text, const std::string& word) {
  Card card{title, value, whole_text, ratio(part, whole)};
  if (part > 0 && whole > 1.05 * part) {
    card.beside += fmt::format(": <b>{} {}</b>", times(whole / part), word);
  }
  return card;
}

std::vector<Card> cards(const Run& run) {
  const Figures& now = run.compressed;
  const std::optional<Figures>& dense = run.dense;
  std::vector<Card> cards;
  if (now.accuracy) cards.push_back(accuracy_card(run));
  if (now.file_bytes > 0) {
    if (dense && dense->file_bytes > 0) {
      cards.push_back(smaller_card(
          "File", byte_size(now.file_bytes), static_cast<double>(now.file_bytes),
          static_cast<double>(dense->file_bytes), "of " + byte_size(dense->file_bytes), "smaller"));
    } else {
      cards.push_back({"File", byte_size(now.file_bytes), "on disk"});
    }
  }
  if (now.weights > 0) {
    // Channels may be gone altogether: then the dense network had more weights than this has.
    const int64_t whole = dense ? std::max(dense->weights, now.weights) : now.weights;
    cards.push_back(smaller_card("Non-zero weights", grouped(now.nonzero),
                                 static_cast<double>(now.nonzero), static_cast<double>(whole),
                                 "of " + grouped(whole), "fewer"));
    if (dense || now.bits < 32) {
      cards.push_back({"Bits per weight", bit_width(now.bits),
                       now.bits < 32 ? "of 32, on average" : "float32", now.bits / 32});
    }
  }
  if (now.macs > 0) {
    const int64_t whole = dense ? std::max(dense->macs, now.macs) : now.macs;
    cards.push_back(smaller_card("Multiply-adds", short_count(now.nonzero_macs),
                                 static_cast<double>(now.nonzero_macs), static_cast<double>(whole),
                                 "with a non-zero weight, of " + short_count(whole), "fewer"));
  }
  if (now.latency_us) {
    if (dense && dense->latency_us) {
      cards.push_back(smaller_card("Time of a picture", micros(*now.latency_us), *now.latency_us,
                                   *dense->latency_us,
                                   "one thread; dense " + micros(*dense->latency_us), "faster"));
    } else {
      cards.push_back({"Time of a picture", micros(*now.latency_us), "one thread, this machine"});
    }
  }
  return cards;
}

std::string event_list(const std::vector<Event>& events) {
  if (events.empty()) return "";
  std::string items;
  for (const Event& event : events) {
    items += fmt::format("<li><b>Epoch {:.3g}</b> {}</li>\n", event.epoch, escaped(event.text));
  }
  return "<ol class=\"events\" aria-label=\"What happened when\">\n" + items + "</ol>\n";
}

std::string epoch_table(const Run& run) {
  const bool target = std::any_of(run.epochs.begin(), run.epochs.end(),
                                  [](const Epoch& epoch) { return epoch.target_sparsity; });
  std::string rows;
  for (const Epoch& epoch : run.epochs) {
    const experiment::EpochMetrics& m = epoch.metrics;
    const std::string wanted =
        !target ? ""
                : fmt::format("<td>{}</td>",
                              epoch.target_sparsity ? percent(*epoch.target_sparsity, 2) : "–");
    rows += fmt::format(
        "<tr><th scope=\"row\">{}</th><td>{}</td><td>{:.4f}</td><td>{}</td>{}<td>{}</td><td>{}</td>"
        "<td>{:.1f}</td></tr>\n",
        m.epoch + 1, percent(m.accuracy, 2), m.train_loss, percent(m.sparsity, 2), wanted,
        short_number(m.learning_rate), grouped(std::llround(m.images_per_second)), m.seconds);
  }
  return fmt::format(
      "<details class=\"fold\"><summary>All figures by epoch</summary><div class=\"scroll\">"
      "<table class=\"numbers\"><thead><tr><th scope=\"col\">Epoch</th><th "
      "scope=\"col\">Accuracy</th>"
      "<th scope=\"col\">Training loss</th><th scope=\"col\">Sparsity</th>{}"
      "<th scope=\"col\">Learning rate</th><th scope=\"col\">Images/s</th>"
      "<th scope=\"col\">Seconds</th></tr></thead><tbody>\n{}</tbody></table></div></details>\n",
      target ? "<th scope=\"col\">Wanted</th>" : "", rows);
}

std::string definition(const std::string& term, const std::string& text) {
  if (text.empty()) return "";
  return fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", term, escaped(text));
}

}  // namespace

std::string section(std::string_view id, std::string_view title, std::string_view content) {
  if (content.empty()) return "";
  return fmt::format("<section id=\"{}\">\n<h2>{}</h2>\n{}</section>\n", id, title, content);
}

std::string chart(const ChartPlace& place) {
  return fmt::format(
      "<figure class=\"chart{}\" data-chart=\"{}\" data-run=\"{}\"{}><figcaption>{} <span>{}</span>"
      "</figcaption><div class=\"plot\"><canvas role=\"img\" aria-label=\"{}\"></canvas></div>{}"
      "</figure>\n",
      place.wide ? " wide" : "", place.kind, place.run,
      place.layer < 0 ? "" : fmt::format(" data-layer=\"{}\"", place.layer), escaped(place.title),
      escaped(place.unit), escaped(place.description),
      place.note.empty() ? "" : "<p class=\"note\">" + place.note + "</p>");
}

std::string bar_cell(const std::string& text, double part) {
  return fmt::format("<td class=\"bar\" style=\"--part:{:.2f}%\">{}</td>",
                     100 * std::clamp(part, 0.0, 1.0), text);
}

std::string headline(const Run& run) {
  const Figures& now = run.compressed;
  const std::string name =
      fmt::format("<b>{}</b> on <b>{}</b>", escaped(run.model), escaped(run.data));
  if (!now.accuracy) return name + ".";
  std::string text = fmt::format("{} answers <b>{}</b> of the {} correctly", name,
                                 percent(*now.accuracy, 2), escaped(run.accuracy_of));
  if (now.file_bytes > 0) text += fmt::format(" from <b>{}</b>", byte_size(now.file_bytes));
  if (run.dense && run.dense->accuracy && run.dense->file_bytes > 0 && now.file_bytes > 0) {
    const double ratio =
        static_cast<double>(run.dense->file_bytes) / static_cast<double>(now.file_bytes);
    text += fmt::format("; the dense network answers {} from {}{}",
                        percent(*run.dense->accuracy, 2), byte_size(run.dense->file_bytes),
                        ratio >= 1.05 ? fmt::format(", which is {} as much", times(ratio)) : "");
  }
  return text + ".";
}

std::string cards_section(const Run& run) {
  std::string text;
  for (const Card& card : cards(run)) text += html(card);
  if (text.empty()) return "";
  text = "<div class=\"cards\">\n" + text + "</div>\n";
  if (run.dense && !run.dense_from.empty()) {
    text += fmt::format("<p class=\"note\">The dense network: <code>{}</code>.</p>\n",
                        escaped(run.dense_from));
  }
  return text;
}

std::string training_section(const Run& run, size_t index) {
  if (run.epochs.empty()) return "";
  const auto best = std::max_element(
      run.epochs.begin(), run.epochs.end(),
      [](const Epoch& a, const Epoch& b) { return a.metrics.accuracy < b.metrics.accuracy; });
  const experiment::EpochMetrics& last = run.epochs.back().metrics;
  const bool sparse = std::any_of(run.epochs.begin(), run.epochs.end(), [](const Epoch& epoch) {
    return epoch.metrics.sparsity > 0 || epoch.target_sparsity.value_or(0) > 0;
  });
  double seconds = 0;
  for (const Epoch& epoch : run.epochs) seconds += epoch.metrics.seconds;
  const std::string over = fmt::format("over {} epochs", run.epochs.size());

  std::string text =
      fmt::format("<p>{} in {}. Accuracy {}.</p>\n",
                  run.epochs.size() == 1 ? "1 epoch" : fmt::format("{} epochs", run.epochs.size()),
                  seconds < 9.5    ? fmt::format("{:.1f} seconds", seconds)
                  : seconds < 90   ? fmt::format("{:.0f} seconds", seconds)
                  : seconds < 5400 ? fmt::format("{:.0f} minutes", seconds / 60)
                                   : fmt::format("{:.1f} hours", seconds / 3600),
                  best->metrics.accuracy <= last.accuracy
                      ? fmt::format("is highest at the end: {}", percent(last.accuracy, 2))
                      : fmt::format("was highest after epoch {} ({}) and is {} at the end",
                                    best->metrics.epoch + 1, percent(best->metrics.accuracy, 2),
                                    percent(last.accuracy, 2)));
  text += event_list(run.events);
  text +=
      "<noscript><p class=\"note\">Charts are drawn by JavaScript, which is off; the same "
      "figures are in the table below.</p></noscript>\n<div class=\"charts\">\n";
  text += chart(
      {.kind = "accuracy",
       .title = "Accuracy",
       .unit = "% of " + run.accuracy_of,
       .description = fmt::format("Accuracy {}: {} at the end", over, percent(last.accuracy, 2)),
       .run = index,
       .wide = true});
  if (sparse) {
    text += chart(
        {.kind = "sparsity",
         .title = "Sparsity",
         .unit = "% of weights that are zero",
         .description = fmt::format("Sparsity {}: {} at the end", over, percent(last.sparsity, 2)),
         .run = index});
  }
  text += chart(
      {.kind = "loss",
       .title = "Training loss",
       .unit = "mean of an epoch",
       .description = fmt::format("Training loss {}: {:.4f} at the end", over, last.train_loss),
       .run = index});
  text += chart({.kind = "rate",
                 .title = "Learning rate",
                 .unit = "at the end of an epoch",
                 .description = "Learning rate " + over,
                 .run = index});
  text += chart({.kind = "speed",
                 .title = "Speed",
                 .unit = "training pictures per second",
                 .description = fmt::format("Training pictures per second {}", over),
                 .run = index});
  text += "</div>\n" + epoch_table(run);
  return section(fmt::format("r{}-training", index), "Training", text);
}

std::string setup_section(const Run& run, size_t index) {
  std::string facts = definition("Model", run.model) + definition("Data", run.data) +
                      definition("Compression", run.algorithms) +
                      definition("Seed", std::to_string(run.seed)) +
                      definition("Machine", run.machine) + definition("Espalier", run.version);
  std::string text = "<dl class=\"facts\">\n" + facts + "</dl>\n";
  if (!run.commands.empty()) {
    std::string lines;
    for (const std::string& command : run.commands) lines += escaped(command) + "\n";
    text += "<h3>To train it again</h3>\n<div class=\"copy\"><pre tabindex=\"0\">" + lines +
            "</pre></div>\n";
  }
  if (!run.config.empty()) {
    text +=
        "<details class=\"fold\"><summary>config.yaml</summary><div class=\"copy\">"
        "<pre tabindex=\"0\">" +
        escaped(run.config) + "</pre></div></details>\n";
  }
  return section(fmt::format("r{}-setup", index), "Setup", text);
}

std::string missing_section(const Run& run, size_t index) {
  if (run.missing.empty()) return "";
  std::string items;
  for (const std::string& sentence : run.missing) items += "<li>" + escaped(sentence) + "</li>\n";
  return section(fmt::format("r{}-missing", index), "What this report lacks",
                 "<ul class=\"lacks\">\n" + items + "</ul>\n");
}

}  // namespace espalier::report
