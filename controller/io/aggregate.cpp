#include "controller/io/aggregate.hpp"

#include <algorithm>
#include <filesystem>
#include <map>

#include "controller/io/ledger.hpp"
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

constexpr const char* kAll = "all";  // for files over several experiments, or none that is known

/// Collects what goes wrong: one file that cannot be written must not keep the others from being written.
class Writer {
 public:
  Writer(const std::string& directory, Aggregation& out)
      : directory_(directory), ledger_(Ledger::of(directory)), out_(out) {}

  /// A file that follows from the directory's own journal.
  void write(const std::string& name, std::string_view text) {
    note(name, write_file_atomic(directory_ + "/" + name, text));
  }
  /// A file of a name that somebody's own may have.
  void write_ours(const std::string& name, std::string_view text) { note(name, ledger_.write(name, text)); }

  void keep(const Expected<void>& done) {
    if (!done) out_.problems.push_back(done.error().message);
  }

 private:
  void note(const std::string& name, const Expected<void>& done) {
    keep(done);
    if (done) out_.written.push_back(directory_ + "/" + name);
  }

  const std::string& directory_;
  Ledger ledger_;
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
        writer.keep(write_result_files(own.directory, name, result.raw, result.document.json, Sync::No));
        documents.push_back(std::move(result.document));
      },
      out.problems);
  // Once for all of them, not twice for each.
  writer.keep(sync_file_system(own.directory));
  return documents;
}

using Chosen = std::vector<const report::Document*>;

Chosen pointers(const Documents& documents) {
  Chosen out;
  for (const report::Document& document : documents)
    out.push_back(&document);
  return out;
}

std::map<std::string, Chosen> by_experiment(const OpenSweep* own, const Documents& results) {
  std::map<std::string, Chosen> out;
  if (own != nullptr) {
    for (const std::string& exp_name : exp_names(own->sweep->plan))
      out[exp_name];
  }
  for (const report::Document& document : results)
    out[document.exp_name].push_back(&document);
  return out;
}

void write_collections(const OpenSweep* own, const Documents& results, Writer& writer) {
  const auto groups = by_experiment(own, results);
  report::FileNames names;
  for (const auto& [exp_name, chosen] : groups) {
    if (!exp_name.empty())
      writer.write_ours(report::collected_name(names.of(exp_name)), report::collect_text(chosen));
  }
  if (groups.size() != 1 || groups.contains(""))
    writer.write_ours(report::collected_name(names.of(kAll)), report::collect_text(results));
}

/// The contract's table; one for each experiment when there are several, for their numbers do not compare.
std::string tables(const Documents& results) {
  const auto groups = by_experiment(nullptr, results);
  if (groups.size() <= 1) return report::summary_table(results);
  std::string out;
  for (const auto& [exp_name, chosen] : groups) {
    out += (out.empty() ? "" : "\n") + std::string("Experiment ") +
           (exp_name.empty() ? "not known" : printable(exp_name)) + "\n\n" + report::summary_table(chosen);
  }
  return out;
}

std::string below(const std::string& path, const std::string& directory) {
  const std::string out = std::filesystem::path(path).lexically_relative(directory).string();
  return out.empty() ? path : out;
}

void summarize(const std::string& directory, const OpenSweep* own, const Gathered& all, Aggregation& out) {
  const Chosen chosen = pointers(all.results);
  const std::string stand_ins = report::stand_in_note(chosen);
  const report::Highlights highlights = report::find_highlights(all.results);
  out.summary =
      tables(all.results) + (stand_ins.empty() ? "" : "\n" + stand_ins) + report::highlights_text(highlights);
  out.json = {{"results", all.results.size()}};
  out.json.update(report::highlights_json(highlights));
  out.json["sweeps"] = nlohmann::ordered_json::array();
  const auto add = [&](const Sweep& sweep, bool titled) {
    if (titled)
      out.summary +=
          "\nSweep " + sweep.facts.sweep + " in " + printable(below(sweep.facts.directory, directory)) + "\n";
    out.summary += view::totals_text(sweep.plan, sweep.state, sweep.facts);
    out.json["sweeps"].push_back(view::totals_json(sweep.plan, sweep.state, sweep.facts));
  };
  if (own != nullptr) add(*own->sweep, false);
  for (const Archive& archive : all.archives)
    add(archive.sweep, archive.sweep.facts.directory != directory);
}

void write_records(const Sweep& sweep, Writer& writer) {
  const auto& [plan, state, facts] = sweep;
  writer.write("jobs.txt", view::jobs_table(plan, state));
  writer.write(
      "manifest.json",
      view::manifest(plan, state, facts).dump(2, ' ', false, nlohmann::json::error_handler_t::replace) +
          "\n");
}

}  // namespace

Aggregation aggregate(const std::string& directory, const OpenSweep* own, const std::string& exp_name) {
  Aggregation out;
  Writer writer(directory, out);
  Documents known;
  if (own != nullptr) known = write_own_results(*own, writer, out);
  Gathered all = gather(directory, own, std::move(known));
  for (report::Document& document : all.results) {
    if (document.exp_name.empty()) document.exp_name = exp_name;
  }
  out.problems.insert(out.problems.end(), all.problems.begin(), all.problems.end());
  out.notes = all.notes;
  out.results = all.results.size();
  summarize(directory, own, all, out);
  if (own == nullptr && all.results.empty() && all.archives.empty()) {
    out.problems.push_back("no processed result in '" + directory + "'; nothing is written");
  } else {
    write_collections(own, all.results, writer);
    if (own != nullptr) write_records(*own->sweep, writer);
    writer.write_ours("summary.txt", out.summary);
    auto plots = report::plot(all.results, kAll, directory);
    if (!plots) out.problems.push_back(plots.error().message);
    if (plots) out.plots = std::move(*plots);
    out.written.insert(out.written.end(), out.plots.begin(), out.plots.end());
  }
  out.json["written"] = out.written;
  out.json["problems"] = out.problems;
  return out;
}

}  // namespace sweep
