#include "stop_signals.h"

#include <csignal>

namespace espalier::app {
namespace {

volatile std::sig_atomic_t asked = 0;

extern "C" void ask_to_stop(int) {
  asked = 1;
  espalier::app::stop_at_signals();
}

}  // namespace

void listen_for_stop_signals() {
  std::signal(SIGINT, ask_to_stop);
  std::signal(SIGTERM, ask_to_stop);
}

void stop_at_signals() {
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
}

bool asked_to_stop() {
  return asked != 0;
}

void ignore_file_size_signal() {
  std::signal(SIGXFSZ, SIG_IGN);
}

}  // namespace espalier::app
