#include "proto/base/account.hpp"

#include <cmath>
#include <limits>

#include "util/fields.hpp"
#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep {

namespace {

constexpr std::string_view kNotCollected = "not collected: ";
using nlohmann::json;

constexpr std::size_t kMaxPhases = 64;
constexpr std::size_t kMaxName = 64;
constexpr std::size_t kMaxLines = 32;
constexpr std::size_t kMaxLine = 512;
constexpr std::size_t kMaxScores = 256;
constexpr std::int64_t kMaxServers = 1'000'000;
constexpr std::int64_t kMaxTemperature = 1'000;
constexpr std::int64_t kMaxInt = std::numeric_limits<std::int64_t>::max() / 2;

void read_phases(Fields& in, Account& account) {
  if (!in.has("phases")) return;
  const json& list = in.child("phases");
  bool good = list.is_array() && list.size() <= kMaxPhases;
  for (auto pair = list.begin(); good && pair != list.end(); ++pair) {
    good = pair->is_array() && pair->size() == 2 && (*pair)[0].is_string() &&
           (*pair)[0].get_ref<const std::string&>().size() <= kMaxName && (*pair)[1].is_number_integer();
    const std::int64_t ms = good ? (*pair)[1].get<std::int64_t>() : 0;
    good = good && ms >= 0 && ms <= kMaxInt;
    if (good) account.phases.push_back({printable((*pair)[0].get<std::string>()), Millis(ms)});
  }
  if (!good)
    in.complain("account: 'phases' must be at most " + std::to_string(kMaxPhases) +
                " pairs of a name and milliseconds");
}

using Number = std::optional<std::int64_t>;

/// Calls visit(key, number, maximum) for each number of GpuUse. Writing and reading share this list.
template <class Use, class Visit>
void each_number(Use& use, Visit visit) {
  visit("gpu_power_mw", use.power_mw, kMaxInt);
  visit("gpu_energy_mj", use.energy_mj, kMaxInt);
  visit("gpu_clock_mhz", use.clock_mhz, kMaxInt);
  visit("gpu_max_temperature_c", use.max_temperature_c, kMaxTemperature);
  visit("gpu_max_memory_bytes", use.max_memory_bytes, kMaxInt);
}

/// Calls visit(key, text) for each field of Origin.
template <class From, class Visit>
void each_text(From& origin, Visit visit) {
  visit("kernel", origin.kernel);
  visit("driver", origin.driver);
  visit("gpu_names", origin.gpus);
  visit("commit", origin.commit);
  visit("slurm", origin.slurm);
  visit("runtime", origin.runtime);
  visit("image", origin.image);
  visit("image_digest", origin.digest);
}

void put_lines(json& out, const char* key, const std::vector<std::string>& lines) {
  json list = json::array();
  for (const std::string& line : lines) {
    if (list.size() < kMaxLines) list.push_back(clipped(printable(line), kMaxLine));
  }
  if (!list.empty()) out[key] = std::move(list);
}

std::vector<std::string> get_lines(Fields& in, const char* key) {
  std::vector<std::string> out;
  if (!in.has(key)) return out;
  for (const std::string& line : in.texts(key, kMaxLines, kMaxLine))
    out.push_back(printable(line));
  return out;
}

void put_scores(json& out, const std::vector<Score>& scores) {
  json list = json::array();
  for (const Score& score : scores) {
    if (list.size() >= kMaxScores) break;
    if (!std::isfinite(score.value) || !std::isfinite(score.threshold)) continue;
    list.push_back({{"task", clipped(printable(score.task), kMaxLine)},
                    {"metric", clipped(printable(score.metric), kMaxLine)},
                    {"value", score.value},
                    {"threshold", score.threshold},
                    {"source", clipped(printable(score.source), kMaxLine)},
                    {"passed", score.passed}});
  }
  if (!list.empty()) out["scores"] = std::move(list);
}

std::vector<Score> read_scores(Fields& in) {
  std::vector<Score> out;
  if (!in.has("scores")) return out;
  const json& list = in.child("scores");
  if (!list.is_array() || list.size() > kMaxScores) {
    in.complain("account: 'scores' must be a list of at most " + std::to_string(kMaxScores) + " scores");
    return out;
  }
  for (const json& body : list) {
    Fields of(body, "account: a score");
    Score score;
    score.task = printable(of.text("task", kMaxLine));
    score.metric = printable(of.text("metric", kMaxLine));
    score.value = of.number("value");
    score.threshold = of.number("threshold");
    score.source = printable(of.text("source", kMaxLine));
    score.passed = of.flag("passed");
    if (of.error()) in.complain(*of.error());
    out.push_back(std::move(score));
  }
  return out;
}

std::optional<GpuUse> read_use(Fields& in) {
  GpuUse use;
  const Number window = in.maybe_integer("gpu_ms", 0, kMaxInt);
  each_number(use, [&](const char* key, Number& number, std::int64_t most) {
    number = in.maybe_integer(key, 0, most);
  });
  use.throttled = get_lines(in, "gpu_throttled");
  if (!window) return std::nullopt;
  use.window = Millis(*window);
  return use;
}

std::optional<Collected> read_collected(Fields& in) {
  Collected out;
  const Number files = in.maybe_integer("files", 0, kMaxInt);
  out.bytes = in.maybe_integer("file_bytes", 0, kMaxInt).value_or(0);
  out.left_out = get_lines(in, "files_left_out");
  if (!files) return std::nullopt;
  out.files = *files;
  return out;
}

}  // namespace

json account_to_json(const Account& account) {
  json out = json::object();
  json phases = json::array();
  for (const PhaseTime& phase : account.phases) {
    if (phases.size() < kMaxPhases)
      phases.push_back(json::array_t{clipped(printable(phase.name), kMaxName), phase.time.count()});
  }
  if (!phases.empty()) out["phases"] = std::move(phases);
  if (account.servers) out["servers"] = *account.servers;
  put_lines(out, "server_says", account.server_says);
  put_lines(out, "flaws", account.flaws);
  if (account.gpu_use) {
    out["gpu_ms"] = account.gpu_use->window.count();
    each_number(*account.gpu_use, [&](const char* key, const Number& number, std::int64_t) {
      if (number) out[key] = *number;
    });
    put_lines(out, "gpu_throttled", account.gpu_use->throttled);
  }
  each_text(account.origin, [&](const char* key, const InternedString& text) {
    if (!text.empty()) out[key] = clipped(printable(text.str()), kMaxLine);
  });
  if (!account.range_ratio.empty())
    out["range_ratio"] = clipped(printable(account.range_ratio.str()), kMaxLine);
  put_scores(out, account.scores);
  if (account.collected) {
    out["files"] = account.collected->files;
    out["file_bytes"] = account.collected->bytes;
    put_lines(out, "files_left_out", account.collected->left_out);
  }
  return out;
}

Expected<Account> account_from_json(const json& body) {
  Fields in(body, "account");
  Account account;
  read_phases(in, account);
  if (const auto servers = in.maybe_integer("servers", 0, kMaxServers))
    account.servers = static_cast<int>(*servers);
  account.server_says = get_lines(in, "server_says");
  account.flaws = get_lines(in, "flaws");
  account.gpu_use = read_use(in);
  each_text(account.origin, [&](const char* key, InternedString& text) {
    text = printable(in.maybe_text(key, kMaxLine).value_or(""));
  });
  account.range_ratio = printable(in.maybe_text("range_ratio", kMaxLine).value_or(""));
  account.scores = read_scores(in);
  account.collected = read_collected(in);
  if (in.error()) return fail(*in.error());
  return account;
}

std::string not_collected(const std::string& why) {
  return std::string(kNotCollected) + why;
}

bool is_not_collected(std::string_view line) {
  return line.starts_with(kNotCollected);
}

void set_not_collected(Account& account, const std::string& why) {
  account.collected = Collected{0, 0, {not_collected(why)}};
}

Account sanitized(const Account& account) {
  return account_from_json(account_to_json(account)).value_or(Account());
}

}  // namespace sweep
