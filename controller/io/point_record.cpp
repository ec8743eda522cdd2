#include "controller/io/point_record.hpp"

#include "controller/report/client_result.hpp"
#include "controller/report/inferencex_record.hpp"
#include "proto/base/inferencex_entry.hpp"
#include "util/text.hpp"

namespace sweep {

namespace {

using nlohmann::ordered_json;

report::ParallelSizes sizes_of(const Parallelism& each) {
  report::ParallelSizes out;
  out.tp = each.tp;
  out.pp = each.pp;
  out.dcp = each.dcp;
  out.pcp = each.pcp;
  out.ep = each.ep;
  out.dp_attention = each.dp_attention ? "true" : "false";
  return out;
}

}  // namespace

Expected<ordered_json> fixed_length_record(const Point& point, const ordered_json& result) {
  const InferenceXEntry& entry = *point.inferencex;
  report::InferencexPoint out;
  out.hw = point.runner;
  out.image = point.image;
  out.model_prefix = entry.model_prefix;
  out.framework = point.framework;
  out.precision = point.precision;
  out.spec_decoding = entry.spec_decoding;
  out.recipe_fingerprint = entry.recipe_fingerprint;
  out.disagg = entry.disagg;
  out.isl = point.isl;
  out.osl = point.osl;
  if (entry.router) out.router = parse_ordered_json(entry.router->json);
  out.kv_p2p_transfer = entry.kv_p2p_transfer;
  out.placement = report::OneNode{sizes_of(entry.parallelism)};
  return report::inferencex_record(out, result);
}

Expected<ordered_json> agentic_record(std::string_view bytes) {
  SWEEP_ASSIGN(auto record, report::read_result(bytes));
  for (const char* key : {"hw", "conc", "model", "num_requests_successful"}) {
    if (!record.contains(key))
      return fail("'" + std::string(key) +
                  "' is missing; an agentic benchmark leaves the file that process-agentic writes");
  }
  const ordered_json& successful = record["num_requests_successful"];
  if (!successful.is_number() || successful.get<double>() <= 0)
    return fail("num_requests_successful is " + printable(successful.dump()) + ": no request succeeded");
  return record;
}

}  // namespace sweep
