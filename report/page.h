#pragma once

#include <string>

#include "espalier/report/report_data.h"

namespace espalier::report {

/// The page report.html: one file that needs no other and asks no network for anything. One run is
/// shown in depth; several are compared first, and each follows, closed. Figures, tables, pictures
/// and sentences stand in the page itself; charts are drawn by its script from the values that it
/// carries as JSON. Equal reports give equal pages.
/// \throws Error when the report holds no run, or a picture whose pixels do not fill it
std::string to_html(const Report& report);

}  // namespace espalier::report
