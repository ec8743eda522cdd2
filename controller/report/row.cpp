#include "controller/report/row.hpp"

#include <algorithm>
#include <cassert>

#include "controller/python/json_read.hpp"
#include "controller/python/json_text.hpp"
#include "controller/python/number.hpp"
#include "controller/report/repeats.hpp"
#include "controller/report/stand_in.hpp"
#include "controller/report/validity.hpp"
#include "util/json.hpp"

namespace sweep::report {

namespace {

using Json = nlohmann::ordered_json;

}  // namespace

Value::Value(const Json& json) {
  switch (json.type()) {
    case Json::value_t::null:
      held_ = nullptr;
      break;
    case Json::value_t::boolean:
      held_ = json.get<bool>();
      break;
    case Json::value_t::number_integer:
      held_ = json.get<std::int64_t>();
      break;
    case Json::value_t::number_unsigned:
      held_ = json.get<std::uint64_t>();
      break;
    case Json::value_t::number_float:
      held_ = json.get<double>();
      break;
    case Json::value_t::string:
      held_ = InternedString(json.get_ref<const std::string&>());
      break;
    default:
      held_ = Nested{InternedString(python::json_text(json, -1))};
  }
}

Json Value::json() const {
  return std::visit(
      [](const auto& held) -> Json {
        using Held = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<Held, std::monostate>) {
          return nullptr;
        } else if constexpr (std::is_same_v<Held, InternedString>) {
          return held.str();
        } else if constexpr (std::is_same_v<Held, Nested>) {
          return python::read_json(held.json.str()).value_or(Json());
        } else {
          return held;
        }
      },
      held_);
}

std::optional<double> Value::number() const {
  if (const auto* text = std::get_if<InternedString>(&held_)) return python::parse_float(text->str());
  if (const auto* number = std::get_if<double>(&held_)) return *number;
  const Json value = json();
  return value.is_number() ? std::optional(value.get<double>()) : std::nullopt;
}

std::string Value::text(const std::string& absent) const {
  if (this->absent()) return absent;
  if (const auto* text = std::get_if<InternedString>(&held_)) return text->str();
  if (is_null()) return "unknown";
  if (const auto* truth = std::get_if<bool>(&held_)) return *truth ? "True" : "False";
  return python::json_text(json(), -1);
}

namespace {

std::size_t index_of(std::string_view key) {
  const auto* const found = std::find(kRowKeys.begin(), kRowKeys.end(), key);
  assert(found != kRowKeys.end());
  return static_cast<std::size_t>(found - kRowKeys.begin());
}

}  // namespace

const Value& Row::operator[](std::string_view key) const {
  return values[index_of(key)];
}

std::optional<Spread::Range> Row::range(std::string_view key) const {
  return spread == nullptr ? std::nullopt : spread->ranges[index_of(key)];
}

Row make_row(const Document& document) {
  Row row;
  row.path = document.path;
  row.exp_name = document.exp_name;
  row.stand_in = stand_in(document.json).value_or("");
  row.valid = !is_marked_invalid(document.json);
  row.repeat_of = repeat_of(document.json);
  for (std::size_t i = 0; i < kRowKeys.size(); ++i) {
    const auto found = document.json.find(kRowKeys[i]);
    if (found != document.json.end()) row.values[i] = Value(*found);
  }
  return row;
}

std::vector<Row> rows_of(std::span<const Document> documents) {
  std::vector<Row> rows;
  for (const Document& document : documents) {
    if (is_processed_result(document.json)) rows.push_back(make_row(document));
  }
  return rows;
}

}  // namespace sweep::report
