#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "espalier/compress/config/rules.h"
#include "espalier/compress/config/value.h"

namespace espalier::compress {

/// A file of rules, and the `compress` part of a training configuration, is a map of sections: each
/// names an algorithm and holds its rules.
///
///     tfAGPruner:
///       config:
///         - {final_sparsity: 0.6, end_epoch: 16}
///
/// `AGPruner`, `tfAGPruner` and `torchAGPruner` name the same algorithm, and so do its aliases. A
/// section with nothing in it is the algorithm without rules.

/// Whether a section called `key` is for the algorithm `name`, which may have aliases.
bool is_section_of(std::string_view key, std::string_view name,
                   const std::vector<std::string>& aliases = {});

/// The rules of one section.
/// \throws ConfigError when it has another form, or another key than `config`
Rules section_rules(const Member& section);

/// The rules of the section for the algorithm `name`; other sections are not looked into.
/// \throws ConfigError when there is none (with the sections there are) or more than one
Rules rules_of_section(const Value& sections, std::string_view name,
                       const std::vector<std::string>& aliases = {});

/// The sections that a configuration means with `compress: {…}`, or with `compress: FILE`: then
/// they are read from that file, whose path is relative to the file in which it is written (or, if
/// it is not from a file, to the current folder).
/// \throws ConfigError when the file cannot be read or is empty
Value resolve_sections(const Value& compress);

/// The sections of a file. \throws ConfigError when it cannot be read or is empty
Value read_sections(const std::string& path);

}  // namespace espalier::compress
