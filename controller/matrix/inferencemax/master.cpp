#include "controller/matrix/inferencemax/master.hpp"

#include <algorithm>
#include <array>
#include <unordered_set>

#include "controller/matrix/other_files.hpp"
#include "controller/python/text.hpp"
#include "util/text.hpp"

namespace sweep::matrix {

namespace {

// Returns the member of a dict; nullptr if it is absent or null, which the contract treats alike.
const yaml::Value* given(const yaml::Value& dict, std::string_view field) {
  const yaml::Value* value = find(dict, field);
  return value == nullptr || value->is(yaml::Kind::Null) ? nullptr : value;
}

std::string quoted(std::string_view text) {
  return "'" + std::string(text) + "'";
}

// The fields that the short form takes from the key.
struct KeyParts {
  std::string model_prefix, precision, runner, framework;
};

// Returns true for the name of a number format followed by its bits: fp4, bf16, nvfp4.
bool looks_like_precision(std::string_view part) {
  const std::string_view kind = part.substr(0, part.find_first_of("0123456789"));
  const std::string_view bits = part.substr(kind.size());
  constexpr std::array<std::string_view, 6> kKinds = {"fp", "bf", "int", "nvfp", "mxfp", "uint"};
  return std::find(kKinds.begin(), kKinds.end(), kind) != kKinds.end() && !bits.empty() &&
         bits.find_first_not_of("0123456789") == std::string_view::npos;
}

// Splits a key of the short form. `model_prefix` and `framework` are the entry's fields, or empty; only if
// they are given and part of the key may they contain dashes. Returns std::nullopt if the key does not have
// this form, or if a part of an unknown model prefix would be taken for the precision, as in
// gpt-oss-fp4-h100-vllm.
std::optional<KeyParts> split_key(std::string_view key, const std::string& model_prefix,
                                  const std::string& framework) {
  const bool has_prefix = !model_prefix.empty() && key.starts_with(model_prefix + "-");
  const bool has_framework = !framework.empty() && key.ends_with("-" + framework);
  const std::size_t first = has_prefix ? model_prefix.size() : key.find('-');
  const std::size_t last = has_framework ? key.size() - framework.size() - 1 : key.rfind('-');
  if (first == std::string_view::npos || first >= last) return std::nullopt;
  const std::vector<std::string> middle = split(key.substr(first + 1, last - first - 1), '-');
  KeyParts out{std::string(key.substr(0, first)), middle.front(), "", std::string(key.substr(last + 1))};
  out.runner = join(std::span(middle).subspan(1), "-");
  if (out.model_prefix.empty() || out.framework.empty() || middle.size() < 2) return std::nullopt;
  if (std::find(middle.begin(), middle.end(), "") != middle.end()) return std::nullopt;
  const bool precision_follows = std::any_of(middle.begin() + 1, middle.end(), looks_like_precision);
  if (!has_prefix && precision_follows && !looks_like_precision(middle.front())) return std::nullopt;
  return out;
}

constexpr std::array<std::string_view, 8> kFullKeys = {"image",     "model",  "model-prefix",    "precision",
                                                       "framework", "runner", "seq-len-configs", "repeat"};
constexpr std::array<std::string_view, 10> kShortKeys = {
    "image",  "model", "model-prefix", "precision",    "framework",
    "runner", "isl",   "osl",          "search-space", "repeat"};
constexpr std::array<std::string_view, 16> kAllKeys = {
    "image", "model", "model-prefix", "precision", "framework", "runner",     "seq-len-configs", "repeat",
    "isl",   "osl",   "search-space", "tp",        "ep",        "conc-start", "conc-end",        "dp-attn"};
constexpr std::array<std::string_view, 3> kBlockKeys = {"isl", "osl", "search-space"};
constexpr std::array<std::string_view, 5> kElementKeys = {"tp", "conc-start", "conc-end", "ep", "dp-attn"};

using Names = std::span<const std::string_view>;

bool is_known(const yaml::Value& key, Names known) {
  return key.is(yaml::Kind::Text) && std::find(known.begin(), known.end(), key.text) != known.end();
}

// Returns "; did you mean 'conc-end'?", or "; known: …" if no known key is near.
std::string suggestion(const std::string& key, Names known) {
  const std::vector<std::string> names(known.begin(), known.end());
  const auto near = nearest(key, names);
  return near ? "; did you mean '" + *near + "'?" : "; known: " + join(names, ", ");
}

// The short form requires that seq-len-configs is absent. If it is null, the entry has the contract's form,
// which has its own message for null.
bool has_short_form(const yaml::Value& entry) {
  return find(entry, "search-space") != nullptr && find(entry, "seq-len-configs") == nullptr;
}

// Reads one entry. Every function fails with the contract's message.
class EntryReader {
 public:
  EntryReader(const RawEntry& entry, std::span<const Lengths> short_form, Notes& notes)
      : entry_(entry),
        value_(*entry.value),
        key_(python_str(*entry.key)),
        short_form_(short_form),
        notes_(notes) {}

  Expected<Config> read() {
    Config out;
    out.key = key_;
    if (!value_.is(yaml::Kind::Dict)) {
      return fail("Missing required field 'image' for key '" + key_ + "': the entry must be a dict, got " +
                  std::string(yaml::python_type(value_.kind())));
    }
    is_short_ = has_short_form(value_);
    const std::array<std::pair<std::string_view, std::string*>, 6> texts = {
        {{"image", &out.image},
         {"model", &out.model},
         {"model-prefix", &out.model_prefix},
         {"precision", &out.precision},
         {"framework", &out.framework},
         {"runner", &out.runner}}};
    for (const auto& [field, target] : texts) {
      SWEEP_ASSIGN(auto text, read_text(field));
      *target = std::move(text);
    }
    SWEEP_ASSIGN(auto blocks, is_short_ ? read_short_blocks() : read_blocks());
    out.blocks = std::move(blocks);
    const std::string place = "key '" + key_ + "'";
    SWEEP_TRY(check_keys(value_, is_short_ ? Names(kShortKeys) : Names(kFullKeys), place));
    if (const yaml::Value* given_repeat = given(value_, "repeat")) {
      Number repeat;
      SWEEP_TRY(read_number(value_, "repeat", place, repeat));
      if (repeat.is_bool || repeat.value < 1 || repeat.value > kMaxRepeats)
        return fail_at(*given_repeat,
                       "'repeat' must be between 1 and " + std::to_string(kMaxRepeats) + " in " + place);
      out.repeat = repeat.value;
    }
    return out;
  }

 private:
  Expected<std::string> read_text(std::string_view field) const {
    const yaml::Value* value = given(value_, field);
    if (value == nullptr) return is_short_ ? from_key(field) : missing_field(field);
    if (!value->is(yaml::Kind::Text)) return wrong_type(field, "str", *value);
    return value->text;
  }

  // The line of the entry itself is that of its key.
  tl::unexpected<Error> fail_at(const yaml::Value& value, std::string message) const {
    if (&value != &value_) notes_.line = value.line;
    return fail(std::move(message));
  }

  /// Reports what the Python tool accepts silently: an error in the short form, otherwise a warning.
  Expected<void> report(const yaml::Value& at, const std::string& what) const {
    if (is_short_) return fail_at(at, what);
    notes_.warnings.push_back(entry_.file + ":" + std::to_string(at.line) + ": " + what);
    return {};
  }

  /// Reports the keys of a dict that are not `known` or occur twice. `place` names the dict.
  Expected<void> check_keys(const yaml::Value& dict, Names known, const std::string& place) const {
    for (const yaml::Member& member : dict.members) {
      if (is_known(*member.key, known)) continue;
      SWEEP_TRY(report(*member.key, "unknown key '" + python_str(*member.key) + "' in " + place +
                                        suggestion(python_str(*member.key), known) +
                                        (is_short_ ? "" : "; it is ignored")));
    }
    return check_repeated(dict, place);
  }

  Expected<void> check_repeated(const yaml::Value& dict, const std::string& place) const {
    for (const yaml::ValueRef& key : dict.repeated)
      SWEEP_TRY(report(*key, "key '" + python_str(*key) + "' occurs twice in " + place + "; " +
                                 (is_short_ ? "remove one of them" : "the last value is used")));
    return {};
  }

  /// Returns a hint about the first key of the dict that is known nowhere: it may be the missing one. "" if
  /// there is none.
  std::string hint_of_unknown_key(const yaml::Value& dict) const {
    for (const yaml::Member& member : dict.members) {
      const std::string key = python_str(*member.key);
      if (is_known(*member.key, kAllKeys)) continue;
      return "; unknown key '" + key + "' (" + entry_.file + ":" + std::to_string(member.key->line) + ")" +
             suggestion(key, kAllKeys);
    }
    return {};
  }

  tl::unexpected<Error> missing_field(std::string_view field) const {
    notes_.hint = hint_of_unknown_key(value_);
    return fail("Missing required field " + quoted(field) + " for key '" + key_ + "'");
  }
  tl::unexpected<Error> wrong_type(std::string_view field, std::string_view wanted,
                                   const yaml::Value& value) const {
    return fail_at(value, "Field " + quoted(field) + " must be " + std::string(wanted) + " for key '" + key_ +
                              "', got " + std::string(yaml::python_type(value.kind())));
  }

  std::string text_or_empty(std::string_view field) const {
    const yaml::Value* value = given(value_, field);
    return value != nullptr && value->is(yaml::Kind::Text) ? value->text : "";
  }

  Expected<std::string> from_key(std::string_view field) const {
    if (field == "image" || field == "model") return missing_field(field);
    const auto parts = split_key(key_, text_or_empty("model-prefix"), text_or_empty("framework"));
    if (!parts) {
      return fail("Cannot derive " + quoted(field) + " from key '" + key_ + "' in '" + entry_.file +
                  "': write the key as <model-prefix>-<precision>-<runner>-<framework>, or add the field " +
                  quoted(field));
    }
    if (field == "model-prefix") return parts->model_prefix;
    if (field == "precision") return parts->precision;
    if (field == "framework") return parts->framework;
    return parts->runner;
  }

  Expected<std::vector<Block>> read_blocks() const {
    const yaml::Value* list = given(value_, "seq-len-configs");
    if (list == nullptr) return missing_field("seq-len-configs");
    if (!list->is(yaml::Kind::List)) return wrong_type("seq-len-configs", "list", *list);
    if (list->items.empty())
      return fail_at(*list, "'seq-len-configs' must be a non-empty list for key '" + key_ + "'");
    std::vector<Block> out;
    for (std::size_t i = 0; i < list->items.size(); ++i) {
      const yaml::Value& item = *list->items[i];
      const std::string place = "seq-len-config[" + std::to_string(i) + "] for key '" + key_ + "'";
      Block block;
      SWEEP_TRY(read_number(item, "isl", place, block.isl));
      SWEEP_TRY(read_number(item, "osl", place, block.osl));
      SWEEP_ASSIGN(auto elements, read_search_space(item, " in " + place, " of " + place));
      SWEEP_TRY(check_keys(item, kBlockKeys, place));
      block.search_space = std::move(elements);
      out.push_back(std::move(block));
    }
    return out;
  }

  Expected<std::vector<Block>> read_short_blocks() const {
    const std::string place = "key '" + key_ + "'";
    Block block;
    const bool own_lengths = given(value_, "isl") != nullptr || given(value_, "osl") != nullptr;
    if (own_lengths) {
      SWEEP_TRY(read_number(value_, "isl", place, block.isl));
      SWEEP_TRY(read_number(value_, "osl", place, block.osl));
    }
    SWEEP_ASSIGN(auto elements, read_search_space(value_, " for " + place, " for " + place));
    block.search_space = std::move(elements);
    if (own_lengths) return std::vector<Block>{std::move(block)};
    std::vector<Block> out;
    for (const Lengths& lengths : short_form_) {
      block.isl = {lengths.isl, false};
      block.osl = {lengths.osl, false};
      out.push_back(block);
    }
    return out;
  }

  // In messages, `list_suffix` follows the name of the list and `element_suffix` the name of an element.
  Expected<std::vector<Element>> read_search_space(const yaml::Value& owner, const std::string& list_suffix,
                                                   const std::string& element_suffix) const {
    const yaml::Value* list = given(owner, "search-space");
    if (list == nullptr || !list->is(yaml::Kind::List) || list->items.empty()) {
      if (list == nullptr) notes_.hint = hint_of_unknown_key(owner);
      return fail_at(list == nullptr ? owner : *list, "Missing or invalid 'search-space'" + list_suffix);
    }
    std::vector<Element> out;
    out.reserve(list->items.size());
    for (std::size_t j = 0; j < list->items.size(); ++j) {
      SWEEP_ASSIGN(auto element,
                   read_element(*list->items[j], "search-space[" + std::to_string(j) + "]" + element_suffix));
      out.push_back(std::move(element));
    }
    return out;
  }

  Expected<Element> read_element(const yaml::Value& value, std::string place) const {
    if (!value.is(yaml::Kind::Dict)) {
      return fail_at(value, "Missing 'tp' in " + place + ": the element must be a dict, got " +
                                std::string(yaml::python_type(value.kind())));
    }
    SWEEP_TRY(check_fields(value, place));
    Element out;
    for (const auto& [field, target] : {std::pair<std::string_view, Number*>{"tp", &out.tp},
                                        {"conc-start", &out.conc_start},
                                        {"conc-end", &out.conc_end}}) {
      SWEEP_TRY(read_number(value, field, place, *target));
    }
    if (given(value, "ep") != nullptr) {
      Number ep;
      SWEEP_TRY(read_number(value, "ep", place, ep));
      out.ep = ep;
    }
    if (const yaml::Value* dp_attn = given(value, "dp-attn")) {
      if (!dp_attn->is(yaml::Kind::Bool)) return fail_at(*dp_attn, "'dp-attn' must be bool in " + place);
      out.dp_attn = dp_attn->scalar.truth;
    }
    SWEEP_TRY(check_repeated(value, place));
    if (out.conc_start.value > out.conc_end.value)
      SWEEP_TRY(report(*given(value, "conc-start"), "conc-start " + std::to_string(out.conc_start.value) +
                                                        " is above conc-end " +
                                                        std::to_string(out.conc_end.value) + " in " + place +
                                                        ", so it makes no point; swap the two values"));
    out.place = std::move(place);
    return out;
  }

  Expected<void> check_fields(const yaml::Value& element, const std::string& place) const {
    std::vector<std::string> extra;
    const yaml::Value* first = nullptr;
    for (const yaml::Member& member : element.members) {
      const yaml::Value& key = *member.key;
      if (is_known(key, kElementKeys)) continue;
      extra.push_back(key.is(yaml::Kind::Text) ? python::repr(key.text) : python_str(key));
      if (first == nullptr) first = &key;
    }
    if (first == nullptr) return {};
    notes_.hint = suggestion(python_str(*first), kElementKeys);
    return fail_at(*first, "Extra fields " + python::set(std::move(extra)) + " in " + place);
  }

  Expected<void> read_number(const yaml::Value& owner, std::string_view field, const std::string& place,
                             Number& out) const {
    const yaml::Value* value = given(owner, field);
    if (value == nullptr) {
      notes_.hint = hint_of_unknown_key(owner);
      return fail_at(owner, "Missing " + quoted(field) + " in " + place);
    }
    if (value->is(yaml::Kind::Bool)) {
      out = {value->scalar.truth ? 1 : 0, true};
      return {};
    }
    if (!value->is(yaml::Kind::Int)) {
      notes_.hint = ", got " +
                    (value->is(yaml::Kind::Text) ? python::repr(value->text) : python_str(*value)) +
                    "; write a number without quotes or decimal point";
      return fail_at(*value, quoted(field) + " must be int in " + place);
    }
    out = {value->scalar.integer, false};
    if (value->scalar.huge || out.value > kMaxNumber || out.value < -kMaxNumber) {
      const std::string limit = std::to_string(kMaxNumber);
      return fail_at(*value, quoted(field) + " must be between -" + limit + " and " + limit + " in " + place +
                                 ", got " + value->text);
    }
    return {};
  }

  const RawEntry& entry_;
  const yaml::Value& value_;
  std::string key_;
  std::span<const Lengths> short_form_;
  Notes& notes_;
  bool is_short_ = false;
};

// Reports entries that a file has twice: the points of the first one would silently be left out.
Expected<void> check_repeated_entries(const std::string& file, const yaml::Value& document, Notes* notes) {
  for (const yaml::ValueRef& key : document.repeated) {
    const std::string name = python_str(*key), place = file + ":" + std::to_string(key->line) + ": ";
    const yaml::Value* entry = find(document, name);
    if (entry != nullptr && has_short_form(*entry))
      return fail(place + "entry '" + name + "' occurs twice; rename or remove one of them");
    if (notes != nullptr)
      notes->warnings.push_back(place + "entry '" + name +
                                "' occurs twice; only the points of the last one are used");
  }
  return {};
}

}  // namespace

Expected<void> add_entries(const SourceFile& file, std::vector<RawEntry>& entries, Notes* notes) {
  const auto document = yaml::parse_document(file.bytes);
  if (!document) return fail("Config file '" + file.name + "': " + document.error().message);
  return add_entries(file.name, *document, entries, notes);
}

Expected<void> add_entries(const std::string& name, const yaml::ValueRef& document,
                           std::vector<RawEntry>& entries, Notes* notes) {
  if (!document->is(yaml::Kind::Dict)) return fail("Config file '" + name + "' must contain a dictionary");
  if (const std::string other = kind_of_other_file(*document); !other.empty())
    return fail("Config file '" + name + "' is not a benchmark matrix: " + other);
  SWEEP_TRY(check_repeated_entries(name, *document, notes));
  std::unordered_set<std::string> known;
  for (const RawEntry& entry : entries)
    known.insert(python_str(*entry.key));
  std::vector<std::string> duplicates;
  for (const yaml::Member& member : document->members) {
    if (known.contains(python_str(*member.key))) duplicates.push_back(python_str(*member.key));
    entries.push_back({member.key, member.value, name});
  }
  if (duplicates.empty()) return {};
  std::sort(duplicates.begin(), duplicates.end());
  return fail("Duplicate configuration keys found in '" + name + "': " + join(duplicates, ", "));
}

Expected<Config> check_entry(const RawEntry& entry, std::span<const Lengths> short_form, Notes& notes) {
  notes.line = entry.key->line;
  notes.hint.clear();
  return EntryReader(entry, short_form, notes).read();
}

Expected<std::vector<Config>> check_entries(std::span<const RawEntry> entries,
                                            std::span<const Lengths> short_form) {
  std::vector<Config> out;
  Notes notes;
  for (const RawEntry& entry : entries) {
    SWEEP_ASSIGN(auto config, check_entry(entry, short_form, notes));
    out.push_back(std::move(config));
  }
  return out;
}

}  // namespace sweep::matrix
