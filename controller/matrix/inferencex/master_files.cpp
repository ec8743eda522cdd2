#include "controller/matrix/inferencex/master_files.hpp"

#include <algorithm>
#include <unordered_set>

#include "controller/matrix/inferencex/entry_reader.hpp"
#include "controller/matrix/other_files.hpp"
#include "util/text.hpp"

namespace sweep::matrix::inferencex {

namespace {

// Returns why the file is no mapping of entries; "" if it is one.
std::string problem_with_file(const MatrixFile& file, bool in_sweep) {
  if (file.missing)
    return "Input file '" + file.name + "' does not exist." +
           (in_sweep ? " Give the path of a benchmark matrix, absolute or relative to the current directory"
                     : "");
  if (!file.unreadable.empty())
    return file.unreadable + "; give the path of a benchmark matrix, which is a file";
  if (!file.document) return "Config file '" + file.name + "': " + file.invalid;
  if (!file.is_mapping()) return "Config file '" + file.name + "' must contain a dictionary";
  const std::string other = kind_of_other_file(*file.document);
  return other.empty() ? "" : "Config file '" + file.name + "' is not a benchmark matrix: " + other;
}

// Checks the keys of a file's entries and adds them to `known`, which has those of the earlier files.
Expected<void> check_entry_keys(const MatrixFile& file, std::unordered_set<std::string>& known) {
  std::vector<std::string> duplicates, own;
  for (const yaml::Member& member : file.document->members) {
    std::string key = python_str(*member.key);
    if (key.find('*') != std::string::npos)
      return fail(file.name + ":" + std::to_string(member.key->line) +
                  ": Wildcard '*' is not allowed in master config keys: '" + key + "'; rename the entry");
    if (known.contains(key)) duplicates.push_back(key);
    own.push_back(std::move(key));
  }
  known.insert(own.begin(), own.end());
  if (duplicates.empty()) return {};
  std::sort(duplicates.begin(), duplicates.end());
  return fail("Duplicate configuration keys found in '" + file.name + "': " + join(duplicates, ", "));
}

}  // namespace

Expected<std::vector<Entry>> read_entries(std::vector<MatrixFile> files, bool in_sweep,
                                          std::vector<std::string>& warnings) {
  std::unordered_set<std::string> known;
  for (const MatrixFile& file : files) {
    if (const std::string problem = problem_with_file(file, in_sweep); !problem.empty()) return fail(problem);
    SWEEP_TRY(check_entry_keys(file, known));
  }
  std::vector<Entry> out;
  out.reserve(known.size());
  for (MatrixFile& file : files) {
    for (const yaml::ValueRef& key : file.document->repeated)
      warnings.push_back(file.name + ":" + std::to_string(key->line) + ": entry '" + python_str(*key) +
                         "' occurs twice; only the points of the last one are used");
    for (const yaml::Member& member : file.document->members) {
      SWEEP_ASSIGN(auto entry, read_entry(*member.key, *member.value, file.name, warnings));
      out.push_back(std::move(entry));
    }
    file.document.reset();
  }
  release_free_memory(out.size());
  return out;
}

Expected<RunnerFile> read_runners(const MatrixFile& file, bool may_be_missing,
                                  std::vector<std::string>& warnings) {
  if (file.missing && may_be_missing) return RunnerFile{file.name, {}, {}, {}};
  if (file.missing) return fail("Runner config file '" + file.name + "' does not exist.");
  if (!file.unreadable.empty()) return fail(file.unreadable);
  if (!file.document) return fail("Runner config file '" + file.name + "': " + file.invalid);
  SWEEP_ASSIGN(auto out, read_runner_file(*file.document, file.name));
  warnings.insert(warnings.end(), out.warnings.begin(), out.warnings.end());
  return out;
}

}  // namespace sweep::matrix::inferencex
