#include "controller/matrix/master.hpp"

#include <algorithm>
#include <array>
#include <unordered_set>

#include "controller/matrix/python_text.hpp"
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

// Reads one entry. Every function fails with the contract's message.
class EntryReader {
 public:
  EntryReader(const RawEntry& entry, std::span<const Lengths> short_form)
      : entry_(entry), value_(*entry.value), key_(python_str(*entry.key)), short_form_(short_form) {}

  Expected<Config> read() {
    Config out;
    out.key = key_;
    if (!value_.is(yaml::Kind::Dict)) {
      return fail("Missing required field 'image' for key '" + key_ + "': the entry must be a dict, got " +
                  std::string(yaml::python_type(value_.kind())));
    }
    // The short form requires that seq-len-configs is absent. If it is null, the entry has the contract's
    // form, which has its own message for null.
    is_short_ = find(value_, "search-space") != nullptr && find(value_, "seq-len-configs") == nullptr;
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
    if (given(value_, "repeat") == nullptr) return out;
    const std::string place = "key '" + key_ + "'";
    Number repeat;
    SWEEP_TRY(read_number(value_, "repeat", place, repeat));
    if (repeat.is_bool || repeat.value < 1 || repeat.value > kMaxRepeats)
      return fail("'repeat' must be between 1 and " + std::to_string(kMaxRepeats) + " in " + place);
    out.repeat = repeat.value;
    return out;
  }

 private:
  Expected<std::string> read_text(std::string_view field) const {
    const yaml::Value* value = given(value_, field);
    if (value == nullptr) return is_short_ ? from_key(field) : missing_field(field);
    if (!value->is(yaml::Kind::Text)) return wrong_type(field, "str", *value);
    return value->text;
  }

  tl::unexpected<Error> missing_field(std::string_view field) const {
    return fail("Missing required field " + quoted(field) + " for key '" + key_ + "'");
  }
  tl::unexpected<Error> wrong_type(std::string_view field, std::string_view wanted,
                                   const yaml::Value& value) const {
    return fail("Field " + quoted(field) + " must be " + std::string(wanted) + " for key '" + key_ +
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
    if (list->items.empty()) return fail("'seq-len-configs' must be a non-empty list for key '" + key_ + "'");
    std::vector<Block> out;
    for (std::size_t i = 0; i < list->items.size(); ++i) {
      const yaml::Value& item = *list->items[i];
      const std::string place = "seq-len-config[" + std::to_string(i) + "] for key '" + key_ + "'";
      Block block;
      SWEEP_TRY(read_number(item, "isl", place, block.isl));
      SWEEP_TRY(read_number(item, "osl", place, block.osl));
      SWEEP_ASSIGN(auto elements, read_search_space(item, " in " + place, " of " + place));
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
      return fail("Missing or invalid 'search-space'" + list_suffix);
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

  static Expected<Element> read_element(const yaml::Value& value, std::string place) {
    if (!value.is(yaml::Kind::Dict)) {
      return fail("Missing 'tp' in " + place + ": the element must be a dict, got " +
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
      if (!dp_attn->is(yaml::Kind::Bool)) return fail("'dp-attn' must be bool in " + place);
      out.dp_attn = dp_attn->scalar.truth;
    }
    out.place = std::move(place);
    return out;
  }

  static Expected<void> check_fields(const yaml::Value& element, const std::string& place) {
    constexpr std::array<std::string_view, 5> kKnown = {"tp", "conc-start", "conc-end", "ep", "dp-attn"};
    std::vector<std::string> extra;
    for (const yaml::Member& member : element.members) {
      const yaml::Value& key = *member.key;
      if (!key.is(yaml::Kind::Text)) {
        extra.push_back(python_str(key));
      } else if (std::find(kKnown.begin(), kKnown.end(), key.text) == kKnown.end()) {
        extra.push_back(python_repr(key.text));
      }
    }
    if (extra.empty()) return {};
    return fail("Extra fields " + python_set(std::move(extra)) + " in " + place);
  }

  static Expected<void> read_number(const yaml::Value& owner, std::string_view field,
                                    const std::string& place, Number& out) {
    const yaml::Value* value = given(owner, field);
    if (value == nullptr) return fail("Missing " + quoted(field) + " in " + place);
    if (value->is(yaml::Kind::Bool)) {
      out = {value->scalar.truth ? 1 : 0, true};
      return {};
    }
    if (!value->is(yaml::Kind::Int)) return fail(quoted(field) + " must be int in " + place);
    out = {value->scalar.integer, false};
    if (value->scalar.huge || out.value > kMaxNumber || out.value < -kMaxNumber) {
      const std::string limit = std::to_string(kMaxNumber);
      return fail(quoted(field) + " must be between -" + limit + " and " + limit + " in " + place + ", got " +
                  value->text);
    }
    return {};
  }

  const RawEntry& entry_;
  const yaml::Value& value_;
  std::string key_;
  std::span<const Lengths> short_form_;
  bool is_short_ = false;
};

}  // namespace

Expected<void> add_entries(const SourceFile& file, std::vector<RawEntry>& entries) {
  const auto document = yaml::parse_document(file.bytes);
  if (!document) return fail("Config file '" + file.name + "': " + document.error().message);
  if (!(*document)->is(yaml::Kind::Dict))
    return fail("Config file '" + file.name + "' must contain a dictionary");
  std::unordered_set<std::string> known;
  for (const RawEntry& entry : entries)
    known.insert(python_str(*entry.key));
  std::vector<std::string> duplicates;
  for (const yaml::Member& member : (*document)->members) {
    if (known.contains(python_str(*member.key))) duplicates.push_back(python_str(*member.key));
    entries.push_back({member.key, member.value, file.name});
  }
  if (duplicates.empty()) return {};
  std::sort(duplicates.begin(), duplicates.end());
  return fail("Duplicate configuration keys found in '" + file.name + "': " + join(duplicates, ", "));
}

Expected<std::vector<Config>> check_entries(std::span<const RawEntry> entries,
                                            std::span<const Lengths> short_form) {
  std::vector<Config> out;
  for (const RawEntry& entry : entries) {
    SWEEP_ASSIGN(auto config, EntryReader(entry, short_form).read());
    out.push_back(std::move(config));
  }
  return out;
}

}  // namespace sweep::matrix
