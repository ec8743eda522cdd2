#include "controller/report/inferencex_record.hpp"

#include "controller/report/client_result.hpp"
#include "controller/report/stand_in.hpp"

namespace sweep::report {

namespace {

using Json = nlohmann::ordered_json;

bool any_below_one(const ParallelSizes& sizes) {
  return sizes.pp < 1 || sizes.dcp < 1 || sizes.pcp < 1;
}

Expected<void> check_one_node(const InferencexPoint& point, const ParallelSizes& sizes) {
  if (point.disagg)
    return fail(
        "Disaggregated mode requires multinode setup. DISAGG is true: set IS_MULTINODE=true and the PREFILL_ and "
        "DECODE_ variables, or set DISAGG=false");
  if (any_below_one(sizes))
    return fail("PP_SIZE, DCP_SIZE, and PCP_SIZE must be positive integers. They are " +
                std::to_string(sizes.pp) + ", " + std::to_string(sizes.dcp) + " and " +
                std::to_string(sizes.pcp));
  if (sizes.tp < 1)
    return fail("TP must be at least 1, because throughput is divided by TP * PP_SIZE * PCP_SIZE, but is " +
                std::to_string(sizes.tp));
  return {};
}

Expected<void> check_many_nodes(const Workers& prefill, const Workers& decode) {
  if (prefill.hardware.empty() != decode.hardware.empty())
    return fail("PREFILL_HARDWARE and DECODE_HARDWARE must be specified together. Set " +
                std::string(prefill.hardware.empty() ? "PREFILL_HARDWARE" : "DECODE_HARDWARE") + " too");
  if (any_below_one(prefill.sizes) || any_below_one(decode.sizes))
    return fail(
        "Multinode PP, DCP, and PCP sizes must be positive integers. Correct PP_SIZE, DCP_SIZE and PCP_SIZE of "
        "PREFILL_ and DECODE_");
  const std::string counts = " PREFILL_GPUS is " + std::to_string(prefill.gpus) + " and DECODE_GPUS is " +
                             std::to_string(decode.gpus);
  if (prefill.gpus + decode.gpus <= 0) return fail("Multinode results require at least one GPU." + counts);
  if (prefill.gpus <= 0) return fail("Multinode results require at least one prefill GPU." + counts);
  if (decode.gpus < 0)
    return fail("DECODE_GPUS must not be negative." + counts + "; set DECODE_GPUS=0 if no GPU only decodes");
  return {};
}

void add_sizes(Json& record, const std::string& prefix, const ParallelSizes& sizes) {
  record[prefix + "tp"] = sizes.tp;
  record[prefix + "pp"] = sizes.pp;
  record[prefix + "dcp_size"] = sizes.dcp;
  record[prefix + "pcp_size"] = sizes.pcp;
  record[prefix + "ep"] = sizes.ep;
  record[prefix + "dp_attention"] = sizes.dp_attention;
}

// The GPUs by which each throughput is divided.
struct Divisors {
  std::int64_t total, output, input;
};

void add_throughputs(Json& record, const RequiredValues& values, const Divisors& gpus) {
  record["tput_per_gpu"] = values.total / static_cast<double>(gpus.total);
  record["output_tput_per_gpu"] = values.output / static_cast<double>(gpus.output);
  record["input_tput_per_gpu"] = (values.total - values.output) / static_cast<double>(gpus.input);
}

void add_one_node(Json& record, const ParallelSizes& sizes, const RequiredValues& values) {
  record["is_multinode"] = false;
  add_sizes(record, "", sizes);
  add_throughputs(record, values, {sizes.gpus(), sizes.gpus(), sizes.gpus()});
}

void add_many_nodes(Json& record, const ManyNodes& nodes, const RequiredValues& values) {
  const auto& [prefill, decode] = nodes;
  ParallelSizes decode_sizes = decode.sizes;
  if (decode.gpus == 0) {  // the contract's values for servers that do not exist
    decode_sizes.tp = decode_sizes.ep = 0;
    decode_sizes.pp = decode_sizes.dcp = decode_sizes.pcp = 1;
  }
  record["is_multinode"] = true;
  add_sizes(record, "prefill_", prefill.sizes);
  record["prefill_num_workers"] = prefill.count;
  add_sizes(record, "decode_", decode_sizes);
  record["decode_num_workers"] = decode.count;
  record["num_prefill_gpu"] = prefill.gpus;
  record["num_decode_gpu"] = decode.gpus;
  const std::int64_t total = prefill.gpus + decode.gpus;
  add_throughputs(record, values, {total, decode.gpus > 0 ? decode.gpus : total, prefill.gpus});
  if (prefill.hardware.empty()) return;
  record["prefill_hw"] = prefill.hardware;
  record["decode_hw"] = decode.hardware;
}

}  // namespace

Expected<void> check_point(const InferencexPoint& point) {
  if (const auto* one = std::get_if<OneNode>(&point.placement)) return check_one_node(point, one->sizes);
  const auto& many = std::get<ManyNodes>(point.placement);
  return check_many_nodes(many.prefill, many.decode);
}

Expected<Json> inferencex_record(const InferencexPoint& point, const Json& result) {
  SWEEP_TRY(check_point(point));
  SWEEP_ASSIGN(const RequiredValues values, required_values(result));
  Json record = Json::object();
  record["hw"] = point.hw;
  record["conc"] = values.conc;
  record["image"] = point.image;
  record["model"] = values.model;
  record["infmax_model_prefix"] = point.model_prefix;
  record["framework"] = point.framework;
  record["precision"] = point.precision;
  record["spec_decoding"] = point.spec_decoding;
  record["disagg"] = point.disagg;
  record["recipe_fingerprint"] = point.recipe_fingerprint;
  record["isl"] = point.isl;
  record["osl"] = point.osl;
  if (!point.router.is_null()) record["router"] = point.router;
  if (!point.kv_p2p_transfer.empty()) record["kv_p2p_transfer"] = point.kv_p2p_transfer;
  if (const auto* one = std::get_if<OneNode>(&point.placement)) {
    add_one_node(record, one->sizes, values);
  } else {
    add_many_nodes(record, std::get<ManyNodes>(point.placement), values);
  }
  add_statistics(result, record);
  if (const auto what = stand_in(result)) mark_stand_in(record, *what);
  return record;
}

}  // namespace sweep::report
