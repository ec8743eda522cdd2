#include "controller/matrix/inferencex/object_reader.hpp"

#include <algorithm>

#include "controller/python/text.hpp"
#include "util/text.hpp"

namespace sweep::matrix::inferencex {

namespace {

std::string in_quotes(std::string_view text) {
  return "'" + std::string(text) + "'";
}

std::vector<std::string> as_strings(ObjectReader::Names names) {
  return {names.begin(), names.end()};
}

bool is_one_of(const yaml::Value& key, ObjectReader::Names names) {
  return key.is(yaml::Kind::Text) && std::find(names.begin(), names.end(), key.text) != names.end();
}

}  // namespace

std::string Path::text() const {
  if (above_ == nullptr) return {};
  std::string out = above_->text();
  if (!out.empty()) out += ".";
  return out + (index_ < 0 ? std::string(name_) : std::to_string(index_));
}

tl::unexpected<Error> Subject::problem(const yaml::Value& at, const Path& path,
                                       const std::string& reason) const {
  const std::string place = path.text();
  return fail(file + ":" + std::to_string(at.line) + ": " + head + " " + (place.empty() ? "" : place + ": ") +
              reason);
}

Expected<void> ObjectReader::check_mapping() const {
  if (value_.is(yaml::Kind::Dict)) return {};
  return problem("must be a mapping with the keys " + join(as_strings(known_), ", ") + ", got " +
                 shown(value_));
}

Expected<void> ObjectReader::check_unknown() const {
  for (const yaml::Member& member : value_.members) {
    if (is_one_of(*member.key, known_)) continue;
    const std::string name = python_str(*member.key);
    const auto near = nearest(name, as_strings(known_));
    return subject_.problem(*member.key, Path(path_, name),
                            "unknown key; " + (near ? "did you mean '" + *near + "'?"
                                                    : "known keys: " + join(as_strings(known_), ", ")));
  }
  return {};
}

const yaml::Value* ObjectReader::given(std::string_view name) const {
  const yaml::Value* value = find(name);
  return value == nullptr || value->is(yaml::Kind::Null) ? nullptr : value;
}

Expected<const yaml::Value*> ObjectReader::required(std::string_view name) const {
  if (const yaml::Value* value = find(name)) return value;
  for (const yaml::Member& member : value_.members) {
    if (is_one_of(*member.key, known_)) continue;
    const std::string other = python_str(*member.key);
    if (nearest(other, as_strings(known_)) != std::string(name)) continue;
    return subject_.problem(*member.key, Path(path_, name),
                            "required key is missing, and '" + printable(other) +
                                "' is unknown; rename it to '" + std::string(name) + "'");
  }
  return problem(name, "required key is missing; add it");
}

Expected<std::string> ObjectReader::text(std::string_view name) const {
  SWEEP_ASSIGN(const yaml::Value* value, required(name));
  if (value->is(yaml::Kind::Text)) return value->text;
  return problem(name, "must be text, got " + shown(*value) + "; write it in quotes");
}

Expected<std::optional<std::string>> ObjectReader::optional_text(std::string_view name) const {
  if (given(name) == nullptr) return std::nullopt;
  SWEEP_ASSIGN(auto text, this->text(name));
  if (text.empty()) return problem(name, "must not be empty; give a text or remove the key");
  return text;
}

Expected<std::string> ObjectReader::choice(std::string_view name, Names choices,
                                           std::string_view fallback) const {
  const yaml::Value* value = find(name);
  if (value == nullptr) return std::string(fallback);
  if (is_one_of(*value, choices)) return value->text;
  std::vector<std::string> quoted;
  for (const std::string_view choice : choices)
    quoted.push_back(in_quotes(choice));
  return problem(name, "must be " + listed(quoted, "or") + ", got " + shown(*value));
}

Expected<Scalar> integer_at(const yaml::Value& value, const Path& path, const Subject& subject) {
  const auto number = read_integer(value);
  if (!number)
    return subject.problem(value, path,
                           "must be an integer, got " + shown(value) + "; write a number without decimals");
  if (!is_in_range(*number) || value.scalar.huge) {
    const std::string limit = std::to_string(kMaxMagnitude);
    return subject.problem(value, path,
                           "must be between -" + limit + " and " + limit + ", got " + shown(value));
  }
  return *number;
}

Expected<Scalar> ObjectReader::integer(std::string_view name) const {
  SWEEP_ASSIGN(const yaml::Value* value, required(name));
  return integer_at(*value, Path(path_, name), subject_);
}

Expected<std::optional<Scalar>> ObjectReader::optional_integer(std::string_view name) const {
  if (given(name) == nullptr) return std::nullopt;
  return integer(name);
}

Expected<Scalar> ObjectReader::size(std::string_view name) const {
  const yaml::Value* value = find(name);
  if (value == nullptr) return scalar(1);
  const auto number = read_strict_integer(*value);
  if (!number) return problem(name, "must be an integer without quotes or decimals, got " + shown(*value));
  if (number->number <= 0) return problem(name, "must be greater than 0, got " + shown(*value));
  return integer(name);
}

Expected<Scalar> ObjectReader::boolean(std::string_view name) const {
  SWEEP_ASSIGN(const yaml::Value* value, required(name));
  if (const auto truth = read_boolean(*value)) return *truth;
  return problem(name, "must be true or false, got " + shown(*value));
}

Expected<std::optional<Scalar>> ObjectReader::optional_boolean(std::string_view name) const {
  if (given(name) == nullptr) return std::nullopt;
  return boolean(name);
}

Expected<std::span<const yaml::ValueRef>> ObjectReader::list(std::string_view name) const {
  SWEEP_ASSIGN(const yaml::Value* value, required(name));
  if (value->is(yaml::Kind::List)) return std::span<const yaml::ValueRef>(value->items);
  return problem(name, "must be a list, got " + shown(*value));
}

tl::unexpected<Error> ObjectReader::problem(std::string_view name, const std::string& reason) const {
  const yaml::Value* value = find(name);
  return subject_.problem(value == nullptr ? value_ : *value, Path(path_, name), reason);
}

tl::unexpected<Error> ObjectReader::problem(const std::string& reason) const {
  return subject_.problem(value_, path_, reason);
}

std::string shown(const yaml::Value& value) {
  switch (value.kind()) {
    case yaml::Kind::Null:
      return "null";
    case yaml::Kind::Text:
      return python::repr(value.text);
    case yaml::Kind::List:
      return "a list";
    case yaml::Kind::Dict:
      return "a mapping";
    default:
      return value.text;
  }
}

}  // namespace sweep::matrix::inferencex
