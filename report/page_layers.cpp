#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "espalier/report/page_sections.h"
#include "espalier/report/png.h"
#include "espalier/report/text.h"

namespace espalier::report {
namespace {

double sparsity_of(const Layer& layer) {
  return layer.weights > 0
             ? 1 - static_cast<double>(layer.nonzero) / static_cast<double>(layer.weights)
             : 0;
}

std::string layer_id(size_t run, size_t layer) {
  return fmt::format("r{}-layer-{}", run, layer);
}

/// The largest and the sum of what a column of the table holds.
struct Column {
  double largest = 0, sum = 0;
  bool any = false;

  void add(double value) {
    largest = std::max(largest, value);
    sum += value;
    any = any || value > 0;
  }
  double part(double value) const { return largest > 0 ? value / largest : 0; }
};

/// The shape, and beside it that of the dense network where channels were removed.
std::string shape_cell(const Layer& layer) {
  std::string text = shape_text(layer.shape);
  if (!layer.dense_shape.empty())
    text += fmt::format(" <small>of {}</small>", shape_text(layer.dense_shape));
  return text;
}

std::string layer_table(const Run& run, size_t index) {
  Column weights, nonzero, bytes, macs, time;
  bool few_bits = false, nearly_all = false;
  for (const Layer& layer : run.layers) {
    weights.add(static_cast<double>(layer.weights));
    nonzero.add(static_cast<double>(layer.nonzero));
    bytes.add(static_cast<double>(layer.bytes));
    macs.add(static_cast<double>(layer.macs));
    time.add(layer.time_us.value_or(0));
    few_bits = few_bits || layer.bits < 32;
    nearly_all = nearly_all || (sparsity_of(layer) > 0.99 && sparsity_of(layer) < 1);
  }
  // In one column all have as many decimals as the one that needs most.
  const auto zero = [&](double part) { return percent(part, nearly_all ? 2 : 1); };
  const auto head = [](const char* title) {
    return fmt::format("<th scope=\"col\">{}</th>", title);
  };
  std::string text = "<div class=\"scroll\"><table class=\"numbers layers\">\n<thead><tr>" +
                     head("Layer") + head("Shape") + head("Weights") + head("Zero");
  if (few_bits) text += head("Bits");
  if (bytes.any) text += head("Bytes");
  if (macs.any) text += head("Multiply-adds");
  if (time.any) text += head("Time");
  text += "</tr></thead>\n<tbody>\n";
  for (size_t i = 0; i < run.layers.size(); ++i) {
    const Layer& layer = run.layers[i];
    text +=
        fmt::format("<tr><th scope=\"row\"><a href=\"#{}\">{}</a></th><td>{}</td><td>{}</td>{}",
                    layer_id(index, i), escaped(layer.name), shape_cell(layer),
                    grouped(layer.weights), bar_cell(zero(sparsity_of(layer)), sparsity_of(layer)));
    if (few_bits) text += fmt::format("<td>{}</td>", bit_width(layer.bits));
    if (bytes.any) {
      text += bar_cell(grouped(layer.bytes), bytes.part(static_cast<double>(layer.bytes)));
    }
    if (macs.any) {
      text += bar_cell(short_count(layer.macs), macs.part(static_cast<double>(layer.macs)));
    }
    if (time.any) {
      text += layer.time_us ? bar_cell(micros(*layer.time_us), time.part(*layer.time_us))
                            : "<td>–</td>";
    }
    text += "</tr>\n";
  }
  text +=
      fmt::format("</tbody>\n<tfoot><tr><th scope=\"row\">All</th><td></td><td>{}</td><td>{}</td>",
                  grouped(std::llround(weights.sum)),
                  zero(weights.sum > 0 ? 1 - nonzero.sum / weights.sum : 0));
  if (few_bits) text += fmt::format("<td>{}</td>", bit_width(run.compressed.bits));
  if (bytes.any) text += fmt::format("<td>{}</td>", grouped(std::llround(bytes.sum)));
  if (macs.any) text += fmt::format("<td>{}</td>", short_count(std::llround(macs.sum)));
  if (time.any) text += fmt::format("<td>{}</td>", micros(time.sum));
  return text + "</tr></tfoot>\n</table></div>\n";
}

/// A picture at a whole number of screen pixels for each of its own; one that does not fit half the
/// page gets all of it.
std::string picture(const Picture& picture, const Palette& palette, const std::string& title,
                    const std::string& below) {
  constexpr int column = 440, most = 12;  // about as wide as half of the page
  const int scale = std::clamp(column / std::max(picture.width, picture.height), 1, most);
  return fmt::format(
      "<figure class=\"picture{}\"><figcaption>{}</figcaption><img{} src=\"{}\" alt=\"{}\" "
      "width=\"{}\" height=\"{}\"><p class=\"note\">{}</p></figure>\n",
      picture.width > column ? " wide" : "", title, scale > 1 ? " class=\"squares\"" : "",
      png_address(picture, palette), title, scale * picture.width, scale * picture.height, below);
}

std::string died_scale(const Palette& palette, int last) {
  std::string stops;
  constexpr int count = 9;
  for (int i = 0; i < count; ++i) {
    const Colour& colour = palette[static_cast<size_t>(std::lround(i * last / (count - 1.0)))];
    stops += fmt::format(",#{:02x}{:02x}{:02x}", colour[0], colour[1], colour[2]);
  }
  return fmt::format(
      "<span class=\"scale\"><span>epoch 1</span><span class=\"ramp\" style=\"background:"
      "linear-gradient(to right{})\"></span><span>{}</span><span class=\"still\">there "
      "still</span></span>",
      stops, last + 1);
}

std::string mask_pictures(const MaskPictures& mask, int epochs) {
  std::string text = picture(mask.mask, mask_colours(), "What is left",
                             "Light: the weight is there; dark: it is masked" +
                                 (mask.legend.empty() ? "." : "; " + escaped(mask.legend) + "."));
  if (mask.died) {
    const int last = std::clamp(epochs - 1, 1, int{MaskPictures::latest_death});
    const Palette palette = epoch_colours(last);
    text += picture(
        *mask.died, palette, "When weights were masked",
        died_scale(palette, last) +
            (mask.came_back > 0
                 ? fmt::format("{} came back after they had been masked.", grouped(mask.came_back))
                 : std::string("None came back after it had been masked.")));
  }
  return text;
}

std::string histogram_note(const Layer& layer) {
  std::vector<std::string> sentences;
  if (layer.after && layer.after->zeros > 0) {
    sentences.push_back(
        fmt::format("{} weights are exactly 0 and in no bin.", grouped(layer.after->zeros)));
  }
  if (layer.threshold) {
    sentences.push_back(
        fmt::format("The smallest magnitude that is left is {}.", short_number(*layer.threshold)));
  }
  if (!layer.grid.empty()) {
    sentences.push_back(fmt::format(
        "A weight of the first output channel takes one of {} values{}.", layer.grid.size(),
        layer.grid.size() <= 32 ? " (lines)" : " (ticks below the axis)"));
  }
  return fmt::format("{}", fmt::join(sentences, " "));
}

std::string layer_details(const Run& run, size_t index, size_t number, bool open) {
  const Layer& layer = run.layers[number];
  std::string content;
  if (layer.before || layer.after) {
    content += chart({.kind = "histogram",
                      .title = "Weights",
                      .unit = "how many have which value",
                      .description = fmt::format("Histogram of the weights of {}", layer.name),
                      .run = index,
                      .layer = static_cast<int>(number),
                      .note = histogram_note(layer)});
  }
  // Weights that are rounded to 0 by chance are no curve to look at.
  if (layer.sparsity.size() > 1 &&
      (layer.mask ||
       *std::max_element(layer.sparsity.begin(), layer.sparsity.end()) >= noticeable_sparsity)) {
    content += chart({.kind = "layer-sparsity",
                      .title = "Sparsity",
                      .unit = "% of its weights that are zero",
                      .description = fmt::format("Sparsity of {} over epochs: {} at the end",
                                                 layer.name, share(layer.sparsity.back())),
                      .run = index,
                      .layer = static_cast<int>(number)});
  }
  if (layer.mask) content += mask_pictures(*layer.mask, static_cast<int>(layer.sparsity.size()));
  if (content.empty()) return "";
  return fmt::format(
      "<details class=\"layer\" id=\"{}\"{}><summary><b>{}</b> <span>{} {}</span> <span>{} "
      "zero</span>"
      "{}</summary>\n<div class=\"charts\">\n{}</div></details>\n",
      layer_id(index, number), open ? " open" : "", escaped(layer.name), escaped(layer.type),
      shape_text(layer.shape), escaped(share(sparsity_of(layer))),
      layer.bits < 32 ? fmt::format(" <span>{} bits</span>", bit_width(layer.bits)) : "", content);
}

/// A histogram as a small picture, over the line on which the grid lies. The roots of counts are
/// drawn, so that rare values can be seen beside frequent ones.
std::string sparkline(const Activation& activation) {
  constexpr double width = 160, height = 36, base = 27;
  const Histogram& histogram = activation.values;
  const double left = std::min({activation.low, activation.seen_low, histogram.low});
  const double right = std::max({activation.high, activation.seen_high, histogram.high});
  if (!(right > left) || histogram.counts.empty()) return "";
  const auto x = [&](double value) { return (value - left) / (right - left) * width; };
  const double most = std::sqrt(static_cast<double>(
      std::max<int64_t>(1, *std::max_element(histogram.counts.begin(), histogram.counts.end()))));
  const double step =
      (histogram.high - histogram.low) / static_cast<double>(histogram.counts.size());
  std::string path = fmt::format("M{:.1f} {}", x(histogram.low), base);
  for (size_t i = 0; i < histogram.counts.size(); ++i) {
    const double top = base * (1 - std::sqrt(static_cast<double>(histogram.counts[i])) / most);
    const double from = histogram.low + step * static_cast<double>(i);
    path += fmt::format("L{:.1f} {:.1f}L{:.1f} {:.1f}", x(from), top, x(from + step), top);
  }
  path += fmt::format("L{:.1f} {}Z", x(histogram.high), base);
  return fmt::format(
      "<svg class=\"spark\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" "
      "aria-hidden=\"true\">"
      "<path class=\"values\" d=\"{2}\"/><path class=\"grid\" d=\"M{3:.1f} {4}v6m0 -3H{5:.1f}m0 "
      "-3v6\"/>"
      "</svg>",
      width, height, path, std::clamp(x(activation.low), 0.75, width - 0.75), base + 2,
      std::clamp(x(activation.high), 0.75, width - 0.75));
}

}  // namespace

std::string layers_section(const Run& run, size_t index) {
  if (run.layers.empty()) return "";
  const auto largest =
      std::max_element(run.layers.begin(), run.layers.end(),
                       [](const Layer& a, const Layer& b) { return a.weights < b.weights; });
  std::string text = layer_table(run, index);
  for (size_t i = 0; i < run.layers.size(); ++i) {
    text += layer_details(run, index, i, &run.layers[i] == &*largest);
  }
  return section(fmt::format("r{}-layers", index), "Layers", text);
}

std::string activations_section(const Run& run, size_t index) {
  if (run.activations.empty()) return "";
  std::string rows;
  for (const Activation& activation : run.activations) {
    rows += fmt::format(
        "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}&#8239;…&#8239;{}</td>"
        "<td>{}&#8239;…&#8239;{}</td><td{}>{}</td><td>{}</td></tr>\n",
        escaped(activation.layer), activation.bits, short_number(activation.low),
        short_number(activation.high), short_number(activation.seen_low),
        short_number(activation.seen_high), activation.clipped > 0.01 ? " class=\"warn\"" : "",
        escaped(share(activation.clipped)), sparkline(activation));
  }
  return section(
      fmt::format("r{}-activations", index), "Activations",
      "<p>What layers hand on, against the grid that holds it. Values beyond the grid’s ends are "
      "clipped to them.</p>\n<div class=\"scroll\"><table class=\"numbers\"><thead><tr>"
      "<th scope=\"col\">After</th><th scope=\"col\">Bits</th><th scope=\"col\">Grid</th>"
      "<th scope=\"col\">Values seen</th><th scope=\"col\">Clipped</th>"
      "<th scope=\"col\">Values (root of counts) over the grid</th></tr></thead><tbody>\n" +
          rows + "</tbody></table></div>\n");
}

}  // namespace espalier::report
