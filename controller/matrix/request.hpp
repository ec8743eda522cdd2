// The arguments of one subcommand, read by the options of both generations of files: which generation is
// asked for is known only when the files have been read. Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "controller/matrix/generation.hpp"
#include "controller/matrix/options.hpp"
#include "util/error.hpp"

namespace sweep::matrix {

class Request {
 public:
  Request(const CommandSpec& command, std::span<const std::string> args);

  /// Sets the files of a command that does not have --config-files.
  void set_config_files(const std::vector<std::string>& files);

  const std::string& command() const { return command_; }
  /// True if the help was asked for.
  bool help() const;
  /// Returns the files that the arguments name, even if the arguments are wrong otherwise.
  const std::vector<std::string>& config_files() const { return files_; }
  /// Returns the runner file that the arguments name; "" if they name none.
  std::string runner_config() const;

  /// Returns the options for files of `generation`. Fails with the message of a usage error.
  const Expected<Options>& options(Generation generation) const {
    return generation == Generation::InferenceX ? inferencex_ : inferencemax_;
  }
  /// Returns the only generation that the arguments fit; std::nullopt if they fit both or none.
  std::optional<Generation> only_fit() const;

 private:
  std::string command_;
  Expected<Options> inferencemax_, inferencex_;
  std::vector<std::string> files_;
};

}  // namespace sweep::matrix
