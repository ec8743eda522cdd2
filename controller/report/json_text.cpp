#include "controller/report/json_text.hpp"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <limits>
#include <utility>
#include <vector>

#include "controller/report/python_number.hpp"
#include "proto/base/text.hpp"

namespace sweep::report {

namespace {

using Json = nlohmann::ordered_json;

// What Python writes and reads and the parser does not take. NaN and Infinity are handed to it as null, with
// a note of which nulls they were; half of a surrogate pair, which stands for no character, as U+FFFD.
struct Prepared {
  std::string text;                                   // empty when there is nothing of this in the bytes
  std::deque<std::pair<std::size_t, double>> values;  // number of the null, counted from 0, and its value
};

// The UTF-16 unit of an escape \uXXXX at the head of `text`; 0 when there is none.
unsigned escaped_unit(std::string_view text) {
  if (text.size() < 6 || !text.starts_with("\\u")) return 0;
  unsigned value = 0;
  const auto [end, code] = std::from_chars(text.data() + 2, text.data() + 6, value, 16);
  return code == std::errc() && end == text.data() + 6 ? value : 0;
}

// How many bytes of the escape at the head of `text` belong together.
struct Escape {
  std::size_t bytes = 2;
  bool half_pair = false;
};

Escape escape_at(std::string_view text) {
  constexpr auto kIsHigh = [](unsigned unit) { return unit >= 0xd800 && unit < 0xdc00; };
  constexpr auto kIsLow = [](unsigned unit) { return unit >= 0xdc00 && unit < 0xe000; };
  const unsigned unit = escaped_unit(text);
  if (kIsHigh(unit) && kIsLow(escaped_unit(text.substr(6)))) return {12, false};
  if (kIsHigh(unit) || kIsLow(unit)) return {6, true};
  return {};
}

Prepared prepare(std::string_view bytes) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  static const std::pair<std::string_view, double> kWords[] = {
      {"NaN", std::numeric_limits<double>::quiet_NaN()}, {"Infinity", kInfinity}, {"-Infinity", -kInfinity}};
  Prepared out;
  std::size_t nulls = 0, copied = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const char c = bytes[i];
    if (in_string) {
      if (c == '"') in_string = false;
      if (c != '\\') continue;
      const Escape escape = escape_at(bytes.substr(i));
      if (escape.half_pair) {
        out.text.append(bytes, copied, i - copied).append("\\ufffd");
        copied = i + escape.bytes;
      }
      i += escape.bytes - 1;
    } else if (c == '"') {
      in_string = true;
    } else if (c == 'n') {
      ++nulls;
    } else if (c == 'N' || c == 'I' || c == '-') {
      for (const auto& [word, value] : kWords) {
        if (!bytes.substr(i).starts_with(word)) continue;
        out.values.emplace_back(nulls++, value);
        out.text.append(bytes, copied, i - copied).append("null");
        copied = i + word.size();
        i = copied - 1;
        break;
      }
    }
  }
  if (copied > 0) out.text.append(bytes, copied);
  return out;
}

// Builds the value from the parser's events. Returning false ends the parse.
class Builder {
 public:
  Builder(ReadDepth depth, std::deque<std::pair<std::size_t, double>> special)
      : flat_(depth == ReadDepth::TopLevel), special_(std::move(special)) {}

  bool null() {
    const std::size_t number = nulls_++;
    if (special_.empty() || special_.front().first != number) return add(nullptr);
    const double value = special_.front().second;
    special_.pop_front();
    return add(value);
  }
  bool boolean(bool value) { return add(value); }
  bool number_integer(std::int64_t value) { return add(value); }
  bool number_unsigned(std::uint64_t value) { return add(value); }
  bool number_float(double value, const std::string&) { return add(value); }
  bool string(std::string& value) { return add(std::move(value)); }
  bool binary(Json::binary_t&) { return false; }
  bool start_object(std::size_t) { return open(Json::object()); }
  bool start_array(std::size_t) { return open(Json::array()); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }

  bool key(std::string& name) {
    if (skipped_ > 0) return true;
    if (open_.back()->size() >= kMaxJsonKeys) {
      return complain("an object has more than " + std::to_string(kMaxJsonKeys) + " keys");
    }
    key_ = std::move(name);
    return true;
  }

  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& error) {
    std::string_view text = error.what();  // "[json.exception.parse_error.101] parse error at line …"
    if (const std::size_t end = text.find("] "); end != std::string_view::npos) text.remove_prefix(end + 2);
    return complain(printable(text.substr(0, 200)));
  }

  Expected<Json> result() && {
    if (!problem_.empty()) return fail(std::move(problem_));
    return std::move(root_);
  }

 private:
  bool complain(std::string problem) {
    problem_ = std::move(problem);
    return false;
  }

  Json* place(Json value) {
    if (open_.empty()) return &(root_ = std::move(value));
    Json& parent = *open_.back();
    if (parent.is_object()) return &(parent[key_] = std::move(value));
    parent.push_back(std::move(value));
    return &parent.back();
  }

  bool add(Json value) {
    if (skipped_ == 0) place(std::move(value));
    return true;
  }

  bool open(Json container) {
    if (open_.size() + skipped_ >= kMaxJsonDepth) {
      return complain("nests deeper than " + std::to_string(kMaxJsonDepth));
    }
    if (skipped_ > 0) {
      ++skipped_;
      return true;
    }
    Json* placed = place(std::move(container));
    if (flat_ && !open_.empty()) {
      skipped_ = 1;
    } else {
      open_.push_back(placed);  // stays valid: nothing is added to its parent before it is closed
    }
    return true;
  }

  bool close() {
    if (skipped_ > 0) {
      --skipped_;
    } else {
      open_.pop_back();
    }
    return true;
  }

  bool flat_;
  std::deque<std::pair<std::size_t, double>> special_;
  std::size_t nulls_ = 0, skipped_ = 0;
  Json root_;
  std::vector<Json*> open_;
  std::string key_, problem_;
};

void append_escape(std::string& out, std::uint32_t unit) {
  char buffer[12];
  std::snprintf(buffer, sizeof buffer, "\\u%04x", unit);
  out += buffer;
}

struct CodePoint {
  std::uint32_t value;
  std::size_t bytes;
};

// The code point that `text`, not empty, starts with; U+FFFD for a byte that starts none.
CodePoint first_code_point(std::string_view text) {
  constexpr CodePoint kBroken{0xfffd, 1};
  const auto byte = [&](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i]));
  };
  const std::uint32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return kBroken;
  std::uint32_t value = lead & (0x7fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return kBroken;
    value = (value << 6) | (byte(i) & 0x3f);
  }
  constexpr std::uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  if (value < kLeast[length] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) return kBroken;
  return {value, length};
}

void append_string(std::string& out, std::string_view text) {
  static constexpr std::string_view kSpecial = "\"\\\n\r\t\f\b", kLetters = "\"\\nrtfb";
  out += '"';
  while (!text.empty()) {
    const CodePoint point = first_code_point(text);
    const std::size_t special = point.bytes == 1 ? kSpecial.find(text[0]) : std::string_view::npos;
    if (special != std::string_view::npos) {
      out += '\\';
      out += kLetters[special];
    } else if (point.value >= 0x20 && point.value < 0x7f) {
      out += text[0];
    } else if (point.value < 0x10000) {
      append_escape(out, point.value);
    } else {
      append_escape(out, 0xd800 + ((point.value - 0x10000) >> 10));
      append_escape(out, 0xdc00 + ((point.value - 0x10000) & 0x3ff));
    }
    text.remove_prefix(point.bytes);
  }
  out += '"';
}

void append_float(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value > 0 ? "Infinity" : "-Infinity";
  } else {
    out += python_repr(value);
  }
}

void append_separator(std::string& out, bool first, int indent, int level) {
  if (!first) out += indent < 0 ? ", " : ",";
  if (indent >= 0) out.append("\n").append(static_cast<std::size_t>(indent * level), ' ');
}

void append_container(std::string& out, const Json& value, int indent, int level) {
  const bool object = value.is_object();
  out += object ? '{' : '[';
  bool first = true;
  for (auto item = value.begin(); item != value.end(); ++item) {
    append_separator(out, std::exchange(first, false), indent, level + 1);
    if (object) {
      append_string(out, item.key());
      out += ": ";
    }
    append_python_json(out, *item, indent, level + 1);
  }
  if (!first && indent >= 0) append_separator(out, true, indent, level);
  out += object ? '}' : ']';
}

}  // namespace

Expected<Json> read_json(std::string_view bytes, ReadDepth depth) {
  Prepared prepared = prepare(bytes);
  const std::string_view text = prepared.text.empty() ? bytes : std::string_view(prepared.text);
  Builder builder(depth, std::move(prepared.values));
  Json::sax_parse(text.begin(), text.end(), &builder);
  return std::move(builder).result();
}

void append_python_json(std::string& out, const Json& value, int indent, int level) {
  switch (value.type()) {
    case Json::value_t::object:
    case Json::value_t::array:
      return append_container(out, value, indent, level);
    case Json::value_t::string:
      return append_string(out, value.get_ref<const std::string&>());
    case Json::value_t::number_float:
      return append_float(out, value.get<double>());
    case Json::value_t::boolean:
      out += value.get<bool>() ? "true" : "false";
      return;
    case Json::value_t::number_integer:
      out += std::to_string(value.get<std::int64_t>());
      return;
    case Json::value_t::number_unsigned:
      out += std::to_string(value.get<std::uint64_t>());
      return;
    default:
      out += "null";
  }
}

std::string python_json(const Json& value, int indent) {
  std::string out;
  append_python_json(out, value, indent, 0);
  return out;
}

}  // namespace sweep::report
