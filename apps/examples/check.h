#pragma once

#include <espalier/espalier.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>

using namespace espalier;

/// Ends the program with a sentence if something is not as it should be.
inline void check(bool holds, const char* sentence) {
  if (holds) return;
  std::fprintf(stderr, "%s\n", sentence);
  std::exit(1);
}

/// The numbers of a tensor, a line.
inline void show(const char* name, const Tensor& x) {
  std::printf("%s =", name);
  for (const float value : x.values()) std::printf(" %g", double{value});
  std::printf("\n");
}
