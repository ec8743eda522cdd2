#include "controller/matrix/run.hpp"

#include "controller/matrix/inferencemax/run.hpp"
#include "controller/matrix/inferencex/run.hpp"
#include "controller/matrix/matrix_files.hpp"
#include "util/json.hpp"

namespace sweep::matrix {

namespace {

constexpr std::size_t kMaxWarnings = 20;

void append_warnings(std::vector<std::string> all, std::vector<std::string>* warnings) {
  if (warnings == nullptr) return;
  if (all.size() > kMaxWarnings) {
    const std::size_t more = all.size() - kMaxWarnings;
    all.resize(kMaxWarnings);
    all.push_back("and " + std::to_string(more) + " more warnings of this kind");
  }
  warnings->insert(warnings->end(), all.begin(), all.end());
}

Generation other(Generation generation) {
  return generation == Generation::InferenceX ? Generation::InferenceMax : Generation::InferenceX;
}

// The configuration files, the runner file and what they show.
struct Inputs {
  std::vector<MatrixFile> configs;
  MatrixFile runners;
  Evidences config_evidence, runner_evidence;
};

Inputs read_inputs(const Request& request, Caller caller) {
  Inputs out;
  out.configs = read_matrix_files(request.config_files());
  out.config_evidence = evidence_of(out.configs);
  std::string name = request.runner_config();
  if (name.empty()) name = inferencex::default_runner_file(request.config_files(), caller == Caller::Sweep);
  out.runners = read_matrix_file(name);
  const bool counts = !request.runner_config().empty() || !out.config_evidence.inferencemax;
  if (out.runners.is_mapping() && counts)
    out.runner_evidence = evidence_of_runner_file(*out.runners.document, out.runners.name);
  return out;
}

// True for the message about a subcommand or an option that a generation does not have.
bool is_of_other_generation(const std::string& message) {
  return message.starts_with("argument command: ") || message.starts_with("unrecognized arguments: ");
}

// Returns the usage error of arguments that do not fit the files' generation.
Failure usage_failure(const Request& request, Generation generation, const Inputs& inputs) {
  std::string message = request.options(generation).error().message;
  if (request.options(other(generation)))
    message += "; these arguments are for files of " + generation_name(other(generation)) +
               reason_for(generation, inputs.config_evidence, inputs.runner_evidence);
  return {true, std::move(message)};
}

// Returns the usage error of arguments that fit neither generation, if the files show none.
Failure usage_failure_of_both(const Request& request) {
  const std::string& old = request.options(Generation::InferenceMax).error().message;
  const std::string& now = request.options(Generation::InferenceX).error().message;
  if (old == now || is_of_other_generation(now)) return {true, old};
  if (is_of_other_generation(old)) return {true, now};
  return {true, old + "; for files of " + generation_name(Generation::InferenceX) + ": " + now};
}

tl::expected<AnyMatrix, Failure> make_matrix(const Request& request, Caller caller, Inputs inputs,
                                             std::vector<std::string>& warnings) {
  const auto failure = [](const Error& error) { return tl::unexpected(Failure{false, error.message}); };
  const auto known = common_generation(inputs.config_evidence, inputs.runner_evidence);
  if (!known) return failure(known.error());
  AnyMatrix out;
  if (!*known && !request.options(Generation::InferenceMax) && !request.options(Generation::InferenceX))
    return tl::unexpected(usage_failure_of_both(request));
  out.generation = known->value_or(request.only_fit().value_or(Generation::InferenceMax));
  const Expected<Options>& options = request.options(out.generation);
  if (!options) return tl::unexpected(usage_failure(request, out.generation, inputs));
  if (out.generation == Generation::InferenceMax) {
    auto entries = run_inferencemax(request.command(), *options, std::move(inputs.configs), caller, warnings);
    if (!entries) return failure(entries.error());
    out.entries = *std::move(entries);
    return out;
  }
  auto rows = inferencex::run(request.command(), *options, std::move(inputs.configs), inputs.runners,
                              caller == Caller::Sweep, warnings);
  if (!rows) return failure(rows.error());
  out.rows = *std::move(rows);
  return out;
}

}  // namespace

tl::expected<AnyMatrix, Failure> run_subcommand(const Request& request, Caller caller,
                                                std::vector<std::string>* warnings) {
  std::vector<std::string> all;
  auto matrix = make_matrix(request, caller, read_inputs(request, caller), all);
  append_warnings(std::move(all), warnings);
  return matrix;
}

}  // namespace sweep::matrix
