#pragma once

#include <cstdint>

/// How likely the next bit is 1, learned from the bits before. Integers only: encoder and decoder,
/// on every machine, compute the same numbers.
namespace espalier::runtime {

/// The share of ones among the bits seen in one context: after n bits it moves by 1/(n + 1.6) of
/// the distance to the newest (close to the estimator of Krichevsky & Trofimov, IEEE Trans. Inf.
/// Theory 27, 1981), and never by less than 1/limit.
class Counter {
 public:
  /// In units of 2^−16.
  uint32_t probability() const { return state_ >> 16; }
  int seen() const { return static_cast<int>(state_ & 1023); }

  void update(int bit, int limit) {
    const uint32_t n = state_ & 1023;
    const int64_t p = state_ >> 10;  // in units of 2^−22
    const int64_t target = bit ? (1 << 22) - 1 : 0;
    const int64_t moved = p + (target - p) * 10 / (10 * static_cast<int64_t>(n) + 16);
    state_ = static_cast<uint32_t>(moved) << 10 | (n < static_cast<uint32_t>(limit) ? n + 1 : n);
  }

 private:
  uint32_t state_ = 1u << 31;  // probability in 22 bits, count in 10
};

/// ln(p/(1 − p)), in units of 1/256 from −2047 to 2047, and its inverse in units of 2^−16.
class Logistic {
 public:
  Logistic() {
    // stretch(p) is the first x with squash(x) ≥ p, found for all p in one pass.
    int x = -2047;
    for (int p = 0; p < 4096; ++p) {
      while (x < 2047 && squash(x) < p * 16 + 8) ++x;
      stretch_[p] = static_cast<int16_t>(x);
    }
  }

  int stretch(uint32_t probability) const { return stretch_[probability >> 4]; }

  /// Straight lines between the values of 65536/(1 + e^−x) at x = −8, −7.5, … 8.
  static int squash(int x) {
    static constexpr int at[33] = {22,    36,    60,    98,    162,   267,   439,   720,   1179,
                                   1921,  3108,  4971,  7812,  11955, 17625, 24743, 32768, 40793,
                                   47911, 53581, 57724, 60565, 62428, 63615, 64357, 64816, 65097,
                                   65269, 65374, 65438, 65476, 65500, 65514};
    if (x < -2047) x = -2047;
    if (x > 2047) x = 2047;
    const int place = x + 2048, left = place >> 7, within = place & 127;
    return (at[left] * (128 - within) + at[left + 1] * within) >> 7;
  }

 private:
  int16_t stretch_[4096];
};

/// Several predictions of one bit made into one: the logistic of a weighted sum of their logits,
/// with weights that follow the gradient of the coding cost (Mahoney, *Adaptive Weighing of Context
/// Models for Lossless Data Compression*, Florida Tech. CS-2005-16, section 3.2).
template <int inputs>
class Mixer {
 public:
  Mixer() {
    for (int32_t& weight : weights_) weight = (5 << 14) / inputs;  // a little above the mean
  }

  /// \return in units of 2^−16
  uint32_t mix(const int (&logits)[inputs]) {
    int64_t sum = 0;
    for (int i = 0; i < inputs; ++i) sum += int64_t{weights_[i]} * logits[i];
    probability_ = Logistic::squash(static_cast<int>(clamp(sum >> 16, 2047)));
    return static_cast<uint32_t>(probability_);
  }
  void update(const int (&logits)[inputs], int bit) {
    const int64_t error = ((bit << 16) - probability_) * 12;
    for (int i = 0; i < inputs; ++i) {
      const int64_t moved = weights_[i] + ((logits[i] * error + (1 << 18)) >> 19);
      weights_[i] = static_cast<int32_t>(clamp(moved, 1 << 20));
    }
  }

 private:
  static int64_t clamp(int64_t x, int64_t limit) {
    return x < -limit ? -limit : x > limit ? limit : x;
  }

  int32_t weights_[inputs];  // in units of 2^−16
  int probability_ = 1 << 15;
};

}  // namespace espalier::runtime
