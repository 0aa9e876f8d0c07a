#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "espalier/report/page_sections.h"
#include "espalier/report/png.h"
#include "espalier/report/text.h"

namespace espalier::report {
namespace {

/// A mistake, and how often it was made.
struct Mistake {
  size_t truth, answer;
  int64_t count;
};

/// As HTML. A class without a name has its number.
std::string class_name(const Confusion& confusion, size_t number) {
  return number < confusion.classes.size() ? escaped(confusion.classes[number])
                                           : std::to_string(number);
}

std::vector<Mistake> mistakes(const Confusion& confusion) {
  std::vector<Mistake> found;
  for (size_t truth = 0; truth < confusion.counts.size(); ++truth) {
    for (size_t answer = 0; answer < confusion.counts[truth].size(); ++answer) {
      const int64_t count = confusion.counts[truth][answer];
      if (truth != answer && count > 0) found.push_back({truth, answer, count});
    }
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const Mistake& a, const Mistake& b) { return a.count > b.count; });
  return found;
}

std::string most_frequent(const Confusion& confusion, const std::vector<Mistake>& found) {
  if (found.empty()) return "<p>Every answer is right.</p>\n";
  constexpr size_t shown = 3;
  std::vector<std::string> parts;
  for (size_t i = 0; i < std::min(shown, found.size()); ++i) {
    parts.push_back(fmt::format("<b>{}</b> for <b>{}</b> ({}×)",
                                class_name(confusion, found[i].truth),
                                class_name(confusion, found[i].answer), grouped(found[i].count)));
  }
  return fmt::format("<p>Taken most often: {}.</p>\n", fmt::join(parts, ", "));
}

/// Cells of the diagonal are tinted by their share of the row, others by their share of the most
/// frequent mistake, in a second colour.
std::string matrix(const Confusion& confusion, int64_t worst) {
  std::string head = "<th scope=\"col\" class=\"corner\">is ↓ &#8239; answer →</th>", rows;
  for (size_t answer = 0; answer < confusion.counts.size(); ++answer) {
    head += fmt::format("<th scope=\"col\"><span>{}</span></th>", class_name(confusion, answer));
  }
  for (size_t truth = 0; truth < confusion.counts.size(); ++truth) {
    const std::vector<int64_t>& counts = confusion.counts[truth];
    const int64_t all = std::accumulate(counts.begin(), counts.end(), int64_t{0});
    rows += fmt::format("<tr><th scope=\"row\">{}</th>", class_name(confusion, truth));
    for (size_t answer = 0; answer < counts.size(); ++answer) {
      const int64_t count = counts[answer];
      if (count == 0) {
        rows += "<td class=\"none\">0</td>";
        continue;
      }
      const bool right = truth == answer;
      const double tint = static_cast<double>(count) / static_cast<double>(right ? all : worst);
      rows += fmt::format("<td class=\"{}\" style=\"--tint:{:.0f}%\">{}</td>",
                          right ? "right" : "wrong", 4 + 66 * tint, grouped(count));
    }
    rows += fmt::format(
        "<td class=\"recall\">{}</td></tr>\n",
        all > 0 ? percent(static_cast<double>(counts[truth]) / static_cast<double>(all), 1) : "–");
  }
  return fmt::format(
      "<p class=\"note\">Rows: what a picture is; columns: what it was taken for; last column: how "
      "many "
      "of the row are right.</p>\n<div class=\"scroll snug\"><table class=\"numbers confusion\">\n"
      "<thead><tr>{}<th scope=\"col\">right</th></tr></thead><tbody>\n{}</tbody></table></div>\n",
      head, rows);
}

std::string mistake_table(const Confusion& confusion, const std::vector<Mistake>& found) {
  constexpr size_t shown = 20;
  std::string rows;
  for (size_t i = 0; i < std::min(shown, found.size()); ++i) {
    rows +=
        fmt::format("<tr><th scope=\"row\">{}</th><td class=\"word\">{}</td>{}</tr>\n",
                    class_name(confusion, found[i].truth), class_name(confusion, found[i].answer),
                    bar_cell(grouped(found[i].count), static_cast<double>(found[i].count) /
                                                          static_cast<double>(found[0].count)));
  }
  return "<div class=\"scroll\"><table class=\"numbers\"><thead><tr><th scope=\"col\">What it "
         "is</th>"
         "<th scope=\"col\">Taken for</th><th scope=\"col\">How often</th></tr></thead><tbody>\n" +
         rows + "</tbody></table></div>\n";
}

std::string confusion_part(const Confusion& confusion) {
  constexpr size_t fits_a_page = 20;
  const std::vector<Mistake> found = mistakes(confusion);
  std::string text = most_frequent(confusion, found);
  if (confusion.counts.size() <= fits_a_page) {
    return text + matrix(confusion, found.empty() ? 1 : found.front().count);
  }
  return found.empty() ? text : text + mistake_table(confusion, found);
}

std::string lost_part(const Run& run) {
  if (run.lost_in_all == 0 && run.won_in_all == 0 && run.lost.empty()) return "";
  std::string text = fmt::format(
      "<h3>Lost by compression</h3>\n<p>{} that the dense network knew and this one does not; {} "
      "the other way round.{}</p>\n",
      run.lost_in_all == 1 ? "1 picture" : grouped(run.lost_in_all) + " pictures",
      grouped(run.won_in_all),
      run.lost.empty() ? ""
                       : fmt::format(" {} of them, with the dense network’s answer and this one’s:",
                                     run.lost_in_all > static_cast<int64_t>(run.lost.size())
                                         ? fmt::format("The first {}", run.lost.size())
                                         : "All"));
  if (run.lost.empty()) return text;
  text += "<div class=\"lost\">\n";
  for (const Lost& lost : run.lost) {
    text += fmt::format(
        "<figure><img src=\"{}\" alt=\"test picture {}: {}\" width=\"84\" "
        "height=\"{:.0f}\"><figcaption>"
        "<span class=\"was\">{}</span> → <span class=\"is\">{}</span><small>{}no. {}</small>"
        "</figcaption></figure>\n",
        png_address(lost.picture, greys()), lost.index, escaped(lost.truth),
        84.0 * lost.picture.height / std::max(1, lost.picture.width), escaped(lost.dense),
        escaped(lost.compressed),
        lost.dense == lost.truth ? "" : "is " + escaped(lost.truth) + ", ", lost.index);
  }
  return text + "</div>\n";
}

}  // namespace

std::string answers_section(const Run& run, size_t index) {
  return section(fmt::format("r{}-answers", index), "Answers",
                 (run.confusion ? confusion_part(*run.confusion) : "") + lost_part(run));
}

}  // namespace espalier::report
