#include "agent/core/result_check.hpp"

namespace sweep::agent {

namespace {

Outcome outcome_with(OutcomeKind kind, std::string reason) {
  Outcome out;
  out.kind = kind;
  out.reason = std::move(reason);
  out.exit_code = 0;
  return out;
}

}  // namespace

Outcome check_result(const ResultRead& result, const std::optional<FileStamp>& old_result,
                     const std::string& path) {
  const std::string quoted = "'" + path + "'";
  const auto no_result = [](std::string reason) {
    return outcome_with(OutcomeKind::NoResult, std::move(reason));
  };
  if (!result.stamp)
    return no_result(result.problem.empty() ? "the benchmark exited 0 but did not create " + quoted +
                                                  "; it must write its client's result there "
                                                  "(\"$RESULT_FILENAME.json\" in its working directory)"
                                            : result.problem);
  if (result.stamp == old_result)
    return no_result("the benchmark exited 0 but did not change " + quoted +
                     ", which existed before it started");
  if (result.stamp->bytes > wire::kMaxBulkBytes)
    return outcome_with(OutcomeKind::InvalidResult, quoted + " has " + std::to_string(result.stamp->bytes) +
                                                        " bytes; a result may have at most " +
                                                        std::to_string(wire::kMaxBulkBytes) +
                                                        "; run the client without --save-detailed");
  if (!result.problem.empty()) return no_result(result.problem);
  if (result.bytes.empty()) return no_result("the benchmark exited 0 but left " + quoted + " empty");
  return outcome_with(OutcomeKind::Ok, {});
}

Outcome check_eval_files(const std::string& missing) {
  if (missing.empty()) return outcome_with(OutcomeKind::Ok, {});
  return outcome_with(OutcomeKind::NoResult,
                      missing + "; a script that evaluates calls run_eval and append_lm_eval_summary");
}

}  // namespace sweep::agent
