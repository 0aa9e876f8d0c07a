#include "espalier/compress/worked/by_hand.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "espalier/autograd/core/error.h"
#include "espalier/autograd/ops.h"
#include "espalier/nn/layers/linear.h"
#include "espalier/nn/optim/sgd.h"

namespace espalier::compress::worked {
namespace {

/// Columns of UTF-8 text: bytes 10xxxxxx continue a character.
size_t width(const std::string& text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string padded(const std::string& text, size_t columns) {
  return std::string(columns - std::min(columns, width(text)), ' ') + text;
}

size_t decimals(const std::string& text) {
  const size_t point = text.find('.');
  return point == std::string::npos ? 0 : text.size() - point - 1;
}

/// All with as many digits behind the point as the one that needs most.
std::vector<std::string> aligned(const std::vector<double>& values, int digits) {
  std::vector<std::string> cells;
  size_t most = 0;
  bool powers = false;
  double scale = 0;
  for (const double value : values) scale = std::max(scale, std::abs(value));
  for (const double value : values) {
    cells.push_back(number_beside(scale, value, digits));
    most = std::max(most, decimals(cells.back()));
    powers = powers || cells.back().find_first_of("en") != std::string::npos;
  }
  if (powers) return cells;
  std::transform(values.begin(), values.end(), cells.begin(),
                 [&](double value) { return fmt::format("{:.{}f}", value + 0.0, most); });
  return cells;
}

}  // namespace

std::string number(double value, int digits) {
  return fmt::format("{:.{}g}", value + 0.0, digits);  // no sign in front of a zero
}

std::string number_beside(double scale, double value, int digits) {
  constexpr double rounding = 1e-6;  // of a few float32 terms, with room to spare
  return number(std::abs(value) < rounding * scale ? 0.0 : value, digits);
}

std::string counted(int64_t count, const std::string& what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

std::string plus(const std::vector<std::string>& terms) {
  std::string text;
  for (const std::string& term : terms) {
    const bool taken = !text.empty() && term.starts_with('-');
    text += (text.empty() ? "" : taken ? " - " : " + ") + (taken ? term.substr(1) : term);
  }
  return text;
}

std::vector<int64_t> ranks(std::span<const float> values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return std::abs(values[a]) < std::abs(values[b]); });
  std::vector<int64_t> ranks(values.size());
  for (size_t i = 0; i < order.size(); ++i) ranks[order[i]] = static_cast<int64_t>(i) + 1;
  return ranks;
}

std::vector<double> magnitudes(std::span<const float> values) {
  std::vector<double> result;
  for (const float value : values) result.push_back(std::abs(double{value}));
  return result;
}

Table& Table::column(std::string heading, std::vector<std::string> cells) {
  if (!columns_.empty() && columns_.front().cells.size() != cells.size()) {
    throw Error("table", fmt::format("column '{}' has {} cells and the others {}", heading,
                                     cells.size(), columns_.front().cells.size()));
  }
  columns_.push_back({std::move(heading), std::move(cells)});
  return *this;
}

Table& Table::column(std::string heading, const std::vector<double>& values, int digits) {
  return column(std::move(heading), aligned(values, digits));
}

Table& Table::column(std::string heading, const std::vector<float>& values, int digits) {
  return column(std::move(heading), std::vector<double>(values.begin(), values.end()), digits);
}

Table& Table::column(std::string heading, const std::vector<int64_t>& values) {
  return column(std::move(heading), std::vector<double>(values.begin(), values.end()), 18);
}

Table& Table::places(std::string heading, size_t count) {
  std::vector<std::string> cells;
  for (size_t i = 1; i <= count; ++i) cells.push_back(std::to_string(i));
  return column(std::move(heading), std::move(cells));
}

std::string Table::text() const {
  if (columns_.empty()) return {};
  std::vector<std::string> lines(columns_.front().cells.size() + 1);
  for (const Column& column : columns_) {
    size_t widest = width(column.heading);
    for (const std::string& cell : column.cells) widest = std::max(widest, width(cell));
    for (size_t row = 0; row < lines.size(); ++row) {
      const std::string& cell = row == 0 ? column.heading : column.cells[row - 1];
      lines[row] += (lines[row].empty() ? "  " : "   ") + padded(cell, widest);
    }
  }
  std::string text;
  for (const std::string& line : lines)
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  return text;
}

SmallLayer::SmallLayer(std::span<const float> weights, int64_t outputs)
    : outputs_(outputs),
      inputs_(static_cast<int64_t>(weights.size()) / std::max<int64_t>(outputs, 1)) {
  if (outputs < 1 || inputs_ < 1 || outputs * inputs_ != static_cast<int64_t>(weights.size())) {
    throw Error("small layer",
                fmt::format("{} weights do not divide into {} outputs", weights.size(), outputs));
  }
  net_.add("layer", nn::Linear({.in = inputs_, .out = outputs, .bias = false}))
      .add("next", nn::Linear({.in = outputs, .out = 1, .bias = false}));
  weight().load(Tensor::from({outputs, inputs_}, weights));
  net_.children().back()->record()->parameters.front()->load(Tensor::full({1, outputs}, 1));
}

void SmallLayer::attach(Compressor& algorithm) {
  algorithm(net_, {inputs_});
}

void SmallLayer::pass(std::span<const float> gradient) {
  net_.train();
  const Tensor unit_vectors = Tensor::generate(
      {inputs_, inputs_}, [this](int64_t i) { return i / inputs_ == i % inputs_ ? 1.0f : 0.0f; });
  // Sample i meets the weights of input i alone.
  const Tensor wanted = Tensor::generate({inputs_, outputs_}, [&](int64_t i) {
    const int64_t input = i / outputs_, output = i % outputs_;
    return gradient.empty() ? 1.0f : gradient[static_cast<size_t>(output * inputs_ + input)];
  });
  espalier::sum(multiply((*net_.children().front())(unit_vectors), wanted)).backward();
}

void SmallLayer::train(std::span<const float> gradient) {
  nn::SGD sgd(net_, {.lr = 1});
  sgd.zero_grad();
  pass(gradient);
  sgd.step();
}

std::vector<float> SmallLayer::effective() const {
  const Tensor value = weight().effective_value();
  return {value.values().begin(), value.values().end()};
}

std::vector<float> SmallLayer::kept() const {
  const Tensor value = weight().kept_by_masks();
  return {value.values().begin(), value.values().end()};
}

std::vector<float> SmallLayer::next_kept() const {
  const Tensor value = net_.children().back()->record()->parameters.front()->kept_by_masks();
  return {value.values().begin(), value.values().end()};
}

}  // namespace espalier::compress::worked
