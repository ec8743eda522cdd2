#include "controller/matrix/other_files.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace sweep::matrix {

namespace {

constexpr std::array<std::string_view, 17> kProfileKeys = {
    "workspace", "benchmark", "script",         "env",     "packing",  "gpus",
    "container", "runners",   "timeouts",       "retries", "validity", "strict",
    "auth",      "log-limit", "artifact-limit", "spool",   "evals"};

bool is_one_of(const yaml::Value& key, std::span<const std::string_view> names) {
  return key.is(yaml::Kind::Text) && std::find(names.begin(), names.end(), key.text) != names.end();
}

// True for a value that no entry has: an entry is a mapping with an image, a model or a search space.
bool is_no_entry(const yaml::Value& value) {
  for (const char* key : {"image", "model", "search-space", "seq-len-configs", "scenarios"}) {
    if (value.is(yaml::Kind::Dict) && find(value, key) != nullptr) return false;
  }
  return true;
}

}  // namespace

std::string kind_of_other_file(const yaml::Value& document) {
  const auto& members = document.members;
  const bool may_be_matrix =
      members.empty() || std::any_of(members.begin(), members.end(),
                                     [](const yaml::Member& member) { return !is_no_entry(*member.value); });
  if (may_be_matrix) return {};
  if (find(document, "server") != nullptr && find(document, "client") != nullptr)
    return "it is a recipe (it has 'server' and 'client'); name it in the profile: benchmark: FILE";
  if (find(document, "resources") != nullptr && find(document, "backend") != nullptr)
    return "it is a recipe of srt-slurm (it has 'resources' and 'backend'); name it in the 'additional-settings' of an "
           "entry's prefill workers: CONFIG_FILE=FILE";
  const auto all = [&](const auto& matches) { return std::all_of(members.begin(), members.end(), matches); };
  if (all([](const yaml::Member& member) { return is_one_of(*member.key, kProfileKeys); }))
    return "it is a profile (it has '" + members.front().key->text +
           "'); give it with --sweep-profile (sweepctl: --profile)";
  const yaml::Value* labels = find(document, "labels");
  if (labels != nullptr && labels->is(yaml::Kind::Dict))
    return "it is a runner file (it has 'labels'); give it with --runner-config";
  const auto is_list_of_names = [](const yaml::Member& member) {
    const auto& items = member.value->items;
    return !items.empty() && std::all_of(items.begin(), items.end(), [](const yaml::ValueRef& item) {
      return item->is(yaml::Kind::Text);
    });
  };
  if (all(is_list_of_names))
    return "it is a runner file (it has lists of nodes); give it with --runner-config";
  return {};
}

}  // namespace sweep::matrix
