#include "agent/core/eval_check.hpp"

#include <algorithm>

#include "proto/base/artifact.hpp"
#include "util/text.hpp"

namespace sweep::agent {

namespace {

constexpr std::string_view kMetaEnv = "meta_env.json";

}  // namespace

std::string missing_eval_files(const std::vector<FoundFile>& before, const std::vector<FoundFile>& after,
                               const std::string& directory) {
  bool results = false, meta = false, old = false;
  for (const FoundFile& file : after) {
    if (!file.regular || !is_eval_file(file.name)) continue;
    const bool is_new = file.own || std::find(before.begin(), before.end(), file) == before.end();
    old = old || !is_new;
    results = results || (is_new && file.name != kMetaEnv);
    meta = meta || (is_new && file.name == kMetaEnv);
  }
  if (results && meta) return {};
  const std::string what = results ? "no meta_env.json"
                           : meta  ? "no results*.json"
                                   : "no results*.json and no meta_env.json";
  return "the eval left " + what + " in '" + printable(directory) + "'" +
         (old ? ", only files that existed before it started" : "");
}

std::string eval_failure(const Outcome& why) {
  const std::string text = describe(why);  // begins with the word of its kind
  const std::size_t detail = text.find(": ");
  return "the eval failed" + (detail == std::string::npos ? std::string() : text.substr(detail));
}

}  // namespace sweep::agent
