#include "controller/matrix/generation.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace sweep::matrix {

namespace {

// A key that tells the generation of an entry.
struct Mark {
  const char* key;
  Generation generation;
};

// The first of these keys that an entry has decides: an entry of InferenceMAX may have `multinode`, too,
// where it had no effect.
constexpr std::array<Mark, 4> kMarks = {{{"scenarios", Generation::InferenceX},
                                         {"seq-len-configs", Generation::InferenceMax},
                                         {"search-space", Generation::InferenceMax},
                                         {"multinode", Generation::InferenceX}}};

const Mark* mark_of(const yaml::Value& entry) {
  const auto* const found = std::find_if(kMarks.begin(), kMarks.end(),
                                         [&](const Mark& mark) { return find(entry, mark.key) != nullptr; });
  return found == kMarks.end() ? nullptr : found;
}

std::string line_of(const std::string& file, const yaml::Value& value) {
  return file + ":" + std::to_string(value.line);
}

const std::optional<Evidence>& evidence_for(Generation generation, const Evidences& evidences) {
  return generation == Generation::InferenceX ? evidences.inferencex : evidences.inferencemax;
}

std::string described(const Evidence& evidence, Generation generation) {
  return evidence.place + " has '" + evidence.field + "' and is of " + generation_name(generation);
}

}  // namespace

std::string generation_name(Generation generation) {
  return generation == Generation::InferenceX ? "InferenceX" : "InferenceMAX (2025)";
}

void add_evidence(const yaml::Value& document, const std::string& file, Evidences& out) {
  for (const yaml::Member& member : document.members) {
    const Mark* mark = mark_of(*member.value);
    if (mark == nullptr) continue;
    auto& evidence = mark->generation == Generation::InferenceX ? out.inferencex : out.inferencemax;
    if (!evidence) evidence = Evidence{line_of(file, *member.key), python_str(*member.key), mark->key};
    if (out.inferencemax && out.inferencex) return;
  }
}

Evidences evidence_of_runner_file(const yaml::Value& document, const std::string& file) {
  Evidences out;
  for (const yaml::Member& member : document.members) {
    const bool is_labels = member.key->is(yaml::Kind::Text) && member.key->text == "labels" &&
                           member.value->is(yaml::Kind::Dict);
    if (is_labels) {
      out.inferencemax.reset();
      out.inferencex = Evidence{line_of(file, *member.key), "", "labels"};
      return out;
    }
    if (!out.inferencemax)
      out.inferencemax = Evidence{line_of(file, *member.key), "", python_str(*member.key)};
  }
  return out;
}

Expected<std::optional<Generation>> common_generation(const Evidences& configs,
                                                      const Evidences& runner_file) {
  const auto& old_entry = configs.inferencemax;
  const auto& other = configs.inferencex ? configs.inferencex : runner_file.inferencex;
  if (old_entry && other)
    return fail(old_entry->place + ": Master config entry '" + old_entry->entry +
                "' failed validation: multinode: required key is missing: the entry has '" +
                old_entry->field + "' and is of " + generation_name(Generation::InferenceMax) + ", but " +
                described(*other, Generation::InferenceX) + "; give files of one generation");
  if (configs.inferencex) return Generation::InferenceX;
  if (old_entry) return Generation::InferenceMax;
  if (runner_file.inferencex) return Generation::InferenceX;
  if (runner_file.inferencemax) return Generation::InferenceMax;
  return std::nullopt;
}

std::string reason_for(Generation generation, const Evidences& configs, const Evidences& runner_file) {
  for (const Evidences* evidences : {&configs, &runner_file}) {
    if (const auto& evidence = evidence_for(generation, *evidences))
      return ", but " + described(*evidence, generation);
  }
  return {};
}

}  // namespace sweep::matrix
