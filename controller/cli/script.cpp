// sweepctl script: prints a recipe as a script that runs without slurm-sweep.
#include "controller/profile/script.hpp"

#include <filesystem>

#include "controller/cli/arguments.hpp"
#include "controller/cli/commands.hpp"
#include "controller/cli/print.hpp"
#include "controller/profile/profile.hpp"
#include "controller/profile/recipe_reader.hpp"
#include "util/os/files.hpp"

namespace sweep::cli {

namespace {

constexpr const char* kScriptDescription =
    "Prints the recipe in FILE as one bash script: it starts the server, waits until it is ready, runs the "
    "client and stops the server. Use it to try a recipe by hand or on a machine without slurm-sweep. It "
    "needs bash, curl and the programs that the recipe calls, and reads the variables that a benchmark gets "
    "(see man sweep-config). A profile's 'benchmark:' may name the script instead of the recipe; every point "
    "then starts its own server.";

constexpr const char* kScriptClosing = R"(Exit status:
  0  the script was printed
  1  the file is not a recipe
  2  wrong usage

Examples:
  Run one point by hand:
    sweepctl script simulated.yaml >simulated.sh
    MODEL=deepseek-r1 FRAMEWORK=sglang PRECISION=fp4 RUNNER_TYPE=b200 \
      TP=8 EP_SIZE=1 DP_ATTENTION=false CONC=4 ISL=1024 OSL=1024 \
      RANDOM_RANGE_RATIO=0.8 RESULT_FILENAME=point bash simulated.sh
)";

}  // namespace

int script_command(const Arguments& arguments) {
  CommandLine app("sweepctl script", kScriptDescription, kScriptClosing);
  std::string file;
  app.option("FILE", file, "recipe: a YAML file with a server and a client").required();
  if (const auto status = app.parse(arguments)) return *status;
  const auto text = read_file(file, profile::kMaxRecipeBytes);
  if (!text) return print_error(text.error().message), 1;
  const auto recipe = profile::parse_recipe(file, *text);
  if (!recipe) return print_error(recipe.error().message), 1;
  if (recipe->is_gang())
    return print_error(
               file +
               ": a recipe with roles, or with a script for several nodes, cannot be printed as one script"),
           1;
  const std::string name = std::filesystem::path(file).filename().string();
  return print_out(profile::single_script(*recipe, name, *text));
}

}  // namespace sweep::cli
