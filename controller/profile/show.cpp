#include "controller/profile/show.hpp"

#include <yaml-cpp/emitter.h>
#include <yaml-cpp/emittermanip.h>

#include <algorithm>

#include "controller/profile/container_section.hpp"
#include "controller/profile/duration.hpp"
#include "util/recorded.hpp"
#include "util/secrets.hpp"
#include "util/text.hpp"

namespace sweep::profile {

namespace {

constexpr std::size_t kSourceColumn = 58;  // where comments begin, if the value is shorter

/// Returns false if YAML could read the text as something else without quotes.
bool is_plain(const std::string& text) {
  const bool plain = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '/' || c == '.' || c == '-' || c == '+';
  });
  const std::string lower = ascii_lower(text);
  const bool word = lower == "yes" || lower == "no" || lower == "true" || lower == "false" || lower == "on" ||
                    lower == "off" || lower == "null" || text[0] == '-';
  return plain && !word;
}

/// A YAML mapping in which a comment after each value names the value's source.
class Page {
 public:
  explicit Page(const Profile& profile) : profile_(profile) { out_ << YAML::BeginMap; }

  void open(const std::string& key) {
    out_ << YAML::Key;
    write(key);
    out_ << YAML::Value << YAML::BeginMap;
    path_.push_back(key);
  }
  void close() {
    out_ << YAML::EndMap;
    path_.pop_back();
  }

  /// Writes `key: value`. Value: std::string, std::vector<std::string>, bool, or YAML::Null.
  template <class Value>
  void put(const std::string& key, const Value& value, const std::string& note = "") {
    out_ << YAML::Key;
    write(key);
    out_ << YAML::Value;
    write(value);
    put_source(key, note);
  }
  void put_abbreviated_recipe(const std::string& key) {
    out_ << YAML::Key << key << YAML::Value << YAML::Flow << YAML::BeginMap << YAML::Key << "server"
         << YAML::Value << "..." << YAML::Key << "client" << YAML::Value << "..." << YAML::EndMap;
    put_source(key, "");
  }

  /// Ends the page and returns its text.
  std::string finish() {
    out_ << YAML::EndMap;
    return std::string(out_.c_str(), out_.size()) + "\n";
  }

 private:
  void write(const std::string& value) {
    const std::string text = without_secrets(value);
    if (!is_plain(text)) out_ << YAML::DoubleQuoted;
    out_ << text;
  }
  void write(const std::vector<std::string>& items) {
    out_ << YAML::Flow << YAML::BeginSeq;
    for (const std::string& item : recorded_command(items))
      write(item);
    out_ << YAML::EndSeq;
  }
  void write(bool value) { out_ << YAML::YesNoBool << value; }
  void write(const YAML::_Null& null) { out_ << null; }

  void put_source(const std::string& key, const std::string& note) {
    std::string name;
    for (const std::string& part : path_)
      name += part + ".";
    const auto source = profile_.sources.find(name + key);
    const std::string_view text(out_.c_str(), out_.size());
    const std::size_t column = characters(text.substr(text.rfind('\n') + 1));
    out_.SetPreCommentIndent(column + 2 > kSourceColumn ? 2 : kSourceColumn - column);
    out_ << YAML::Comment((source == profile_.sources.end() ? "default" : source->second) + note);
  }

  const Profile& profile_;
  std::vector<std::string> path_;
  YAML::Emitter out_;
};

std::string number_text(std::int64_t value, ContainerSyntax syntax) {
  if (syntax == ContainerSyntax::Duration) return duration_text(Millis(value));
  return syntax == ContainerSyntax::Bytes ? size_text(value) : std::to_string(value);
}

void put_field(Page& page, const ContainerSpec& spec, const ContainerField& field) {
  const auto put = [&](auto member) {
    using Value = std::remove_cvref_t<decltype(spec.*member)>;
    if constexpr (std::is_same_v<Value, std::int64_t>) {
      page.put(field.key, number_text(spec.*member, field.syntax));
    } else if constexpr (std::is_same_v<Value, bool>) {
      if (field.syntax == ContainerSyntax::ImageOrNode) {
        page.put(field.key, std::string(spec.*member ? "image" : "node"));
      } else {
        page.put(field.key, spec.*member);
      }
    } else {
      page.put(field.key, spec.*member);
    }
  };
  std::visit(put, field.member);
}

/// Writes all keys, or those of `only`.
void put_container(Page& page, const ContainerSpec& spec, const std::set<std::string>* only) {
  page.open("container");
  for (const ContainerField& field : container_fields()) {
    if (field.key != nullptr && (only == nullptr || only->contains(field.key))) put_field(page, spec, field);
  }
  page.close();
}

void put_env(Page& page, const Variables& variables) {
  if (variables.empty()) return;
  page.open("env");
  for (const auto& [name, value] : variables)
    page.put(name, recorded_value(name, value));
  page.close();
}

void put_runners(Page& page, const Profile& profile) {
  if (profile.runners.empty()) return;
  page.open("runners");
  for (const Runner& runner : profile.runners) {
    page.open(runner.name);
    if (!runner.features.empty()) page.put("features", runner.features);
    if (!runner.gpus.empty()) page.put("gpus", runner.gpus);
    if (!runner.nodes.empty()) page.put("nodes", runner.nodes);
    if (!runner.partition.empty()) page.put("partition", runner.partition);
    if (!runner.container.given.empty())
      put_container(page, runner.container.values, &runner.container.given);
    put_env(page, runner.env);
    page.close();
  }
  page.close();
}

void put_limits(Page& page, const Profile& profile) {
  const Timeouts& t = profile.timeouts;
  page.open("timeouts");
  const std::pair<const char*, Millis> times[] = {{"image", profile.image_timeout},
                                                  {"server", t.server},
                                                  {"server-start", t.server_start},
                                                  {"server-progress", t.server_progress},
                                                  {"server-longest", t.server_longest},
                                                  {"reset", t.reset},
                                                  {"warm-up", t.warm_up},
                                                  {"benchmark", t.benchmark},
                                                  {"point", t.point},
                                                  {"kill-grace", profile.kill_grace},
                                                  {"heartbeat", profile.heartbeat},
                                                  {"agent", profile.agent_timeout},
                                                  {"join", profile.join},
                                                  {"away", profile.away}};
  for (const auto& [key, time] : times)
    page.put(key, duration_text(time));
  page.close();
  page.open("retries");
  const std::pair<const char*, int> counts[] = {{"infrastructure", profile.retries.infrastructure},
                                                {"benchmark", profile.retries.benchmark},
                                                {"invalid", profile.retries.invalid},
                                                {"node", profile.retries.node}};
  for (const auto& [key, count] : counts)
    page.put(key, std::to_string(count));
  page.close();
}

}  // namespace

std::string show_profile(const Profile& profile) {
  Page page(profile);
  if (profile.workspace.empty()) {
    page.put("workspace", YAML::Null, ": where the step was started");
  } else {
    page.put("workspace", profile.workspace);
  }
  if (profile.recipe.empty()) {
    page.put("benchmark", profile.benchmark);
  } else {
    page.put_abbreviated_recipe("benchmark");
  }
  if (!profile.script_ready.empty()) {
    page.open("script");
    page.put("ready", profile.script_ready);
    page.close();
  }
  put_env(page, profile.env);
  page.put("packing", std::string(profile.packing == Profile::Packing::Gpu ? "gpu" : "node"));
  page.put("gpus", std::string(profile.ignore_gpus ? "ignore" : "auto"));
  put_container(page, merged(default_container(), profile.container), nullptr);
  put_runners(page, profile);
  put_limits(page, profile);
  page.open("validity");
  page.put("ignore", profile.doubts_ignored);
  page.close();
  if (!profile.eval_thresholds.empty()) {
    page.open("evals");
    page.put("thresholds", profile.eval_thresholds);
    page.close();
  }
  page.put("strict", profile.strict);
  if (profile.auth != Profile::Auth::Auto)
    page.put("auth", std::string(profile.auth == Profile::Auth::Munge ? "munge" : "key"));
  page.put("log-limit", size_text(profile.log_limit));
  page.put("artifact-limit", size_text(profile.artifact_limit));
  if (!profile.spool.empty()) page.put("spool", profile.spool);
  return page.finish();
}

}  // namespace sweep::profile
