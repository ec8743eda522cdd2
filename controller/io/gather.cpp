#include "controller/io/gather.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <string_view>
#include <unordered_map>

#include "controller/io/ledger.hpp"
#include "controller/io/output_dir.hpp"
#include "controller/io/outputs.hpp"
#include "controller/report/json_text.hpp"
#include "proto/base/text.hpp"

namespace sweep {

namespace {

namespace fs = std::filesystem;

bool has_journal(const std::string& directory) {
  std::error_code ignored;
  return fs::exists(journal_path(directory), ignored);
}

// agg_*.json in a sweep's output directory itself, sorted.
std::vector<std::string> agg_files(const std::string& directory, std::vector<std::string>& problems) {
  auto [files, unread] =
      report::find_json(directory, [&](const std::string& folder) { return folder == directory; });
  problems.insert(problems.end(), unread.begin(), unread.end());
  std::erase_if(files, [&](const std::string& path) {
    return !std::string_view(path).substr(directory.size() + 1).starts_with("agg_");
  });
  return std::move(files);
}

// Where the results are that are known, by their content: equal ones are copies.
class Contents {
 public:
  bool has(const std::vector<report::Document>& all, const nlohmann::ordered_json& json) const {
    const auto [first, last] = places_.equal_range(hash(json));
    return std::any_of(first, last, [&](const auto& place) { return all[place.second].json == json; });
  }
  void add(const nlohmann::ordered_json& json, std::size_t place) { places_.emplace(hash(json), place); }

 private:
  // Of what differs between any two measurements; nlohmann's own hash tells 8 that was read from 8 that was
  // computed.
  static std::size_t hash(const nlohmann::ordered_json& json) {
    const auto throughput = report::number_of(json, "tput_per_gpu"),
               latency = report::number_of(json, "median_e2el");
    if (!throughput && !latency) return std::hash<std::string>()(report::python_json(json, -1));
    return std::hash<double>()(throughput.value_or(0)) * 31 + std::hash<double>()(latency.value_or(0));
  }
  std::unordered_multimap<std::size_t, std::size_t> places_;
};

class Gatherer {
 public:
  Gatherer(std::vector<report::Document> known, const OpenSweep* own) {
    for (report::Document& document : known)
      add(std::move(document));
    if (own != nullptr) sweeps_.insert(own->sweep->facts.sweep);
  }

  /// A sweep below: its results from its journal, and what was put beside them. One that is running holds its
  /// journal; then its agg files say how far it is.
  void add_sweep(const std::string& directory) {
    auto archive = open_archive(directory);
    if (!archive) {
      out_.problems.push_back(archive.error().message + "; its results are taken from its agg files");
    } else if (!sweeps_.insert(archive->sweep.facts.sweep).second) {
      out_.notes.push_back("'" + directory + "' is a copy of sweep " + archive->sweep.facts.sweep +
                           ", which is in already; left out");
    } else {
      each_result(
          {directory, &archive->sweep, &archive->journal},
          [&](JournalResult result) { add(std::move(result.document)); }, out_.problems);
      archive->sweep.facts.directory = directory;
      out_.archives.push_back(std::move(*archive));
    }
    add_agg_files(directory);
  }

  void add_agg_files(const std::string& directory) {
    for (const std::string& path : agg_files(directory, out_.problems))
      add_file(path);
  }

  void add_file(const std::string& path) {
    if (seen_.contains(path) || is_ours(path)) return;
    auto document = report::read_document(path);
    if (!document) {
      out_.problems.push_back(document.error().message + "; left out");
    } else if (report::is_processed_result(document->json)) {
      document->exp_name = experiment_in_name(path, document->json);
      add_copy(std::move(*document));
    } else if (document->json.is_array()) {
      lists_.push_back(std::move(*document));
    } else {
      if (others_++ == 0) first_other_ = path;
    }
  }

  /// The results that are only in collected lists.
  void open_lists() {
    for (report::Document& list : lists_) {
      for (auto& element : list.json) {
        if (report::is_processed_result(element) && !contents_.has(out_.results, element))
          add({list.path, std::move(element)});
      }
    }
  }

  Gathered finish() {
    std::stable_sort(out_.results.begin(), out_.results.end(),
                     [](const auto& a, const auto& b) { return a.path < b.path; });
    tell(others_, "JSON file", " that is no processed result", " that are no processed results",
         first_other_);
    tell(copies_, "file", " with a result that is in already", " with results that are in already",
         first_copy_);
    return std::move(out_);
  }

 private:
  void add(report::Document document) {
    seen_.insert(document.path);
    contents_.add(document.json, out_.results.size());
    out_.results.push_back(std::move(document));
  }

  void add_copy(report::Document document) {
    if (!contents_.has(out_.results, document.json)) return add(std::move(document));
    if (copies_++ == 0) first_copy_ = document.path;
  }

  bool is_ours(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    const std::string directory = path.substr(0, slash);
    auto known = ledgers_.find(directory);
    if (known == ledgers_.end()) known = ledgers_.emplace(directory, Ledger::of(directory)).first;
    return known->second.has_written(path.substr(slash + 1));
  }

  void tell(std::size_t count, const char* noun, const char* one, const char* several,
            const std::string& first) {
    if (count == 0) return;
    out_.notes.push_back(counted(count, noun) + (count == 1 ? one : several) + " left out, first '" + first +
                         "'");
  }

  Gathered out_;
  std::set<std::string> seen_;    // paths
  std::set<std::string> sweeps_;  // ids
  Contents contents_;
  std::map<std::string, Ledger> ledgers_;  // by directory
  std::vector<report::Document> lists_;
  std::size_t others_ = 0, copies_ = 0;
  std::string first_other_, first_copy_;
};

}  // namespace

void each_result(const OpenSweep& from, const std::function<void(JournalResult)>& take,
                 std::vector<std::string>& problems) {
  const Plan& plan = from.sweep->plan;
  const core::State& state = from.sweep->state;
  std::set<int> missing;
  for (std::size_t i = 0; i < state.points.size(); ++i) {
    if (state.points[i].state == core::PointState::Done) missing.insert(static_cast<int>(i));
  }
  const auto read = from.journal->each_accepted_result([&](journal::StoredResult stored) {
    const int index = core::find_point(from.sweep->state, stored.ref.point);
    if (index < 0 ||
        from.sweep->state.points[static_cast<std::size_t>(index)].state == core::PointState::Withdrawn)
      return;
    missing.erase(index);
    const Point& point = plan.points[static_cast<std::size_t>(index)];
    auto json = processed(plan, index, stored.node, stored.raw);
    if (!json) {
      problems.push_back(label(point) + ": " + json.error().message);
      return;
    }
    const std::string path = from.directory + "/" + agg_name(result_filename(plan, index, stored.node));
    take({index, std::move(stored.node), std::move(stored.raw), {path, std::move(*json), point.exp_name}});
  });
  if (!read) return problems.push_back(read.error().message);
  for (const int index : missing)  // a damaged index hides rows without a word
    problems.push_back(
        label(plan.points[static_cast<std::size_t>(index)]) +
        ": the journal has lost its result; resume the sweep to have it recovered or run again");
}

std::string experiment_in_name(const std::string& path, const nlohmann::ordered_json& result) {
  const std::string name = path.substr(path.rfind('/') + 1);
  if (!name.starts_with("agg_")) return {};
  const auto text = [&](const char* key) { return report::text_of(result, key, ""); };
  const std::string rest = "_" + text("precision") + "_" + text("framework") + "_tp" + text("tp") + "_ep" +
                           text("ep") + "_dpa_" + text("dp_attention") + "_conc" + text("conc") + "_";
  const std::size_t end = name.find(rest);
  constexpr std::size_t kBegin = 4;  // behind agg_
  return end == std::string::npos || end <= kBegin ? "" : name.substr(kBegin, end - kBegin);
}

Gathered gather(const std::string& directory, const OpenSweep* own, std::vector<report::Document> known) {
  Gatherer gatherer(std::move(known), own);
  std::vector<std::string> sweeps;
  report::Listing listing;
  if (own != nullptr) {
    gatherer.add_agg_files(directory);
  } else {
    listing = report::find_json(directory, [&](const std::string& folder) {
      const bool is_sweep = has_journal(folder);
      if (is_sweep) sweeps.push_back(folder);
      return !is_sweep;
    });
  }
  std::sort(sweeps.begin(), sweeps.end());
  for (const std::string& sweep : sweeps)
    gatherer.add_sweep(sweep);
  for (const std::string& path : listing.files)
    gatherer.add_file(path);
  gatherer.open_lists();
  Gathered out = gatherer.finish();
  out.problems.insert(out.problems.end(), listing.problems.begin(), listing.problems.end());
  return out;
}

}  // namespace sweep
