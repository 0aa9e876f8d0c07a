#pragma once

/// The commands of the program. `argv[0]` is the command's own name; what is returned is the exit
/// code. \throws UsageError or ConfigError for what the user got wrong, other errors for failures
namespace espalier::app {

int new_config(int argc, char** argv);
int train(int argc, char** argv);
int evaluate(int argc, char** argv);
int report(int argc, char** argv);
int recalibrate(int argc, char** argv);
int sensitivity(int argc, char** argv);
int quantize(int argc, char** argv);
int import_weights(int argc, char** argv);
int info(int argc, char** argv);
int list(int argc, char** argv);
int explain(int argc, char** argv);
int bench(int argc, char** argv);
int bench_infer(int argc, char** argv);
int run(int argc, char** argv);
int export_network(int argc, char** argv);
int verify(int argc, char** argv);

}  // namespace espalier::app
