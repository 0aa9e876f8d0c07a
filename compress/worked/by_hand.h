#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "espalier/compress/compressor.h"
#include "espalier/nn/layers/sequential.h"

/// compress/worked/: every algorithm at work on a few numbers, see `WorkedExample`. This file has
/// what the examples share.
namespace espalier::compress::worked {

/// The number as one writes it down: "-0.4", "0.4625". At most `digits` significant ones.
std::string number(double value, int digits = 4);
/// The same of a result that rounding of its terms, which are about as large as `scale`, may have
/// kept from being 0: "0" instead of "-1.49e-09".
std::string number_beside(double scale, double value, int digits = 4);
/// A sum as one writes it down, negative terms taken away: "0.1 - 0.4 + 3".
std::string plus(const std::vector<std::string>& terms);

/// "5 weights", "1 weight".
std::string counted(int64_t count, const std::string& what);
/// The places of the numbers by magnitude: 1 is the smallest, of equal ones the first.
std::vector<int64_t> ranks(std::span<const float> values);
/// |x| of each.
std::vector<double> magnitudes(std::span<const float> values);

/// Columns under headings, aligned at the right, and numbers of a column at their points.
///
///     i       w   mask
///     1     0.1      0
///     2    -0.4      1
class Table {
 public:
  /// Adds a column. \throws Error if it has more or fewer cells than the one before
  Table& column(std::string heading, std::vector<std::string> cells);
  Table& column(std::string heading, const std::vector<double>& values, int digits = 4);
  Table& column(std::string heading, const std::vector<float>& values, int digits = 4);
  Table& column(std::string heading, const std::vector<int64_t>& values);
  /// Adds a column of the numbers 1, 2, … under `heading`.
  Table& places(std::string heading, size_t count);

  /// The headings and the rows, a line each, two spaces in front of every one.
  std::string text() const;

 private:
  struct Column {
    std::string heading;
    std::vector<std::string> cells;
  };
  std::vector<Column> columns_;
};

/// A network that is small enough to be followed: "layer", fully connected and without bias, whose
/// weight is `outputs`×inputs of the given numbers, and behind it "next", with weights of 1, which
/// adds its outputs up.
class SmallLayer {
 public:
  /// \throws Error unless the numbers divide into `outputs`
  explicit SmallLayer(std::span<const float> weights, int64_t outputs = 1);

  /// Lets an algorithm act on "layer". Its rules must name it or choose it by its type.
  void attach(Compressor& algorithm);
  /// One pass forward and backward in training mode, of samples whose inputs are the unit vectors;
  /// so d(loss)/d(effective weight) is what `gradient` says, in the weight's order; empty: ones.
  void pass(std::span<const float> gradient = {});
  /// A pass, and one update of plain SGD with learning rate 1: weight = weight − gradient, as far
  /// as the algorithm lets it.
  void train(std::span<const float> gradient);

  /// What the layer computes with.
  std::vector<float> effective() const;
  /// 1 for the weights that all masks keep, and 0.
  std::vector<float> kept() const;
  /// The same of "next", which has a weight for each output of "layer".
  std::vector<float> next_kept() const;

 private:
  nn::Parameter& weight() const { return *net_.children().front()->record()->parameters.front(); }

  int64_t outputs_, inputs_;
  nn::Sequential net_;
};

}  // namespace espalier::compress::worked
