#pragma once

#include <sstream>
#include <string>
#include <vector>

/// Reading the tables of worked examples.
namespace espalier::test {

/// The cells of a line, which stand three spaces or more apart.
inline std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  size_t at = line.find_first_not_of(' ');
  while (at != std::string::npos) {
    const size_t end = line.find("   ", at);
    cells.push_back(line.substr(at, end == std::string::npos ? end : end - at));
    at = end == std::string::npos ? end : line.find_first_not_of(' ', end);
  }
  return cells;
}

/// What stands below `heading`, in the table number `table` (from 0) of those that have it.
inline std::vector<std::string> words_below(const std::string& text, const std::string& heading,
                                            int table = 0) {
  std::istringstream lines(text);
  std::vector<std::string> words;
  size_t column = std::string::npos;
  for (std::string line; std::getline(lines, line);) {
    const std::vector<std::string> cells = cells_of(line);
    if (column != std::string::npos) {
      if (cells.empty()) return words;
      words.push_back(cells.at(column));
      continue;
    }
    for (size_t i = 0; cells.size() > 1 && i < cells.size(); ++i) {
      if (cells[i] == heading && table-- == 0) column = i;
    }
  }
  return words;
}

/// The same, as numbers.
inline std::vector<double> below(const std::string& text, const std::string& heading,
                                 int table = 0) {
  std::vector<double> numbers;
  for (const std::string& word : words_below(text, heading, table))
    numbers.push_back(std::stod(word));
  return numbers;
}

}  // namespace espalier::test
