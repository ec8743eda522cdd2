// A row: what remains of a processed result once it is read. Tables, frontiers and plots need its few names
// and medians; the document itself, ten times as large, lies where it came from. Pure.
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

/// The keys whose values a row keeps.
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

/// One JSON value, small where there are many alike.
class Value {
 public:
  Value() = default;  // absent
  explicit Value(const nlohmann::ordered_json& json);

  bool absent() const { return std::holds_alternative<std::monostate>(held_); }
  bool is_null() const { return std::holds_alternative<std::nullptr_t>(held_); }
  /// The number, which may be spelled as text; nothing when it is absent or no number.
  std::optional<double> number() const;
  /// The text: `absent` where the key is missing, "unknown" where it is null, other values as Python's str()
  /// shows them.
  std::string text(const std::string& absent) const;
  /// The value as it was; null where it is absent.
  nlohmann::ordered_json json() const;

 private:
  struct Nested {
    InternedString json;
  };
  std::variant<std::monostate, std::nullptr_t, bool, std::int64_t, std::uint64_t, double, InternedString,
               Nested>
      held_;
};

/// Of a row that stands for several repeats of one point: each value is their median.
struct Spread {
  struct Range {
    double least = 0, greatest = 0;
  };
  int runs = 0;
  std::array<std::optional<Range>, kRowKeys.size()> ranges;  // in the order of kRowKeys
};

struct Row {
  std::string path;          // of its document; may be empty
  InternedString exp_name;   // as in Document
  InternedString stand_in;   // what stood in for the hardware (stand_in.hpp); empty: nothing did
  bool valid = true;         // false where it says that it is not (validity.hpp)
  InternedString repeat_of;  // which point it repeats (repeats.hpp); empty: none
  std::array<Value, kRowKeys.size()> values;  // in the order of kRowKeys
  std::shared_ptr<const Spread> spread;       // null: one result
  std::uint64_t text_at = 0, text_size = 0;   // where the document lies, for who keeps it

  /// The value of one of kRowKeys.
  const Value& operator[](std::string_view key) const;
  /// Between which values the repeats lie; nothing for one result, and for what is no measured number.
  std::optional<Spread::Range> range(std::string_view key) const;
};

/// `document` must be a processed result.
Row make_row(const Document& document);
/// The rows of the processed results among `documents`.
std::vector<Row> rows_of(std::span<const Document> documents);

}  // namespace sweep::report
