#pragma once

#include "espalier/compress/file/network.h"

namespace espalier::compress {

/// By how much of the largest score rounded biases may move any score.
constexpr double rounded_bias_tolerance = 1e-4;

/// Puts the biases of layers that compute in float32 on 16 bits: multiples of 1/32,767 of the
/// layer's largest. That moves a bias by 1/65,534 of the largest at most, and halves what biases
/// take in the file. Asked with 16 pictures of random pixels, the network must give the same scores
/// up to `rounded_bias_tolerance`; where it does not, or its answer has codes, it stays as it was.
/// (What computes with integers has biases in steps of its own, see `describe`.)
void round_biases(file::Network& network);

}  // namespace espalier::compress
