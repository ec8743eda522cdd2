// A row holds the values of a processed result that tables, frontiers and plots need. The document itself,
// which is ten times as large, is not kept in memory. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "controller/report/documents.hpp"
#include "util/interned_string.hpp"

namespace sweep::report {

/// The keys whose values a row holds.
inline constexpr std::array<std::string_view, 15> kRowKeys = {"model",
                                                              "hw",
                                                              "framework",
                                                              "precision",
                                                              "tp",
                                                              "ep",
                                                              "dp_attention",
                                                              "conc",
                                                              "median_ttft",
                                                              "median_tpot",
                                                              "median_intvty",
                                                              "median_e2el",
                                                              "tput_per_gpu",
                                                              "output_tput_per_gpu",
                                                              "input_tput_per_gpu"};

/// One JSON value. Texts are interned, because many rows have the same.
class Value {
 public:
  Value() = default;  // an absent value
  explicit Value(const nlohmann::ordered_json& json);

  bool absent() const { return std::holds_alternative<std::monostate>(held_); }
  bool is_null() const { return std::holds_alternative<std::nullptr_t>(held_); }
  /// Returns the number, also if it is written as a text; std::nullopt if the value is absent or not a
  /// number.
  std::optional<double> number() const;
  /// Returns the value as Python's str() formats it; `absent` if it is absent, "unknown" if it is null.
  std::string text(const std::string& absent) const;
  /// Returns the JSON value; null if it is absent.
  nlohmann::ordered_json json() const;

 private:
  struct Nested {
    InternedString json;
  };
  std::variant<std::monostate, std::nullptr_t, bool, std::int64_t, std::uint64_t, double, InternedString,
               Nested>
      held_;
};

/// The ranges of a row whose values are medians of several repeats.
struct Spread {
  struct Range {
    double least = 0, greatest = 0;
  };
  int runs = 0;
  std::array<std::optional<Range>, kRowKeys.size()> ranges;  // in the order of kRowKeys
};

struct Row {
  std::string path;          // the document's file; may be empty
  InternedString exp_name;   // as in Document
  InternedString stand_in;   // "cpu" or "simulated" (stand_in.hpp); empty for real hardware
  bool valid = true;         // false if the result is marked as not valid (validity.hpp)
  InternedString repeat_of;  // the point that it repeats (repeats.hpp); empty if it is not a repeat
  std::array<Value, kRowKeys.size()> values;  // in the order of kRowKeys
  std::shared_ptr<const Spread> spread;       // nullptr if the row is a single result
  std::uint64_t text_at = 0, text_size = 0;   // offset and size of the document, for callers that store it

  /// Returns the value of `key`, which must be one of kRowKeys.
  const Value& operator[](std::string_view key) const;
  /// Returns the range of the repeats; std::nullopt for a single result and for keys that are not measured.
  std::optional<Spread::Range> range(std::string_view key) const;
};

/// Returns the row of `document`, which must be a processed result.
Row make_row(const Document& document);
/// Returns the rows of the processed results among `documents`.
std::vector<Row> rows_of(std::span<const Document> documents);

}  // namespace sweep::report
