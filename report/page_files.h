#pragma once

#include <string_view>

/// The files of report/page/ and the chart library, as the build found them (embed.cmake).
namespace espalier::report {

extern const std::string_view template_html, page_css, page_js, chart_js;

}  // namespace espalier::report
