#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "espalier/compress/compressor.h"
#include "espalier/compress/config/value.h"

namespace espalier::compress {

/// Algorithms by the name they have in configuration files. An object that a program fills; nothing
/// registers itself.
class Registry {
 public:
  using Make = std::function<std::unique_ptr<Compressor>(Rules rules)>;

  /// A registry with the algorithms of this library.
  static Registry with_builtin();

  /// \param description one line for listings
  /// \throws Error if the name is taken
  void add(std::string name, std::string description, Make make);
  template <class Algorithm>
  void add(std::string name, std::string description) {
    add(std::move(name), std::move(description), [](Rules rules) -> std::unique_ptr<Compressor> {
      return std::make_unique<Algorithm>(std::move(rules));
    });
  }

  struct Entry {
    std::string name, description;
    Make make;
  };
  const std::vector<Entry>& entries() const { return entries_; }

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
