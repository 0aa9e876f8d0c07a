#include "espalier/report/page.h"

#include <catch2/catch.hpp>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "espalier/autograd/core/error.h"
#include "espalier/report/page_data.h"
#include "report/sample_report.h"

using namespace espalier;
using report::Report;
using report::Run;
using report::to_html;
using report::testing::sample_run;

namespace {

/// What stands between two texts, the first time; empty if they are not there.
std::string between(const std::string& text, std::string_view open, std::string_view close) {
  const size_t start = text.find(open);
  if (start == std::string::npos) return "";
  const size_t end = text.find(close, start + open.size());
  return text.substr(start + open.size(), end - start - open.size());
}

std::string data_block(const std::string& page) {
  return between(page, R"(<script type="application/json" id="report-data">)", "</script>");
}

/// The first thing wrong with how elements are nested, or nothing.
std::string nesting_error(const std::string& page) {
  const std::set<std::string> empty = {"meta", "link", "img", "path", "br"};
  std::vector<std::string> open;
  for (size_t at = page.find('<'); at != std::string::npos; at = page.find('<', at)) {
    if (page.compare(at, 4, "<!--") == 0) {
      at = page.find("-->", at);
      continue;
    }
    const size_t end = page.find('>', at);
    if (end == std::string::npos) return "a tag that does not end";
    const std::string tag = page.substr(at + 1, end - at - 1);
    at = end;
    if (tag[0] == '!') continue;
    const bool closes = tag[0] == '/';
    const std::string name = tag.substr(closes, tag.find_first_of(" /", closes) - closes);
    if (closes) {
      if (open.empty() || open.back() != name)
        return "</" + name + "> closes " + (open.empty() ? "nothing" : open.back());
      open.pop_back();
    } else if (!empty.count(name)) {
      open.push_back(name);
      // What is in these is no HTML.
      if (name == "script" || name == "style") at = page.find("</" + name, at);
    }
  }
  return open.empty() ? "" : "<" + open.back() + "> is never closed";
}

/// All `id`s, and what links within the page and charts refer to.
void check_references(const std::string& page) {
  const std::string body = between(page, "<main>", "</main>");
  std::set<std::string> ids;
  for (size_t at = body.find(" id=\""); at != std::string::npos; at = body.find(" id=\"", at + 1)) {
    const std::string id = body.substr(at + 5, body.find('"', at + 5) - at - 5);
    INFO(id);
    CHECK(ids.insert(id).second);
  }
  for (size_t at = body.find("href=\"#"); at != std::string::npos;
       at = body.find("href=\"#", at + 1)) {
    const std::string id = body.substr(at + 7, body.find('"', at + 7) - at - 7);
    INFO(id);
    CHECK(ids.count(id) == 1);
  }
}

size_t count(const std::string& text, std::string_view word) {
  size_t found = 0;
  for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++found;
  return found;
}

}  // namespace

TEST_CASE("page: one run in depth") {
  const Report report{{sample_run("quickstart")}};
  const std::string page = to_html(report);
  CHECK(nesting_error(page) == "");
  check_references(page);
  CHECK(page == to_html(report));

  CHECK(page.find("<h1>quickstart</h1>") != std::string::npos);
  for (const char* name : {"training", "layers", "activations", "answers", "setup", "missing"}) {
    INFO(name);
    CHECK(count(page, std::string("<section id=\"r0-") + name + "\">") == 1);
  }
  // 1724320 / 5156 = 334.4; 430500 / 4305 = 100; 310.5 / 41.2 = 7.54; 0.9912 is 0.09 points less.
  CHECK(page.find("334× smaller") != std::string::npos);
  CHECK(page.find("100× fewer") != std::string::npos);
  CHECK(page.find("7.5× faster") != std::string::npos);
  CHECK(page.find("0.09 points lower") != std::string::npos);
  CHECK(page.find("5.16\u00a0kB") != std::string::npos);
  // Charts: five over epochs; a histogram and a curve for each of two layers.
  for (const char* kind : {"accuracy", "sparsity", "loss", "rate", "speed"})
    CHECK(count(page, std::string("data-chart=\"") + kind + "\"") == 1);
  CHECK(count(page, "data-chart=\"histogram\"") == 2);
  CHECK(count(page, "data-chart=\"layer-sparsity\"") == 2);
  // Pictures: mask and died picture of one layer, two that were lost.
  CHECK(count(page, "src=\"data:image/png;base64,") == 4);
  CHECK(page.find("espalier train runs/quickstart/config.yaml") != std::string::npos);
  CHECK(page.find("7</td>") != std::string::npos);  // of the confusion matrix
  CHECK(page.find("not come to its end") == std::string::npos);
}

TEST_CASE("page: asks no network for anything") {
  const std::string page = to_html({{sample_run("a"), sample_run("b")}});
  CHECK(page.find("default-src 'none'") != std::string::npos);
  const std::string own = page.substr(0, page.find("id=\"report-data\""));
  CHECK(own.find("src=\"http") == std::string::npos);
  CHECK(own.find("href=\"http") == std::string::npos);
  CHECK(own.find("url(") == std::string::npos);
  CHECK(own.find("@import") == std::string::npos);
}

TEST_CASE("page: what there is not is not shown") {
  Run run;
  run.name = "bare";
  run.model = "lenet300";
  run.data = "mnist";
  run.finished = false;
  run.version = "0.1.0";
  const std::string page = to_html({{run}});
  CHECK(nesting_error(page) == "");
  check_references(page);
  const std::string body = between(page, "<main>", "</main>");
  for (const char* name : {"training", "layers", "activations", "answers", "missing"}) {
    INFO(name);
    CHECK(body.find(std::string("r0-") + name) == std::string::npos);
  }
  CHECK(body.find("data-chart") == std::string::npos);
  CHECK(body.find("class=\"card\"") == std::string::npos);
  CHECK(body.find("not come to its end") != std::string::npos);
  CHECK_THROWS_AS(to_html({}), Error);
}

TEST_CASE("page: several runs are compared, and each follows") {
  Run small = sample_run("small"), accurate = sample_run("accurate");
  accurate.compressed.accuracy = 0.9931;
  accurate.compressed.file_bytes = 20000;
  accurate.config = "model: lenet5\nepochs: 12\noptimizer:\n  SGD: {lr: 0.05, momentum: 0.9}\n";
  const std::string page = to_html({{small, accurate}});
  CHECK(nesting_error(page) == "");
  check_references(page);
  CHECK(count(page, "<details class=\"run\"") == 2);
  CHECK(page.find("data-chart=\"pareto\"") != std::string::npos);
  CHECK(page.find("data-chart=\"curves\"") != std::string::npos);
  CHECK(page.find("Most accurate: <b>accurate</b> with 99.31\u00a0% in 20\u00a0kB. "
                  "Smallest: <b>small</b> with 99.12\u00a0% in 5.16\u00a0kB.") !=
        std::string::npos);
  // The best of each column that differs, once.
  CHECK(count(page, "<td class=\"best\">") == 3);
  CHECK(page.find("<td class=\"best\">99.31\u00a0%") != std::string::npos);
  CHECK(page.find("<td class=\"best\">+0.10\u00a0points") != std::string::npos);
  CHECK(page.find("<td class=\"best\">5.16\u00a0kB") != std::string::npos);

  const std::string differences = between(page, "<section id=\"differences\">", "</section>");
  CHECK(differences.find("<code>epochs</code></th><td><code>8</code></td><td><code>12</code>") !=
        std::string::npos);
  CHECK(differences.find("momentum") == std::string::npos);

  accurate.data = "fashion-mnist";
  CHECK(to_html({{small, accurate}}).find("cannot be ranked") != std::string::npos);
}

TEST_CASE("page: configurations that differ in what they have") {
  Run first = sample_run("first"), second = sample_run("second");
  first.config = "compress:\n  AGPruner:\n    config: [{final_sparsity: 0.9}, {prune: false}]\n";
  second.config = "a: [\n";  // no YAML
  const std::string page = to_html({{first, second}});
  const std::string differences = between(page, "<section id=\"differences\">", "</section>");
  CHECK(differences.find("<code>compress.AGPruner.config[0].final_sparsity</code></th><td><code>"
                         "0.9</code></td><td class=\"none\">") != std::string::npos);
  CHECK(differences.find("(cannot be read)") != std::string::npos);
  CHECK(nesting_error(page) == "");
}

TEST_CASE("page: whatever names hold stays text") {
  const std::string hostile = "</script><script>alert('1')</script><!--\"&";
  Run run = sample_run(hostile);
  run.model = run.data = run.algorithms = run.machine = run.version = hostile;
  run.accuracy_of = run.dense_from = run.config = hostile;
  run.commands = run.missing = {hostile};
  for (report::Event& event : run.events) event.text = hostile;
  for (report::Layer& layer : run.layers) layer.name = layer.type = hostile;
  run.layers[0].mask->legend = hostile;
  for (report::Activation& activation : run.activations) activation.layer = hostile;
  run.confusion->classes = {hostile, "b", "c"};
  for (report::Lost& lost : run.lost) lost.truth = lost.dense = lost.compressed = hostile;
  for (const Report& report : {Report{{run}}, Report{{run, run}}}) {
    const std::string page = to_html(report);
    CHECK(nesting_error(page) == "");
    CHECK(page.find("<script>alert") == std::string::npos);
    CHECK(page.find("<!--\"") == std::string::npos);
    CHECK(page.find("&lt;/script&gt;&lt;script&gt;alert(&#39;1&#39;)") != std::string::npos);
    const auto data = nlohmann::json::parse(data_block(page));
    CHECK(data["runs"][0]["name"] == hostile);
    CHECK(data["runs"][0]["layers"][0]["name"] == hostile);
  }
}

TEST_CASE("page: a name that is no UTF-8 does not cost the report") {
  const auto data = nlohmann::json::parse(report::page_data({{sample_run("caf\xe9")}}));
  CHECK(data["runs"][0]["name"] == "caf\ufffd");
}

TEST_CASE("page: numbers arrive as they are") {
  Run run = sample_run("numbers");
  const double third = 1.0 / 3, tiny = 4.9406564584124654e-324, odd = 0.1 + 0.2;
  run.epochs[0].metrics.accuracy = third;
  run.epochs[1].metrics.train_loss = tiny;
  run.epochs[2].metrics.learning_rate = odd;
  run.epochs[3].metrics.train_loss = std::numeric_limits<double>::quiet_NaN();
  run.epochs[4].metrics.train_loss = std::numeric_limits<double>::infinity();
  run.epochs[5].target_sparsity.reset();
  run.layers[0].before->counts[3] = 9007199254740991;  // the largest a script can count to
  const auto data = nlohmann::json::parse(data_block(to_html({{run}})));
  const auto& epochs = data["runs"][0]["epochs"];
  CHECK(epochs["epoch"][0] == 1);
  CHECK(epochs["accuracy"][0] == third);
  CHECK(epochs["train_loss"][1] == tiny);
  CHECK(epochs["learning_rate"][2] == odd);
  CHECK(epochs["train_loss"][3].is_null());
  CHECK(epochs["train_loss"][4].is_null());
  CHECK(epochs["target_sparsity"][5].is_null());
  CHECK(epochs["images_per_second"][7] == 3559.0);
  CHECK(data["runs"][0]["layers"][0]["before"]["counts"][3] == 9007199254740991);
  CHECK(data["runs"][0]["events"][2]["epoch"] == 6.5);
  CHECK(data["runs"][0]["dense"]["bytes"] == 1724320);
}
