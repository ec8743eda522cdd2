#include "controller/evals/point_eval.hpp"

#include <algorithm>

#include "controller/evals/batch.hpp"
#include "controller/python/json_read.hpp"
#include "controller/python/value.hpp"
#include "util/text.hpp"

namespace sweep::evals {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kMetaFile = "meta_env.json";

bool is_result_name(const std::string& name) {
  return name.starts_with("results") && name.ends_with(".json");
}

Expected<Json> parsed(const EvalFile& file) {
  auto json = python::read_json(file.bytes);
  if (!json) return fail("'" + printable(file.name) + "' cannot be read: " + printable(json.error().message));
  return json;
}

void add(std::vector<std::string>& out, const std::string& word, const std::vector<std::string>& reasons) {
  for (const std::string& reason : reasons)
    out.push_back(word + ": " + reason);
}

// Returns what is wrong with a batch of concurrencies; empty if the evaluation is not a batch.
std::vector<std::string> batch_doubts(const std::vector<EvalFile>& files,
                                      const std::vector<std::string>& results) {
  Expected<Json> meta = fail("it is missing");
  for (const EvalFile& file : files) {
    if (file.name == kMetaFile) meta = parsed(file);
  }
  return batch_problems(meta, kMetaFile, results, std::nullopt);
}

}  // namespace

EvalSet eval_set_of(const std::string& directory, const std::vector<EvalFile>& files,
                    std::vector<std::string>& problems) {
  EvalSet out{directory, Json::object(), {}};
  for (const EvalFile& file : files) {
    const bool is_meta = file.name == kMetaFile;
    auto json = parsed(file);
    if (!json) {
      if (is_meta || is_result_name(file.name)) problems.push_back(json.error().message);
    } else if (is_meta) {
      if (json->is_object()) out.meta = std::move(*json);
    } else if (json->is_object() && json->contains("lm_eval_version")) {
      out.results.push_back({directory + "/" + file.name, file.modified, std::move(*json)});
    }
  }
  std::sort(out.results.begin(), out.results.end(),
            [](const EvalResult& a, const EvalResult& b) { return a.path < b.path; });
  return out;
}

PointEval judge_point(const std::vector<EvalFile>& files, const ScoreRules& rules) {
  PointEval out;
  std::vector<std::string> names, unread;
  for (const EvalFile& file : files) {
    if (!is_result_name(file.name)) continue;
    names.push_back(file.name);
    const auto json = parsed(file);
    if (!json) {
      unread.push_back(json.error().message);
      continue;
    }
    JudgedScores judged = judge_scores(*json, rules);
    out.scores.insert(out.scores.end(), judged.scores.begin(), judged.scores.end());
    add(out.doubts, "no-score", judged.problems);
  }
  add(out.doubts, "no-score", unread);
  if (names.empty()) {
    out.doubts.emplace_back("no-score: the eval left no results*.json");
  } else {
    add(out.doubts, "no-score", batch_doubts(files, names));
  }
  for (const JudgedScore& score : out.scores) {
    if (!score.passed) out.doubts.push_back("low-score: " + score.text());
  }
  if (out.scores.empty() && out.doubts.empty())
    out.doubts.push_back("no-score: the eval left no score whose name begins with '" +
                         printable(rules.metric_prefix) + "'");
  return out;
}

}  // namespace sweep::evals
