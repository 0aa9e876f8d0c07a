#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>
#include <variant>
#include <vector>

#include "arguments.h"
#include "commands.h"
#include "display/text.h"
#include "espalier/autograd/core/engine.h"
#include "espalier/autograd/core/platform.h"
#include "espalier/compress/config/nearest.h"
#include "espalier/compress/export/c_source.h"
#include "espalier/compress/export/export_model.h"
#include "espalier/compress/export/onnx.h"
#include "espalier/experiment/exported_network.h"
#include "mistaken_path.h"
#include "opened_run.h"

namespace espalier::app {
namespace {

namespace fs = std::filesystem;
using compress::file::Network;

const Usage usage = {
    .command = "export",
    .positional = "RUN -o FILE",
    .description =
        "Writes the network of a run as one file to use it elsewhere: .esp for the runtime\n"
        "without dependencies, .c for anything with a C compiler, .onnx for other runtimes.\n"
        "A network with quantized weights and activations computes with integers there.",
    .options = {{"out", "FILE", "the file to write", 'o'},
                {"to", "KIND", "esp, c or onnx (default: as the file's name ends)"},
                {"name", "NAME",
                 "what functions of a C file begin with (default: the file's name)"},
                {"data", "DIR", "where the files of the data set are"}},
    .examples =
        "  espalier export runs/lenet5 -o lenet5.esp\n"
        "  espalier export runs/lenet5 -o lenet5.c\n"
        "  espalier export runs/lenet5 --to onnx -o lenet5.onnx\n"};

/// "esp", "c" or "onnx".
std::string kind_of(const Arguments& arguments, const std::string& file) {
  const std::vector<std::string> kinds{"esp", "c", "onnx"};
  const bool said = arguments.has("to");
  const std::string extension = fs::path(file).extension().string();
  const std::string kind =
      said ? arguments.values.at("to") : extension.substr(extension.empty() ? 0 : 1);
  if (std::find(kinds.begin(), kinds.end(), kind) != kinds.end()) return kind;
  if (!said) {
    throw UsageError("'" + file +
                     "' ends in none of .esp, .c and .onnx; say with --to what to write");
  }
  throw UsageError("--to takes esp, c or onnx, not '" + kind + "'" +
                   compress::did_you_mean(kind, kinds));
}

/// A name for C functions: letters, digits and underscores, a letter first.
std::string c_name(const std::string& file) {
  std::string name = fs::path(file).stem().string();
  for (char& c : name) {
    const bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!fits) c = '_';
  }
  return name.empty() || !std::isalpha(static_cast<unsigned char>(name[0])) ? "network_" + name
                                                                            : name;
}

/// `integers of 8 bits in 4 of 4 layers with weights`.
std::string arithmetic_of(const Network& network) {
  int weighted = 0, integer = 0;
  for (const auto& operation : network.operations) {
    if (!std::holds_alternative<compress::file::Convolution>(operation.what) &&
        !std::holds_alternative<compress::file::Linear>(operation.what))
      continue;
    ++weighted;
    if (network.values[static_cast<size_t>(operation.inputs[0])].has_codes()) ++integer;
  }
  if (integer == 0) return "float32";
  return integer == weighted ? "integers"
                             : fmt::format("integers in {} of {} layers with weights, else float32",
                                           integer, weighted);
}

}  // namespace

int export_network(int argc, char** argv) {
  const std::optional<Arguments> arguments = parse(usage, argc, argv);
  if (!arguments) return 0;
  const std::string& folder = the_run(usage, *arguments);
  if (!arguments->has("out")) throw UsageError("export needs a file to write: -o net.esp");
  const std::string& file = arguments->values.at("out");
  require_not_of_run(file, folder);
  const std::string kind = kind_of(*arguments, file);
  if (arguments->has("name") && kind != "c") throw UsageError("--name belongs to C files");
  const std::string header = fs::path(file).replace_extension(".h").string();
  if (kind == "c" && header == file)
    throw UsageError("'" + file + "' is where the header goes; name the C file, such as net.c");

  experiment::RecordedRun run = open_run(usage, *arguments, folder);
  Engine engine({.threads = run.config.threads});
  EngineScope scope(engine);
  const Network network = experiment::exported_network(run);
  if (kind == "esp") {
    compress::export_network(network, file);
  } else if (kind == "c") {
    const std::string name = arguments->has("name") ? arguments->values.at("name") : c_name(file);
    write_file_atomically(file, compress::c_source(network, {.name = name}));
    write_file_atomically(header, compress::c_header(network, {.name = name}));
  } else {
    compress::export_onnx(network, file);
  }
  const int64_t before = run.model.parameter_count() * static_cast<int64_t>(sizeof(float));
  std::error_code no_file;  // but a device, say
  const auto after = static_cast<int64_t>(fs::file_size(file, no_file));
  fmt::print("{}", labelled("run", folder));
  fmt::print("{}", labelled("written",
                            no_file ? file : fmt::format("{}: {} bytes", file, grouped(after))));
  if (kind == "esp" && !no_file) {
    fmt::print("{}",
               labelled("instead of",
                        fmt::format("{} bytes of float32 parameters, {:.1f} times as many",
                                    grouped(before),
                                    static_cast<double>(before) / static_cast<double>(after))));
  }
  fmt::print("{}", labelled("computes", "with " + arithmetic_of(network)));
  return 0;
}

}  // namespace espalier::app
