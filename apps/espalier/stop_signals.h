#pragma once

namespace espalier::app {

/// From now on Ctrl-C and SIGTERM ask the program to stop, once: the next one ends it at once.
///
/// Call it once, before there are threads that compute. A signal that interrupts a computation is
/// given room below its stack pointer, and generated kernels (oneDNN's matrix products) use that
/// register for other things: memory would be overwritten. So no thread but one that waits for them
/// takes these signals.
void listen_for_stop_signals();
/// From now on they end the program at once.
void stop_at_signals();
/// Whether one of them has come since they were listened to.
bool asked_to_stop();

/// A file that may not grow further makes writing fail, with a reason to tell, and does not end the
/// program.
void ignore_file_size_signal();

}  // namespace espalier::app
