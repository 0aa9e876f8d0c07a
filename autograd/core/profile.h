#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace espalier {

/// What the time of a training step is spent on.
enum class Work {
  forward,          ///< of convolutions and fully connected layers
  input_gradient,   ///< of the same
  weight_gradient,  ///< of the same
  batch_norm,       ///< forward and backward, with the addition and ReLU that run in its passes
  pooling,
  elementwise,  ///< every other operation
  optimizer,
  data,     ///< waiting for the next batch
  waiting,  ///< for the other threads at the end of a parallel loop
  other
};

/// `input gradient`, …
const char* name_of(Work work);

/// Where the time of a thread goes. A clock with laps: whatever ends says its name, and the time
/// since the last lap belongs to it; so nothing is counted twice, and but for the bookkeeping
/// itself nothing is left out.
///
/// What other threads do is seen as the time that this one needs. Of the library's own parallel
/// loops the wait for the last thread is a row of its own; oneDNN's loops do not show theirs.
class Profile {
 public:
  /// What belongs together: an operation's work of one kind in one layer, by one kernel.
  struct Key {
    std::string layer;      ///< its path; empty outside of layers
    std::string operation;  ///< `conv2d`, …
    Work work;
    std::string kernel;  ///< the candidate that ran; empty if there is no choice to tell of

    auto operator<=>(const Key&) const = default;
  };
  struct Row {
    Key key;
    int64_t calls = 0;
    double seconds = 0;
    double flop = 0;  ///< multiplications and additions, where a kernel has told
  };
  /// One stretch of time; they nest.
  struct Event {
    size_t row;
    double start, seconds;  ///< `start` counts from the beginning of the profile
  };

  /// \param most_events how many are kept, the first ones; rows are of everything
  explicit Profile(size_t most_events = 0) : most_events_(most_events) {}
  Profile(const Profile&) = delete;
  Profile& operator=(const Profile&) = delete;

  /// In order of first appearance.
  const std::vector<Row>& rows() const { return rows_; }
  const std::vector<Event>& events() const { return events_; }
  /// All rows together: the time that was listened to.
  double seconds() const;

  /// While it lives, this thread's laps go to a profile. The first one counts from here.
  class Listening {
   public:
    explicit Listening(Profile& profile);
    ~Listening();
    Listening(const Listening&) = delete;
    Listening& operator=(const Listening&) = delete;

   private:
    Profile* previous_;
  };

  /// While it lives, nobody listens; the time passes unseen.
  class Pause {
   public:
    Pause();
    ~Pause();
    Pause(const Pause&) = delete;
    Pause& operator=(const Pause&) = delete;

   private:
    Profile* paused_;
  };

  /// Whether laps of this thread go anywhere.
  static bool listening();
  /// The time since the last lap of this thread, less that of the parts within, was this.
  static void lap(const std::string& layer, const char* operation, Work work);

  /// A part of an operation, that of the next lap: while it lives, time is of this kind.
  class Part {
   public:
    explicit Part(Work work);
    ~Part();
    Part(const Part&) = delete;
    Part& operator=(const Part&) = delete;

   private:
    friend class Profile;
    Profile* profile_;
    Work work_;
    double start_, waited_;
    const char* kernel_ = "";
    double flop_ = 0;
  };

  /// The innermost part runs on this kernel. Kernels within a kernel do not count.
  static void kernel(const char* name, double flop);
  /// This thread has waited for others since the last lap, in seconds.
  static void waited(double seconds);
  /// Seconds on the clock that profiles use.
  static double now();

 private:
  struct FinishedPart {
    Work work;
    const char* kernel;
    double start, seconds, waited, flop;
  };
  void finish_lap(const std::string& layer, const char* operation, Work work);
  /// Adds to a row. \return its number
  size_t add(Key key, double seconds, double flop);
  void keep_event(size_t row, double start, double seconds);

  size_t most_events_;
  std::vector<Row> rows_;
  std::map<Key, size_t> row_of_;
  std::vector<Event> events_;
  double begin_ = 0, mark_ = 0, waited_ = 0;
  std::vector<FinishedPart> parts_;
  Part* open_ = nullptr;
};

}  // namespace espalier
