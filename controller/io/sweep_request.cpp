#include "controller/io/sweep_request.hpp"

#include <sys/random.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "controller/io/benchmark_gaps.hpp"
#include "controller/io/output_dir.hpp"
#include "controller/io/point_evals.hpp"
#include "controller/matrix/load.hpp"
#include "controller/matrix/words.hpp"
#include "controller/plan/hardware.hpp"
#include "controller/profile/benchmark.hpp"
#include "controller/profile/container_section.hpp"
#include "controller/profile/load_profile.hpp"
#include "controller/view/resume.hpp"
#include "util/digest.hpp"
#include "util/json.hpp"
#include "util/os/files.hpp"
#include "util/text.hpp"

namespace sweep {

namespace {

constexpr std::size_t kSweepIdDigits = 12;

std::vector<std::string> files_of(const SweepRequest& request) {
  std::vector<std::string> files;
  for (const std::string& list : request.configs) {
    for (std::string& file : split(list, ','))
      files.push_back(std::move(file));
  }
  return files;
}

std::string new_sweep_id(Instant at) {
  unsigned char noise[16] = {};
  static_cast<void>(::getrandom(noise, sizeof noise, 0));
  const std::string seed = std::to_string(to_unix_ms(at)) + host_name() + std::to_string(::getpid());
  return sha256_hex(seed + std::string(reinterpret_cast<const char*>(noise), sizeof noise))
      .substr(0, kSweepIdDigits);
}

view::Facts new_facts(const SweepRequest& request, const SessionOrigin& origin, const std::string& directory,
                      Instant now) {
  view::Facts facts;
  facts.opened = now;
  facts.sweep = new_sweep_id(now);
  facts.version = SWEEP_VERSION;
  facts.job = origin.job;
  facts.owner = host_name() + ", pid " + std::to_string(::getpid());
  for (const std::string& file : files_of(request))
    facts.configs.push_back(absolute_path(file));
  facts.select = selection_of(request);
  if (!request.profile.empty()) facts.profile = absolute_path(request.profile);
  std::error_code ignored;
  facts.working_directory = std::filesystem::current_path(ignored).string();
  facts.directory = directory;
  facts.resume = view::resume_command(origin.command, directory, facts.working_directory, origin.inside_job);
  return facts;
}

/// Reads what the resume asks for. Without --profile, the profile file is the one that the sweep was started
/// with.
Expected<ResumeWishes> resume_wishes(SweepRequest request, const ResumableSweep& sweep, view::Facts facts,
                                     const std::optional<BenchmarkCommand>& benchmark) {
  if (request.profile.empty()) request.profile = facts.profile = sweep.profile_file();
  ResumeWishes wishes;
  wishes.retry_failed = request.retry_failed;
  wishes.accept_changes = request.accept_changes;
  wishes.may_be_finished = request.or_start;
  wishes.benchmark = benchmark;
  if (!request.configs.empty()) {
    SWEEP_ASSIGN(auto plan, load_plan(request));
    wishes.profile = plan.profile;
    wishes.plan = std::move(plan);
  } else {
    SWEEP_ASSIGN(wishes.profile, load_profiles(request.profile));
  }
  wishes.facts = std::move(facts);
  return wishes;
}

Expected<void> check_job(bool agents_in_image, const SessionOrigin& origin) {
  if (!agents_in_image || !origin.job.empty()) return {};
  return fail(
      "the profile's 'container.agent: image' needs a Slurm job, because pyxis starts the agents in the "
      "image; run inside srun, sbatch or salloc");
}

Expected<OpenedSweep> open_new(const SweepRequest& request, const SessionOrigin& origin, Instant now,
                               std::vector<std::string>& notes) {
  std::vector<std::string> warnings;
  SWEEP_ASSIGN(auto plan, load_plan(request, &warnings));
  SWEEP_TRY(check_job(plan.step.has_value(), origin));
  if (origin.benchmark) SWEEP_TRY(check_benchmark(plan, *origin.benchmark, warnings));
  for (const std::string& warning : warnings)
    notes.push_back("warning: " + warning);
  if (origin.benchmark) SWEEP_TRY(check_benchmark_gaps(plan, *origin.benchmark, notes));
  SWEEP_TRY(check_new_output(request.output, plan));
  SWEEP_ASSIGN(const auto directory, claim_output_dir(request.output, sweep_name(plan), now));
  Sweep sweep;
  sweep.state = core::make_state(core_settings(plan), core_points(plan));
  sweep.plan = std::move(plan);
  sweep.facts = new_facts(request, origin, directory, now);
  return begin_sweep(std::move(sweep), directory);
}

Expected<OpenedSweep> open_resumed(const SweepRequest& request, const SessionOrigin& origin, Instant now,
                                   std::vector<std::string>& notes) {
  SWEEP_ASSIGN(auto sweep, ResumableSweep::open(request.output));
  SWEEP_ASSIGN(auto wishes, resume_wishes(request, sweep, new_facts(request, origin, sweep.directory(), now),
                                          origin.benchmark));
  SWEEP_TRY(check_job(profile::has_agents_inside(wishes.profile), origin));
  return std::move(sweep).resume(std::move(wishes), now, notes);
}

}  // namespace

std::string selection_of(const SweepRequest& request) {
  if (!request.repeat) return request.select;
  return request.select + (request.select.empty() ? "" : " ") + "--repeat " + std::to_string(*request.repeat);
}

Expected<profile::Profile> load_profiles(const std::string& named) {
  const char* home = std::getenv("HOME");
  std::vector<std::string> layers = profile::default_layers(home == nullptr ? "" : home);
  if (named.empty()) return profile::load_profile(layers);
  std::error_code code;
  if (!std::filesystem::exists(named, code) && !code)
    return fail("the profile '" + printable(named) +
                "' does not exist; correct the path of --sweep-profile (sweepctl: --profile)");
  layers.push_back(named);
  return profile::load_profile(layers);
}

Expected<Plan> read_plan(const SweepRequest& request, std::vector<std::string>* warnings) {
  const auto words = matrix::split_words(selection_of(request));
  if (!words) return fail("--select: " + words.error().message);
  SWEEP_ASSIGN(auto entries, matrix::load_matrix(files_of(request), *words, warnings));
  SWEEP_ASSIGN(auto profile, load_profiles(request.profile));
  SWEEP_ASSIGN(auto points, make_points(std::move(entries)));
  SWEEP_TRY(profile::load_recipes(profile, points));
  return plan_points(std::move(points), std::move(profile));
}

Expected<void> check_plan(const Plan& plan, const SweepRequest& request) {
  SWEEP_TRY(check_hardware(plan, selection_of(request)));
  SWEEP_TRY(check_evals(plan));
  return check_file_names(plan);
}

Expected<Plan> load_plan(const SweepRequest& request, std::vector<std::string>* warnings) {
  SWEEP_ASSIGN(auto plan, read_plan(request, warnings));
  SWEEP_TRY(check_plan(plan, request));
  return plan;
}

void settle_resume(SweepRequest& request) {
  if (request.or_start) request.resume = holds_sweep(request.output);
}

Expected<void> check_resume(const SweepRequest& request, const std::optional<BenchmarkCommand>& benchmark,
                            Instant now) {
  SWEEP_ASSIGN(const auto sweep, ResumableSweep::open_to_check(request.output));
  SWEEP_ASSIGN(const auto wishes, resume_wishes(request, sweep, {}, benchmark));
  return sweep.check(wishes, now);
}

Expected<OpenedSweep> open_sweep(SweepRequest request, const SessionOrigin& origin, Instant now,
                                 std::vector<std::string>& notes) {
  SWEEP_ASSIGN(request.output, path_of_pattern(request.output, origin.values));
  settle_resume(request);
  return request.resume ? open_resumed(request, origin, now, notes) : open_new(request, origin, now, notes);
}

}  // namespace sweep
