// See options.hpp.
#include "spank_plugin/options.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>

#include "proto/base/env_names.hpp"

namespace sweep::plugin {
namespace {

constexpr unsigned kLongestTimeout = 3600;
constexpr unsigned kMostRepeats = 1000;  // as sweepctl's
constexpr std::string_view kAuto = "auto";
constexpr std::string_view kSet = "set ";
constexpr std::size_t kKeyLength = 40;
constexpr std::size_t kEndpointLimit = 300;
// SLURM_MAX_NORMAL_STEP_ID of <slurm/slurm.h>.
constexpr std::uint32_t kLastOrdinaryStep = 0xfffffff0;

template <class Number>
bool parse_number(std::string_view text, Number low, Number high, Number& number) {
  const char* const end = text.data() + text.size();
  Number value = 0;
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || value < low || value > high) return false;
  number = value;
  return true;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

bool begins_with(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

bool take_path(std::string_view value, std::string& path) {
  if (value.empty() || value.front() != '/') return false;
  path = value;
  return true;
}

// Returns the timeout setting of this name; null if there is none.
unsigned* timeout_of(Settings& settings, std::string_view name) {
  if (name == "check-timeout") return &settings.check_timeout_seconds;
  if (name == "ready-timeout") return &settings.ready_timeout_seconds;
  if (name == "end-timeout") return &settings.end_timeout_seconds;
  return nullptr;
}

std::string resolved(std::string_view path, std::string_view directory) {
  if (directory.empty() || path.empty() || path.front() == '/') return std::string(path);
  return std::string(directory) + "/" + std::string(path);
}

// Returns the pattern of an output directory that stands for `directory`: a % begins a symbol.
std::string as_pattern(std::string_view directory) {
  std::string pattern;
  for (const char c : directory)
    pattern.append(c == '%' ? 2 : 1, c);
  return pattern;
}

// Returns true for what Slurm passes for an option without a value. "(null)" is what 22.05 puts into the environment
// of a job.
bool is_no_value(std::string_view text) {
  return text.empty() || text == "(null)";
}

std::string dashed(OptionId id) {
  return "--" + std::string(option_name(id));
}

bool is_key(std::string_view text) {
  constexpr std::string_view z85 =
      "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
  return text.size() == kKeyLength && text.find_first_not_of(z85) == std::string_view::npos;
}

bool is_endpoint(std::string_view text) {
  constexpr std::string_view scheme = "tcp://";
  if (text.size() > kEndpointLimit || text.substr(0, scheme.size()) != scheme) return false;
  text.remove_prefix(scheme.size());
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  for (const char c : text) {
    if (c <= ' ' || c > '~') return false;
  }
  unsigned port = 0;
  return parse_number(text.substr(colon + 1), 1U, 65535U, port);
}

}  // namespace

Settings parse_settings(const std::vector<std::string>& arguments, std::string_view default_sweepctl,
                        std::string_view default_agent) {
  Settings settings;
  settings.sweepctl = default_sweepctl;
  settings.agent = default_agent;
  for (const std::string& argument : arguments) {
    const std::string_view text = argument;
    const std::size_t equals = text.find('=');
    const std::string_view name = text.substr(0, equals);
    const std::string_view value = equals == std::string_view::npos ? "" : text.substr(equals + 1);
    if (name == "sweepctl" || name == "agent") {
      if (!take_path(value, name == "agent" ? settings.agent : settings.sweepctl))
        settings.complaints.push_back("plugstack.conf argument '" + argument +
                                      "' is ignored: it must be an absolute path");
    } else if (unsigned* const seconds = timeout_of(settings, name)) {
      if (!parse_number(value, 1U, kLongestTimeout, *seconds))
        settings.complaints.push_back("plugstack.conf argument '" + argument +
                                      "' is ignored: it must be a number of seconds from 1 to " +
                                      std::to_string(kLongestTimeout));
    } else {
      settings.complaints.push_back(
          "plugstack.conf argument '" + argument +
          "' is ignored: unknown; known: sweepctl=PATH, agent=PATH, check-timeout=SECONDS, "
          "ready-timeout=SECONDS, end-timeout=SECONDS");
    }
  }
  return settings;
}

std::string_view option_name(OptionId id) {
  constexpr std::string_view names[kOptionCount] = {
      "sweep-config", "sweep-select", "sweep-output",       "sweep-profile",
      "sweep-repeat", "sweep-resume", "sweep-retry-failed", "sweep-accept-changes"};
  return names[id];
}

std::string inherited_variable(OptionId id) {
  std::string name = SWEEP_ENV_SPANK_PREFIX;
  for (const char c : option_name(id))
    name += c == '-' ? '_' : c;
  return name;
}

void Options::take(OptionId id, std::string_view value, const char* inherited) {
  Value& slot = values_[id];
  slot.inherited = !slot.reported && inherited != nullptr && value == inherited;
  slot.reported = true;
  slot.given = true;
  slot.text = value;
}

void Options::end_component() {
  for (Value& value : values_)
    value.reported = false;
}

bool Options::empty() const {
  for (const Value& value : values_) {
    if (value.given) return false;
  }
  return true;
}

bool Options::starts_or_resumes() const {
  return values_[kResume].given && values_[kResume].text == kAuto;
}

std::string Options::problem() const {
  for (const OptionId id : {kRetryFailed, kAcceptChanges}) {
    if (values_[id].given && !values_[kResume].given)
      return dashed(id) + " requires --sweep-resume; add --sweep-resume or remove " + dashed(id);
  }
  for (int i = 0; i < kResume; ++i) {
    const std::string name = dashed(static_cast<OptionId>(i));
    if (!values_[i].given) continue;
    if (!active()) return name + " requires --sweep-config=FILE or --sweep-resume";
    if (values_[i].text.empty()) return name + "= is empty; give a value or remove the option";
    if (i != kConfig) continue;
    for (const std::string_view file : split(values_[i].text, ',')) {
      if (file.empty())
        return name + "=" + values_[i].text + " contains an empty file name; separate files by single commas";
    }
  }
  return resume_problem();
}

// Returns what is wrong with --sweep-resume, and with options that need a configuration.
std::string Options::resume_problem() const {
  const Value& resume = values_[kResume];
  if (resume.given && !is_no_value(resume.text) && !starts_or_resumes())
    return "--sweep-resume=" + resume.text +
           ": unknown value; use --sweep-resume or --sweep-resume=auto, and --sweep-output=DIR for the directory";
  if (resume.given && !values_[kOutput].given)
    return "--sweep-resume requires --sweep-output=DIR, the output directory of the sweep to resume";
  if (starts_or_resumes() && !values_[kConfig].given)
    return "--sweep-resume=auto requires --sweep-config=FILE, with which the sweep is started";
  unsigned times = 0;
  if (values_[kRepeat].given && !parse_number(values_[kRepeat].text, 1U, kMostRepeats, times))
    return "--sweep-repeat=" + values_[kRepeat].text + " must be a number from 1 to " +
           std::to_string(kMostRepeats);
  for (const OptionId id : {kSelect, kRepeat}) {
    if (values_[id].given && !values_[kConfig].given)
      return dashed(id) + " requires --sweep-config=FILE, whose points it applies to";
  }
  return "";
}

std::vector<std::string> Options::arguments(std::string_view submit_dir) const {
  const auto base = [&](OptionId id) { return values_[id].inherited ? submit_dir : std::string_view(); };
  std::vector<std::string> result;
  if (values_[kConfig].given) {
    for (const std::string_view file : split(values_[kConfig].text, ','))
      result.push_back("--config=" + resolved(file, base(kConfig)));
  }
  if (values_[kSelect].given) result.push_back("--select=" + values_[kSelect].text);
  if (values_[kRepeat].given) result.push_back("--repeat=" + values_[kRepeat].text);
  if (values_[kOutput].given)
    result.push_back("--output=" + resolved(values_[kOutput].text, as_pattern(base(kOutput))));
  if (values_[kProfile].given)
    result.push_back("--profile=" + resolved(values_[kProfile].text, base(kProfile)));
  if (values_[kResume].given) result.push_back(starts_or_resumes() ? "--resume=auto" : "--resume");
  if (values_[kRetryFailed].given) result.push_back("--retry-failed");
  if (values_[kAcceptChanges].given) result.push_back("--accept-changes");
  return result;
}

std::vector<std::string> benchmark_arguments(const std::vector<std::string>& srun, int first) {
  if (first < 1 || static_cast<std::size_t>(first) >= srun.size()) return {};
  const auto command = srun.begin() + first;
  if (command->substr(0, 1) == "-" || std::find(srun.begin(), srun.end(), ":") != srun.end()) return {};
  std::vector<std::string> out;
  for (auto word = srun.begin() + 1; word != command; ++word) {
    if (begins_with(*word, "--multi")) return {};
    if (begins_with(*word, "--chdir=")) out = {*word};
    if (*word == "--chdir" || *word == "-D") out = {"--chdir=" + *(word + 1)};
    if (begins_with(*word, "-D") && word->size() > 2) out = {"--chdir=" + word->substr(2)};
  }
  out.emplace_back("--");
  out.insert(out.end(), command, srun.end());
  return out;
}

std::vector<std::string> check_command(const std::string& sweepctl, const std::vector<std::string>& arguments,
                                       const std::vector<std::string>& benchmark) {
  std::vector<std::string> command = {sweepctl, "check", "--quiet"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  command.insert(command.end(), benchmark.begin(), benchmark.end());
  return command;
}

std::vector<std::string> serve_command(const Settings& settings, int lifeline_fd, int ready_fd,
                                       const std::string& job, const std::vector<std::string>& arguments) {
  std::vector<std::string> command = {settings.sweepctl, "serve",
                                      "--lifeline-fd",   std::to_string(lifeline_fd),
                                      "--ready-fd",      std::to_string(ready_fd),
                                      "--job",           job,
                                      "--agent",         settings.agent};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return command;
}

bool is_ordinary_step(std::uint32_t step) {
  return step <= kLastOrdinaryStep;
}

bool can_start_sweep(std::string_view script) {
  for (std::string_view line : split(script, '\n')) {
    const std::size_t first = line.find_first_not_of(" \t");
    if (first == std::string_view::npos || line[first] == '#') continue;
    if (line.find("srun") != std::string_view::npos || line.find("sweepctl") != std::string_view::npos)
      return true;
  }
  return false;
}

std::string job_and_step(std::uint32_t job, std::uint32_t step) {
  return std::to_string(job) + "." + std::to_string(step);
}

bool is_set_line(std::string_view line) {
  return line.substr(0, kSet.size()) == kSet;
}

Variable parse_set_line(std::string_view line) {
  const std::size_t equals = line.find('=');
  if (!is_set_line(line) || equals == std::string_view::npos)
    return {"", "", "the line is not 'set NAME=VALUE'"};
  const std::string_view name = line.substr(kSet.size(), equals - kSet.size());
  constexpr std::string_view kPyxis = SWEEP_ENV_PYXIS_PREFIX;
  if (name != SWEEP_ENV_LOADER && name != SWEEP_ENV_AGENT && name.substr(0, kPyxis.size()) != kPyxis)
    return {"", "", "it sets a variable that is not allowed"};
  return {std::string(name), std::string(line.substr(equals + 1)), ""};
}

Ready parse_ready_line(std::string_view line) {
  Ready ready;
  if (line.size() >= kReadyLineLimit) {
    ready.problem = "the line is longer than " + std::to_string(kReadyLineLimit) + " characters";
    return ready;
  }
  const std::vector<std::string_view> parts = split(line, ' ');
  if (parts.size() != 4 || parts[0] != "ready")
    ready.problem = "the line is not 'ready ENDPOINT KEY KEY'";
  else if (!is_endpoint(parts[1]))
    ready.problem = "its endpoint is not tcp://HOST:PORT";
  else if (!is_key(parts[2]))
    ready.problem = "its server key is not 40 characters of Z85";
  else if (!is_key(parts[3]))
    ready.problem = "its client key is not 40 characters of Z85";
  if (!ready.problem.empty()) return ready;
  ready.endpoint = parts[1];
  ready.server_key = parts[2];
  ready.client_secret = parts[3];
  return ready;
}

bool is_multi_prog(const std::vector<std::string_view>& command) {
  if (command.size() != 2 || command[1].find('\n') == std::string_view::npos) return false;
  for (const std::string_view line : split(command[1], '\n')) {
    const std::size_t first = line.find_first_not_of(" \t");
    if (first == std::string_view::npos || line[first] == '#') continue;
    // A line consists of task numbers, such as 0, 1-3,7 or *, and a program.
    const std::size_t end = line.find_first_of(" \t", first);
    return end != std::string_view::npos &&
           line.substr(first, end - first).find_first_not_of("0123456789-,*") == std::string_view::npos;
  }
  return false;
}

}  // namespace sweep::plugin
