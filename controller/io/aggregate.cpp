#include "controller/io/aggregate.hpp"

#include <algorithm>
#include <filesystem>
#include <map>

#include "controller/io/outputs.hpp"
#include "controller/report/collect.hpp"
#include "controller/report/highlights.hpp"
#include "controller/report/plot.hpp"
#include "controller/report/stand_in.hpp"
#include "controller/report/summary.hpp"
#include "controller/view/records.hpp"
#include "proto/base/text.hpp"
#include "proto/net/files.hpp"

namespace sweep {

namespace {

using Documents = std::vector<report::Document>;

/// Collects what goes wrong: one file that cannot be written must not keep the others from being written.
class Writer {
 public:
  Writer(const std::string& directory, Aggregation& out) : directory_(directory), out_(out) {}

  void write(const std::string& name, std::string_view text) {
    const std::string path = directory_ + "/" + name;
    if (keep(write_file_atomic(path, text))) out_.written.push_back(path);
  }
  bool keep(const Expected<void>& done) {
    if (!done) out_.problems.push_back(done.error().message);
    return done.has_value();
  }

 private:
  const std::string& directory_;
  Aggregation& out_;
};

/// Writes every result of the directory's own sweep and returns them processed.
Documents write_own_results(const OpenSweep& own, Writer& writer, Aggregation& out) {
  for (const char* part : {"/raw", "/logs"})
    writer.keep(make_directories(own.directory + part));
  writer.keep(write_matrix(own.directory, own.sweep->plan));
  Documents documents;
  each_result(
      own,
      [&](JournalResult result) {
        const std::string name = result_filename(own.sweep->plan, result.index, result.node);
        writer.keep(write_result_files(own.directory, name, result.raw, result.document.json, Sync::Yes));
        documents.push_back(std::move(result.document));
      },
      out.problems);
  return documents;
}

std::map<std::string, Documents> by_experiment(const OpenSweep* own, const Documents& results) {
  std::map<std::string, Documents> out;
  if (own != nullptr) {
    for (const std::string& exp_name : exp_names(own->sweep->plan))
      out[exp_name];
  }
  for (const report::Document& document : results)
    out[document.exp_name].push_back(document);
  return out;
}

/// A result of that name is somebody's measurement: it is not written over.
void write_collection(const std::string& directory, const Documents& all, const std::string& name,
                      const Documents& documents, Writer& writer, Aggregation& out) {
  const std::string file = report::collected_name(file_safe(name));
  const std::string path = directory + "/" + file;
  const bool taken =
      std::any_of(all.begin(), all.end(), [&](const auto& document) { return document.path == path; });
  if (taken) {
    out.problems.push_back("'" + path + "' is a result, not a collection; choose another --exp-name");
  } else {
    writer.write(file, report::collect_text(documents));
  }
}

void write_collections(const std::string& directory, const OpenSweep* own, const std::string& name,
                       const Documents& results, Writer& writer, Aggregation& out) {
  const auto groups = by_experiment(own, results);
  for (const auto& [exp_name, documents] : groups) {
    if (!exp_name.empty()) write_collection(directory, results, exp_name, documents, writer, out);
  }
  if (groups.size() != 1 || groups.contains("")) {
    write_collection(directory, results, name, results, writer, out);
  }
}

/// Numbers of a stand-in must not be read as those of the hardware that the table names.
std::string stand_in_note(const Documents& documents) {
  std::size_t count = 0;
  std::string what;
  for (const report::Document& document : documents) {
    const auto stands_in = report::stand_in(document.json);
    if (!stands_in) continue;
    ++count;
    what = *stands_in;
  }
  if (count == 0) return {};
  return "\nNot the hardware named above: " + std::to_string(count) + " of " +
         counted(documents.size(), "result") + " measured a stand-in (" + printable(what) + ").\n";
}

void write_summary(const OpenSweep* own, const Gathered& all, Writer& writer, Aggregation& out) {
  std::vector<const Sweep*> sweeps;
  if (own != nullptr) sweeps.push_back(own->sweep);
  for (const Archive& archive : all.archives)
    sweeps.push_back(&archive.sweep);
  out.summary =
      report::summary_table(all.results) + stand_in_note(all.results) + report::highlights_text(all.results);
  out.json = {{"results", all.results.size()}};
  out.json.update(report::highlights_json(all.results));
  out.json["sweeps"] = nlohmann::ordered_json::array();
  for (const Sweep* sweep : sweeps) {
    if (sweeps.size() > 1 || own == nullptr)
      out.summary += "\nSweep " + sweep->facts.sweep + " in " + printable(sweep->facts.directory) + "\n";
    out.summary += view::totals_text(sweep->plan, sweep->state, sweep->facts);
    out.json["sweeps"].push_back(view::totals_json(sweep->plan, sweep->state, sweep->facts));
  }
  writer.write("summary.txt", out.summary);
}

}  // namespace

Aggregation aggregate(const std::string& directory, const OpenSweep* own, const std::string& name) {
  Aggregation out;
  Writer writer(directory, out);
  Documents known;
  if (own != nullptr) known = write_own_results(*own, writer, out);
  Gathered all = gather(directory, own, std::move(known), name);
  out.problems.insert(out.problems.end(), all.problems.begin(), all.problems.end());
  out.note = all.note;
  out.results = all.results.size();
  if (own == nullptr && all.results.empty() && all.archives.empty()) {
    out.problems.push_back("no processed result in '" + directory + "'; nothing is written");
    return out;
  }
  write_collections(directory, own, name, all.results, writer, out);
  if (own != nullptr) {
    const auto& [plan, state, facts] = *own->sweep;
    writer.write("jobs.txt", view::jobs_table(plan, state));
    writer.write(
        "manifest.json",
        view::manifest(plan, state, facts).dump(2, ' ', false, nlohmann::json::error_handler_t::replace) +
            "\n");
  }
  write_summary(own, all, writer, out);
  auto plots = report::plot(all.results, name, directory);
  if (plots) {
    out.plots = std::move(*plots);
    out.written.insert(out.written.end(), out.plots.begin(), out.plots.end());
  } else {
    out.problems.push_back(plots.error().message);
  }
  out.json["written"] = out.written;
  out.json["problems"] = out.problems;
  return out;
}

}  // namespace sweep
