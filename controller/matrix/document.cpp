// yaml-cpp's events are turned into our own tree here. yaml-cpp speaks in exceptions; they end in this file.
#include "controller/matrix/document.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <optional>
#include <sstream>
#include <unordered_map>
#include <utility>

#include "controller/matrix/source_text.hpp"

namespace sweep::matrix {

namespace {

constexpr std::size_t kSmallDict = 16;  // below this, comparing keys beats hashing them

[[noreturn]] void refuse(const YAML::Mark& mark, const std::string& message) {
  throw YAML::ParserException(mark, message);
}

YAML::Mark mark_of(const Value& value) {
  YAML::Mark mark;
  mark.line = value.line - 1;
  mark.column = value.column - 1;
  return mark;
}

// yaml-cpp writes the escapes "\N" and "\_" as the bytes 0x85 and 0xa0; everything else is UTF-8.
std::string whole_utf8(const std::string& text) {
  if (std::all_of(text.begin(), text.end(), [](char c) { return (c & 0x80) == 0; })) return text;
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto lead = static_cast<unsigned char>(text[at]);
    const std::size_t length = lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (lead >= 0x80 && lead < 0xc0) out += '\xc2';
    out.append(text, at, length);
    at += length;
  }
  return out;
}

// Whether the quoted scalar that begins at `at` (its tag and anchor before it) has no closing quote.
bool is_unclosed(std::string_view source, std::size_t at) {
  while (at < source.size() && (source[at] == '!' || source[at] == '&')) {
    at = source.find_first_not_of(" \t\n", source.find_first_of(" \t\n", at));
  }
  if (at >= source.size() || (source[at] != '"' && source[at] != '\'')) return false;
  const char quote = source[at];
  for (++at; at < source.size(); ++at) {
    if (quote == '"' && source[at] == '\\') {
      ++at;
    } else if (source[at] == quote) {
      if (quote == '"' || at + 1 == source.size() || source[at + 1] != quote) return false;
      ++at;
    }
  }
  return true;
}

// Whether the key that begins at `at` ends without a colon; after "? " a key may.
bool lacks_colon(std::string_view source, std::size_t at) {
  const std::size_t before = at == 0 ? std::string_view::npos : source.find_last_not_of(" \t\n", at - 1);
  if (before != std::string_view::npos && source[before] == '?') return false;
  for (at = source.find(':', at); at != std::string_view::npos; at = source.find(':', at + 1)) {
    if (at + 1 == source.size() || source[at + 1] == ' ' || source[at + 1] == '\t' || source[at + 1] == '\n')
      return false;
  }
  return true;
}

bool same_key(const Value& a, const Value& b) {
  return a.kind() == b.kind() && python_str(a) == python_str(b);
}

// Puts `members` into a dict: the first of equal keys gives the place, the last the value.
void fill_dict(Value& dict, const std::vector<Member>& members) {
  std::unordered_map<std::string, std::size_t> places;
  for (const Member& member : members) {
    Member* known = nullptr;
    if (members.size() <= kSmallDict) {
      for (Member& candidate : dict.members) {
        if (same_key(*candidate.key, *member.key)) known = &candidate;
      }
    } else {
      const std::string name = std::to_string(static_cast<int>(member.key->kind())) + python_str(*member.key);
      const auto [place, is_new] = places.emplace(name, dict.members.size());
      if (!is_new) known = &dict.members[place->second];
    }
    if (known != nullptr) {
      known->value = member.value;
    } else {
      dict.members.push_back(member);
    }
  }
}

class TreeBuilder : public YAML::EventHandler {
 public:
  explicit TreeBuilder(std::string_view source) : source_(source) {}

  ValueRef root() const { return root_; }
  // Where a second document begins, when there is one.
  bool has_second() const { return documents_ > 1; }
  const YAML::Mark& second() const { return second_; }

  // Refuses what yaml-cpp lets pass at the end of a file that was cut off: a quote that is not closed, a last
  // line that is a key without its colon.
  void check_end() const {
    if (!last_scalar_) return;
    const auto at = static_cast<std::size_t>(last_scalar_->pos);
    if (is_unclosed(source_, at)) refuse(*last_scalar_, "the quote that begins here is not closed");
    if (bare_key_ && lacks_colon(source_, at)) refuse(*last_scalar_, "a ':' is missing after this key");
  }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ == 2) second_ = mark;
    anchors_.clear();
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const bool in_block = !frames_.empty() && frames_.back().block_map;
    const bool is_key = in_block && frames_.back().values.size() % 2 == 0;
    const auto at = static_cast<std::size_t>(mark.pos);
    if (is_key && at < source_.size() && source_[at] == ':') refuse(mark, "a key is missing before this ':'");
    if (is_key) last_scalar_ = mark;  // ~ or null
    bare_key_ = in_block && !is_key && after_scalar_;
    after_scalar_ = is_key;
    Value value;
    value.scalar.kind = Kind::Null;
    add(mark, anchor, std::move(value));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    after_scalar_ = bare_key_ = false;
    if (anchor >= anchors_.size() || !anchors_[anchor]) refuse(mark, "an alias stands inside what it names");
    place(mark, anchors_[anchor]);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    Value value;
    value.text = whole_utf8(text);
    last_scalar_ = mark;
    after_scalar_ = true;
    bare_key_ = false;
    if (tag == "?") {
      if (text.find('\t') != std::string::npos) refuse(mark, "a tab stands in this text: remove or quote it");
      value.scalar = read_plain_scalar(text);
      value.merge_key = text == "<<";
    } else if (tag != "!" && !tag.empty()) {
      auto scalar = read_tagged_scalar(tag, text);
      if (!scalar) refuse(mark, scalar.error().message);
      value.scalar = *scalar;
    }
    add(mark, anchor, std::move(value));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    open(mark, tag, "tag:yaml.org,2002:seq", {mark, anchor, false, {}});
  }

  void OnSequenceEnd() override {
    Frame frame = close();
    Value list;
    list.scalar.kind = Kind::List;
    for (const ValueRef& item : frame.values)
      grow(frame.mark, list, *item);
    list.items = std::move(frame.values);
    add(frame.mark, frame.anchor, std::move(list));
  }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override {
    open(mark, tag, "tag:yaml.org,2002:map", {mark, anchor, style == YAML::EmitterStyle::Block, {}});
  }

  void OnMapEnd() override {
    Frame frame = close();
    std::vector<Member> merged;
    std::vector<Member> own;
    for (std::size_t i = 0; i + 1 < frame.values.size(); i += 2) {
      const Value& key = *frame.values[i];
      if (key.is(Kind::List) || key.is(Kind::Dict)) refuse(mark_of(key), "a list or mapping cannot be a key");
      if (key.merge_key) {
        merge(merged, *frame.values[i + 1]);
      } else {
        own.push_back({frame.values[i], frame.values[i + 1]});
      }
    }
    merged.insert(merged.end(), own.begin(), own.end());
    Value dict;
    dict.scalar.kind = Kind::Dict;
    fill_dict(dict, merged);
    for (const Member& member : dict.members) {
      grow(frame.mark, dict, *member.key);
      grow(frame.mark, dict, *member.value);
    }
    add(frame.mark, frame.anchor, std::move(dict));
  }

 private:
  struct Frame {
    YAML::Mark mark;
    YAML::anchor_t anchor = 0;
    bool block_map = false;
    std::vector<ValueRef> values;
  };

  void open(const YAML::Mark& mark, const std::string& tag, const char* own_tag, Frame frame) {
    after_scalar_ = bare_key_ = false;
    if (tag != "?" && tag != "!" && !tag.empty() && tag != own_tag) {
      refuse(mark, "the tag '" + tag + "' is not known here: leave it out");
    }
    if (frames_.size() >= kMaxDepth)
      refuse(mark, "nested deeper than " + std::to_string(kMaxDepth) + " levels");
    if (frame.anchor != 0) remember(frame.anchor, nullptr);
    frames_.push_back(std::move(frame));
  }

  Frame close() {
    Frame frame = std::move(frames_.back());
    frames_.pop_back();
    return frame;
  }

  void remember(YAML::anchor_t anchor, ValueRef value) {
    if (anchors_.size() <= anchor) anchors_.resize(anchor + 1);
    anchors_[anchor] = std::move(value);
  }

  void add(const YAML::Mark& mark, YAML::anchor_t anchor, Value value) {
    value.line = mark.line + 1;
    value.column = mark.column + 1;
    auto shared = std::make_shared<const Value>(std::move(value));
    if (anchor != 0) remember(anchor, shared);
    place(mark, std::move(shared));
  }

  void place(const YAML::Mark& mark, ValueRef value) {
    if (++count_ > kMaxValues) refuse_size(mark);
    if (!frames_.empty()) {
      frames_.back().values.push_back(std::move(value));
    } else if (documents_ <= 1) {
      root_ = std::move(value);
    }
  }

  static void grow(const YAML::Mark& mark, Value& parent, const Value& child) {
    parent.size += child.size;  // cannot wrap: both are at most kMaxValues
    if (parent.size > kMaxValues) refuse_size(mark);
    if (child.depth >= parent.depth) parent.depth = child.depth + 1;
    if (parent.depth > kMaxDepth) refuse(mark, "nested deeper than " + std::to_string(kMaxDepth) + " levels");
  }

  // PyYAML's order: of several sources the first wins, so the last stands first and is overwritten.
  void merge(std::vector<Member>& into, const Value& source) {
    if (source.is(Kind::Dict)) {
      merged_ += source.members.size();
      if (merged_ > kMaxValues) refuse_size(mark_of(source));
      into.insert(into.end(), source.members.begin(), source.members.end());
      return;
    }
    if (!source.is(Kind::List)) refuse(mark_of(source), "only a mapping or a list of mappings can follow <<");
    for (std::size_t i = source.items.size(); i > 0; --i) {
      const Value& part = *source.items[i - 1];
      if (!part.is(Kind::Dict)) refuse(mark_of(part), "only a mapping or a list of mappings can follow <<");
      if (++merged_ > kMaxValues) refuse_size(mark_of(source));
      merge(into, part);
    }
  }

  [[noreturn]] static void refuse_size(const YAML::Mark& mark) {
    refuse(mark, "more than " + std::to_string(kMaxValues) +
                     " values, aliases and merges counted in full: split the file");
  }

  std::string_view source_;
  ValueRef root_;
  int documents_ = 0;
  YAML::Mark second_;
  std::optional<YAML::Mark> last_scalar_;
  bool after_scalar_ = false;  // the last event was a scalar
  bool bare_key_ = false;      // the last node is nothing, after a scalar as its key, in a block mapping
  std::size_t count_ = 0, merged_ = 0;
  std::vector<Frame> frames_;
  std::vector<ValueRef> anchors_;  // by yaml-cpp's number; null while the value is still open
};

std::string place_text(const YAML::Mark& mark) {
  if (mark.is_null()) return "";
  return "line " + std::to_string(mark.line + 1) + ", column " + std::to_string(mark.column + 1) + ": ";
}

}  // namespace

Expected<ValueRef> parse_document(std::string_view text) {
  auto source = plain_source(text);
  if (!source) return tl::unexpected(source.error());
  TreeBuilder builder(*source);
  try {
    std::istringstream in(*source);
    YAML::Parser parser(in);
    while (!builder.has_second() && parser.HandleNextDocument(builder)) {
    }
    if (!builder.has_second()) builder.check_end();
  } catch (const YAML::Exception& e) {
    if (!builder.has_second()) return fail(place_text(e.mark) + e.msg);
  }
  if (builder.has_second()) {
    return fail(
        place_text(builder.second()) +
        "something follows the first document: a file holds one; check the indentation or remove the '---'");
  }
  if (builder.root()) return builder.root();
  Value nothing;
  nothing.scalar.kind = Kind::Null;
  return std::make_shared<const Value>(std::move(nothing));
}

const Value* find(const Value& dict, std::string_view key) {
  for (const Member& member : dict.members) {
    if (member.key->is(Kind::Text) && member.key->text == key) return member.value.get();
  }
  return nullptr;
}

std::string python_str(const Value& value) {
  switch (value.kind()) {
    case Kind::Null:
      return "None";
    case Kind::Bool:
      return value.scalar.truth ? "True" : "False";
    case Kind::Int:
      return value.scalar.huge ? value.text : std::to_string(value.scalar.integer);
    case Kind::Float:
    case Kind::Date:
    case Kind::DateTime:
    case Kind::Bytes:
    case Kind::Text:
    case Kind::List:
    case Kind::Dict:
      break;
  }
  return value.text;
}

}  // namespace sweep::matrix
