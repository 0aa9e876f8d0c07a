// The only file that knows yaml-cpp. It uses the parser's events, not YAML::Node: nodes lose
// duplicate keys, the positions of keys, and whether a word was quoted.
#include "espalier/compress/config/yaml.h"

#include <yaml-cpp/emitter.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <system_error>
#include <utility>
#include <vector>

#include "espalier/compress/config/config_error.h"
#include "espalier/compress/config/scalar.h"

namespace espalier::compress {
namespace {

// Aliases of aliases grow exponentially; no honest configuration comes near this many values.
constexpr std::size_t most_aliased_values = 100'000;

constexpr std::string_view merge_key = "<<";
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

std::size_t count_values(const Value& value) {
  std::size_t count = 1;
  if (value.is_list()) {
    for (const Value& item : value.as_list()) count += count_values(item);
  } else if (value.is_map()) {
    for (const Member& member : value.as_map()) count += count_values(member.value);
  }
  return count;
}

/// Builds the Value tree of one document from the parser's events.
class Builder : public YAML::EventHandler {
 public:
  Builder(std::shared_ptr<const std::string> file, std::string_view source)
      : file_(std::move(file)), source_(source) {}

  Value take_root() { return std::move(root_); }

  Position position(const YAML::Mark& mark) const {
    if (mark.is_null()) return {file_, 0, 0};
    // The parser counts bytes, editors count characters: leave the continuation bytes out.
    const auto end = std::min(static_cast<std::size_t>(mark.pos), source_.size());
    const std::size_t begin = end - std::min(end, static_cast<std::size_t>(mark.column));
    const auto extra = std::count_if(source_.begin() + begin, source_.begin() + end,
                                     [](char c) { return (c & 0xC0) == 0x80; });
    return {file_, mark.line + 1, mark.column + 1 - static_cast<int>(extra)};
  }

  void OnDocumentStart(const YAML::Mark& mark) override {
    // The parser also starts a "document" at text that it cannot attach to what came before.
    if (begun_) fail(mark, "a second document starts here; a configuration file holds one");
    begun_ = true;
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (key_expected()) fail(mark, "a key is missing here");
    Value value;
    value.set_position(position(mark));
    // For `key:` without a value the parser reports whatever comes next, maybe lines below.
    if (in_map() && mark.line + 1 != open_.back().key_position.line) {
      value.set_position(open_.back().key_position);
    }
    finish(std::move(value), anchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    check_tag(mark, tag, true);
    check_closed(mark);
    const bool plain = tag == "?";
    if (key_expected()) {
      take_key(mark, text, plain);
      return;
    }
    Value value = plain ? plain_scalar(text) : Value(text);
    value.set_position(position(mark));
    finish(std::move(value), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (key_expected()) fail(mark, "a key must be a word, not an alias");
    const auto at = anchored_.find(anchor);
    // Its value is still being read, so the alias stands inside it.
    if (at == anchored_.end()) fail(mark, "this alias stands inside the value that it repeats");
    aliased_values_ += count_values(at->second);
    if (aliased_values_ > most_aliased_values) fail(mark, "aliases repeat too many values");
    finish(at->second, YAML::NullAnchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    start(mark, tag, anchor, Value::list());
  }
  void OnSequenceEnd() override { end(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    start(mark, tag, anchor, Value::map());
  }
  void OnMapEnd() override { end(); }

 private:
  /// A list or map whose end has not come yet.
  struct Open {
    Value value;
    YAML::anchor_t anchor;
    std::optional<std::string> key;  // the key that waits for its value
    Position key_position;
  };

  [[noreturn]] void fail(const YAML::Mark& mark, std::string_view what) const {
    throw ConfigError(position(mark), what);
  }

  bool in_map() const { return !open_.empty() && open_.back().value.is_map(); }
  bool key_expected() const { return in_map() && !open_.back().key; }

  void check_tag(const YAML::Mark& mark, const std::string& tag, bool scalar) const {
    // "?" is nothing said, "!" is quoted.
    if (tag.empty() || tag == "?") return;
    if (scalar && (tag == "!" || tag == "tag:yaml.org,2002:str")) return;
    fail(mark, "the tag " + quoted(tag) + " is not supported");
  }

  // A quote that is never closed swallows the rest of the file. yaml-cpp 0.7 accepts that if the
  // file ends in a line break, so the options that follow would be lost without a word.
  void check_closed(const YAML::Mark& mark) const {
    const auto begin = static_cast<std::size_t>(mark.pos);
    const std::string_view rest = source_.substr(std::min(begin, source_.size()));
    if (rest.empty() || (rest.front() != '\'' && rest.front() != '"')) return;
    const char quote = rest.front();
    for (std::size_t at = 1; at < rest.size(); ++at) {
      const bool escape = quote == '"' ? rest[at] == '\\' : rest.substr(at, 2) == "''";
      if (escape) {
        ++at;
      } else if (rest[at] == quote) {
        return;
      }
    }
    fail(mark, "this quote is never closed");
  }

  void take_key(const YAML::Mark& mark, const std::string& key, bool plain) {
    if (plain && key == merge_key) fail(mark, "merge keys ('<<') are not supported");
    Open& map = open_.back();
    for (const Member& member : map.value.as_map()) {
      if (member.key != key) continue;
      fail(mark, "key " + quoted(key) + " is given twice in one map, first in line " +
                     std::to_string(member.key_position.line));
    }
    map.key = key;
    map.key_position = position(mark);
  }

  void start(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Value value) {
    if (key_expected()) {
      fail(mark, "a key must be a word, not " + std::string(kind_name(value.kind())));
    }
    check_tag(mark, tag, false);
    value.set_position(position(mark));
    open_.push_back({std::move(value), anchor, std::nullopt, {}});
  }

  void end() {
    Open done = std::move(open_.back());
    open_.pop_back();
    finish(std::move(done.value), done.anchor);
  }

  /// Puts a complete value where it belongs.
  void finish(Value value, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) anchored_.insert_or_assign(anchor, value);
    if (open_.empty()) {
      root_ = std::move(value);
    } else if (in_map()) {
      Open& map = open_.back();
      map.value.set(std::move(*map.key), std::move(value), map.key_position);
      map.key.reset();
    } else {
      open_.back().value.append(std::move(value));
    }
  }

  std::shared_ptr<const std::string> file_;
  std::string_view source_;  // YAML::Mark::pos counts in it
  bool begun_ = false;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Value> anchored_;
  std::size_t aliased_values_ = 0;
  Value root_;
};

/// The parser's complaint, with what helps where a pattern of names, such as `*.conv?`, is read as
/// something else because it lacks its quotes.
std::string complaint(const YAML::Exception& error, std::string_view source) {
  if (error.msg.find("anchor is not defined") != std::string::npos ||
      error.msg.find("alias") != std::string::npos) {
    return "a word that begins with * repeats an anchor in YAML, and there is none of that name; "
           "put a pattern of names in quotes, as in '*.conv1'";
  }
  if (error.mark.is_null()) return error.msg;
  for (int line = 0; line < error.mark.line && !source.empty(); ++line)
    source.remove_prefix(std::min(source.find('\n'), source.size() - 1) + 1);
  const std::string_view line = source.substr(0, source.find('\n'));
  const bool pattern =
      line.find('?') != std::string_view::npos || line.find("re:") != std::string_view::npos;
  return error.msg + (pattern ? "; put a pattern of names in quotes" : "");
}

void emit_text(YAML::Emitter& out, const std::string& text) {
  // The emitter quotes most of what would break the syntax, but it lets pass: what comes back as a
  // number or a truth value, what ends a document where it starts a line, a carriage return.
  const bool plain = plain_scalar(text).is_text() && text != merge_key &&
                     text.rfind("---", 0) != 0 && text.rfind("...", 0) != 0 &&
                     text.find('\r') == std::string::npos;
  if (!plain) out << YAML::DoubleQuoted;
  out << text;
}

/// True for a list or map of scalars that is pleasant to read on one line.
bool fits_one_line(const Value& value) {
  constexpr std::size_t widest = 72;
  std::size_t width = 0;
  const auto add = [&width](const Value& item) {
    if (item.is_list() || item.is_map()) return false;
    width += scalar_text(item).size() + 2;
    return width <= widest;
  };
  if (value.is_list()) {
    for (const Value& item : value.as_list()) {
      if (!add(item)) return false;
    }
  } else {
    for (const Member& member : value.as_map()) {
      width += member.key.size() + 2;
      if (!add(member.value)) return false;
    }
  }
  return true;
}

void emit(YAML::Emitter& out, const Value& value, bool root) {
  if (value.is_list()) {
    if (fits_one_line(value)) out << YAML::Flow;
    out << YAML::BeginSeq;
    for (const Value& item : value.as_list()) emit(out, item, false);
    out << YAML::EndSeq;
  } else if (value.is_map()) {
    // A file of plain options has a line for each.
    if (value.as_map().empty() || (!root && fits_one_line(value))) out << YAML::Flow;
    out << YAML::BeginMap;
    for (const Member& member : value.as_map()) {
      out << YAML::Key;
      emit_text(out, member.key);
      out << YAML::Value;
      emit(out, member.value, false);
    }
    out << YAML::EndMap;
  } else if (value.is_text()) {
    emit_text(out, value.as_text());
  } else if (value.is_null()) {
    out << YAML::Null;
  } else {
    out << scalar_text(value);
  }
}

}  // namespace

Value read_yaml_file(const std::string& path) {
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  // A directory opens like a file and only fails when it is read.
  std::ostringstream text;
  if (in && in.peek() != std::ifstream::traits_type::eof()) text << in.rdbuf();
  if (!in.is_open() || in.bad()) {
    const std::string why = errno != 0 ? std::generic_category().message(errno) : "read error";
    throw ConfigError("cannot read " + quoted(path) + ": " + why);
  }
  return parse_yaml(text.str(), path);
}

Value parse_yaml(std::string_view text, std::string_view name) {
  const auto file = std::make_shared<const std::string>(name);
  // Somebody's checkpoint, or UTF-16.
  if (text.find('\0') != std::string_view::npos) {
    throw ConfigError(Position{file, 0, 0}, "this is not a text file in UTF-8");
  }
  if (text.substr(0, byte_order_mark.size()) == byte_order_mark) {
    text.remove_prefix(byte_order_mark.size());
  }
  Builder builder(file, text);
  try {
    std::istringstream in{std::string(text)};
    YAML::Parser parser(in);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::Exception& error) {
    throw ConfigError(builder.position(error.mark), complaint(error, text));
  }
  Value root = builder.take_root();
  if (!root.position().known()) root.set_position({file, 1, 1});
  return root;
}

std::string to_yaml(const Value& value) {
  YAML::Emitter out;
  emit(out, value, true);
  return std::string(out.c_str(), out.size()) + "\n";
}

}  // namespace espalier::compress
