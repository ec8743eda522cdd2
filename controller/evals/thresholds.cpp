#include "controller/evals/thresholds.hpp"

#include <optional>
#include <utility>

#include "controller/python/number.hpp"
#include "util/text.hpp"

namespace sweep::evals {

namespace {

using yaml::Kind;

// Returns the value of a key, as a reference that keeps it alive; null if there is none or it is null.
yaml::ValueRef value_of(const yaml::Value& dict, std::string_view key) {
  for (const yaml::Member& member : dict.members) {
    if (member.key->is(Kind::Text) && member.key->text == key)
      return member.value->is(Kind::Null) ? nullptr : member.value;
  }
  return nullptr;
}

std::string where(const yaml::Value& value) {
  return "line " + std::to_string(value.line) + ": ";
}

// Returns the number of a YAML scalar and its text in Python; std::nullopt if it is not a number.
std::optional<std::pair<double, std::string>> number_of(const yaml::Value& value) {
  if (value.is(Kind::Int)) {
    return std::pair(static_cast<double>(value.scalar.integer), std::to_string(value.scalar.integer));
  }
  if (!value.is(Kind::Float)) return std::nullopt;
  std::string text = ascii_lower(value.text);
  std::erase(text, '_');
  if (const std::size_t dot = text.find(".inf"); dot != std::string::npos) text.erase(dot, 1);
  if (text == ".nan") return std::nullopt;
  const auto number = python::parse_float(text);
  if (!number) return std::nullopt;
  return std::pair(*number, python::repr(*number));
}

Expected<Threshold> threshold_from(const yaml::Value& value, const std::string& task, std::string source) {
  if (const auto number = number_of(value))
    return Threshold{number->first, number->second, std::move(source)};
  return fail(where(value) + "the threshold of task '" + printable(task) +
              "' must be a number such as 0.9, but is " +
              (value.is(Kind::List) || value.is(Kind::Dict)
                   ? std::string(yaml::python_type(value.kind()))
                   : "'" + printable(clipped(value.text, 40)) + "' (" +
                         std::string(yaml::python_type(value.kind())) + ")"));
}

Expected<void> check_mapping(const yaml::ValueRef& value, const std::string& name) {
  if (!value || value->is(Kind::Dict)) return {};
  return fail(where(*value) + "'" + printable(name) + "' must be a mapping, but is " +
              std::string(yaml::python_type(value->kind())));
}

}  // namespace

Expected<Thresholds> Thresholds::parse(std::string_view text) {
  auto document = yaml::parse_document(text);
  if (!document) return fail("invalid YAML: " + document.error().message);
  if (!(*document)->is(Kind::Dict)) return fail("thresholds config must be a mapping");
  Thresholds out;
  out.file_ = *document;
  if (yaml::find(**document, "default") == nullptr && yaml::find(**document, "models") == nullptr) {
    out.default_ = *document;
    return out;
  }
  out.default_ = value_of(**document, "default");
  out.models_ = value_of(**document, "models");
  SWEEP_TRY(check_mapping(out.default_, "default"));
  SWEEP_TRY(check_mapping(out.models_, "models"));
  if (!out.models_) return out;
  for (const yaml::Member& model : out.models_->members)
    if (!model.value->is(Kind::Null))
      SWEEP_TRY(check_mapping(model.value, "models." + yaml::python_str(*model.key)));
  return out;
}

std::vector<std::string> Thresholds::unknown_keys() const {
  std::vector<std::string> out;
  if (!file_) return out;
  const bool only_tasks = default_ == file_;  // the older form
  const std::vector<std::string> known = {"default", "models"};
  for (const yaml::Member& member : file_->members) {
    const std::string key = yaml::python_str(*member.key);
    if (only_tasks ? !member.value->is(Kind::Dict) : key == known[0] || key == known[1]) continue;
    const auto meant = nearest(key, known);
    out.push_back(where(*member.key) + "'" + printable(key) + "' has no effect" +
                  (meant ? "; did you mean '" + *meant + "'?" : "; known keys: default, models"));
  }
  return out;
}

bool Thresholds::has_model(const std::string& prefix) const {
  return models_ && yaml::find(*models_, prefix) != nullptr;
}

Expected<Threshold> Thresholds::of(const std::string& prefix, const std::string& task,
                                   double fallback) const {
  const yaml::Value* model = models_ && !prefix.empty() ? yaml::find(*models_, prefix) : nullptr;
  if (const yaml::Value* found = model == nullptr ? nullptr : yaml::find(*model, task))
    return threshold_from(*found, task, "models." + prefix);
  if (const yaml::Value* found = default_ ? yaml::find(*default_, task) : nullptr)
    return threshold_from(*found, task, "default");
  return Threshold{fallback, python::repr(fallback), "min-score"};
}

}  // namespace sweep::evals
