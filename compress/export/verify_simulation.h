#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "espalier/compress/export/describe.h"
#include "espalier/compress/export/verify.h"
#include "espalier/nn/module.h"

namespace espalier::compress {

/// How the codes of one value compare with what training's simulation quantizes to them.
struct SimulationCheck {
  std::string layer;      ///< path of the layer where the value is quantized
  int64_t compared = 0;   ///< codes, in all pictures
  int64_t different = 0;  ///< those that the simulation rounds to another code
  /// How far a code lies from the simulation's value before its rounding, in steps, at most.
  double furthest = 0;

  /// How far it may: a code lies within half a step of what it was rounded from; integer biases are
  /// rounded by up to half a `bias_rounding`, or half a scale_w·scale_x where that is coarser (see
  /// `describe`); float32 sums and scales of fixed point by far less than the 1/256 added.
  double allowed = 0;
  bool passed() const { return furthest <= allowed; }
};

/// Proves that a network is what the model was trained to be: the model, simulating in float32,
/// computes each quantized value from the codes that the runtime has for those before it, and must
/// come out next to the runtime's codes. Nothing adds up from layer to layer, as it does when both
/// compute a whole network: there a sum that lies between two codes and is rounded to the one here
/// and to the other there moves some sums of the next layer across, and so on.
///
/// \param network  of this model as it is \param pictures  `N×H×W×C`, as the model takes them
/// \param values   what the runtime computes for the same, by picture
/// \return one check for each value with codes that a quantizer of the model makes
std::vector<SimulationCheck> verify_simulation(
    nn::Module& model, const Description& network, const Tensor& pictures,
    const std::vector<PictureValues>& values,
    const std::function<void(const SimulationCheck&)>& progress = {});

}  // namespace espalier::compress
