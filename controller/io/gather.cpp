#include "controller/io/gather.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>
#include <string_view>

#include "controller/io/ledger.hpp"
#include "controller/io/output_dir.hpp"
#include "controller/io/outputs.hpp"
#include "controller/io/point_evals.hpp"
#include "controller/python/json_read.hpp"
#include "controller/python/json_text.hpp"
#include "controller/python/value.hpp"
#include "proto/base/inferencex_entry.hpp"
#include "util/digest.hpp"
#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep {

namespace {

namespace fs = std::filesystem;

bool has_journal(const std::string& directory) {
  std::error_code ignored;
  return fs::exists(journal_path(directory), ignored);
}

// Returns the paths of agg_*.json in a sweep's output directory, not below it, sorted.
std::vector<std::string> agg_files(const std::string& directory, std::vector<std::string>& problems) {
  auto [files, unread] =
      report::find_json(directory, [&](const std::string& folder) { return folder == directory; });
  problems.insert(problems.end(), unread.begin(), unread.end());
  std::erase_if(files, [&](const std::string& path) {
    return !std::string_view(path).substr(directory.size() + 1).starts_with("agg_");
  });
  return std::move(files);
}

// Turns whole floating-point numbers into integers, so that 8 and 8.0 compare as equal.
void unify_numbers(nlohmann::ordered_json& json) {
  constexpr double kWhole = 1e15;
  if (json.is_structured()) {
    for (auto& element : json)
      unify_numbers(element);
  } else if (json.is_number_float()) {
    const double number = json.get<double>();
    if (number == std::trunc(number) && std::abs(number) < kWhole) json = static_cast<std::int64_t>(number);
  }
}

// Returns a digest that is the same for equal results.
std::string content_digest(nlohmann::ordered_json json) {
  unify_numbers(json);
  return sha256_hex(python::json_text(json, -1));
}

// Returns the experiment of a processed result: that of its own fields, which a sweep's records have, else that in
// its file's name.
std::string experiment_of(const std::string& path, const nlohmann::ordered_json& document,
                          const report::Row& row) {
  const auto* const exp_name = python::member(document, "exp_name");
  if (exp_name == nullptr || !exp_name->is_string()) return experiment_in_name(path, row);
  const auto* const scenario = python::member(document, "scenario");
  return experiment_name(exp_name->get<std::string>(), scenario != nullptr && *scenario == kAgenticScenario);
}

class Gatherer {
 public:
  explicit Gatherer(const std::string& directory) : out_{{}, TextStore(directory), {}, {}, {}} {}

  /// Adds a sweep's results from its journal, and agg files that were added beside them.
  void add_sweep(const SweepSource& sweep, const std::function<void(const JournalResult&)>& see) {
    sweeps_.insert(sweep.sweep->facts.sweep);
    const std::size_t first = out_.results.size();
    out_.results.reserve(first + static_cast<std::size_t>(sweep.sweep->state.count(core::PointState::Done)));
    each_result(
        sweep,
        [&](const JournalResult& result) {
          if (see) see(result);
          add(report::make_row(result.document), result.text);
        },
        out_.problems);
    sort_by_path(first);
    add_agg_files(sweep.directory, first);
  }

  /// Adds a sweep below the directory. If it is running its journal is locked, and its agg files are used.
  void add_sweep_below(const std::string& directory) {
    auto archive = open_archive(directory);
    if (archive && !sweeps_.contains(archive->sweep.facts.sweep)) {
      add_sweep({directory, &archive->sweep, &archive->journal}, nullptr);
      archive->sweep.facts.directory = directory;
      out_.archives.push_back(std::move(*archive));
      return;
    }
    if (archive) {
      out_.notes.push_back("skipped '" + directory + "': it is a copy of sweep " +
                           archive->sweep.facts.sweep + ", which was already read");
    } else {
      out_.problems.push_back(archive.error().message + "; using this sweep's agg files instead");
    }
    add_agg_files(directory, out_.results.size());
  }

  void add_file(const std::string& path) {
    if (is_ours(path)) return;
    auto document = report::read_document(path);
    if (!document) {
      out_.problems.push_back(document.error().message + "; skipped");
    } else if (report::is_processed_result(document->json)) {
      report::Row row = report::make_row(*document);
      row.exp_name = experiment_of(path, document->json, row);
      if (!add_if_new(std::move(row), document->json) && copies_++ == 0) first_copy_ = path;
    } else if (document->json.is_array()) {
      lists_.push_back(path);
    } else {
      if (others_++ == 0) first_other_ = path;
    }
  }

  /// Adds the results that are only in collected lists.
  void add_lists() {
    for (const std::string& path : lists_) {
      auto list = report::read_document(path);
      if (!list) continue;  // removed since it was found
      for (auto& element : list->json) {
        if (report::is_processed_result(element)) add_if_new(report::make_row({path, element}), element);
      }
    }
  }

  Gathered finish() {
    sort_by_path(0);
    note_skipped(others_, "JSON file", " that is not a processed result", " that are not processed results",
                 first_other_);
    note_skipped(copies_, "file", " with a result that was already read",
                 " with results that were already read", first_copy_);
    return std::move(out_);
  }

 private:
  /// Adds the directory's agg files, except those of the results from `first` on, which are a journal's,
  /// sorted by path.
  void add_agg_files(const std::string& directory, std::size_t first) {
    const std::size_t last = out_.results.size();
    for (const std::string& path : agg_files(directory, out_.problems)) {
      const auto begin = out_.results.begin() + static_cast<std::ptrdiff_t>(first),
                 end = out_.results.begin() + static_cast<std::ptrdiff_t>(last);
      const auto at = std::lower_bound(begin, end, path,
                                       [](const auto& row, const auto& other) { return row.path < other; });
      if (at == end || at->path != path) add_file(path);
    }
  }

  void sort_by_path(std::size_t first) {
    std::stable_sort(out_.results.begin() + static_cast<std::ptrdiff_t>(first), out_.results.end(),
                     [](const auto& a, const auto& b) { return a.path < b.path; });
  }

  void add(report::Row row, std::string_view text) {
    out_.texts.add(text, row);
    out_.results.push_back(std::move(row));
  }

  /// Adds a result unless an equal one was added before. Returns false if it was.
  bool add_if_new(report::Row row, const nlohmann::ordered_json& json) {
    // Digests are made only now: the end of a sweep meets only its own files and does not need them.
    for (; known_ < out_.results.size(); ++known_) {
      const auto text = out_.texts.read(out_.results[known_]);
      if (text) contents_.insert(content_digest(python::read_json(*text).value_or(nullptr)));
    }
    if (!contents_.insert(content_digest(json)).second) return false;
    add(std::move(row), agg_text(json));
    ++known_;
    return true;
  }

  bool is_ours(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    const std::string directory = path.substr(0, slash);
    auto known = ledgers_.find(directory);
    if (known == ledgers_.end()) known = ledgers_.emplace(directory, Ledger::of(directory)).first;
    return known->second.has_written(path.substr(slash + 1));
  }

  void note_skipped(std::size_t count, const char* noun, const char* one, const char* several,
                    const std::string& first) {
    if (count == 0) return;
    out_.notes.push_back("skipped " + counted(count, noun) + (count == 1 ? one : several) + ", such as '" +
                         first + "'");
  }

  Gathered out_;
  std::set<std::string> sweeps_;    // ids
  std::set<std::string> contents_;  // of the first `known_` results
  std::size_t known_ = 0;
  std::map<std::string, Ledger> ledgers_;  // by directory
  std::vector<std::string> lists_;         // paths
  std::size_t others_ = 0, copies_ = 0;
  std::string first_other_, first_copy_;
};

}  // namespace

void each_result(const SweepSource& from, const std::function<void(JournalResult)>& take,
                 std::vector<std::string>& problems) {
  const Plan& plan = from.sweep->plan;
  const core::State& state = from.sweep->state;
  std::set<int> missing;
  for (std::size_t i = 0; i < state.points.size(); ++i) {
    if (state.points[i].state == core::PointState::Done) missing.insert(static_cast<int>(i));
  }
  const auto read = from.journal->each_accepted_result([&](journal::StoredResult stored) {
    const int index = core::find_point(from.sweep->state, stored.ref.point);
    if (index < 0 || core::point_at(from.sweep->state, index).state == core::PointState::Withdrawn) return;
    // A result that is not valid may have been superseded later.
    const core::Attempt* attempt = core::find_attempt(state, stored.ref);
    if (attempt == nullptr || !attempt->accepted) return;
    missing.erase(index);
    const Point& point = plan.points[static_cast<std::size_t>(index)];
    if (is_only_evaluated(point)) return;  // its record is in the collection of evaluations
    auto result = processed(plan, index, stored.node, attempt->account, stored.raw);
    if (!result) {
      problems.push_back(label(point) + ": " + result.error().message);
      return;
    }
    complete_record(*result, plan, state, from.sweep->facts, stored.ref);
    const std::string path = from.directory + "/" + agg_name(result_filename(plan, index, stored.node));
    std::string text = agg_text(result->document);
    take({index,
          std::move(stored.node),
          std::move(stored.raw),
          {path, std::move(result->document), experiment(point)},
          std::move(text)});
  });
  if (!read) return problems.push_back(read.error().message);
  for (const int index : missing)  // a damaged SQLite index hides rows without an error
    problems.push_back(
        label(plan.points[static_cast<std::size_t>(index)]) +
        ": the result is missing from the journal; resume the sweep to recover it or run the point "
        "again");
}

std::string experiment_in_name(const std::string& path, const report::Row& result) {
  const std::string name = path.substr(path.rfind('/') + 1);
  if (!name.starts_with("agg_")) return {};
  const auto text = [&](const char* key) { return result[key].text(""); };
  const std::string rest = "_" + text("precision") + "_" + text("framework") + "_tp" + text("tp") + "_ep" +
                           text("ep") + "_dpa_" + text("dp_attention") + "_conc" + text("conc") + "_";
  const std::size_t end = name.find(rest);
  constexpr std::size_t kBegin = 4;  // after agg_
  return end == std::string::npos || end <= kBegin ? "" : name.substr(kBegin, end - kBegin);
}

Gathered gather(const std::string& directory, const SweepSource* own,
                const std::function<void(const JournalResult&)>& see) {
  Gatherer gatherer(directory);
  std::vector<std::string> sweeps;
  report::Listing listing;
  if (own != nullptr) {
    gatherer.add_sweep(*own, see);
  } else {
    listing = report::find_json(directory, [&](const std::string& folder) {
      const bool is_sweep = has_journal(folder);
      if (is_sweep) sweeps.push_back(folder);
      return !is_sweep;
    });
  }
  std::sort(sweeps.begin(), sweeps.end());
  for (const std::string& sweep : sweeps)
    gatherer.add_sweep_below(sweep);
  for (const std::string& path : listing.files)
    gatherer.add_file(path);
  gatherer.add_lists();
  Gathered out = gatherer.finish();
  out.problems.insert(out.problems.end(), listing.problems.begin(), listing.problems.end());
  return out;
}

}  // namespace sweep
