#include "espalier/compress/export/c_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include "espalier/autograd/core/error.h"
#include "espalier/compress/export/c_kernels.h"
#include "espalier/compress/export/c_layers.h"
#include "espalier/compress/export/c_program.h"
#include "espalier/compress/export/integer_network.h"

namespace espalier::compress {
namespace {

using namespace c_code;
using file::Network, file::Operation;

std::string in_capitals(std::string name) {
  for (char& c : name) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

void require_identifier(const std::string& name) {
  const auto is_part = [](unsigned char c) { return c < 128 && (std::isalnum(c) || c == '_'); };
  if (name.empty() || !std::isalpha(static_cast<unsigned char>(name[0])) ||
      !std::all_of(name.begin(), name.end(), is_part)) {
    throw Error("c source", "`" + name +
                                "` cannot begin the names of C functions; give a name of letters, "
                                "digits and _ that begins with a letter");
  }
}

/// The names as C writes an array of them. What is no plain ASCII is an escape of three octal
/// digits, which cannot run into the character behind it; a question mark would begin a trigraph.
std::string name_list(const std::vector<std::string>& names) {
  std::vector<std::string> quoted;
  for (const std::string& name : names) {
    std::string text = "\"";
    for (const char c : name) {
      const auto byte = static_cast<unsigned char>(c);
      const bool plain = byte >= 32 && byte < 127 && c != '"' && c != '\\' && c != '?';
      text += plain ? std::string(1, c) : fmt::format("\\{:03o}", byte);
    }
    quoted.push_back(text + "\"");
  }
  return fmt::format("{{{}}}", fmt::join(quoted, ", "));
}

/// What the caller of the generated function needs to know, and its declaration.
std::string declarations(const Network& network, const std::string& name, int64_t arena_bytes) {
  const Extents x = extents(network.values.front()), y = extents(network.values.back());
  const file::Grid& scores = *network.values.back().grid;
  const std::string macro = in_capitals(name);
  std::string text;
  const auto define = [&](const char* what, const std::string& value) {
    text += fmt::format("#define {}_{} {}\n", macro, what, value);
  };
  define("HEIGHT", std::to_string(x.height));
  define("WIDTH", std::to_string(x.width));
  define("CHANNELS", std::to_string(x.channels));
  define("INPUT_BYTES", std::to_string(x.size()));
  define("CLASSES", std::to_string(y.size()));
  define("SCORE_SCALE", fmt::format("{:.9e}f", scores.scale));
  define("SCORE_ZERO_POINT", fmt::format("({})", scores.zero_point));
  define("ARENA_BYTES", std::to_string(std::max<int64_t>(arena_bytes, 4)));
  if (!network.class_names.empty()) {
    if (std::ssize(network.class_names) != y.size()) {
      throw Error("c source", fmt::format("there are {} names for {} classes",
                                          network.class_names.size(), y.size()));
    }
    define("CLASS_NAMES", name_list(network.class_names));
  }
  text += fmt::format("\nvoid {}_run(const uint8_t *pixels, int8_t *scores, void *arena);\n", name);
  return text;
}

std::string how_to_call(const Network& network, const std::string& name) {
  const Extents x = extents(network.values.front());
  const std::string macro = in_capitals(name);
  return fmt::format(
      R"(/* A neural network in integers, written by Espalier. It is yours: no licence applies to it.

       static uint32_t arena[({0}_ARENA_BYTES + 3) / 4];
       int8_t scores[{0}_CLASSES];
       {1}_run(pixels, scores, arena);

   pixels  {2} x {3} x {4} bytes, row by row from the top, the channels of a pixel side by side
   scores  of each class; the largest is the answer. As real numbers they are
           {0}_SCORE_SCALE * (score - {0}_SCORE_ZERO_POINT){5}
   arena   {0}_ARENA_BYTES of working memory, aligned to 4 bytes; nothing in it is kept between
           calls. Two calls may run at once, each with an arena of its own.

   There is no other memory than these and the stack, of which a few hundred bytes are used. */
)",
      macro, name, x.height, x.width, x.channels,
      network.class_names.empty() ? ""
                                  : fmt::format("\n           What the classes are called: "
                                                "const char *const names[] = {}_CLASS_NAMES;",
                                                macro));
}

/// Writes the constants of each step and the function that calls them.
class Writer {
 public:
  Writer(const Network& network, const Program& program)
      : network_(network), program_(program), layers_(network) {
    for (const Step& step : program.steps) write(step);
  }

  std::string kernels() const {
    std::string text = pixel_tables();
    return text + kernels_text(kernels_, program_.tables.tables.size() > 1);
  }
  std::string constants() const { return layers_.text(); }
  std::string run(const std::string& name) const {
    std::string text =
        fmt::format("\nvoid {}_run(const uint8_t *pixels, int8_t *scores, void *arena) {{\n", name);
    const bool has_bytes = calls_.find("memory") != std::string::npos;
    if (has_bytes) text += "  int8_t *const memory = (int8_t *)arena;\n";
    if (!has_bytes && calls_.find("arena") == std::string::npos) text += "  (void)arena;\n";
    return text + calls_ + "}\n";
  }

 private:
  std::string pixel_tables() const {
    const PixelTables& tables = program_.tables;
    std::vector<int64_t> codes;
    for (const auto& table : tables.tables) codes.insert(codes.end(), table.begin(), table.end());
    std::string text =
        "\n/* The codes of the values of a pixel. */\n" + array("int8_t", "pixel_codes", codes);
    if (tables.tables.size() > 1) {
      text += "\n/* Which 256 of them count for each channel. */\n" +
              array("uint8_t", "pixel_table", {tables.of_channel.begin(), tables.of_channel.end()});
    }
    return text;
  }

  std::string place(int value, int64_t further = 0) const {
    const Place& at = program_.places[static_cast<size_t>(value)];
    const auto plus = [](int64_t offset) {
      return offset == 0 ? "" : " + " + std::to_string(offset);
    };
    switch (at.where) {
      case Place::Where::pixels:
        return "pixels" + plus(further);
      case Place::Where::scores:
        return "scores" + plus(further);
      default:
        return "memory" + plus(at.offset + further);
    }
  }

  void call(const std::string& kernel, const std::string& arguments) {
    kernels_.insert(kernel);
    calls_ += fmt::format("  {}({});\n", kernel, arguments);
  }

  void write(const Step& step) {
    if (!step.operation) {
      const Extents x = extents(network_.values[0]);
      call(step.kernel,
           fmt::format("pixels, {}, {}, {}", place(0), x.height * x.width, x.channels));
      return;
    }
    const Operation& operation = *step.operation;
    const std::string x = place(operation.inputs[0]), y = place(operation.output);
    const Extents in = extents(network_.values[static_cast<size_t>(operation.inputs[0])]);
    if (!operation.layer.empty()) {
      calls_ += fmt::format("  /* {} */\n", comment_text(operation.layer));
    }
    if (std::get_if<file::Concat>(&operation.what)) {
      concat(operation);
    } else if (std::get_if<file::Flatten>(&operation.what)) {
      call("flatten", fmt::format("{}, {}, {}, {}", x, y, in.height * in.width, in.channels));
    } else if (const auto* function = std::get_if<file::Activation>(&operation.what)) {
      call("look_up",
           fmt::format("{}, {}, {}, {}", layers_.table(operation, *function), x, y, in.size()));
    } else {
      std::string arguments = "&" + layers_.constants(step);
      for (const int input : operation.inputs) arguments += ", " + place(input);
      arguments += ", " + y;
      if (step.kernel.starts_with("convolve_by_weight")) {
        arguments += ", (int32_t *)arena";
        if (step.scratch_offset > 0) arguments += fmt::format(" + {}", step.scratch_offset / 4);
      } else if (step.kernel == "convolve_by_pixel") {
        arguments +=
            step.scratch_offset < 0 ? ", 0" : fmt::format(", memory + {}", step.scratch_offset);
      }
      call(step.kernel, arguments);
    }
  }

  /// Each input into its channels of the result.
  void concat(const Operation& operation) {
    const file::Value& result = network_.values[static_cast<size_t>(operation.output)];
    const Extents y = extents(result);
    int64_t first = 0;
    for (const int input : operation.inputs) {
      const Extents x = extents(network_.values[static_cast<size_t>(input)]);
      const std::string to = place(operation.output, first);
      if (copies(input, operation.output)) {
        call("place", fmt::format("{}, {}, {}, {}, {}", place(input), to, x.height * x.width,
                                  x.channels, y.channels));
      } else {
        call("convert",
             fmt::format("&{}, {}, {}", layers_.conversion(operation, input, x, y.channels),
                         place(input), to));
      }
      first += x.channels;
    }
  }
  /// Converting would change no code that the input can have.
  bool copies(int input, int output) const {
    const file::Grid& x = *network_.values[static_cast<size_t>(input)].grid;
    const file::Grid& y = *network_.values[static_cast<size_t>(output)].grid;
    return x.scale == y.scale && x.zero_point == y.zero_point && x.lowest >= y.lowest &&
           x.highest <= y.highest;
  }

  const Network& network_;
  const Program& program_;
  LayerConstants layers_;
  std::set<std::string> kernels_;
  std::string calls_;
};

}  // namespace

std::string c_source(const Network& network, const CSourceOptions& options) {
  require_identifier(options.name);
  const Program program = c_program(network);
  const Writer writer(network, program);
  return how_to_call(network, options.name) + "\n#include <stdint.h>\n\n" +
         declarations(network, options.name, program.arena_bytes) + writer.kernels() +
         writer.constants() + writer.run(options.name);
}

std::string c_header(const Network& network, const CSourceOptions& options) {
  require_identifier(options.name);
  const std::string guard = in_capitals(options.name) + "_H";
  const std::string declared = declarations(network, options.name, c_program(network).arena_bytes);
  const size_t function = declared.find("\nvoid ");
  return fmt::format(
      "{0}\n#ifndef {1}\n#define {1}\n\n#include <stdint.h>\n\n{2}\n"
      "#ifdef __cplusplus\nextern \"C\"\n#endif{3}\n#endif\n",
      how_to_call(network, options.name), guard, declared.substr(0, function),
      declared.substr(function));
}

}  // namespace espalier::compress
