// Writes C files of networks, and programs that check them, into a folder:
//
//   write_c_checks FOLDER
//
// NAME.c, NAME.h and NAME_check.c for each network, among them lenet5, LeNet-5 with weights of 8
// bits of which 98 % are 0; check_all.c; and in FOLDER/embed what apps/embed-c needs: that network
// as network.c and network.h, a picture, and the class that the reference gives it.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>

#include "support/c_check.h"
#include "support/integer_networks.h"

using namespace espalier::test;

namespace {

void write_for_embedding(const std::string& folder) {
  const file::Network network = lenet5(0.98);
  const espalier::compress::CSourceOptions options{.name = "network"};
  write_text(folder + "/network.c", espalier::compress::c_source(network, options));
  write_text(folder + "/network.h", espalier::compress::c_header(network, options));
  std::vector<uint8_t> pixels;
  for (int i = 0; i < 28 * 28; ++i) pixels.push_back(static_cast<uint8_t>(i % 28 * (i / 28) / 3));
  write_text(folder + "/picture.pgm",
             "P5\n# a comment\n28 28\n255\n" + std::string(pixels.begin(), pixels.end()));
  const file::Reference reference(network);
  const auto scores = reference.all_values(reference.of_pixels(pixels)).back().codes;
  const auto best = std::max_element(scores.begin(), scores.end()) - scores.begin();
  write_text(folder + "/class", std::to_string(best) + "\n");
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) {
    std::fprintf(stderr, "usage: write_c_checks FOLDER\n");
    return 2;
  }
  try {
    const std::string folder = arguments[1];
    std::filesystem::create_directories(folder + "/embed");
    std::vector<std::string> names;
    for (const auto& [name, network] : integer_networks()) {
      write_c_check(folder, name, network);
      names.push_back(name);
    }
    write_c_check(folder, "lenet5", lenet5(0.98), 3);
    names.emplace_back("lenet5");
    write_check_of_all(folder, names);
    write_for_embedding(folder + "/embed");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
