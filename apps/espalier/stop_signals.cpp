#include "stop_signals.h"

#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <thread>

namespace espalier::app {
namespace {

std::atomic<bool> asked = false, at_once = false;

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

/// Ends the program as the signal would have.
void end_by(int signal) {
  std::signal(signal, SIG_DFL);
  kill(getpid(), signal);
  const sigset_t set = stop_signals();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

/// Takes the signals as they come, on a thread of its own.
void take_signals() {
  const sigset_t set = stop_signals();
  for (int signal = 0; sigwait(&set, &signal) == 0;) {
    if (at_once || asked.exchange(true)) end_by(signal);
  }
}

}  // namespace

void listen_for_stop_signals() {
  const sigset_t set = stop_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);  // threads that are started from now on inherit it
  std::thread(take_signals).detach();
}

void stop_at_signals() {
  at_once = true;
}

bool asked_to_stop() {
  return asked;
}

void ignore_file_size_signal() {
  std::signal(SIGXFSZ, SIG_IGN);
}

}  // namespace espalier::app
