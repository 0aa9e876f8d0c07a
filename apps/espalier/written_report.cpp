#include "written_report.h"

#include <filesystem>

#include "espalier/autograd/core/platform.h"
#include "espalier/report/page.h"
#include "espalier/report/text.h"

namespace espalier::app {

std::string write_report(const std::vector<std::string>& runs,
                         const report::CollectOptions& options, const std::string& file) {
  const std::string page = report::to_html(report::collect(runs, options));
  write_file_atomically(file, page);
  return file + ", " + report::byte_size(static_cast<int64_t>(page.size()));
}

std::string default_report(const std::vector<std::string>& runs) {
  constexpr const char* name = "report.html";
  return runs.size() == 1 ? (std::filesystem::path(runs.front()) / name).string() : name;
}

}  // namespace espalier::app
