#include "controller/matrix/request.hpp"

#include "controller/matrix/subcommands.hpp"
#include "util/text.hpp"

namespace sweep::matrix {

namespace {

Expected<Options> options_for(const CommandSpec& command, std::span<const std::string> args,
                              Generation generation) {
  if (command.only && *command.only != generation)
    return fail("argument command: invalid choice: '" + command.name + "' (choose from " +
                join(command_names(generation), ", ") + ")");
  SWEEP_ASSIGN(auto options, parse_options(for_generation(command, generation), args));
  if (generation == Generation::InferenceX && !options.help) SWEEP_TRY(check_values(options));
  return options;
}

}  // namespace

Request::Request(const CommandSpec& command, std::span<const std::string> args)
    : command_(command.name),
      inferencemax_(options_for(command, args, Generation::InferenceMax)),
      inferencex_(options_for(command, args, Generation::InferenceX)),
      files_(inferencex_     ? inferencex_->list("--config-files")
             : inferencemax_ ? inferencemax_->list("--config-files")
                             : config_files_in(args)) {}

void Request::set_config_files(const std::vector<std::string>& files) {
  files_ = files;
}

bool Request::help() const {
  return (inferencemax_ && inferencemax_->help) || (inferencex_ && inferencex_->help);
}

std::string Request::runner_config() const {
  const Expected<Options>& options = inferencex_ ? inferencex_ : inferencemax_;
  return options ? options->text("--runner-config") : std::string();
}

std::optional<Generation> Request::only_fit() const {
  if (inferencex_.has_value() == inferencemax_.has_value()) return std::nullopt;
  return inferencex_ ? Generation::InferenceX : Generation::InferenceMax;
}

}  // namespace sweep::matrix
