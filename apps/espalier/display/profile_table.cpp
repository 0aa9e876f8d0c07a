#include "display/profile_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "display/text.h"

namespace espalier::app {
namespace {

/// What is too little to be worth a line.
constexpr double smallest_share = 0.001;

struct Line {
  std::string layer;
  Work work;
  std::string kernel;
  double seconds = 0, flop = 0;
};

Line& line_for(std::vector<Line>& lines, const std::string& layer, Work work) {
  const auto found = std::find_if(lines.begin(), lines.end(), [&](const Line& line) {
    return line.layer == layer && line.work == work;
  });
  if (found != lines.end()) return *found;
  lines.push_back({layer, work, ""});
  return lines.back();
}

/// Everything of a layer together, in the order in which layers run.
std::vector<Line> by_layer(const Profile& profile) {
  std::vector<Line> lines;
  std::vector<std::string> layers;
  for (const Profile::Row& row : profile.rows()) {
    if (std::find(layers.begin(), layers.end(), row.key.layer) == layers.end())
      layers.push_back(row.key.layer);
    Line& line = line_for(lines, row.key.layer, row.key.work);
    line.seconds += row.seconds;
    line.flop += row.flop;
    if (line.kernel.empty()) line.kernel = row.key.kernel;
  }
  const auto place = [&](const Line& line) {
    return std::find(layers.begin(), layers.end(), line.layer) - layers.begin();
  };
  std::stable_sort(lines.begin(), lines.end(), [&](const Line& a, const Line& b) {
    return std::pair(place(a), a.work) < std::pair(place(b), b.work);
  });
  return lines;
}

std::vector<Line> by_work(const std::vector<Line>& layers) {
  std::vector<Line> lines;
  for (const Line& each : layers) {
    Line& line = line_for(lines, "", each.work);
    line.seconds += each.seconds;
    line.flop += each.flop;
  }
  std::sort(lines.begin(), lines.end(),
            [](const Line& a, const Line& b) { return a.work < b.work; });
  return lines;
}

int64_t steps_in(const Profile& profile) {
  int64_t steps = 1;
  for (const Profile::Row& row : profile.rows()) {
    if (row.key.work == Work::optimizer) steps = std::max(steps, row.calls);
  }
  return steps;
}

}  // namespace

void print_profile(const Profile& profile, double peak) {
  const double all = profile.seconds();
  const double steps = static_cast<double>(steps_in(profile));
  const auto row = [&](const std::string& name, const std::string& work, const Line& line) {
    const double speed = line.seconds > 0 ? line.flop / line.seconds : 0;
    fmt::print("{} {} {} {:>7.2f} {:>6} {:>5} {:>5}\n", padded_right(name, 19),
               padded_right(work, 15), padded_right(line.kernel, 15), 1e3 * line.seconds / steps,
               percent(line.seconds / all, 1),
               line.flop > 0 ? fmt::format("{:.0f}", speed / 1e9) : "",
               line.flop > 0 ? percent(speed / peak, 0) : "");
  };
  const auto header = [&](const std::string& first) {
    fmt::print("\n{} {} {} {:>7} {:>6} {:>5} {:>5}\n", padded_right(first, 19),
               padded_right(first == "layer" ? "work" : "", 15),
               padded_right(first == "layer" ? "kernel" : "", 15), "ms/step", "share", "GF/s",
               "peak");
  };

  const std::vector<Line> layers = by_layer(profile);
  header("layer");
  std::string shown = "none yet";
  Line rest{"", Work::other, ""};
  for (const Line& line : layers) {
    if (line.seconds < smallest_share * all) {
      rest.seconds += line.seconds;
      continue;
    }
    row(line.layer == shown  ? ""
        : line.layer.empty() ? "outside layers"
                             : line.layer,
        name_of(line.work), line);
    shown = line.layer;
  }
  row("less than 0.1 % each", "", rest);

  header("work");
  for (const Line& line : by_work(layers)) row(name_of(line.work), "", line);
  row("all", "", {"", Work::other, "", all, 0});
  fmt::print("\n{}", labelled("steps", fmt::format("{:.0f}", steps)));
  fmt::print("{}",
             labelled("peak", fmt::format("{:.0f} GFLOP/s (GF/s): multiplications and additions on "
                                          "registers. A kernel above it needs fewer of them than "
                                          "the definition, which is what is counted.",
                                          peak / 1e9)));
}

void print_kernel_table(const Profile& profile) {
  const auto print = [](const std::string& layer, const std::string& forward,
                        const std::string& input_gradient, const std::string& weight_gradient) {
    fmt::print("{}  {}  {}  {}\n", padded_right(layer, 24), padded_right(forward, 16),
               padded_right(input_gradient, 16), weight_gradient);
  };
  print("layer", "forward", "input gradient", "weight gradient");
  std::vector<Line> lines = by_layer(profile);
  std::erase_if(lines, [](const Line& line) { return line.kernel.empty(); });
  std::vector<std::string> layers;
  for (const Line& line : lines) {
    if (layers.empty() || layers.back() != line.layer) layers.push_back(line.layer);
  }
  for (const std::string& layer : layers) {
    print(layer, line_for(lines, layer, Work::forward).kernel,
          line_for(lines, layer, Work::input_gradient).kernel,
          line_for(lines, layer, Work::weight_gradient).kernel);
  }
}

}  // namespace espalier::app
