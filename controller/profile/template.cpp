#include "controller/profile/template.hpp"

#include <map>

#include "container/core/image.hpp"
#include "proto/base/inferencex_entry.hpp"
#include "util/text.hpp"

namespace sweep::profile {

namespace {

using Placeholders = std::map<std::string, std::string>;

Placeholders placeholders(const Point& point) {
  constexpr std::string_view kCluster = "cluster:";  // of a label of InferenceX
  const std::string label =
      point.runner.starts_with(kCluster) ? point.runner.substr(kCluster.size()) : point.runner;
  const std::string hardware = label.substr(0, label.find('-'));
  const bool atom = point.framework == "atom" && hardware == "mi355x";
  const std::string suffix = point.framework == "trt" ? "_trt" : atom ? "_atom" : "";
  const std::string folder = !point.inferencex ? "" : point.inferencex->agentic ? "agentic" : "fixed_seq_len";
  return {{"model-prefix", point.exp_name.substr(0, point.exp_name.find('_'))},  // contract, section 3
          {"precision", point.precision},
          {"hw", hardware},
          {"runner", point.runner},
          {"framework", point.framework},
          {"framework-suffix", suffix},
          {"spec-suffix", point.inferencex && point.inferencex->spec_decoding == "mtp" ? "_mtp" : ""},
          {"scenario-dir", folder},
          {"exp-name", point.exp_name},
          {"image", point.image},
          {"image-slug", container::image_slug(point.image)}};
}

Error unknown_placeholder(const std::string& name, const Placeholders& known, const std::string& key) {
  std::vector<std::string> names;
  for (const auto& [known_name, value] : known)
    names.push_back(known_name);
  const auto near = nearest(name, names);
  return {"unknown placeholder {" + printable(name) + "} in the profile's '" + key + "'; " +
          (near ? "did you mean {" + *near + "}?" : "known: {" + join(names, "}, {") + "}")};
}

/// Calls literal(char) for text outside braces, and hole(name) for each {name}. If hole returns false, the
/// braces and the name are literal text.
template <class Literal, class Hole>
void walk(const std::string& text, Literal literal, Hole hole) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::size_t close = text[i] == '{' ? text.find('}', i) : std::string::npos;
    if (close != std::string::npos && hole(text.substr(i + 1, close - i - 1))) {
      i = close;
    } else {
      literal(text[i]);
    }
  }
}

}  // namespace

Expected<void> walk_template(const std::string& text, const Point& point, const std::string& key,
                             const std::function<void(char)>& literal,
                             const std::function<void(const std::string&)>& value) {
  const Placeholders known = placeholders(point);
  Expected<void> done;
  walk(text, literal, [&](const std::string& name) {
    const auto found = known.find(name);
    if (found != known.end()) value(found->second);
    if (found == known.end() && done) done = tl::unexpected(unknown_placeholder(name, known, key));
    return true;
  });
  return done;
}

Expected<std::string> fill_template(const std::string& text, const Point& point, const std::string& key) {
  if (text.find('{') == std::string::npos) return text;
  std::string out;
  SWEEP_TRY(walk_template(
      text, point, key, [&](char c) { out += c; }, [&](const std::string& value) { out += value; }));
  return out;
}

std::string fill_known(const std::string& text, const Point& point) {
  if (text.find('{') == std::string::npos) return text;
  const Placeholders known = placeholders(point);
  std::string out;
  walk(
      text, [&](char c) { out += c; },
      [&](const std::string& name) {
        const auto found = known.find(name);
        if (found != known.end()) out += found->second;
        return found != known.end();
      });
  return out;
}

}  // namespace sweep::profile
