#include "controller/io/sweep_record.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>

#include "controller/core/replay.hpp"
#include "controller/io/output_dir.hpp"
#include "util/fields.hpp"
#include "util/json.hpp"
#include "util/secrets.hpp"
#include "util/text.hpp"

namespace sweep {

namespace {

constexpr std::size_t kMaxRecordText = 1 << 20;
constexpr std::int64_t kMaxInt = std::numeric_limits<std::int64_t>::max() / 2;
constexpr std::int64_t kMaxRetries = 1'000'000;
constexpr std::int64_t kLongest = std::int64_t{1000} * 24 * 3600 * 1000;  // as in profile/duration.cpp

/// The variables that processing a result needs in addition to the point. The rest of the profile's
/// environment is not stored, because it may be secret.
constexpr std::array<std::string_view, 3> kResultVariables = {"MTP_MODE", "PREFILL_GPUS", "DECODE_GPUS"};

nlohmann::json result_environment(const Plan& plan) {
  nlohmann::json out = nlohmann::json::object();
  for (const auto& [name, value] : plan.profile.env) {
    if (std::find(kResultVariables.begin(), kResultVariables.end(), name) != kResultVariables.end())
      out[name] = value;
  }
  return out;
}

nlohmann::json settings_json(const Plan& plan) {
  const core::Settings settings = core_settings(plan);
  return {{"result_environment", result_environment(plan)},
          {"pack_gpus", settings.pack_gpus},
          {"ignore_gpus", plan.profile.ignore_gpus},
          {"strict", plan.profile.strict},
          {"infrastructure_retries", settings.infrastructure_retries},
          {"benchmark_retries", settings.benchmark_retries},
          {"agent_timeout_ms", settings.agent_timeout.count()},
          {"join_timeout_ms", settings.join_timeout.count()},
          {"node_failures", settings.node_failures},
          {"expected_ms", settings.expected.count()},
          {"margin_ms", settings.margin.count()}};
}

nlohmann::json facts_json(const view::Facts& facts) {
  return {{"sweep", facts.sweep},         {"version", facts.version},
          {"directory", facts.directory}, {"job", facts.job},
          {"configs", facts.configs},     {"select", facts.select},
          {"profile", facts.profile},     {"working_directory", facts.working_directory},
          {"resume", facts.resume},       {"opened_ms", to_unix_ms(facts.opened)}};
}

Expected<profile::Profile> read_settings(const nlohmann::json& body) {
  Fields in(body, "journal: settings");
  profile::Profile profile;
  profile.packing = in.flag("pack_gpus") ? profile::Profile::Packing::Gpu : profile::Profile::Packing::Node;
  profile.ignore_gpus = in.flag("ignore_gpus");
  profile.strict = !in.has("strict") || in.flag("strict");  // old journals do not have it
  profile.retries.infrastructure = static_cast<int>(in.integer("infrastructure_retries", 0, kMaxRetries));
  profile.retries.benchmark = static_cast<int>(in.integer("benchmark_retries", 0, kMaxRetries));
  profile.agent_timeout = Millis(in.integer("agent_timeout_ms", 1, kLongest));
  profile.join = Millis(in.integer("join_timeout_ms", 0, kLongest));
  // Journals of version 1 do not have these.
  profile.retries.node =
      static_cast<int>(in.maybe_integer("node_failures", 0, kMaxRetries).value_or(profile.retries.node));
  profile.timeouts.point = Millis(in.maybe_integer("expected_ms", 0, kLongest).value_or(0));
  profile.point_timeout_declared = profile.timeouts.point.count() > 0;
  profile.kill_grace =
      Millis(in.maybe_integer("margin_ms", 0, kLongest).value_or(profile.kill_grace.count()));
  for (const auto& [name, value] : in.child("result_environment").items()) {
    if (value.is_string()) profile.env.emplace_back(name, value.get<std::string>());
  }
  if (in.error()) return fail(*in.error());
  return profile;
}

Expected<view::Facts> read_facts(const nlohmann::json& body) {
  Fields in(body, "journal: facts");
  view::Facts facts;
  facts.sweep = in.text("sweep", kMaxRecordText);
  facts.version = in.text("version", kMaxRecordText);
  facts.directory = in.text("directory", kMaxRecordText);
  facts.job = in.text("job", kMaxRecordText);
  facts.configs = in.texts("configs", kMaxRecordText, kMaxRecordText);
  facts.select = in.text("select", kMaxRecordText);
  facts.profile = in.maybe_text("profile", kMaxRecordText).value_or("");
  facts.working_directory = in.maybe_text("working_directory", kMaxRecordText).value_or("");
  facts.resume =
      without_secrets(in.maybe_text("resume", kMaxRecordText).value_or(""));  // of an older version
  facts.opened = from_unix_ms(in.integer("opened_ms", 0, kMaxInt));
  if (in.error()) return fail(*in.error());
  return facts;
}

nlohmann::json meta_json(const journal::Opening& opening, const char* name) {
  const auto found = opening.meta.find(name);
  return found == opening.meta.end() ? nlohmann::json() : parse_json(found->second);
}

}  // namespace

journal::Opening opening_of(const Sweep& sweep) {
  journal::Opening opening;
  opening.meta["settings"] = settings_json(sweep.plan).dump();
  opening.meta["facts"] =
      facts_json(sweep.facts).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  for (const Point& point : sweep.plan.points) {
    opening.entries.push_back(point.entry);
    opening.ids.push_back(point.id);
  }
  return opening;
}

std::set<std::string> withdrawn_points(const std::vector<core::Event>& events) {
  for (auto event = events.rbegin(); event != events.rend(); ++event) {
    if (const auto* resumed = std::get_if<core::Resumed>(&event->what))
      return {resumed->withdrawn.begin(), resumed->withdrawn.end()};
  }
  return {};
}

Expected<Sweep> restore_sweep(const journal::Opening& opening, const std::vector<core::Event>& events,
                              std::optional<profile::Profile> own) {
  SWEEP_ASSIGN(auto profile, own ? Expected<profile::Profile>(std::move(*own))
                                 : read_settings(meta_json(opening, "settings")));
  SWEEP_ASSIGN(auto facts, read_facts(meta_json(opening, "facts")));
  auto points = read_points(opening.entries);
  if (!points) return fail("journal: " + points.error().message);
  SWEEP_ASSIGN(auto plan, plan_points(std::move(*points), std::move(profile), withdrawn_points(events)));
  for (std::size_t i = 0; i < plan.points.size(); ++i) {
    if (plan.points[i].id != opening.ids[i])
      return fail("journal: the id of point " + printable(opening.ids[i]) + " does not match its entry");
  }
  core::State state = core::make_state(core_settings(plan), core_points(plan));
  SWEEP_TRY(core::replay(state, events));
  return Sweep{std::move(plan), std::move(state), std::move(facts)};
}

Expected<Archive> open_archive(const std::string& directory) {
  SWEEP_ASSIGN(auto journal, journal::Journal::open_to_read(journal_path(directory)));
  SWEEP_ASSIGN(const auto opening, journal.opening());
  SWEEP_ASSIGN(const auto events, journal.events());
  auto sweep = restore_sweep(opening, events);
  if (!sweep) return fail("'" + journal_path(directory) + "': " + sweep.error().message);
  return Archive{std::move(journal), std::move(*sweep)};
}

}  // namespace sweep
