// Builds the tree from libyaml's events. libyaml is a C port of PyYAML's scanner and parser, so both accept
// the same syntax. A rejected document throws Refused, which parse_document catches; no exception leaves this
// file.
#include "controller/yaml/document.hpp"

#include <yaml.h>

#include <new>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "controller/yaml/source_text.hpp"
#include "util/text.hpp"

namespace sweep::yaml {

namespace {

constexpr std::size_t kSmallDict = 16;  // up to this size, comparing keys is faster than hashing them

struct Refused {
  std::string message;
};

// A position in the file, counted from 1.
struct Mark {
  int line = 0, column = 0;
};

Mark mark_of(const yaml_mark_t& mark) {
  return {static_cast<int>(mark.line) + 1, static_cast<int>(mark.column) + 1};
}

Mark mark_of(const Value& value) {
  return {value.line, value.column};
}

std::string place_text(const Mark& mark) {
  return "line " + std::to_string(mark.line) + ", column " + std::to_string(mark.column) + ": ";
}

[[noreturn]] void refuse(const Mark& mark, const std::string& message) {
  throw Refused{place_text(mark) + message};
}

// One event of libyaml; frees what the event owns.
class Event {
 public:
  explicit Event(yaml_parser_t& parser) : filled_(yaml_parser_parse(&parser, &event_) != 0) {}
  ~Event() {
    if (filled_) yaml_event_delete(&event_);
  }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  bool filled() const { return filled_; }
  const yaml_event_t* operator->() const { return &event_; }

 private:
  yaml_event_t event_{};
  bool filled_;
};

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {
    if (yaml_parser_initialize(&parser_) == 0) throw std::bad_alloc();
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()), text.size());
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
  }
  ~Parser() { yaml_parser_delete(&parser_); }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  yaml_parser_t& get() { return parser_; }
  // Throws libyaml's error together with the construct that it was parsing.
  [[noreturn]] void refuse_problem() const {
    if (parser_.error == YAML_MEMORY_ERROR) throw std::bad_alloc();
    std::string message = parser_.problem == nullptr ? "not valid YAML" : parser_.problem;
    if (parser_.context != nullptr) {
      const Mark began = mark_of(parser_.context_mark);
      // A truncated file or a typing error usually gives one of these two. libyaml reports where it noticed
      // the error; we report where the error must be corrected.
      if (message == "could not find expected ':'") refuse(began, "a ':' is missing after this key");
      if (message == "found unexpected end of stream")
        refuse(began, "the quote that begins here is not closed");
      message = parser_.context + std::string(" that begins in line ") + std::to_string(began.line) +
                ", column " + std::to_string(began.column) + ", " + message;
    }
    refuse(mark_of(parser_.problem_mark),
           message + remedy(parser_.problem == nullptr ? "" : parser_.problem));
  }

 private:
  // Returns what to do about a character with which no value begins, or about an indentation that fits no
  // line above; "" if libyaml's words have to do.
  std::string remedy(std::string_view problem) const {
    if (problem == "did not find expected '-' indicator" || problem == "did not find expected key")
      return "; check the indentation and the key of this line and of the one above";
    if (problem != "found character that cannot start any token") return "";
    std::size_t at = 0;
    for (std::size_t left = parser_.problem_mark.index; left > 0 && at < text_.size(); --left) {
      do {
        ++at;
      } while (at < text_.size() && (text_[at] & 0xc0) == 0x80);  // the rest of a UTF-8 character
    }
    const char c = at < text_.size() ? text_[at] : ' ';
    if (c == '\t') return "; it is a tab: indent with spaces";
    if (c == '@' || c == '`' || c == '%')
      return std::string("; put the value that begins with ") + c + " in quotes";
    return "";
  }

  yaml_parser_t parser_{};
  std::string_view text_;  // UTF-8
};

std::string text_of(const yaml_char_t* text) {
  return text == nullptr ? std::string() : std::string(reinterpret_cast<const char*>(text));
}

bool same_key(const Value& a, const Value& b) {
  return a.kind() == b.kind() && python_str(a) == python_str(b);
}

// Returns `members` with unique keys. Of members with equal keys, the first determines the position and the last the
// value.
std::vector<Member> unique_members(const std::vector<Member>& members) {
  std::vector<Member> out;
  out.reserve(members.size());
  std::unordered_map<std::string, std::size_t> places;
  for (const Member& member : members) {
    Member* known = nullptr;
    if (members.size() <= kSmallDict) {
      for (Member& candidate : out) {
        if (same_key(*candidate.key, *member.key)) known = &candidate;
      }
    } else {
      const std::string name = std::to_string(static_cast<int>(member.key->kind())) + python_str(*member.key);
      const auto [place, is_new] = places.emplace(name, out.size());
      if (!is_new) known = &out[place->second];
    }
    if (known != nullptr) {
      known->value = member.value;
    } else {
      out.push_back(member);
    }
  }
  return out;
}

// Returns the keys of `members` that an earlier member has, too.
std::vector<ValueRef> repeated_keys(const std::vector<Member>& members) {
  std::unordered_set<std::string> seen;
  std::vector<ValueRef> out;
  for (const Member& member : members) {
    const std::string name = std::to_string(static_cast<int>(member.key->kind())) + python_str(*member.key);
    if (!seen.insert(name).second) out.push_back(member.key);
  }
  return out;
}

class TreeBuilder {
 public:
  ValueRef root() const { return root_; }

  void take(const Event& event) {
    const Mark mark = mark_of(event->start_mark);
    switch (event->type) {
      case YAML_DOCUMENT_START_EVENT:
        if (++documents_ > 1)
          refuse(
              mark,
              "a second YAML document starts here; a file may contain only one: remove the '---' or '...'");
        return;
      case YAML_ALIAS_EVENT:
        return take_alias(mark, text_of(event->data.alias.anchor));
      case YAML_SCALAR_EVENT:
        return take_scalar(mark, event->data.scalar);
      case YAML_SEQUENCE_START_EVENT:
        return open(mark, text_of(event->data.sequence_start.tag), "tag:yaml.org,2002:seq",
                    text_of(event->data.sequence_start.anchor));
      case YAML_MAPPING_START_EVENT:
        return open(mark, text_of(event->data.mapping_start.tag), "tag:yaml.org,2002:map",
                    text_of(event->data.mapping_start.anchor));
      case YAML_SEQUENCE_END_EVENT:
        return end_sequence();
      case YAML_MAPPING_END_EVENT:
        return end_mapping();
      default:
        return;
    }
  }

 private:
  struct Frame {
    Mark mark;
    std::string anchor;
    std::vector<ValueRef> values;
  };

  void take_alias(const Mark& mark, const std::string& name) {
    const auto found = anchors_.find(name);
    if (found == anchors_.end())
      refuse(mark, "undefined alias '*" + name + "': define '&" + name + "' before it");
    if (!found->second) refuse(mark, "the alias '*" + name + "' is inside the value that it refers to");
    place(mark, found->second);
  }

  template <class ScalarEvent>
  void take_scalar(const Mark& mark, const ScalarEvent& event) {
    Value value;
    value.text.assign(reinterpret_cast<const char*>(event.value), event.length);
    // PyYAML accepts it, but neither variables, arguments nor file names can contain it: they would be cut
    // here.
    if (value.text.find('\0') != std::string::npos)
      refuse(mark, "this text contains the character NUL (\\0): remove it");
    if (event.plain_implicit != 0) {
      if (value.text.find('\t') != std::string::npos)  // libyaml treats a tab as a space, PyYAML fails
        refuse(mark, "this text contains a tab: remove the tab or quote the text");
      if (value.text == "=") refuse(mark, "a plain '=' has a special meaning in YAML 1.1: quote it");
      value.scalar = read_plain_scalar(value.text);
      value.merge_key = value.text == "<<";
    } else if (event.quoted_implicit == 0 && text_of(event.tag) != "!") {
      auto read = read_tagged_scalar(text_of(event.tag), value.text);
      if (!read) refuse(mark, read.error().message);
      value.scalar = *read;
    }
    define_anchor(mark, text_of(event.anchor));
    add(mark, text_of(event.anchor), std::move(value));
  }

  // Registers an anchor. Fails if the name is already defined, as PyYAML does.
  void define_anchor(const Mark& mark, const std::string& anchor) {
    if (!anchor.empty() && !anchors_.emplace(anchor, nullptr).second)
      refuse(mark, "the anchor '&" + anchor + "' is defined twice: rename one of them");
  }

  static void refuse_merge_key(const Value& value) {
    if (value.merge_key) refuse(mark_of(value), "'<<' cannot be a value: quote it");
  }

  void end_sequence() {
    Frame frame = close();
    Value list;
    list.scalar.kind = Kind::List;
    for (const ValueRef& item : frame.values) {
      refuse_merge_key(*item);
      count_child(frame.mark, list, *item);
    }
    list.items = std::move(frame.values);
    add(frame.mark, frame.anchor, std::move(list));
  }

  void end_mapping() {
    Frame frame = close();
    std::vector<Member> merged;
    std::vector<Member> own;
    for (std::size_t i = 0; i + 1 < frame.values.size(); i += 2) {
      const Value& key = *frame.values[i];
      if (key.is(Kind::List) || key.is(Kind::Dict)) refuse(mark_of(key), "a list or mapping cannot be a key");
      refuse_merge_key(*frame.values[i + 1]);
      if (key.merge_key) {
        merge(merged, *frame.values[i + 1]);
      } else {
        own.push_back({frame.values[i], frame.values[i + 1]});
      }
    }
    const std::size_t merged_from_others = merged.size();
    merged.insert(merged.end(), own.begin(), own.end());
    Value dict;
    dict.scalar.kind = Kind::Dict;
    dict.members = unique_members(merged);
    // Only if members were dropped can there be a key that the file has twice.
    if (dict.members.size() < merged_from_others + own.size()) dict.repeated = repeated_keys(own);
    for (const Member& member : dict.members) {
      count_child(frame.mark, dict, *member.key);
      count_child(frame.mark, dict, *member.value);
    }
    add(frame.mark, frame.anchor, std::move(dict));
  }

  void open(const Mark& mark, const std::string& tag, const char* standard_tag, std::string anchor) {
    if (tag != "!" && !tag.empty() && tag != standard_tag) {
      refuse(mark, "unsupported tag '" + tag + "' on a list or mapping: remove it");
    }
    if (frames_.size() >= kMaxDepth) refuse_depth(mark);
    define_anchor(mark, anchor);
    frames_.push_back({mark, std::move(anchor), {}});
  }

  Frame close() {
    Frame frame = std::move(frames_.back());
    frames_.pop_back();
    return frame;
  }

  void add(const Mark& mark, const std::string& anchor, Value value) {
    value.line = mark.line;
    value.column = mark.column;
    auto shared = std::make_shared<const Value>(std::move(value));
    if (!anchor.empty()) anchors_[anchor] = shared;
    place(mark, std::move(shared));
  }

  void place(const Mark& mark, ValueRef value) {
    if (++count_ > kMaxValues) refuse_size(mark);
    if (!frames_.empty()) {
      frames_.back().values.push_back(std::move(value));
    } else {
      root_ = std::move(value);
    }
  }

  // Adds the child's size and depth to the parent's. Fails if a limit is exceeded.
  static void count_child(const Mark& mark, Value& parent, const Value& child) {
    parent.size += child.size;  // cannot overflow: both are at most kMaxValues
    if (parent.size > kMaxValues) refuse_size(mark);
    if (child.depth >= parent.depth) parent.depth = static_cast<std::uint16_t>(child.depth + 1);
    if (parent.depth > kMaxDepth) refuse_depth(mark);
  }

  // Appends the members of `source`, the value of a << key, which must be a mapping or a list of mappings. As
  // in PyYAML's flatten_mapping, the first mapping of a list has precedence, so the list is appended from its
  // end.
  void merge(std::vector<Member>& into, const Value& source) {
    if (source.is(Kind::Dict)) {
      merged_ += source.members.size();
      if (merged_ > kMaxValues) refuse_size(mark_of(source));
      into.insert(into.end(), source.members.begin(), source.members.end());
      return;
    }
    if (!source.is(Kind::List)) refuse_merge(source);
    for (std::size_t i = source.items.size(); i > 0; --i) {
      const Value& part = *source.items[i - 1];
      if (!part.is(Kind::Dict)) refuse_merge(part);
      if (++merged_ > kMaxValues) refuse_size(mark_of(source));
      merge(into, part);
    }
  }

  [[noreturn]] static void refuse_merge(const Value& source) {
    refuse(mark_of(source), "the value of '<<' must be a mapping or a list of mappings");
  }

  [[noreturn]] static void refuse_size(const Mark& mark) {
    refuse(mark, "more than " + std::to_string(kMaxValues) +
                     " values (each alias and merge counts in full): split the file");
  }

  [[noreturn]] static void refuse_depth(const Mark& mark) {
    refuse(mark, "nested more than " + std::to_string(kMaxDepth) + " levels deep: flatten the file");
  }

  ValueRef root_;
  int documents_ = 0;
  std::size_t count_ = 0, merged_ = 0;
  std::vector<Frame> frames_;
  std::unordered_map<std::string, ValueRef> anchors_;  // nullptr until the value is complete
};

}  // namespace

Expected<ValueRef> parse_document(std::string_view text) {
  SWEEP_ASSIGN(auto source, plain_source(text));
  TreeBuilder builder;
  try {
    Parser parser(source);
    for (bool more = true; more;) {
      const Event event(parser.get());
      if (!event.filled()) parser.refuse_problem();
      builder.take(event);
      more = event->type != YAML_STREAM_END_EVENT;
    }
  } catch (const Refused& refused) {
    return fail(printable(refused.message));  // a message may quote names and tags from the file
  }
  if (builder.root()) return builder.root();
  Value null;
  null.scalar.kind = Kind::Null;
  return std::make_shared<const Value>(std::move(null));
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

}  // namespace sweep::yaml
