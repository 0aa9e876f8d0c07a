#include "espalier/compress/export/c_kernels.h"

#include <string_view>
#include <vector>

namespace espalier::compress::c_code {
namespace {

/// A piece of C code. In those that can be had for pixels, `$T` is the type of an input's element,
/// `$[` and `]$` enclose the reading of one, `$N` ends the name and `$TABLE` is a declaration.
struct Piece {
  std::string name;
  std::vector<std::string> needs;
  std::string_view text;
};

constexpr std::string_view grid = R"(
/* The codes that a result can have, and the code of 0. */
typedef struct {
  int16_t zero, lowest, highest;
} grid;

/* zero + product / 2^shift, to the nearest integer, halves upwards, limited to lowest ... highest;
   |product| < 2^62. What is shifted is raised above 0 before and lowered afterwards, for C leaves open
   what shifting negative numbers gives. From a shift of 33 the upper word alone decides. */
static int8_t code_of(int64_t product, int32_t shift, const grid *to) {
  int32_t code;
  if (shift > 32) {
    const uint32_t top = (uint32_t)1 << 31;
    const uint32_t raised =
        (uint32_t)((uint64_t)product >> 32) + top + ((uint32_t)1 << (shift - 33));
    code = (int32_t)(raised >> (shift - 32)) - (int32_t)(top >> (shift - 32));
  } else {
    const uint64_t top = (uint64_t)1 << 62;
    const uint64_t raised = (uint64_t)product + top + ((uint64_t)1 << (shift - 1));
    const int64_t wide = (int64_t)(raised >> shift) - (int64_t)(top >> shift);
    code = (int32_t)(wide < -256 ? -256 : wide > 256 ? 256 : wide);
  }
  code += to->zero;
  return (int8_t)(code < to->lowest ? to->lowest : code > to->highest ? to->highest : code);
}
)";

constexpr std::string_view scaling = R"(
/* From sums of products to codes. */
typedef struct {
  const int32_t *bias;   /* of each output, or none: 0 */
  const int32_t *factor; /* a sum counts factor / 2^shift: of each output, or one for all */
  const uint8_t *shift;
  uint8_t each; /* 1: of each output */
  grid to;
} scaling;

static int32_t bias_of(const scaling *by, int32_t output) {
  return by->bias ? by->bias[output] : 0;
}

/* The index of an output's factor and shift. */
static int32_t scale_of(const scaling *by, int32_t output) { return by->each ? output : 0; }
)";

constexpr std::string_view weights = R"(
/* Weights, as whole bytes or as a stream of bits with the lowest bit of each byte first. In a
   stream a weight is lowest + step * code. With gap_bits above 0 only weights other than 0 have a
   code, and the number of zeros before each stands in front of it. */
typedef struct {
  const uint8_t *data;
  int16_t lowest, step;
  uint8_t code_bits, gap_bits;
} weights;
)";

constexpr std::string_view reader = R"(
/* Reads a stream row by row: a row has the weights of one output. */
typedef struct {
  const weights *of;
  uint32_t bit;   /* where the stream goes on */
  int32_t column; /* where the next weight is, counted from the start of this row */
} reader;

static int32_t take(reader *from, uint32_t bits) {
  const uint8_t *at = from->of->data + (from->bit >> 3);
  const uint32_t two = (uint32_t)at[0] | (uint32_t)at[1] << 8;
  const uint32_t value = two >> (from->bit & 7) & (((uint32_t)1 << bits) - 1);
  from->bit += bits;
  return (int32_t)value;
}

static void skip_zeros(reader *from) {
  const int32_t most = ((int32_t)1 << from->of->gap_bits) - 1;
  int32_t zeros;
  if (most == 0) return;
  do {
    zeros = take(from, from->of->gap_bits);
    from->column += zeros;
  } while (zeros == most);
}

static reader start(const weights *of) {
  reader from;
  from.of = of;
  from.bit = 0;
  from.column = 0;
  skip_zeros(&from);
  return from;
}

static int32_t next_weight(reader *from) {
  const int32_t code = take(from, from->of->code_bits);
  ++from->column;
  skip_zeros(from);
  return from->of->lowest + from->of->step * code;
}
)";

constexpr std::string_view convolution = R"(
typedef struct {
  weights from;
  scaling by;
  int32_t height, width, channels;        /* of the input */
  int32_t out_height, out_width, outputs; /* of the result */
  int32_t kernel_height, kernel_width;
  int32_t stride, padding, dilation;
  int32_t group_inputs, group_outputs; /* channels of one group */
  int32_t rows;                        /* of the result, of which sums are kept */
  int16_t zero;                        /* the input's code of 0 */
} convolution;
)";

constexpr std::string_view convolve_by_weight = R"(
/* Narrows begin ... end to the outputs with 0 <= offset + stride * output < size. */
static void reach$N(int32_t offset, int32_t stride, int32_t size, int32_t *begin, int32_t *end) {
  const int32_t first = offset < 0 ? (stride - 1 - offset) / stride : 0;
  const int32_t behind = offset < size ? (size - 1 - offset) / stride + 1 : 0;
  if (*begin < first) *begin = first;
  if (*end > behind) *end = behind;
}

/* Adds what the weight at one place of a kernel gives to the sums of the rows top ... bottom. */
static void add_weight$N(const convolution *l, const $T *x, int32_t channel, int32_t place,
                       int32_t weight, int32_t top, int32_t bottom, int32_t *sums) {
  const int32_t i = place / l->kernel_width * l->dilation - l->padding;
  const int32_t j = place % l->kernel_width * l->dilation - l->padding;
  const int32_t right = l->stride * l->channels;
  const int32_t zero = l->zero;$TABLE
  int32_t p = top, p_end = bottom, q_begin = 0, q_end = l->out_width;
  reach$N(i, l->stride, l->height, &p, &p_end);
  reach$N(j, l->stride, l->width, &q_begin, &q_end);
  for (; p < p_end; ++p) {
    int32_t *const sum = sums + (p - top) * l->out_width;
    int32_t at = ((p * l->stride + i) * l->width + q_begin * l->stride + j) * l->channels + channel;
    int32_t q;
    for (q = q_begin; q < q_end; ++q) {
      sum[q] += weight * ($[x[at]]$ - zero);
      at += right;
    }
  }
}

/* Weight by weight over the picture: good for sparse kernels, and for few channels. The weights of
   one output are unpacked into the scratch memory, as 512 * position + weight + 255. */
static void convolve_by_weight$N(const convolution *l, const $T *x, int8_t *y, int32_t *scratch) {
  int32_t *const sums = scratch, *const list = scratch + l->rows * l->out_width;
  const int32_t row = l->kernel_height * l->kernel_width * l->group_inputs;
  reader from = start(&l->from);
  int32_t o, k, n, top, bottom;
  for (o = 0; o < l->outputs; ++o) {
    const int32_t first_channel = o / l->group_outputs * l->group_inputs;
    const int32_t bias = bias_of(&l->by, o);
    const int32_t factor = l->by.factor[scale_of(&l->by, o)];
    const int32_t shift = l->by.shift[scale_of(&l->by, o)];
    int32_t count = 0;
    while (from.column < row) {
      const int32_t position = from.column;
      list[count++] = 512 * position + next_weight(&from) + 255;
    }
    from.column -= row;
    for (top = 0; top < l->out_height; top = bottom) {
      int8_t *const out = y + top * l->out_width * l->outputs + o;
      bottom = l->out_height - top < l->rows ? l->out_height : top + l->rows;
      n = (bottom - top) * l->out_width;
      for (k = 0; k < n; ++k) sums[k] = bias;
      for (k = 0; k < count; ++k) {
        const int32_t position = list[k] / 512;
        add_weight$N(l, x, first_channel + position % l->group_inputs, position / l->group_inputs,
                   list[k] % 512 - 255, top, bottom, sums);
      }
      for (k = 0; k < n; ++k) {
        out[k * l->outputs] = code_of((int64_t)sums[k] * factor, shift, &l->by.to);
      }
    }
  }
}
)";

constexpr std::string_view convolve_by_pixel = R"(
/* Pixel by pixel of the result: good for dense kernels with many channels, one group and no
   dilation. Weights that are not whole bytes are unpacked into the scratch memory. */
static void convolve_by_pixel(const convolution *l, const int8_t *x, int8_t *y, int8_t *scratch) {
  const int32_t row = l->kernel_height * l->kernel_width * l->channels, zero = l->zero;
  const int8_t *filter = (const int8_t *)l->from.data;
  reader from = start(&l->from);
  int32_t o, p, q, i, k;
  for (o = 0; o < l->outputs; ++o) {
    const int32_t bias = bias_of(&l->by, o);
    const int32_t factor = l->by.factor[scale_of(&l->by, o)];
    const int32_t shift = l->by.shift[scale_of(&l->by, o)];
    int8_t *const out = y + o;
    if (scratch) {
      for (k = 0; k < row; ++k) scratch[k] = (int8_t)next_weight(&from);
      filter = scratch;
    }
    for (p = 0; p < l->out_height; ++p) {
      const int32_t above = p * l->stride - l->padding;
      for (q = 0; q < l->out_width; ++q) {
        const int32_t left = q * l->stride - l->padding;
        const int32_t j = left < 0 ? -left : 0;
        const int32_t j_end = l->width - left < l->kernel_width ? l->width - left : l->kernel_width;
        const int32_t n = (j_end - j) * l->channels;
        int32_t sum = bias;
        for (i = 0; i < l->kernel_height; ++i) {
          if (n > 0 && above + i >= 0 && above + i < l->height) {
            const int8_t *const in = x + ((above + i) * l->width + left + j) * l->channels;
            const int8_t *const w = filter + (i * l->kernel_width + j) * l->channels;
            for (k = 0; k < n; ++k) sum += (int32_t)w[k] * (in[k] - zero);
          }
        }
        out[(p * l->out_width + q) * l->outputs] =
            code_of((int64_t)sum * factor, shift, &l->by.to);
      }
    }
    filter += row;
  }
}
)";

constexpr std::string_view linear_layer = R"(
typedef struct {
  weights from;
  scaling by;
  int32_t inputs, outputs;
  int16_t zero; /* the input's code of 0 */
} linear_layer;
)";

constexpr std::string_view linear_sparse = R"(
static void linear_sparse$N(const linear_layer *l, const $T *x, int8_t *y) {
  reader from = start(&l->from);$TABLE
  int32_t o;
  for (o = 0; o < l->outputs; ++o) {
    const int32_t k = scale_of(&l->by, o);
    int32_t sum = bias_of(&l->by, o);
    while (from.column < l->inputs) {
      const int32_t code = $[x[from.column]]$;
      sum += next_weight(&from) * (code - l->zero);
    }
    from.column -= l->inputs;
    y[o] = code_of((int64_t)sum * l->by.factor[k], l->by.shift[k], &l->by.to);
  }
}
)";

constexpr std::string_view linear_bits = R"(
/* Every weight has a code, of fewer bits than a byte or more. */
static void linear_bits$N(const linear_layer *l, const $T *x, int8_t *y) {
  const uint32_t bits = l->from.code_bits, mask = ((uint32_t)1 << bits) - 1;
  const int32_t zero = l->zero, lowest = l->from.lowest, step = l->from.step;$TABLE
  uint32_t bit = 0;
  int32_t o, i;
  for (o = 0; o < l->outputs; ++o) {
    const int32_t k = scale_of(&l->by, o);
    int32_t sum = bias_of(&l->by, o);
    for (i = 0; i < l->inputs; ++i) {
      const uint8_t *const at = l->from.data + (bit >> 3);
      const uint32_t two = (uint32_t)at[0] | (uint32_t)at[1] << 8;
      sum += (lowest + step * (int32_t)(two >> (bit & 7) & mask)) * ($[x[i]]$ - zero);
      bit += bits;
    }
    y[o] = code_of((int64_t)sum * l->by.factor[k], l->by.shift[k], &l->by.to);
  }
}
)";

constexpr std::string_view linear_bytes = R"(
static void linear_bytes$N(const linear_layer *l, const $T *x, int8_t *y) {
  const int8_t *w = (const int8_t *)l->from.data;
  const int32_t zero = l->zero;$TABLE
  int32_t o, i;
  for (o = 0; o < l->outputs; ++o) {
    const int32_t k = scale_of(&l->by, o);
    int32_t sum = bias_of(&l->by, o);
    for (i = 0; i < l->inputs; ++i) sum += (int32_t)w[i] * ($[x[i]]$ - zero);
    w += l->inputs;
    y[o] = code_of((int64_t)sum * l->by.factor[k], l->by.shift[k], &l->by.to);
  }
}
)";

constexpr std::string_view windows = R"(
typedef struct {
  int32_t height, width, channels; /* of the input */
  int32_t out_height, out_width;
  int32_t kernel_height, kernel_width, stride, padding;
} windows;

/* The part of a window that lies in the input. */
typedef struct {
  int32_t top, bottom, left, right;
} window;

static window window_at(const windows *l, int32_t p, int32_t q) {
  window at;
  at.top = p * l->stride - l->padding;
  at.left = q * l->stride - l->padding;
  at.bottom = at.top + l->kernel_height;
  at.right = at.left + l->kernel_width;
  if (at.top < 0) at.top = 0;
  if (at.left < 0) at.left = 0;
  if (at.bottom > l->height) at.bottom = l->height;
  if (at.right > l->width) at.right = l->width;
  return at;
}
)";

constexpr std::string_view max_pool = R"(
static void max_pool(const windows *l, const int8_t *x, int8_t *y) {
  int32_t p, q, c, i, j;
  for (p = 0; p < l->out_height; ++p) {
    for (q = 0; q < l->out_width; ++q) {
      const window at = window_at(l, p, q);
      for (c = 0; c < l->channels; ++c) {
        int8_t largest = -128;
        for (i = at.top; i < at.bottom; ++i) {
          for (j = at.left; j < at.right; ++j) {
            const int8_t code = x[(i * l->width + j) * l->channels + c];
            if (code > largest) largest = code;
          }
        }
        *y++ = largest;
      }
    }
  }
}
)";

constexpr std::string_view average_pool = R"(
typedef struct {
  windows over;
  int32_t factor, shift;
  int16_t zero; /* the input's code of 0 */
  grid to;
} average;

static void average_pool(const average *l, const int8_t *x, int8_t *y) {
  int32_t p, q, c, i, j;
  for (p = 0; p < l->over.out_height; ++p) {
    for (q = 0; q < l->over.out_width; ++q) {
      const window at = window_at(&l->over, p, q);
      for (c = 0; c < l->over.channels; ++c) {
        int32_t sum = 0;
        for (i = at.top; i < at.bottom; ++i) {
          for (j = at.left; j < at.right; ++j) {
            sum += x[(i * l->over.width + j) * l->over.channels + c] - l->zero;
          }
        }
        *y++ = code_of((int64_t)sum * l->factor, l->shift, &l->to);
      }
    }
  }
}
)";

constexpr std::string_view add = R"(
typedef struct {
  int32_t n;
  int16_t zero_a, zero_b;
  int32_t factor_a, factor_b, shift;
  grid to;
} addition;

static void add(const addition *l, const int8_t *a, const int8_t *b, int8_t *y) {
  int32_t k;
  for (k = 0; k < l->n; ++k) {
    const int64_t sum = (int64_t)(a[k] - l->zero_a) * l->factor_a +
                        (int64_t)(b[k] - l->zero_b) * l->factor_b;
    y[k] = code_of(sum, l->shift, &l->to);
  }
}
)";

constexpr std::string_view convert = R"(
typedef struct {
  int32_t pixels, channels, out_channels;
  int32_t factor, shift;
  int16_t zero; /* the input's code of 0 */
  grid to;
} conversion;

/* To another grid, into channels of a result that has more of them. */
static void convert(const conversion *l, const int8_t *x, int8_t *y) {
  int32_t p, c;
  for (p = 0; p < l->pixels; ++p) {
    for (c = 0; c < l->channels; ++c) {
      y[p * l->out_channels + c] =
          code_of((int64_t)(x[p * l->channels + c] - l->zero) * l->factor, l->shift, &l->to);
    }
  }
}
)";

constexpr std::string_view place = R"(
/* Copies into channels of a result that has more of them. */
static void place(const int8_t *x, int8_t *y, int32_t pixels, int32_t channels,
                  int32_t out_channels) {
  int32_t p, c;
  for (p = 0; p < pixels; ++p) {
    for (c = 0; c < channels; ++c) y[p * out_channels + c] = x[p * channels + c];
  }
}
)";

constexpr std::string_view flatten = R"(
/* Channels outermost. */
static void flatten(const int8_t *x, int8_t *y, int32_t pixels, int32_t channels) {
  int32_t p, c;
  for (c = 0; c < channels; ++c) {
    for (p = 0; p < pixels; ++p) y[c * pixels + p] = x[p * channels + c];
  }
}
)";

constexpr std::string_view look_up = R"(
static void look_up(const int8_t *table, const int8_t *x, int8_t *y, int32_t n) {
  int32_t k;
  for (k = 0; k < n; ++k) y[k] = table[x[k] + 128];
}
)";

constexpr std::string_view take_pixels = R"(
static void codes$N(const $T *x, int8_t *y, int32_t pixels, int32_t channels) {
  int32_t p, channel;
  for (p = 0; p < pixels; ++p) {
    for (channel = 0; channel < channels; ++channel) {$TABLE
      const int32_t k = p * channels + channel;
      y[k] = $[x[k]]$;
    }
  }
}
)";

/// In the order in which they are written: what others need stands before them.
const std::vector<Piece>& pieces() {
  static const std::vector<Piece> all{
      {"grid", {}, grid},
      {"scaling", {"grid"}, scaling},
      {"weights", {}, weights},
      {"reader", {"weights"}, reader},
      {"convolution", {"weights", "scaling"}, convolution},
      {"convolve_by_weight", {"convolution", "reader"}, convolve_by_weight},
      {"convolve_by_weight_of_pixels", {"convolution", "reader"}, convolve_by_weight},
      {"convolve_by_pixel", {"convolution", "reader"}, convolve_by_pixel},
      {"linear_layer", {"weights", "scaling"}, linear_layer},
      {"linear_sparse", {"linear_layer", "reader"}, linear_sparse},
      {"linear_sparse_of_pixels", {"linear_layer", "reader"}, linear_sparse},
      {"linear_bits", {"linear_layer"}, linear_bits},
      {"linear_bits_of_pixels", {"linear_layer"}, linear_bits},
      {"linear_bytes", {"linear_layer"}, linear_bytes},
      {"linear_bytes_of_pixels", {"linear_layer"}, linear_bytes},
      {"windows", {}, windows},
      {"max_pool", {"windows"}, max_pool},
      {"average_pool", {"windows", "grid"}, average_pool},
      {"add", {"grid"}, add},
      {"convert", {"grid"}, convert},
      {"place", {}, place},
      {"flatten", {}, flatten},
      {"look_up", {}, look_up},
      {"codes_of_pixels", {}, take_pixels},
  };
  return all;
}

void replace_all(std::string& text, std::string_view what, std::string_view by) {
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
}

std::string written(const Piece& piece, bool table_of_channel) {
  const bool pixels = piece.name.ends_with("_of_pixels");
  std::string text(piece.text);
  replace_all(text, "$T ", pixels ? "uint8_t " : "int8_t ");
  replace_all(text, "$N", pixels ? "_of_pixels" : "");
  replace_all(text, "$[", pixels ? "table[" : "");
  replace_all(text, "]$", pixels ? "]" : "");
  replace_all(text, "$TABLE",
              !pixels ? ""
              : table_of_channel
                  ? "\n  const int8_t *const table = pixel_codes + 256 * pixel_table[channel];"
                  : "\n  const int8_t *const table = pixel_codes;");
  return text;
}

}  // namespace

std::string kernels_text(const std::set<std::string>& names, bool table_of_channel) {
  std::set<std::string> wanted = names;
  for (auto piece = pieces().rbegin(); piece != pieces().rend(); ++piece) {
    if (wanted.count(piece->name)) wanted.insert(piece->needs.begin(), piece->needs.end());
  }
  std::string text;
  for (const Piece& piece : pieces()) {
    if (wanted.count(piece.name)) text += written(piece, table_of_channel);
  }
  return text;
}

}  // namespace espalier::compress::c_code
