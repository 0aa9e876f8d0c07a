#pragma once

#include <string>

#include "check.h"

/// 28×28 pictures of ten classes, few enough to train on in seconds.
struct Pictures {
  datasets::DatasetPtr train, test;
  std::string name;
  double enough;  ///< the accuracy that a network of one hidden layer must reach with them
};

/// MNIST from the folder in the first argument or in the variable ESPALIER_MNIST; without either
/// Fashion-MNIST, which is a package of Debian. Ends the program, saying so, where there is none:
/// 77 is the exit code for a test that was skipped.
inline Pictures pictures(int count, char** arguments) {
  const char* variable = std::getenv("ESPALIER_MNIST");
  const char* folder = count > 1 ? arguments[1] : variable;
  const auto read = folder ? datasets::mnist : datasets::fashion_mnist;
  try {
    const std::string from = folder ? folder : "";
    return {datasets::first_samples(read(from, datasets::Split::train), 10000),
            read(from, datasets::Split::test), folder ? "MNIST" : "Fashion-MNIST",
            folder ? 0.91 : 0.81};
  } catch (const Error& error) {
    if (folder) check(false, error.what());
    std::printf("skipped: neither MNIST nor Fashion-MNIST is here\n%s\n", error.what());
    std::exit(77);
  }
}
