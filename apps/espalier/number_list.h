#pragma once

#include <string>
#include <vector>

namespace espalier::app {

/// The numbers of an option such as `--with 0.1,-0.4`: separated by commas, with or without spaces.
/// \param option  its name, for messages: "--with"
/// \throws UsageError for an empty item, a word, what is not finite or out of the range of a float,
/// and more than 64 numbers, which nobody follows by hand
std::vector<float> number_list(const std::string& option, const std::string& text);

}  // namespace espalier::app
