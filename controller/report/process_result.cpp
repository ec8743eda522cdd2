#include "controller/report/process_result.hpp"

#include <cstdint>
#include <tuple>

#include "controller/python/number.hpp"
#include "controller/report/client_result.hpp"
#include "controller/report/stand_in.hpp"
#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep::report {

namespace {

using Json = nlohmann::ordered_json;

Expected<std::int64_t> variable(const char* name, const std::optional<std::string>& text) {
  if (!text)
    return fail("the environment variable " + std::string(name) + " is not set; set it to an integer");
  const auto value = python::parse_int(*text);
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

Json text_or_null(const std::optional<std::string>& text) {
  return text ? Json(*text) : Json(nullptr);
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

std::string agg_path(std::string_view result_filename) {
  const std::size_t slash = result_filename.rfind('/');
  const std::size_t name = slash == std::string_view::npos ? 0 : slash + 1;
  return std::string(result_filename.substr(0, name)) + "agg_" + std::string(result_filename.substr(name)) +
         ".json";
}

}  // namespace sweep::report
