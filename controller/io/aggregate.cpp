#include "controller/io/aggregate.hpp"

#include <algorithm>
#include <filesystem>
#include <map>

#include "controller/evals/eval_table.hpp"
#include "controller/io/ledger.hpp"
#include "controller/io/outputs.hpp"
#include "controller/io/point_evals.hpp"
#include "controller/report/collect.hpp"
#include "controller/report/highlights.hpp"
#include "controller/report/plot.hpp"
#include "controller/report/repeats.hpp"
#include "controller/report/stand_in.hpp"
#include "controller/report/summary.hpp"
#include "controller/report/validity.hpp"
#include "controller/view/records.hpp"
#include "util/json.hpp"
#include "util/os/beneath.hpp"
#include "util/text.hpp"

namespace sweep {

namespace {

using Rows = std::vector<report::Row>;

constexpr const char* kAll = "all";  // in names of files over several or unknown experiments

/// Writes files and collects errors: a file that cannot be written must not prevent the others.
class Writer {
 public:
  Writer(const std::string& directory, Aggregation& out)
      : directory_(directory), ledger_(Ledger::of(directory)), out_(out) {}

  /// Writes a file that follows from the directory's own journal.
  void write(const std::string& name, const std::function<void(const Sink&)>& make) {
    FileBeneath file(directory_, name);
    make([&](std::string_view piece) { file.write(piece); });
    note(name, file.finish());
  }
  /// Writes a file with a name that a user's file may also have.
  template <class Text>
  void write_ours(const std::string& name, const Text& text) {
    note(name, ledger_.write(name, text));
  }

  void keep_result(const Expected<void>& done) {
    keep_error(done);
    if (done) ++out_.result_files;
  }

  void keep_error(const Expected<void>& done) {
    if (!done) out_.problems.push_back(done.error().message);
  }

 private:
  void note(const std::string& name, const Expected<void>& done) {
    keep_error(done);
    if (done) out_.written.push_back(directory_ + "/" + name);
  }

  const std::string& directory_;
  Ledger ledger_;
  Aggregation& out_;
};

/// Gathers everything in the directory and writes the files of each result of its own sweep on the way.
Gathered gather_and_write(const SweepSource& own, Writer& writer) {
  for (const char* part : {"raw", "logs"})
    writer.keep_error(make_folders_beneath(own.directory, part));
  writer.keep_error(write_matrix(own.directory, own.sweep->plan));
  Gathered all = gather(own.directory, &own, [&](const JournalResult& result) {
    const std::string name = result_filename(own.sweep->plan, result.index, result.node);
    remove_superseded(own.directory, own.sweep->plan, own.sweep->state, result.index);
    writer.keep_result(write_result_files(own.directory, name, result.raw, result.text, Sync::No));
  });
  // One sync for all files instead of two for each.
  writer.keep_error(sync_file_system(own.directory));
  return all;
}

using Chosen = std::vector<const report::Row*>;

Chosen pointers(const Rows& rows) {
  Chosen out;
  for (const report::Row& row : rows)
    out.push_back(&row);
  return out;
}

std::map<std::string, Chosen> by_experiment(const SweepSource* own, const Rows& results) {
  std::map<std::string, Chosen> out;
  if (own != nullptr) {
    for (const std::string& exp_name : experiments(own->sweep->plan))
      out[exp_name];
  }
  for (const report::Row& row : results)
    out[row.exp_name.str()].push_back(&row);
  return out;
}

Expected<void> write_collection(const Chosen& chosen, TextStore& texts, const Sink& out) {
  report::Collection collection(out);
  for (const report::Row* row : chosen) {
    SWEEP_ASSIGN(const auto text, texts.read(*row));
    collection.add(text);
  }
  collection.end();
  return {};
}

void write_collections(const SweepSource* own, Gathered& all, Writer& writer) {
  const auto groups = by_experiment(own, all.results);
  report::FileNames names;
  const auto write = [&](const std::string& exp_name, const Chosen& chosen) {
    writer.write_ours(report::collected_name(names.of(exp_name)),
                      [&](const Sink& out) { return write_collection(chosen, all.texts, out); });
  };
  for (const auto& [exp_name, chosen] : groups) {
    if (!exp_name.empty()) write(exp_name, chosen);
  }
  if (groups.size() != 1 || groups.contains("")) write(kAll, pointers(all.results));
}

/// Returns the contract's table; one for each experiment if there are several, because their numbers do not
/// compare.
std::string tables(const Rows& results) {
  const auto groups = by_experiment(nullptr, results);
  if (groups.empty()) return "No results.\n";
  if (groups.size() <= 1) return report::summary_table(results);
  std::string out;
  for (const auto& [exp_name, chosen] : groups) {
    out += (out.empty() ? "" : "\n") + std::string("Experiment ") +
           (exp_name.empty() ? "unknown" : printable(exp_name)) + "\n\n" + report::summary_table(chosen);
  }
  return out;
}

/// Returns `path` relative to `directory`.
std::string relative_to(const std::string& path, const std::string& directory) {
  const std::string out = std::filesystem::path(path).lexically_relative(directory).string();
  return out.empty() ? path : out;
}

void summarize(const std::string& directory, const SweepSource* own, const Gathered& all, const Rows& rows,
               const std::string& eval_tables, Aggregation& out) {
  const Chosen chosen = pointers(rows);
  const std::string notes =
      report::stand_in_note(chosen) + report::repeat_note(chosen) + report::validity_note(chosen);
  const report::Highlights highlights = report::find_highlights(rows);
  out.summary = tables(rows) + (notes.empty() ? "" : "\n" + notes) + report::highlights_text(highlights);
  if (!eval_tables.empty()) out.summary += "\n" + eval_tables;
  out.json = {{"results", all.results.size()}};
  out.json.update(report::highlights_json(highlights));
  out.json["sweeps"] = nlohmann::ordered_json::array();
  const auto add = [&](const Sweep& sweep, bool titled) {
    if (titled)
      out.summary += "\nSweep " + sweep.facts.sweep + " in " +
                     printable(relative_to(sweep.facts.directory, directory)) + "\n";
    const std::string place = relative_to(sweep.facts.directory, directory);
    const std::string prefix = sweep.facts.directory == directory || place == "." ? "" : place + "/";
    out.summary +=
        view::totals_text(sweep.plan, sweep.state, sweep.facts, log_finder(sweep.facts.directory, prefix));
    out.json["sweeps"].push_back(view::totals_json(sweep.plan, sweep.state, sweep.facts));
  };
  if (own != nullptr) add(*own->sweep, false);
  for (const Archive& archive : all.archives)
    add(archive.sweep, archive.sweep.facts.directory != directory);
}

/// Collects the evaluations of the directory's own sweep and of those below it, and returns their tables.
std::string write_evals(const SweepSource* own, const std::vector<Archive>& archives, Writer& writer,
                        Aggregation& out) {
  std::vector<SweepAt> sweeps;
  if (own != nullptr) sweeps.emplace_back(own->sweep, own->directory);
  for (const Archive& archive : archives)
    sweeps.emplace_back(&archive.sweep, archive.sweep.facts.directory);
  const CollectedEvals evals = collect_evals(sweeps);
  out.problems.insert(out.problems.end(), evals.problems.begin(), evals.problems.end());
  if (evals.rows.empty()) return {};
  const std::string text = eval_collection_text(evals.rows);
  writer.write_ours(kEvalCollection, std::string_view(text));
  return evals::eval_tables(evals.rows, evals::EvalOrder::ModelPrefix);
}

void write_records(const Sweep& sweep, Writer& writer) {
  writer.write("jobs.txt", [&](const Sink& out) { view::write_jobs(sweep.plan, sweep.state, out); });
  writer.write("manifest.json",
               [&](const Sink& out) { view::write_manifest(sweep.plan, sweep.state, sweep.facts, out); });
}

}  // namespace

Aggregation aggregate(const std::string& directory, const SweepSource* own, const std::string& exp_name) {
  Aggregation out;
  Writer writer(directory, out);
  Gathered all = own != nullptr ? gather_and_write(*own, writer) : gather(directory);
  for (report::Row& row : all.results) {
    if (row.exp_name.empty()) row.exp_name = exp_name;
  }
  out.problems.insert(out.problems.end(), all.problems.begin(), all.problems.end());
  out.notes = all.notes;
  out.results = all.results.size();
  // Most sweeps have no repeats; a second copy of the rows would cost memory.
  const bool repeats = report::has_repeats(all.results);
  const Rows merged = repeats ? report::merged_repeats(all.results) : Rows();
  const Rows& rows = repeats ? merged : all.results;
  std::string eval_tables;
  const bool nothing = own == nullptr && all.results.empty() && all.archives.empty();
  if (nothing) {
    out.problems.push_back(
        "no processed results found in '" + directory +
        "'; nothing was written; give the output directory of a sweep, or a directory with agg_*.json files");
  } else {
    write_collections(own, all, writer);
    eval_tables = write_evals(own, all.archives, writer, out);
    out.collections = out.written;  // nothing else has been written that this list names
    if (own != nullptr) write_records(*own->sweep, writer);
    // Before the table, because plots and table of a large sweep need not be in memory together.
    auto plots = report::plot(rows, kAll, directory);
    if (!plots) out.problems.push_back(plots.error().message);
    if (plots) out.plots = std::move(*plots);
  }
  summarize(directory, own, all, rows, eval_tables, out);
  if (!nothing) writer.write_ours("summary.txt", std::string_view(out.summary));
  out.written.insert(out.written.end(), out.plots.begin(), out.plots.end());
  out.json["written"] = out.written;
  out.json["problems"] = out.problems;
  return out;
}

}  // namespace sweep
