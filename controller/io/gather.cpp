#include "controller/io/gather.hpp"

#include <algorithm>
#include <filesystem>
#include <set>

#include "controller/io/output_dir.hpp"
#include "controller/io/outputs.hpp"
#include "controller/report/collect.hpp"
#include "controller/report/json_text.hpp"
#include "proto/base/point.hpp"
#include "proto/base/text.hpp"
#include "proto/net/files.hpp"

namespace sweep {

namespace {

namespace fs = std::filesystem;

bool has_journal(const std::string& directory) {
  std::error_code ignored;
  return fs::exists(journal_path(directory), ignored);
}

// agg_*.json in a sweep's output directory itself.
std::vector<std::string> agg_files(const std::string& directory, std::vector<std::string>& problems) {
  std::vector<std::string> out;
  std::error_code code;
  fs::directory_iterator entries(directory, code);
  for (; !code && entries != fs::directory_iterator(); entries.increment(code)) {
    const std::string name = entries->path().filename().string();
    if (name.starts_with("agg_") && name.ends_with(".json")) out.push_back(directory + "/" + name);
  }
  if (code) problems.push_back("cannot read the directory '" + directory + "': " + errno_text(code.value()));
  return out;
}

class Gatherer {
 public:
  explicit Gatherer(std::vector<report::Document> known) {
    out_.results = std::move(known);
    for (const report::Document& document : out_.results)
      seen_.insert(document.path);
  }

  /// A sweep below: its results from its journal, and what was put beside them. One that is running holds its
  /// journal; then its agg files say how far it is.
  void add_sweep(const std::string& directory) {
    auto archive = open_archive(directory);
    if (!archive) {
      out_.problems.push_back(archive.error().message + "; its results are taken from its agg files");
    } else {
      each_result(
          {directory, &archive->sweep, &archive->journal},
          [&](JournalResult result) { add(std::move(result.document)); }, out_.problems);
      archive->sweep.facts.directory = directory;
      out_.archives.push_back(std::move(*archive));
    }
    add_agg_files(directory);
  }

  /// In a sweep's directory a list is a collection of what is there already.
  void add_agg_files(const std::string& directory) {
    for (const std::string& path : agg_files(directory, out_.problems))
      add_file(path, false);
  }

  void add_file(const std::string& path, bool lists) {
    if (seen_.contains(path)) return;
    auto document = report::read_document(path);
    if (!document) {
      out_.problems.push_back(document.error().message + "; left out");
    } else if (report::is_processed_result(document->json)) {
      add(std::move(*document));
    } else if (!document->json.is_array()) {
      if (others_++ == 0) first_other_ = path;
    } else if (lists) {
      lists_.push_back(std::move(*document));
    }
  }

  /// The results that are only in lists, once each. What aggregate() writes itself is none to read: a result
  /// whose file is gone would come back from it.
  void open_lists(const std::string& directory, const std::string& name) {
    if (lists_.empty()) return;
    std::set<std::string> known, written = {directory + "/" + report::collected_name(file_safe(name))};
    for (const report::Document& document : out_.results) {
      known.insert(report::python_json(document.json, -1));
      written.insert(directory + "/" + report::collected_name(file_safe(document.exp_name)));
    }
    for (report::Document& list : lists_) {
      if (written.contains(list.path)) continue;
      for (auto& element : list.json) {
        if (!report::is_processed_result(element)) continue;
        if (known.insert(report::python_json(element, -1)).second)
          out_.results.push_back({list.path, std::move(element)});
      }
    }
  }

  Gathered finish() {
    std::stable_sort(out_.results.begin(), out_.results.end(),
                     [](const auto& a, const auto& b) { return a.path < b.path; });
    if (others_ > 0) {
      out_.note = counted(others_, "JSON file") + " left out that " + (others_ == 1 ? "is" : "are") +
                  " no processed result, first '" + first_other_ + "'";
    }
    return std::move(out_);
  }

 private:
  void add(report::Document document) {
    seen_.insert(document.path);
    out_.results.push_back(std::move(document));
  }

  Gathered out_;
  std::set<std::string> seen_;  // paths
  std::vector<report::Document> lists_;
  std::size_t others_ = 0;
  std::string first_other_;
};

}  // namespace

void each_result(const OpenSweep& from, const std::function<void(JournalResult)>& take,
                 std::vector<std::string>& problems) {
  const Plan& plan = from.sweep->plan;
  const auto read = from.journal->each_accepted_result([&](journal::StoredResult stored) {
    const int index = core::find_point(from.sweep->state, stored.ref.point);
    if (index < 0) return;
    const Point& point = plan.points[static_cast<std::size_t>(index)];
    auto json = processed(plan, index, stored.node, stored.raw);
    if (!json) {
      problems.push_back(label(point) + ": " + json.error().message);
      return;
    }
    const std::string path = from.directory + "/" + agg_name(result_filename(plan, index, stored.node));
    take({index, std::move(stored.node), std::move(stored.raw), {path, std::move(*json), point.exp_name}});
  });
  if (!read) problems.push_back(read.error().message);
}

Gathered gather(const std::string& directory, const OpenSweep* own, std::vector<report::Document> known,
                const std::string& name) {
  Gatherer gatherer(std::move(known));
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
    gatherer.add_file(path, true);
  gatherer.open_lists(directory, name);
  Gathered out = gatherer.finish();
  out.problems.insert(out.problems.end(), listing.problems.begin(), listing.problems.end());
  return out;
}

}  // namespace sweep
