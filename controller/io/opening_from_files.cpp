#include "controller/io/opening_from_files.hpp"

#include <vector>

#include "controller/io/sweep_record.hpp"
#include "util/digest.hpp"
#include "util/fields.hpp"
#include "util/json.hpp"
#include "util/os/files.hpp"

namespace sweep {

namespace {

constexpr std::size_t kMaxSweepFile = std::size_t{256} << 20;
constexpr std::size_t kMaxManifestText = 1 << 20;
constexpr std::size_t kRecoveredIdDigits = 12;

view::Facts facts_from_manifest(const std::string& directory, Instant now) {
  view::Facts facts;
  facts.version = SWEEP_VERSION;
  facts.directory = directory;
  facts.opened = now;
  const auto text = read_file(directory + "/manifest.json", kMaxSweepFile);
  const auto body = text ? parse_json(*text) : nlohmann::json();
  Fields in(body, "manifest.json");
  facts.sweep = in.maybe_text("sweep", kMaxManifestText).value_or("");
  facts.select = in.maybe_text("select", kMaxManifestText).value_or("");
  facts.job = in.maybe_text("job", kMaxManifestText).value_or("");
  if (in.has("configs")) facts.configs = in.texts("configs", kMaxManifestText, kMaxManifestText);
  if (facts.sweep.empty() || in.error())
    facts.sweep = sha256_hex(directory + std::to_string(to_unix_ms(now))).substr(0, kRecoveredIdDigits);
  return facts;
}

}  // namespace

Expected<journal::Opening> opening_from_files(const std::string& directory, Instant now) {
  const std::string path = directory + "/sweep_configs.json";
  SWEEP_ASSIGN(const auto text, read_file(path, kMaxSweepFile));
  const auto list = parse_ordered_json(text);
  if (!list.is_array() || list.empty()) return fail("'" + path + "' is not a list of matrix entries");
  auto plan = make_plan(std::vector<nlohmann::ordered_json>(list.begin(), list.end()), profile::Profile{});
  if (!plan) return fail("'" + path + "': " + plan.error().message);
  Sweep sweep;
  sweep.plan = std::move(*plan);
  sweep.state = core::make_state(core_settings(sweep.plan), core_points(sweep.plan));
  sweep.facts = facts_from_manifest(directory, now);
  return opening_of(sweep);
}

}  // namespace sweep
