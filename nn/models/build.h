#pragma once

#include <cstdint>

#include "espalier/nn/layers/sequential.h"

/// The networks behind the names, a file for each family.
namespace espalier::nn::models {

/// LeCun et al. 1998, fully connected: 784-300-100-10.
Sequential lenet300();
/// Caffe's LeNet-5: 20C5-P2-50C5-P2-500-10.
Sequential lenet5();
/// Pairs of 3×3 convolutions of 64, 128 and 256 channels with batch normalisation and pooling
/// behind each pair, then 256-10 (after Simonyan & Zisserman, arXiv 1409.1556).
Sequential vggsmall();
/// He et al., arXiv 1512.03385, section 4.2: 6·blocks + 2 layers for 32×32 pictures, of 16, 32 and
/// 64 channels with as many blocks each. Where the shape changes the shortcut is a 1×1 convolution
/// with batch normalisation (option B of section 4.1).
Sequential resnet(int64_t blocks);
/// Howard et al., arXiv 1704.04861, section 3.1, made small for 32×32 pictures: a 3×3 convolution
/// of 32 channels, then depthwise separable ones to 64, 128, 128, 256 and 256, the second and the
/// fourth with stride 2.
Sequential mobilenet();

}  // namespace espalier::nn::models
