#pragma once

#include <memory>
#include <string>
#include <vector>

#include "espalier/compress/compressor.h"
#include "espalier/compress/config/named_map.h"

namespace espalier::compress {

/// Algorithms by the name they have in configuration files. An object that a program fills; nothing
/// registers itself.
class Registry {
 public:
  using Make = std::unique_ptr<Compressor> (*)(Rules rules);

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

  /// The algorithms of a configuration: a map of `AGPruner: {config: [rule, …]}`, in its order.
  /// \throws ConfigError for an unknown name, with the nearest known one, or a wrong form
  std::vector<std::unique_ptr<Compressor>> make_all(const Value& sections) const;

 private:
  std::vector<Entry> entries_;
};

}  // namespace espalier::compress
