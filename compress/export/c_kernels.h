#pragma once

#include <set>
#include <string>

/// The functions that generated C code computes with, as text.
namespace espalier::compress::c_code {

/// The functions with these names and what they are made of, each once, those that others call
/// first. Names are those of the C functions; a name that ends in `_of_pixels` is the function with
/// pixels for input, which it takes through the table `pixel_codes`.
/// \param table_of_channel  the pixels of each channel have a table of their own, whose number is
///                          in the array `pixel_table`
std::string kernels_text(const std::set<std::string>& names, bool table_of_channel);

}  // namespace espalier::compress::c_code
