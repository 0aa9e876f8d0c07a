/* Classifies pictures with a generated network:
 *
 *   classify PICTURE...
 *
 * Pictures are binary PGM (one channel) or PPM (three) of the network's size, as most programs for
 * pictures can write. On a small device the pixels would come from a sensor instead, and the three
 * lines that matter are those in `answer`. */
#include <stdio.h>

#include "network.h"

static uint8_t pixels[NETWORK_INPUT_BYTES];

static int answer(int8_t *scores) {
  static uint32_t arena[(NETWORK_ARENA_BYTES + 3) / 4];
  int best = 0, k;
  network_run(pixels, scores, arena);
  for (k = 1; k < NETWORK_CLASSES; ++k) {
    if (scores[k] > scores[best]) best = k;
  }
  return best;
}

/* What a class is called, if the network says so. */
static const char *name_of(int class_index) {
#ifdef NETWORK_CLASS_NAMES
  static const char *const names[] = NETWORK_CLASS_NAMES;
  return names[class_index];
#else
  (void)class_index;
  return "";
#endif
}

/* The next number of a picture's header, behind lines of comments; -1: there is none. */
static int header_number(FILE *file) {
  char comment[2];
  int number;
  while (fscanf(file, " %1[#]%*[^\n]", comment) == 1) continue;
  return fscanf(file, "%d", &number) == 1 ? number : -1;
}

/* Fills `pixels`; says what is wrong, or nothing. */
static const char *read_picture(const char *path) {
  static char expected[80];
  int kind, width, height;
  const char *problem = NULL;
  FILE *file = fopen(path, "rb");
  if (!file) return "cannot be opened";
  if (fscanf(file, "P%d", &kind) != 1) kind = 0;
  width = header_number(file);
  height = header_number(file);
  if ((kind != 5 && kind != 6) || header_number(file) != 255) {
    problem = "is no binary PGM or PPM file with 8 bits";
  } else if (width != NETWORK_WIDTH || height != NETWORK_HEIGHT ||
             (kind == 5 ? 1 : 3) != NETWORK_CHANNELS) {
    sprintf(expected, "is not %d wide and %d high with %d channels", NETWORK_WIDTH, NETWORK_HEIGHT,
            NETWORK_CHANNELS);
    problem = expected;
  } else {
    fgetc(file); /* one white space ends the header */
    if (fread(pixels, 1, sizeof pixels, file) != sizeof pixels) problem = "is cut off";
  }
  fclose(file);
  return problem;
}

int main(int count, char **arguments) {
  int i, failed = 0;
  if (count < 2) {
    fprintf(stderr, "usage: classify PICTURE...\n");
    return 2;
  }
  for (i = 1; i < count; ++i) {
    int8_t scores[NETWORK_CLASSES];
    const char *problem = read_picture(arguments[i]);
    int best;
    if (problem) {
      fprintf(stderr, "classify: %s %s\n", arguments[i], problem);
      failed = 1;
      continue;
    }
    best = answer(scores);
    printf("%s: class %d%s%s, score %.3f\n", arguments[i], best, name_of(best)[0] ? " " : "",
           name_of(best), (double)NETWORK_SCORE_SCALE * (scores[best] - NETWORK_SCORE_ZERO_POINT));
  }
  return failed;
}
