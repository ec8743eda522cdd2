#include "controller/report/validity.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <optional>

#include "controller/python/value.hpp"
#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep::report {

namespace {

using Json = nlohmann::ordered_json;

std::string one_decimal_percent(double part) {
  char text[40];
  std::snprintf(text, sizeof text, "%.1f %%", part * 100);
  return text;
}

std::string rounded(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

// Doubts a result if more than the fraction `most` of all requests failed.
void check_failures(std::optional<double> completed, std::optional<double> all, double most,
                    std::vector<std::string>& out) {
  if (!completed || !all || *all <= 0) return;
  const double failed = std::max(0.0, *all - *completed);
  if (failed / *all > most)
    out.push_back("failures: " + std::to_string(static_cast<long long>(failed)) + " of " +
                  std::to_string(static_cast<long long>(*all)) + " requests failed, more than " +
                  one_decimal_percent(most));
}

// A mean length in tokens and its statistical tolerance.
struct MeanLength {
  double mean = 0, tolerance = 0;
};

// Returns the mean lengths that a client may send for a point's length. The formulas are in validity.hpp.
std::array<MeanLength, 2> means_of(std::int64_t length, double range_ratio, double completed) {
  const double full = static_cast<double>(length), ratio = std::clamp(range_ratio, 0.0, 1.0);
  // The standard deviation of a uniform distribution is its width divided by the square root of 12.
  const double tolerance = 3 * full * (1 - ratio) / std::sqrt(12.0) / std::sqrt(completed);
  return {{{full * (1 + ratio) / 2, tolerance}, {full, tolerance}}};
}

bool is_near(double mean, const MeanLength& expected, double relative) {
  return std::abs(mean - expected.mean) <= relative * expected.mean + expected.tolerance;
}

// Returns "921.6 (mean with RANDOM_RANGE_RATIO 0.8) or 1024.0 (ISL)".
std::string expected_text(const std::array<MeanLength, 2>& means, double range_ratio, const char* variable) {
  const std::string full = rounded(means[1].mean) + " (" + variable + ")";
  if (means[0].mean == means[1].mean) return full;
  char ratio[40];
  std::snprintf(ratio, sizeof ratio, "%g", range_ratio);
  return rounded(means[0].mean) + " (mean with RANDOM_RANGE_RATIO " + ratio + ") or " + full;
}

// One of the two symmetric sides of a request: its prompt or its output.
struct Side {
  const char* tokens;     // key of the tokens of all completed requests
  const char* requested;  // key of what the client asked for
  const char* noun;       // for messages
  const char* variable;
  const char* option;   // of the client, that sets it
  std::int64_t length;  // the point's; 0: unknown

  std::string remedy() const {
    return "; give the client " + std::string(option) + " \"$" + variable +
           "\" --random-range-ratio \"$RANDOM_RANGE_RATIO\"";
  }
};

// Doubts a client that says itself that it asked for other lengths than the point's.
void check_requested_length(const Json& result, const Side& side, double range_ratio, double completed,
                            std::vector<std::string>& out) {
  const auto requested = python::finite_member(result, side.requested);
  if (!requested || side.length <= 0) return;
  const double mean = *requested / completed;
  const auto means = means_of(side.length, range_ratio, completed);
  if (is_near(mean, means[0], kMaxLengthError) || is_near(mean, means[1], kMaxLengthError)) return;
  out.push_back("other-load: the client asked for " + std::string(side.noun) + " of " + rounded(mean) +
                " tokens on average instead of " + expected_text(means, range_ratio, side.variable) +
                side.remedy());
}

// The mean lengths that a client may have measured.
struct WantedLengths {
  std::array<MeanLength, 2> means{};
  std::string text;          // for messages
  bool from_client = false;  // what the client says that it asked for; otherwise the point's
};

std::optional<WantedLengths> wanted_lengths(const Json& result, const Side& side, double range_ratio,
                                            double completed) {
  WantedLengths out;
  if (const auto requested = python::finite_member(result, side.requested)) {
    out.from_client = true;
    out.means.fill({*requested / completed, 0});
    out.text = rounded(out.means[0].mean);
  } else if (side.length > 0) {
    out.means = means_of(side.length, range_ratio, completed);
    out.text = expected_text(out.means, range_ratio, side.variable);
  }
  return out.means[0].mean > 0 ? std::optional(std::move(out)) : std::nullopt;
}

void check_input_length(const Json& result, const Side& side, double range_ratio, double completed,
                        std::vector<std::string>& out) {
  const auto tokens = python::finite_member(result, side.tokens);
  const auto wanted = wanted_lengths(result, side, range_ratio, completed);
  if (!tokens || !wanted) return;
  const auto& [least, most] = wanted->means;
  const double mean = *tokens / completed;
  if (is_near(mean, least, kMaxLengthError) || is_near(mean, most, kMaxLengthError)) return;
  const bool closer_to_most = std::abs(mean - most.mean) < std::abs(mean - least.mean);
  const double nearest = closer_to_most ? most.mean : least.mean, error = mean - nearest;
  out.push_back("input-length: prompts had " + rounded(mean) + " tokens on average instead of " +
                wanted->text + ", " + one_decimal_percent(std::abs(error) / nearest) +
                (error < 0 ? " less" : " more") + " than requested" +
                (wanted->from_client ? std::string() : side.remedy()));
}

// Doubts outputs that are far shorter or longer than asked for. They may be a little shorter than the input
// check allows, because clients count tokens of outputs in different ways.
void check_output_length(const Json& result, const Side& side, double range_ratio, double completed,
                         std::vector<std::string>& out) {
  const auto tokens = python::finite_member(result, side.tokens);
  const auto wanted = wanted_lengths(result, side, range_ratio, completed);
  if (!tokens || *tokens <= 0 || !wanted) return;
  const double mean = *tokens / completed;
  const double least = wanted->means[0].mean * (1 - kMaxOutputError) - wanted->means[0].tolerance;
  const double most = wanted->means[1].mean * (1 + kMaxOutputError) + wanted->means[1].tolerance;
  if (mean >= least && mean <= most) return;
  out.push_back("output-length: outputs had " + rounded(mean) + " tokens on average instead of " +
                wanted->text + (wanted->from_client ? std::string() : side.remedy()) +
                (mean < least ? "; ask the client to ignore the end-of-sequence token (--ignore-eos)" : ""));
}

void check_lengths(const Json& result, const RequestedLoad& requested, std::vector<std::string>& out) {
  const auto completed = python::finite_member(result, "completed");
  if (!completed || *completed <= 0) return;
  const Side input{"total_input_tokens", "requested_input_tokens", "prompts", "ISL", "--random-input-len",
                   requested.isl};
  const Side output{"total_output_tokens", "requested_output_tokens", "outputs", "OSL", "--random-output-len",
                    requested.osl};
  check_requested_length(result, input, requested.range_ratio, *completed, out);
  check_input_length(result, input, requested.range_ratio, *completed, out);
  check_requested_length(result, output, requested.range_ratio, *completed, out);
  check_output_length(result, output, requested.range_ratio, *completed, out);
}

std::string whole(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.10g", value);
  return text;
}

// True if the client's name of the model can be the point's: both are equal, or the last parts of their paths
// are, or the model's name is a folder of the client's path (models--org--name in a cache). Case is ignored.
bool is_same_model(const std::string& client, const std::string& point) {
  const auto last_part = [](const std::string& path) {
    const std::size_t end = path.find_last_not_of('/');
    const std::string trimmed = path.substr(0, end == std::string::npos ? 0 : end + 1);
    return trimmed.substr(trimmed.rfind('/') + 1);
  };
  const std::string is = ascii_lower(client), name = last_part(ascii_lower(point));
  if (is == ascii_lower(point) || name.empty()) return true;
  for (const std::string& folder : split(is, '/')) {
    if (folder == name || folder.ends_with("--" + name)) return true;
  }
  return false;
}

void check_model(const Json& result, const char* key, const std::string& requested,
                 std::vector<std::string>& out) {
  const auto model = result.find(key);
  if (model == result.end() || !model->is_string() || requested.empty()) return;
  const auto& name = model->get_ref<const std::string&>();
  if (!is_same_model(name, requested))
    out.push_back("other-load: " + std::string(key) + " '" + printable(name) + "' instead of '" +
                  printable(requested) + "' (MODEL); give the client --model \"$MODEL\"");
}

// Holds concurrency, number of prompts, rate and model against the point's.
void check_load(const Json& result, const RequestedLoad& requested, std::vector<std::string>& out) {
  const auto conc = python::finite_member(result, "max_concurrency"),
             prompts = python::finite_member(result, "num_prompts"),
             rate = python::finite_member(result, "request_rate");
  const auto wanted = static_cast<double>(requested.conc);
  if (conc && requested.conc > 0 && *conc != wanted)
    out.push_back("other-load: max_concurrency " + whole(*conc) + " instead of " +
                  std::to_string(requested.conc) + "; give the client --max-concurrency \"$CONC\"");
  if (prompts && requested.conc > 0 && *prompts < wanted)
    out.push_back("other-load: " + whole(*prompts) + " prompts (num_prompts) instead of at least " +
                  std::to_string(requested.conc) +
                  ", so the concurrency (CONC) was never reached; give the client --num-prompts "
                  "\"$((CONC * 10))\"");
  if (rate)
    out.push_back("other-load: request_rate " + whole(*rate) +
                  " instead of inf; give the client --request-rate inf, as CONC alone limits "
                  "the load");
  check_model(result, "model_id", requested.model, out);
}

}  // namespace

std::vector<std::string> doubts(const Json& result, const RequestedLoad& requested, const Account& account) {
  std::vector<std::string> out;
  if (python::finite_member(result, "total_output_tokens").value_or(1) <= 0)
    out.emplace_back("no-output: the responses have no output tokens (total_output_tokens 0)");
  check_failures(python::finite_member(result, "completed"), python::finite_member(result, "num_prompts"),
                 kMaxFailed, out);
  check_lengths(result, requested, out);
  check_load(result, requested, out);
  const auto bound = result.find("client_bound");
  if (bound != result.end() && bound->is_boolean() && bound->get<bool>()) {
    const auto why = result.find("client_bound_reason");
    out.push_back("client-bound: " + (why != result.end() && why->is_string()
                                          ? printable(why->get<std::string>())
                                          : std::string("the client was the bottleneck, not the server")));
  }
  for (const std::string& flaw : account.flaws)
    out.push_back(printable(flaw));
  return out;
}

std::vector<std::string> agentic_doubts(const Json& record, const RequestedLoad& requested) {
  std::vector<std::string> out;
  const auto conc = python::finite_member(record, "conc");
  if (conc && requested.conc > 0 && *conc != static_cast<double>(requested.conc))
    out.push_back("other-load: conc " + whole(*conc) + " instead of " + std::to_string(requested.conc) +
                  "; give the client --concurrency \"$CONC\"");
  check_model(record, "model", requested.model, out);
  check_failures(python::finite_member(record, "num_requests_successful"),
                 python::finite_member(record, "num_requests_total"), kMaxFailedAgentic, out);
  return out;
}

std::vector<std::string> without(std::vector<std::string> reasons, std::span<const std::string> ignored) {
  std::erase_if(reasons, [&](const std::string& reason) {
    return std::find(ignored.begin(), ignored.end(), reason.substr(0, reason.find(':'))) != ignored.end();
  });
  return reasons;
}

void mark_validity(Json& processed, const std::vector<std::string>& reasons) {
  processed["valid"] = reasons.empty();
  if (!reasons.empty()) processed["invalid_reasons"] = reasons;
}

bool is_marked_invalid(const Json& processed) {
  const auto found = processed.find("valid");
  return found != processed.end() && found->is_boolean() && !found->get<bool>();
}

std::string validity_note(std::span<const Row* const> rows) {
  const auto count = std::count_if(rows.begin(), rows.end(), [](const Row* row) { return !row->valid; });
  if (count == 0) return {};
  return "Not valid: " + std::to_string(count) + " of " + counted(rows.size(), "result") +
         "; excluded from rankings and frontiers. Reasons: invalid_reasons in the agg files.\n";
}

}  // namespace sweep::report
