#include "controller/report/client_result.hpp"

#include <array>
#include <cmath>
#include <vector>

#include "controller/python/json_read.hpp"
#include "controller/python/value.hpp"
#include "util/text.hpp"

namespace sweep::report {

namespace {

using Json = nlohmann::ordered_json;

tl::unexpected<Error> missing(const char* key) {
  return fail("the result has no '" + std::string(key) +
              "'; it must have model_id, max_concurrency, total_token_throughput and output_throughput, as "
              "serving clients write them when they finish");
}

// A client that was not told how many requests to keep in flight reports none.
constexpr const char* kNoConcurrency =
    "the result has no 'max_concurrency'; add --max-concurrency \"$CONC\" to the client's command";

tl::unexpected<Error> wrong(const char* key, const Json& value, const char* expected) {
  return fail("'" + std::string(key) + "' in the result must be " + expected + ", but is " +
              python::shown_value(value));
}

Expected<double> number_at(const Json& result, const char* key) {
  const auto found = result.find(key);
  if (found == result.end()) return missing(key);
  const auto number = python::float_of(*found);
  if (!number) return wrong(key, *found, "a number");
  return *number;
}

Expected<std::int64_t> integer_at(const Json& result, const char* key) {
  const auto found = result.find(key);
  if (found == result.end()) return missing(key);
  const auto number = python::int_of(*found);
  if (!number) return wrong(key, *found, "an integer");
  return *number;
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

// A key of the client's result that add_statistics() converts.
struct Statistic {
  bool milliseconds, tpot;
  explicit Statistic(const std::string& key)
      : milliseconds(key.ends_with("ms")), tpot(key.find("tpot") != std::string::npos) {}
  bool converted() const { return milliseconds || tpot; }
};

constexpr std::size_t kMaxShownKey = 60;  // bytes

// The times that tables and plots show. A client may leave them out: vLLM's does not report e2el by default.
constexpr std::array<const char*, 4> kMedians = {"median_ttft_ms", "median_tpot_ms", "median_itl_ms",
                                                 "median_e2el_ms"};

// Returns false also for null, which clients write for a value that they do not have.
bool has(const Json& result, const char* key) {
  const auto found = result.find(key);
  return found != result.end() && !found->is_null();
}

Expected<void> check_quantity(const Json& result, const char* key) {
  SWEEP_ASSIGN(const auto value, number_at(result, key));
  if (std::isfinite(value) && value >= 0) return {};
  return wrong(key, *result.find(key), "a finite number that is not negative");
}

}  // namespace

Expected<Json> read_result(std::string_view bytes) {
  auto result = python::read_json(bytes, python::ReadDepth::TopLevel);
  if (!result) return fail("the result is not valid JSON: " + result.error().message);
  if (!result->is_object())
    return fail("the result must be a JSON object, but is " + python::shown_value(*result));
  return result;
}

Expected<RequiredValues> required_values(const Json& result) {
  const auto concurrency = result.find("max_concurrency");
  if (concurrency == result.end() || concurrency->is_null()) return fail(kNoConcurrency);
  SWEEP_ASSIGN(const auto conc, integer_at(result, "max_concurrency"));
  const auto model = result.find("model_id");
  if (model == result.end()) return missing("model_id");
  SWEEP_ASSIGN(const auto total, number_at(result, "total_token_throughput"));
  SWEEP_ASSIGN(const auto output, number_at(result, "output_throughput"));
  return RequiredValues{conc, *model, total, output};
}

void add_statistics(const Json& result, Json& record) {
  for (const auto& [key, value] : result.items()) {
    const Statistic statistic(key);
    if (!statistic.converted()) continue;
    const auto number = python::float_of(value);
    if (!number) continue;
    std::string name = key;
    replace_all(name, "_ms", "");
    if (statistic.milliseconds) record[name] = *number / 1000.0;
    if (statistic.tpot && *number != 0) {
      replace_all(name, "tpot", "intvty");
      record[name] = 1000.0 / *number;
    }
  }
}

std::string omitted_statistics(const Json& result) {
  std::vector<std::string> omitted;
  for (const auto& [key, value] : result.items()) {
    const Statistic statistic(key);
    if (!statistic.converted()) continue;
    const auto number = python::float_of(value);
    const std::string name = "'" + printable(clipped(key, kMaxShownKey)) + "'";
    if (!number) {
      omitted.push_back(name + " is not a number but " + python::shown_value(value));
    } else if (statistic.tpot && *number == 0) {
      omitted.push_back(name + " is 0, so it has no interactivity");
    }
  }
  if (omitted.empty()) return {};
  constexpr std::size_t kMostNamed = 4;
  const std::size_t more = omitted.size() > kMostNamed ? omitted.size() - kMostNamed : 0;
  omitted.resize(omitted.size() - more);
  return "left out of the record: " + join(omitted, "; ") +
         (more == 0 ? std::string() : "; and " + counted(more, "other statistic"));
}

Expected<Json> check_result(std::string_view bytes) {
  const auto result = read_result(bytes);
  if (!result) return result;
  SWEEP_ASSIGN(const auto required, required_values(*result));
  if (!required.model.is_string() || required.model.get_ref<const std::string&>().empty())
    return wrong("model_id", required.model, "the model's name");
  for (const char* key : {"max_concurrency", "completed"}) {
    if (!has(*result, key)) continue;
    SWEEP_ASSIGN(const auto count, integer_at(*result, key));
    if (count < 1)
      return fail("'" + std::string(key) + "' in the result must be at least 1, but is " +
                  std::to_string(count) +
                  (key == std::string_view("completed") ? ": no request completed" : ""));
  }
  for (const char* key : {"duration", "total_token_throughput", "output_throughput"}) {
    if (has(*result, key)) SWEEP_TRY(check_quantity(*result, key));
  }
  for (const char* key : kMedians) {
    if (has(*result, key)) SWEEP_TRY(check_quantity(*result, key));
  }
  return result;
}

std::string missing_statistics(const Json& result) {
  std::vector<std::string> names;
  for (const char* key : kMedians) {
    if (!has(result, key)) names.emplace_back(key);
  }
  if (names.empty()) return {};
  return "the result has no " + join(names, ", ") +
         ", so tables and plots lack these times; add --percentile-metrics ttft,tpot,itl,e2el to the client's "
         "command";
}

}  // namespace sweep::report
