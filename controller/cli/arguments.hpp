// The options that say which sweep to run: the same for check, run and serve, and what the plugin passes on.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controller/cli/commands.hpp"
#include "controller/io/opening.hpp"
#include "controller/io/sweep_record.hpp"
#include "controller/plan/plan.hpp"
#include "util/command_line.hpp"
#include "util/error.hpp"

namespace sweep::cli {

struct SweepArguments {
  std::vector<std::string> configs;  // master files; each may be several with commas between
  std::string select, output, profile;
  std::string repeat;  // a number, or empty
  bool resume = false, retry_failed = false, accept_changes = false;
};

/// The environment variable, "" when it is not set.
std::string variable(const char* name);

/// Adds --select, --repeat, --output, --profile and those of a resume, and --config (repeatable) where
/// `config_option`.
void add_sweep_options(CommandLine& app, SweepArguments& arguments, bool config_option);

/// "out/" and "./out" as "out": paths of results are compared as text.
std::string plain_path(const std::string& directory);

/// Adds the positional DIR, and EXP: the name of the experiment, part of the names of files written.
void add_directory(CommandLine& app, std::string& directory, const std::string& help);
void add_exp_name(CommandLine& app, std::string& exp_name);

/// The profile of the site's, the user's and the `named` file (empty: none).
Expected<profile::Profile> load_profiles(const std::string& named);

/// Reads matrix and profiles (the site's, the user's, and the one named). Fails with one line that names
/// file, value and remedy.
Expected<Plan> load_plan(const SweepArguments& arguments);

/// What is wrong with the combination of options; nothing when nothing is. For commands that start a sweep or
/// check one; `with_files`: how they are named in the message.
std::optional<std::string> wrong_use(const SweepArguments& arguments, const std::string& with_files);

/// What --resume and its options ask for. `facts`: what is known of this session.
Expected<ResumeWishes> resume_wishes(const SweepArguments& arguments, view::Facts facts);

/// What there is to say about a session that begins now. `job`: "12.0", or empty.
view::Facts new_facts(const SweepArguments& arguments, const std::string& job);

/// The sweep in which nothing has happened.
Sweep new_sweep(Plan plan, view::Facts facts);

}  // namespace sweep::cli
