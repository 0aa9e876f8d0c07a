#pragma once

namespace espalier::app {

/// From now on Ctrl-C and SIGTERM ask the program to stop, once: the next one ends it at once.
void listen_for_stop_signals();
/// From now on they end the program at once again.
void stop_at_signals();
/// Whether one of them has come since they were listened to.
bool asked_to_stop();

/// A file that may not grow further makes writing fail, with a reason to tell, and does not end the
/// program.
void ignore_file_size_signal();

}  // namespace espalier::app
