#pragma once

#include <espalier/espalier.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

/// Small trainings whose results are set side by side.
namespace differences {

using namespace espalier;

/// What differs, and how: a line of the table.
struct Line {
  std::string what;                      ///< "DoReFa, weights of 2 bits"
  std::string how;                       ///< "gradient straight through, past tanh"
  std::vector<double> paper, deviation;  ///< by seed
};

/// Fashion-MNIST in memory, and a network for it.
class Laboratory {
 public:
  struct Options {
    std::string folder = {};  ///< of the files; empty: the usual places
    int epochs = 4;
    int seeds = 3;
    int64_t pictures = 20000;  ///< for training
  };
  /// \throws Error when the pictures are not there
  explicit Laboratory(const Options& options);

  /// 784 → 256 → 128 → 10, a batch normalisation and ReLU behind the first two layers.
  nn::Sequential network(uint64_t seed) const;
  using Attach = std::function<std::unique_ptr<compress::Compressor>(nn::Module&)>;
  /// What takes part in a training.
  struct Training {
    Attach attach = {};
    std::function<void(nn::Module&, int64_t step)> after_step = {};
    int epochs = 0;  ///< 0: as many as the laboratory's options say
  };
  /// SGD with momentum. \return the accuracy on the test pictures, in percent
  double train(nn::Module& net, uint64_t seed, const Training& how) const;
  /// In percent.
  double accuracy(nn::Module& net) const;
  /// Accuracies of fresh networks that are trained so, by seed.
  std::vector<double> accuracies(const Training& how) const;
  int seeds() const { return options_.seeds; }
  int epochs() const { return options_.epochs; }
  int64_t steps_per_epoch() const { return (options_.pictures + batch - 1) / batch; }

 private:
  static constexpr int64_t batch = 100;
  Options options_;
  datasets::DatasetPtr train_, test_, glance_;
};

/// A quantizer with one rule, as `Laboratory::Training::attach` wants it.
template <class Quantizer>
auto attaching(compress::Value rule) {
  return [rule](nn::Module& net) -> std::unique_ptr<compress::Compressor> {
    auto quantizer = std::make_unique<Quantizer>(compress::Rules::from(rule, "lesson"));
    (*quantizer)(net);
    return quantizer;
  };
}

/// Tab-separated: what, how, mean of the seeds and distance of the largest from the smallest, of
/// both sides.
void print(const Line& line);

/// Some lines, under a name by which they can be asked for alone.
struct Part {
  std::string name;
  void (*print)(const Laboratory& lab);
};
/// What a program of lines does with its arguments, `[--data FOLDER] [--epochs N] [--seeds N]
/// [--pictures N] [PART …]`: prints, behind a comment that says how much was trained, all parts or
/// those that are named. On one thread, so that no figure depends on the number of cores. \return
/// its exit code, 77 where there are no pictures
int run(int count, char** words, const std::vector<Part>& parts);

}  // namespace differences
