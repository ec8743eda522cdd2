#include "controller/report/process_result.hpp"

#include <array>
#include <cmath>
#include <cstdint>
#include <utility>

#include "controller/report/json_read.hpp"
#include "controller/report/json_text.hpp"
#include "controller/report/python_number.hpp"
#include "controller/report/stand_in.hpp"
#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep::report {

namespace {

using Json = nlohmann::ordered_json;

// Returns Python's float(value); std::nullopt if Python would raise an exception.
std::optional<double> as_number(const Json& value) {
  if (value.is_number()) return value.get<double>();
  if (value.is_boolean()) return value.get<bool>() ? 1.0 : 0.0;
  if (value.is_string()) return python_float(value.get_ref<const std::string&>());
  return std::nullopt;
}

// Returns Python's int(value); std::nullopt if Python would raise an exception or the value does not fit into
// 64 bits.
std::optional<std::int64_t> as_integer(const Json& value) {
  if (value.is_number_float()) {
    const double number = value.get<double>();
    if (!(std::abs(number) < 9e18)) return std::nullopt;
    return static_cast<std::int64_t>(number);
  }
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX) return std::nullopt;
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (value.is_boolean()) return value.get<bool>() ? 1 : 0;
  if (value.is_string()) return python_int(value.get_ref<const std::string&>());
  return std::nullopt;
}

// Returns the value for an error message.
std::string shown(const Json& value) {
  if (value.is_array()) return "a list";
  if (value.is_object()) return "an object";
  return printable(python_json(value, -1).substr(0, 60));
}

tl::unexpected<Error> missing(const char* key) {
  return fail("the result has no '" + std::string(key) +
              "'; it must have model_id, max_concurrency, total_token_throughput and output_throughput, as "
              "serving clients write them when they finish");
}

// A client that was not told how many requests to keep in flight reports none.
constexpr const char* kNoConcurrency =
    "the result has no 'max_concurrency'; add --max-concurrency \"$CONC\" to the client's command";

tl::unexpected<Error> wrong(const char* key, const Json& value, const char* expected) {
  return fail("'" + std::string(key) + "' in the result must be " + expected + ", but is " + shown(value));
}

Expected<double> number_at(const Json& result, const char* key) {
  const auto found = result.find(key);
  if (found == result.end()) return missing(key);
  const auto number = as_number(*found);
  if (!number) return wrong(key, *found, "a number");
  return *number;
}

Expected<std::int64_t> integer_at(const Json& result, const char* key) {
  const auto found = result.find(key);
  if (found == result.end()) return missing(key);
  const auto number = as_integer(*found);
  if (!number) return wrong(key, *found, "an integer");
  return *number;
}

Expected<std::int64_t> variable(const char* name, const std::optional<std::string>& text) {
  if (!text)
    return fail("the environment variable " + std::string(name) + " is not set; set it to an integer");
  const auto value = python_int(*text);
  if (!value) return fail(std::string(name) + " must be an integer, but is '" + printable(*text) + "'");
  return *value;
}

Expected<std::int64_t> gpus(const char* name, const std::optional<std::string>& text) {
  auto value = variable(name, text);
  if (value && *value < 1) {
    return fail(std::string(name) + " must be at least 1, because throughput is divided by it, but is '" +
                printable(*text) + "'");
  }
  return value;
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

Json text_or_null(const std::optional<std::string>& text) {
  return text ? Json(*text) : Json(nullptr);
}

// Adds the client's statistics, converted from milliseconds to seconds, and for each tpot its interactivity
// in tokens per second and user: 1000 / tpot.
void add_statistics(const Json& result, Json& data) {
  for (const auto& [key, value] : result.items()) {
    const bool milliseconds = key.ends_with("ms"), tpot = key.find("tpot") != std::string::npos;
    if (!milliseconds && !tpot) continue;
    const auto number = as_number(value);
    if (!number) continue;
    std::string name = key;
    replace_all(name, "_ms", "");
    if (milliseconds) data[name] = *number / 1000.0;
    if (tpot && *number != 0) {
      replace_all(name, "tpot", "intvty");
      data[name] = 1000.0 / *number;
    }
  }
}

struct GpuCounts {
  std::int64_t tp = 1, ep = 1, prefill = 1, decode = 1;
};

Expected<GpuCounts> gpu_counts(const ResultContext& context) {
  SWEEP_ASSIGN(const auto tp, gpus("TP", context.tp));
  SWEEP_ASSIGN(const auto ep, variable("EP_SIZE", context.ep));
  GpuCounts counts{tp, ep, tp, tp};
  for (const auto& [name, text, count] : {std::tuple{"PREFILL_GPUS", &context.prefill_gpus, &counts.prefill},
                                          std::tuple{"DECODE_GPUS", &context.decode_gpus, &counts.decode}}) {
    if (text->empty()) continue;
    SWEEP_ASSIGN(const auto value, gpus(name, *text));
    *count = value;
  }
  return counts;
}

// What every result must contain, in a sweep as for `sweepctl process-result`.
struct RequiredValues {
  std::int64_t conc = 0;
  Json model;
  double total = 0, output = 0;  // throughputs, in tokens per second
};

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

Expected<Json> read_result(std::string_view bytes) {
  auto result = read_json(bytes, ReadDepth::TopLevel);
  if (!result) return fail("the result is not valid JSON: " + result.error().message);
  if (!result->is_object()) return fail("the result must be a JSON object, but is " + shown(*result));
  return result;
}

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

Expected<Json> process_result(const ResultContext& context, std::string_view result_json) {
  if (const auto counts = gpu_counts(context); !counts) return fail(counts.error().message);
  const auto result = read_result(result_json);
  if (!result) return result;
  return process_checked(context, *result);
}

Expected<Json> process_checked(const ResultContext& context, const Json& result) {
  SWEEP_ASSIGN(const auto counts, gpu_counts(context));
  SWEEP_ASSIGN(const auto required, required_values(result));
  const auto& [conc, model, total, output] = required;

  Json data = Json::object();
  data["hw"] = text_or_null(context.runner_type);
  data["tp"] = counts.tp;
  data["ep"] = counts.ep;
  data["dp_attention"] = text_or_null(context.dp_attention);
  data["conc"] = conc;
  data["model"] = model;
  data["framework"] = text_or_null(context.framework);
  data["precision"] = text_or_null(context.precision);
  data["tput_per_gpu"] = total / static_cast<double>(counts.tp);
  data["output_tput_per_gpu"] = output / static_cast<double>(counts.decode);
  data["input_tput_per_gpu"] = (total - output) / static_cast<double>(counts.prefill);
  if (!context.mtp_mode.empty()) data["mtp"] = context.mtp_mode;
  add_statistics(result, data);
  if (const auto what = stand_in(result)) mark_stand_in(data, *what);
  return data;
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

std::string agg_path(std::string_view result_filename) {
  const std::size_t slash = result_filename.rfind('/');
  const std::size_t name = slash == std::string_view::npos ? 0 : slash + 1;
  return std::string(result_filename.substr(0, name)) + "agg_" + std::string(result_filename.substr(name)) +
         ".json";
}

}  // namespace sweep::report
