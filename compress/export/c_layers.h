#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "espalier/compress/export/c_program.h"
#include "espalier/compress/export/integer_network.h"

/// The constants of a generated C file: what each layer is, as initialised structures and arrays.
namespace espalier::compress::c_code {

/// `static const TYPE NAME[] = {…};` in lines of at most 100 columns.
std::string array(std::string_view type, std::string_view name,
                  const std::vector<int64_t>& numbers);

/// Text that can stand in a C comment: anything but printable ASCII, and what would end the
/// comment, is replaced by `?`.
std::string comment_text(std::string_view text);

/// Collects constants, one layer after the other. Each function adds what it needs and returns the
/// name by which it is called.
class LayerConstants {
 public:
  explicit LayerConstants(const file::Network& network) : network_(network) {}

  /// Of every operation but Concat, Flatten and Activation.
  std::string constants(const Step& step);
  /// The table of an activation; equal tables are written once.
  std::string table(const file::Operation& operation, const file::Activation& activation);
  /// From the grid of an input to that of the result with so many channels.
  std::string conversion(const file::Operation& operation, int input, const Extents& x,
                         int64_t out_channels);

  const std::string& text() const { return text_; }

 private:
  const file::Grid& grid(int value) const {
    return *network_.values[static_cast<size_t>(value)].grid;
  }
  const file::Value& value(int i) const { return network_.values[static_cast<size_t>(i)]; }
  std::string next_name();
  void heading(const file::Operation& operation, const std::string& more = "");
  void sums(const Step& step, const file::Weights& weights, const file::Bias& bias,
            file::Clamp clamp, const std::string& name);
  std::string windows(const file::Operation& operation, int64_t kernel_height, int64_t kernel_width,
                      int stride, int padding) const;
  void average(const file::Operation& operation, const std::string& name, int64_t kernel_height,
               int64_t kernel_width, int stride, int padding);

  const file::Network& network_;
  std::string text_;
  std::map<std::vector<int8_t>, std::string> tables_;
  int count_ = 0;
};

}  // namespace espalier::compress::c_code
