#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "espalier/compress/compressor.h"
#include "espalier/compress/config/value.h"
#include "espalier/compress/worked_example.h"

namespace espalier::compress {

/// What people are told of an algorithm. All but the description may be left out.
struct AlgorithmText {
  std::string description;       ///< one line for listings
  std::string paper = {};        ///< "Zhu & Gupta, To prune, or not to prune, arXiv 1710.01878"
  std::string explanation = {};  ///< what it does, in a few sentences
  /// Rules that work for any network, as lines of a YAML list: "- {sparsity: 0.8}".
  std::string example = {};
  /// Steps to follow by hand; without `work` there are none.
  WorkedExample worked = {};
};

/// Algorithms by the name they have in configuration files. An object that a program fills; nothing
/// registers itself.
class Registry {
 public:
  using Make = std::function<std::unique_ptr<Compressor>(Rules rules)>;

  /// A registry with the algorithms of this library.
  static Registry with_builtin();

  /// \param text what `espalier list` and `espalier explain` print, or just the line for listings
  /// \throws Error if the name is taken
  void add(std::string name, AlgorithmText text, Make make);
  void add(std::string name, std::string description, Make make) {
    add(std::move(name), AlgorithmText{std::move(description)}, std::move(make));
  }
  template <class Algorithm>
  void add(std::string name, AlgorithmText text) {
    add(std::move(name), std::move(text), [](Rules rules) -> std::unique_ptr<Compressor> {
      return std::make_unique<Algorithm>(std::move(rules));
    });
  }
  template <class Algorithm>
  void add(std::string name, std::string description) {
    add<Algorithm>(std::move(name), AlgorithmText{std::move(description)});
  }

  struct Entry : AlgorithmText {
    std::string name;
    Make make;
  };
  const std::vector<Entry>& entries() const { return entries_; }

  /// The algorithm that a section called `name` is for: by its name or one of its aliases, with or
  /// without a prefix (see config/sections.h). Null if there is none.
  const Entry* find(std::string_view name) const;

  /// The algorithms of a configuration, a map of sections (see config/sections.h), in its order.
  /// \throws ConfigError for an unknown name, with the nearest known one, an algorithm that comes
  /// twice, or a wrong form
  std::vector<std::unique_ptr<Compressor>> make_all(const Value& sections) const;
  /// The algorithms of a file of sections. \throws ConfigError also when it cannot be read
  std::vector<std::unique_ptr<Compressor>> make_all_from(const std::string& path) const;

 private:
  const Entry& entry_for(const Member& section) const;
  std::vector<Entry> entries_;
};

/// The sections that `make_all` makes these algorithms from again, with every default spelled out
/// if they are attached; see `Compressor::rules_as_run`.
Value sections_as_run(const std::vector<std::unique_ptr<Compressor>>& compressors);

}  // namespace espalier::compress
