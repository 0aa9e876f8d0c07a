// The kernels of activation functions. Included behind `kernels.inl`, whose rules hold here and
// whose vectors are used.
//
// The functions behind them are polynomials fitted for these files: least squares at Chebyshev
// points, reweighted until the largest relative error is as small as it gets (Lawson's algorithm).
// Measured against double precision on ten million floats of all sizes, the largest errors in units
// in the last place: e^x 0.94, sigmoid 2.3, tanh 1.3, GELU 6.4 from −3 on. Below that GELU shrinks
// to nothing, and what the exponent x²/2 loses in rounding grows to 65 units, or 2e-9 and less. The
// slope of GELU has zeros; its error is 2.2e-7 at most.

namespace espalier::backend::simd {
namespace {

Lanes filled(float value) {
  return Lanes{} + value;
}

Lanes magnitude(Lanes x) {
  return (Lanes)((Bits)x & 0x7fffffff);
}

/// e^x = 2^k·e^r with k the integer nearest to x/log 2, so that |r| ≤ ½·log 2, and
/// e^r = 1 + r + r²·P(r). Zero below the smallest float, infinity above the largest.
Lanes exponential(Lanes x) {
  x = where(x < filled(-104.0f), filled(-104.0f), x);
  x = where(x > filled(89.0f), filled(89.0f), x);
  // Adding 1.5·2²³ leaves no room for a fraction, and puts k into the lowest bits.
  const Lanes integer = filled(0x1.8p23f);
  const Lanes shifted = x * 0x1.715476p0f + integer;
  const Lanes k = shifted - integer;
  // log 2 in two parts (Cody & Waite): the first has so few bits that its product is exact.
  const Lanes r = (x - k * 0x1.62ep-1f) - k * 0x1.0bfbe8p-15f;
  Lanes p = filled(0.0013814595f);
  p = p * r + 0.00836871685f;
  p = p * r + 0.0416683881f;
  p = p * r + 0.166665206f;
  p = p * r + 0.499999934f;
  p = 1.0f + (r + r * r * p);
  // 2^k in two factors: k reaches from −150 to 128, an exponent only from −126 to 127.
  const Bits exponent = (Bits)shifted - (Bits)integer, half = exponent >> 1;
  return p * (Lanes)((half + 127) << 23) * (Lanes)((exponent - half + 127) << 23);
}

Lanes sigmoid_of(Lanes x) {
  return 1.0f / (1.0f + exponential(-x));
}

/// The sign of x, and for its magnitude a + a³·P(a²) near 0, where 1 − 2/(e^2x + 1) would lose its
/// digits; that formula elsewhere.
Lanes tanh_of(Lanes x) {
  const Lanes a = magnitude(x), square = a * a;
  Lanes p = filled(-0.00570498722f);
  p = p * square + 0.0206390872f;
  p = p * square - 0.053739715f;
  p = p * square + 0.133314422f;
  p = p * square - 0.333332819f;
  const Lanes near = a + a * square * p;
  const Lanes far = 1.0f - 2.0f / (exponential(2.0f * a) + 1.0f);
  const Bits sign = (Bits)x & ~0x7fffffff;
  return (Lanes)((Bits)where(a < filled(0.625f), near, far) | sign);
}

/// The standard normal distribution at x, and √2π times its density.
struct Normal {
  Lanes below, density;
};
/// Φ(−a) = e^(−a²/2)·t·P(1 − 6t) with t = 1/(a + 3): what is left when the exponential is taken out
/// of Φ falls like 1/a, and is smooth in (a − 3)/(a + 3) = 1 − 6t. Fitted for 0 ≤ a ≤ 14.
Normal normal_of(Lanes x) {
  const Lanes a = magnitude(x);
  const Lanes density = exponential(-0.5f * a * a);
  const Lanes t = 1.0f / (a + 3.0f), u = 1.0f - 6.0f * t;
  Lanes p = filled(4.90222665e-05f);
  p = p * u - 0.000208830146f;
  p = p * u - 0.000946480145f;
  p = p * u + 0.00102094027f;
  p = p * u + 0.00693823374f;
  p = p * u - 0.0104633846f;
  p = p * u - 0.0472583915f;
  p = p * u + 0.230017786f;
  p = p * u - 0.509332155f;
  p = p * u + 0.72908369f;
  const Lanes tail = density * (t * p);
  return {where(x < Lanes{}, tail, 1.0f - tail), density};
}

/// The first `count` values; `rest` in the other lanes.
Lanes load_part(const float* from, int64_t count, float rest) {
  float values[lanes];
  for (int64_t i = 0; i < lanes; ++i) values[i] = i < count ? from[i] : rest;
  return load(values);
}
void store_part(float* to, int64_t count, Lanes value) {
  float values[lanes];
  store(values, value);
  for (int64_t i = 0; i < count; ++i) to[i] = values[i];
}

/// out = function(a) for all elements.
template <class Function>
[[gnu::always_inline]] inline void map(int64_t n, const float* a, float* out, Function&& function) {
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) store(out + i, function(load(a + i)));
  if (i < n) store_part(out + i, n - i, function(load_part(a + i, n - i, 0.0f)));
}

/// out = function(a, b) for all elements.
template <class Function>
[[gnu::always_inline]] inline void map(int64_t n, const float* a, const float* b, float* out,
                                       Function&& function) {
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) store(out + i, function(load(a + i), load(b + i)));
  if (i < n) {
    store_part(out + i, n - i,
               function(load_part(a + i, n - i, 0.0f), load_part(b + i, n - i, 0.0f)));
  }
}

void relu6(int64_t n, const float* x, float* y) {
  for (int64_t i = 0; i < n; ++i) {
    const float raised = x[i] < 0.0f ? 0.0f : x[i];
    y[i] = raised > 6.0f ? 6.0f : raised;
  }
}

void relu6_gradient(int64_t n, const float* y, const float* g, float* gx) {
  for (int64_t i = 0; i < n; ++i) gx[i] = ((y[i] > 0.0f) & (y[i] < 6.0f)) ? g[i] : 0.0f;
}

void leaky_relu(int64_t n, float slope, const float* x, float* y) {
  for (int64_t i = 0; i < n; ++i) y[i] = x[i] > 0.0f ? x[i] : slope * x[i];
}

void leaky_relu_gradient(int64_t n, float slope, const float* x, const float* g, float* gx) {
  for (int64_t i = 0; i < n; ++i) gx[i] = x[i] > 0.0f ? g[i] : slope * g[i];
}

void sigmoid(int64_t n, const float* x, float* y) {
  map(n, x, y, [](Lanes at) { return sigmoid_of(at); });
}

void sigmoid_gradient(int64_t n, const float* y, const float* g, float* gx) {
  for (int64_t i = 0; i < n; ++i) gx[i] = g[i] * (y[i] * (1.0f - y[i]));
}

void tanh(int64_t n, const float* x, float* y) {
  map(n, x, y, [](Lanes at) { return tanh_of(at); });
}

void tanh_gradient(int64_t n, const float* y, const float* g, float* gx) {
  for (int64_t i = 0; i < n; ++i) gx[i] = g[i] * (1.0f - y[i] * y[i]);
}

void gelu(int64_t n, const float* x, float* y) {
  map(n, x, y, [](Lanes at) { return at * normal_of(at).below; });
}

void gelu_gradient(int64_t n, const float* x, const float* g, float* gx) {
  constexpr float norm = 0.3989422804f;  // 1/√2π
  map(n, x, g, gx, [](Lanes at, Lanes gradient) {
    const Normal normal = normal_of(at);
    return gradient * (normal.below + at * (norm * normal.density));
  });
}

void hardswish(int64_t n, const float* x, float* y) {
  for (int64_t i = 0; i < n; ++i) {
    const float raised = x[i] + 3.0f < 0.0f ? 0.0f : x[i] + 3.0f;
    y[i] = x[i] * ((raised > 6.0f ? 6.0f : raised) * (1.0f / 6.0f));
  }
}

void hardswish_gradient(int64_t n, const float* x, const float* g, float* gx) {
  for (int64_t i = 0; i < n; ++i) {
    const float slope = (2.0f * x[i] + 3.0f) * (1.0f / 6.0f);
    const float above = x[i] >= 3.0f ? g[i] : g[i] * slope;
    gx[i] = x[i] <= -3.0f ? 0.0f : above;
  }
}

double lane_sum(Lanes x) {
  double total = 0;
  for (int64_t lane = 0; lane < lanes; ++lane) total += double{x[lane]};
  return total;
}

constexpr float minus_infinity = -__builtin_inff();

/// Calls `body(position, count, vector)` for a row in vectors; the last one has `count` values, and
/// `rest` in its other lanes.
template <class Body>
[[gnu::always_inline]] inline void for_each_vector(int64_t n, const float* x, float rest,
                                                   Body&& body) {
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) body(i, lanes, load(x + i));
  if (i < n) body(i, n - i, load_part(x + i, n - i, rest));
}

/// The largest value; NaN is passed over.
float largest(int64_t n, const float* x) {
  Lanes best = filled(minus_infinity);
  for_each_vector(n, x, minus_infinity,
                  [&](int64_t, int64_t, Lanes value) { best = where(value > best, value, best); });
  float result = best[0];
  for (int64_t lane = 1; lane < lanes; ++lane) result = best[lane] > result ? best[lane] : result;
  return result;
}

void store_first(float* to, int64_t count, Lanes value) {
  if (count == lanes) return store(to, value);
  store_part(to, count, value);
}

void softmax(int64_t rows, int64_t columns, const float* x, float* y) {
  for (int64_t r = 0; r < rows; ++r, x += columns, y += columns) {
    const float top = largest(columns, x);
    Lanes total = {};
    for_each_vector(columns, x, minus_infinity, [&](int64_t k, int64_t count, Lanes value) {
      const Lanes e = exponential(value - top);
      total += e;
      store_first(y + k, count, e);
    });
    const float factor = static_cast<float>(1.0 / lane_sum(total));
    for (int64_t k = 0; k < columns; ++k) y[k] *= factor;
  }
}

void softmax_gradient(int64_t rows, int64_t columns, const float* y, const float* g, float* gx) {
  for (int64_t r = 0; r < rows; ++r, y += columns, g += columns, gx += columns) {
    double total = 0;
    for (int64_t k = 0; k < columns; ++k) total += double{g[k]} * double{y[k]};
    const float mean = static_cast<float>(total);
    for (int64_t k = 0; k < columns; ++k) gx[k] = y[k] * (g[k] - mean);
  }
}

void log_softmax(int64_t rows, int64_t columns, const float* x, float* y) {
  for (int64_t r = 0; r < rows; ++r, x += columns, y += columns) {
    const float top = largest(columns, x);
    Lanes total = {};
    for_each_vector(columns, x, minus_infinity,
                    [&](int64_t, int64_t, Lanes value) { total += exponential(value - top); });
    const float log_total = static_cast<float>(__builtin_log(lane_sum(total)));
    for (int64_t k = 0; k < columns; ++k) y[k] = (x[k] - top) - log_total;
  }
}

void log_softmax_gradient(int64_t rows, int64_t columns, const float* y, const float* g,
                          float* gx) {
  for (int64_t r = 0; r < rows; ++r, y += columns, g += columns, gx += columns) {
    double sum_of_g = 0;
    for (int64_t k = 0; k < columns; ++k) sum_of_g += double{g[k]};
    const float total = static_cast<float>(sum_of_g);
    map(columns, y, g, gx,
        [=](Lanes log_p, Lanes gradient) { return gradient - exponential(log_p) * total; });
  }
}

/// Sixteen blocks of Philox4x32-10 side by side, see core/random.h: the words from 4·block on.
constexpr int64_t philox_blocks = 16;
void random_words(const DropoutPattern& pattern, uint64_t block, uint32_t* words) {
  uint32_t c0[philox_blocks], c1[philox_blocks], c2[philox_blocks], c3[philox_blocks];
  for (int64_t b = 0; b < philox_blocks; ++b) {
    const uint64_t number = block + static_cast<uint64_t>(b);
    c0[b] = static_cast<uint32_t>(number);
    c1[b] = static_cast<uint32_t>(number >> 32);
    c2[b] = pattern.stream[0];
    c3[b] = pattern.stream[1];
  }
  uint32_t key0 = pattern.key[0], key1 = pattern.key[1];
  for (int round = 0; round < 10; ++round) {
    for (int64_t b = 0; b < philox_blocks; ++b) {
      const uint64_t product0 = uint64_t{0xD2511F53} * c0[b];
      const uint64_t product1 = uint64_t{0xCD9E8D57} * c2[b];
      c0[b] = static_cast<uint32_t>(product1 >> 32) ^ c1[b] ^ key0;
      c2[b] = static_cast<uint32_t>(product0 >> 32) ^ c3[b] ^ key1;
      c1[b] = static_cast<uint32_t>(product1);
      c3[b] = static_cast<uint32_t>(product0);
    }
    key0 += 0x9E3779B9;
    key1 += 0xBB67AE85;
  }
  for (int64_t b = 0; b < philox_blocks; ++b) {
    words[4 * b] = c0[b];
    words[4 * b + 1] = c1[b];
    words[4 * b + 2] = c2[b];
    words[4 * b + 3] = c3[b];
  }
}

void dropout(int64_t n, int64_t first, const DropoutPattern& pattern, const float* x, float* y) {
  constexpr int64_t step = 4 * philox_blocks;
  for (int64_t i = 0; i < n; i += step, x += step, y += step) {
    uint32_t words[step];
    random_words(pattern, static_cast<uint64_t>(first + i) / 4, words);
    const int64_t count = smaller(step, n - i);
    for (int64_t j = 0; j < count; ++j) {
      const bool kept = static_cast<int32_t>(words[j] >> 8) >= pattern.threshold;
      y[j] = kept ? pattern.scale * x[j] : 0.0f;
    }
  }
}

double squared_distance(int64_t n, const float* a, const float* b) {
  double partial[16] = {};  // independent chains, so that additions overlap
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) {
    for (int lane = 0; lane < 16; ++lane) {
      const double difference = double{a[i + lane]} - double{b[i + lane]};
      partial[lane] += difference * difference;
    }
  }
  double total = 0;
  for (; i < n; ++i) {
    const double difference = double{a[i]} - double{b[i]};
    total += difference * difference;
  }
  for (double lane : partial) total += lane;
  return total;
}

void scaled_difference(int64_t n, float factor, const float* a, const float* b, float* out) {
  for (int64_t i = 0; i < n; ++i) out[i] = factor * (a[i] - b[i]);
}

constexpr ActivationKernels activation_table = {
    .relu6 = relu6,
    .relu6_gradient = relu6_gradient,
    .leaky_relu = leaky_relu,
    .leaky_relu_gradient = leaky_relu_gradient,
    .sigmoid = sigmoid,
    .sigmoid_gradient = sigmoid_gradient,
    .tanh = tanh,
    .tanh_gradient = tanh_gradient,
    .gelu = gelu,
    .gelu_gradient = gelu_gradient,
    .hardswish = hardswish,
    .hardswish_gradient = hardswish_gradient,
    .softmax = softmax,
    .softmax_gradient = softmax_gradient,
    .log_softmax = log_softmax,
    .log_softmax_gradient = log_softmax_gradient,
    .dropout = dropout,
    .squared_distance = squared_distance,
    .scaled_difference = scaled_difference,
};

}  // namespace
}  // namespace espalier::backend::simd
