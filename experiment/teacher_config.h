#pragma once

#include <string>

#include "espalier/compress/config/value.h"
#include "espalier/nn/train/distillation.h"

namespace espalier::experiment {

/// The `teacher` section: a run whose network is learnt from, in short or with options.
///
///     teacher: runs/dense                            # relative to the file that says so
///     teacher: {run: runs/dense, temperature: 4, weight: 0.7, start_epoch: 2, end_epoch: 10}
///     teacher: {run: runs/dense, unit: step, end_step: 5000}
///
/// Defaults are temperature 1 and weight ½: safe with every kind of compression. A float or pruned
/// student often gains from a temperature of 2 to 5, which spreads the teacher's answers over more
/// classes; one with few bits cannot follow answers that soft. (Distiller, preact ResNet-20 on
/// CIFAR-10: T = 5 lifts the float network from 92.13 to 93.17 %, and drops the one with DoReFa's
/// 3-bit weights from 91.44 to 79.99 %; T = 1 lifts the latter to 91.64 %.)
struct TeacherConfig {
  std::string run;                    ///< the folder, an absolute path
  nn::Distillation::Options options;  ///< but for label smoothing, which is the training's
  compress::Position position;

  /// Looks at no file. \throws ConfigError
  static TeacherConfig from(const compress::Value& value);
  compress::Value to_value() const;
};

}  // namespace espalier::experiment
