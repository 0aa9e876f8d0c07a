#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "arguments.h"
#include "commands.h"
#include "espalier/autograd/core/error.h"
#include "espalier/autograd/core/platform.h"
#include "espalier/autograd/core/version.h"
#include "espalier/compress/config/config_error.h"
#include "espalier/compress/config/nearest.h"
#include "stop_signals.h"

namespace espalier::app {
namespace {

struct Command {
  std::string name;
  int (*run)(int argc, char** argv);
};

const std::vector<Command> commands = {
    {"new", new_config},          {"train", train},       {"evaluate", evaluate},
    {"report", report},           {"info", info},         {"list", list},
    {"explain", explain},         {"bench", bench},       {"sensitivity", sensitivity},
    {"recalibrate", recalibrate}, {"quantize", quantize}, {"import", import_weights},
    {"export", export_network},   {"run", run},           {"verify", verify}};

constexpr std::string_view help = R"(Trains neural networks while it compresses them.

Usage:
  espalier COMMAND …      each command explains itself with --help

Commands:
  new DIR                 write a configuration for your own pictures
  train CONFIG.yaml       train a network as the file says, compressing it on the way
  train --resume RUN      go on with a training that was stopped or killed
  evaluate RUN            accuracy of a trained network, class by class
  report RUN [RUN …]      a run as a page for the browser, or several compared
  sensitivity RUN         how much of each layer can be pruned or quantized
  recalibrate RUN         estimate the statistics of batch normalisation anew
  quantize RUN            a run of the network in 8 bits or fewer, without training
  import FILE             a run with weights that were trained elsewhere
  export RUN -o FILE      the network as one file: .esp, .c or .onnx
  run NET.esp PICTURE…    classify pictures with an exported network
  verify NET.esp RUN      prove that an exported network computes what the run says
  info                    what this machine and this program can do
  info RUN|CONFIG.yaml    the network of a run or of a configuration, and how the run ended
  list                    the names that configurations may use: algorithms, models, …
  explain NAME            an algorithm, optimizer or schedule, its options, an example
  bench train             measure how fast training steps are
  bench infer             measure how fast a network answers

Options:
  -h, --help              this text
      --version           the version

Examples:
  espalier new pets
  espalier train configs/mnist_lenet5_agp.yaml --epochs 3 --with-dense --out runs/lenet5
  espalier train --resume runs/lenet5
  espalier evaluate runs/lenet5
  espalier report runs/lenet5
  espalier sensitivity runs/lenet5 --target-sparsity 0.9
  espalier quantize runs/lenet5 --out runs/lenet5-int8
  espalier export runs/lenet5-int8 -o lenet5.esp
  espalier run lenet5.esp digit.png
  espalier info runs/lenet5
  espalier explain AGPruner
  espalier bench train --net lenet5 --batch 64 --threads 2
  espalier bench infer --net lenet5.esp
)";

/// The end of a complaint about a command that there is not: what was probably meant.
std::string meant_by(const std::string& word, const std::vector<std::string>& names) {
  const std::map<std::string, std::string> other_words = {{"resume", "train --resume"},
                                                          {"continue", "train --resume"},
                                                          {"fit", "train"},
                                                          {"compress", "train"},
                                                          {"prune", "train"},
                                                          {"test", "evaluate"},
                                                          {"score", "evaluate"},
                                                          {"predict", "run"},
                                                          {"classify", "run"},
                                                          {"infer", "run"},
                                                          {"init", "new"},
                                                          {"create", "new"},
                                                          {"convert", "export"},
                                                          {"save", "export"},
                                                          {"show", "info"},
                                                          {"describe", "info"},
                                                          {"ls", "list"},
                                                          {"benchmark", "bench"}};
  if (const auto other = other_words.find(word); other != other_words.end())
    return fmt::format("; did you mean 'espalier {}'?", other->second);
  if (word.ends_with(".yaml") || word.ends_with(".yml"))
    return fmt::format("; did you mean 'espalier train {}'?", word);
  if (word.ends_with(".esp")) return fmt::format("; did you mean 'espalier run {} PICTURE'?", word);
  return compress::did_you_mean(word, names);
}

/// What the program says when nothing is asked: three things to try, as they can be typed here.
std::string greeting(const std::string& called) {
  const std::string program = called.find('/') == std::string::npos ? "espalier" : called;
  const std::string first = "configs/fashion_lenet5_agp.yaml";
  return fmt::format(
      "\n"
      "  Espalier trains neural networks while it compresses them.\n"
      "\n"
      "  Train one and watch it being pruned:\n"
      "      {0} train {1} --epochs 3\n"
      "\n"
      "  Train one on your own pictures, a folder for each class:\n"
      "      {0} new DIR\n"
      "\n"
      "  See what it can do to a network:\n"
      "      {0} list algorithms\n"
      "\n"
      "  All commands: {0} --help\n"
      "\n",
      program, std::filesystem::exists(first) ? first : "CONFIG.yaml");
}

int dispatch(int argc, char** argv) {
  if (argc < 2) {
    fmt::print("{}", greeting(argv[0]));
    return 0;
  }
  const std::string word = argv[1];
  if (word == "help" && argc > 2) {  // `espalier help train`
    std::string command = argv[2], option = "--help";
    std::vector<char*> words = {argv[0], command.data(), option.data(), nullptr};
    return dispatch(3, words.data());
  }
  if (word == "--help" || word == "-h" || word == "help") {
    fmt::print("{}", help);
    return 0;
  }
  if (word == "--version") {
    fmt::print("espalier {}\n", version());
    return 0;
  }
  std::vector<std::string> names;
  for (const Command& command : commands) {
    if (command.name == word) return command.run(argc - 1, argv + 1);
    names.push_back(command.name);
  }
  if (word.starts_with("-")) names = {"--help", "--version"};
  const std::string near = meant_by(word, names);
  throw UsageError(fmt::format("there is no {} '{}'{}",
                               word.starts_with("-") ? "option" : "command", word,
                               near.empty() ? "; see 'espalier --help'" : near));
}

/// Threads that wait for each other watch memory for a while before they sleep. By default GCC's
/// runtime watches for milliseconds, so that training beside any other busy program becomes twenty
/// times slower. A few microseconds cost nothing on a quiet machine, but the runtime reads its
/// settings when it is loaded, before main.
void wait_politely(char** argv) {
  if (std::getenv("GOMP_SPINCOUNT") || std::getenv("OMP_WAIT_POLICY")) return;
  restart_with_environment("GOMP_SPINCOUNT", "5000", argv);
}

/// One line on standard error, whatever the text holds.
void complain(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  std::fflush(stdout);
  fmt::print(stderr, "espalier: {}\n", text);
}

}  // namespace
}  // namespace espalier::app

int main(int argc, char** argv) {
  using namespace espalier;
  constexpr int failure = 1, wrong_usage = 2;
  app::wait_politely(argv);
  app::ignore_file_size_signal();
  try {
    const int code = app::dispatch(argc, argv);
    // What is still in the buffer may not fit the disk it goes to.
    if (std::fflush(stdout) != 0 || std::ferror(stdout)) {
      throw Error("output", "standard output cannot be written");
    }
    return code;
  } catch (const app::UsageError& error) {
    app::complain(error.what());
    return wrong_usage;
  } catch (const compress::ConfigError& error) {
    app::complain(error.what());
    return wrong_usage;
  } catch (const std::exception& error) {
    app::complain(error.what());
    return failure;
  }
}
