#include "controller/profile/show.hpp"

#include <algorithm>

#include "controller/profile/container.hpp"
#include "util/text.hpp"

namespace sweep::profile {

namespace {

constexpr std::size_t kSourceColumn = 56;

/// As a YAML scalar: quoted where it would otherwise be read as something else.
std::string scalar(const std::string& text) {
  const bool plain = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '/' || c == '.' || c == '-' || c == '+';
  });
  const std::string lower = ascii_lower(text);
  const bool word = lower == "yes" || lower == "no" || lower == "true" || lower == "false" || lower == "on" ||
                    lower == "off" || lower == "null" || text[0] == '-';
  if (plain && !word) return text;
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c == '\n' ? std::string("\\n") : std::string(1, c);
  }
  return out + "\"";
}

std::string list(const std::vector<std::string>& items) {
  std::vector<std::string> words;
  for (const std::string& item : items)
    words.push_back(scalar(item));
  return "[" + join(words, ", ") + "]";
}

std::string time_text(Millis time) {
  const std::int64_t ms = time.count();
  if (ms == 0) return "none";
  if (ms % 86'400'000 == 0) return std::to_string(ms / 86'400'000) + "d";
  if (ms % 3'600'000 == 0) return std::to_string(ms / 3'600'000) + "h";
  if (ms % 60'000 == 0) return std::to_string(ms / 60'000) + "m";
  return ms % 1'000 == 0 ? std::to_string(ms / 1'000) + "s" : std::to_string(ms) + "ms";
}

std::string bytes_text(std::int64_t bytes) {
  constexpr std::pair<const char*, std::int64_t> kUnits[] = {
      {"T", 1'000'000'000'000}, {"G", 1'000'000'000}, {"M", 1'000'000}, {"K", 1'000}};
  for (const auto& [unit, size] : kUnits) {
    if (bytes > 0 && bytes % size == 0) return std::to_string(bytes / size) + unit;
  }
  return std::to_string(bytes);
}

std::string value_text(const std::string&, const std::string& value) {
  return scalar(value);
}
std::string value_text(const std::string&, const std::vector<std::string>& value) {
  return list(value);
}
std::string value_text(const std::string& key, bool value) {
  if (key == "client" || key == "agent") return value ? "image" : "node";
  return value ? "yes" : "no";
}
std::string value_text(const std::string&, int value) {
  return std::to_string(value);
}
std::string value_text(const std::string&, std::int64_t value) {
  return bytes_text(value);
}
std::string value_text(const std::string&, Millis value) {
  return time_text(value);
}

class Page {
 public:
  explicit Page(const Profile& profile) : profile_(profile) {}

  void open(const std::string& key) {
    text_ += std::string(2 * path_.size(), ' ') + scalar(key) + ":\n";
    path_.push_back(key);
  }
  void close() { path_.pop_back(); }

  void put(const std::string& key, const std::string& value) {
    std::string name;
    for (const std::string& part : path_)
      name += part + ".";
    const auto source = profile_.sources.find(name + key);
    std::string line = std::string(2 * path_.size(), ' ') + key + ": " + value;
    if (line.size() < kSourceColumn) line.resize(kSourceColumn, ' ');
    text_ += line + "  # " + (source == profile_.sources.end() ? "default" : source->second) + "\n";
  }

  std::string text() const { return text_; }

 private:
  const Profile& profile_;
  std::vector<std::string> path_;
  std::string text_;
};

void put_container(Page& page, const Container& container) {
  page.open("container");
  each_field(
      [&](const char* key, const auto& field) {
        if (field) page.put(key, value_text(key, *field));
      },
      container);
  page.close();
}

void put_env(Page& page, const Variables& variables, bool (*hidden)(std::string_view)) {
  if (variables.empty()) return;
  page.open("env");
  for (const auto& [name, value] : variables)
    page.put(name, hidden(name) ? "(hidden)" : scalar(value));
  page.close();
}

void put_runners(Page& page, const Profile& profile, bool (*hidden)(std::string_view)) {
  if (profile.runners.empty()) return;
  page.open("runners");
  for (const Runner& runner : profile.runners) {
    page.open(runner.name);
    if (!runner.features.empty()) page.put("features", list(runner.features));
    if (!runner.gpus.empty()) page.put("gpus", list(runner.gpus));
    if (!runner.nodes.empty()) page.put("nodes", list(runner.nodes));
    if (!runner.partition.empty()) page.put("partition", scalar(runner.partition));
    if (runner.container != Container()) put_container(page, runner.container);
    put_env(page, runner.env, hidden);
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
    page.put(key, time_text(time));
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

std::string show_profile(const Profile& profile, bool (*hidden)(std::string_view name)) {
  Page page(profile);
  page.put("workspace",
           profile.workspace.empty() ? "  # where the step was started" : scalar(profile.workspace));
  page.put("benchmark",
           profile.recipe.server.empty() ? scalar(profile.benchmark) : "{server: ..., client: ...}");
  put_env(page, profile.env, hidden);
  page.put("packing", profile.packing == Profile::Packing::Gpu ? "gpu" : "node");
  page.put("gpus", profile.ignore_gpus ? "ignore" : "auto");
  put_container(page, merged(default_container(), profile.container));
  put_runners(page, profile, hidden);
  put_limits(page, profile);
  page.open("validity");
  page.put("ignore", list(profile.doubts_ignored));
  page.close();
  if (profile.auth != Profile::Auth::Auto)
    page.put("auth", profile.auth == Profile::Auth::Munge ? "munge" : "key");
  if (!profile.spool.empty()) page.put("spool", scalar(profile.spool));
  return page.text();
}

}  // namespace sweep::profile
