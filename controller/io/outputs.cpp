#include "controller/io/outputs.hpp"

#include <algorithm>
#include <map>
#include <optional>

#include "controller/report/collect.hpp"
#include "controller/report/command.hpp"
#include "controller/report/plot.hpp"
#include "controller/report/process_result.hpp"
#include "controller/report/stand_in.hpp"
#include "controller/report/summary.hpp"
#include "controller/view/records.hpp"
#include "proto/base/text.hpp"
#include "proto/net/files.hpp"

namespace sweep {

namespace {

constexpr unsigned kFileMode = 0644;

std::string agg_name(const std::string& result) {
  return "agg_" + result + ".json";
}

/// Collects what goes wrong: one file that cannot be written must not keep the others from being written.
class Writer {
 public:
  Writer(const std::string& directory, std::vector<std::string>& problems)
      : directory_(directory), problems_(problems) {}

  void write(const std::string& name, std::string_view text) {
    keep(write_file_atomic(directory_ + "/" + name, text));
  }
  void keep(const Expected<void>& done) {
    if (!done) problems_.push_back(done.error().message);
  }

 private:
  const std::string& directory_;
  std::vector<std::string>& problems_;
};

struct Results {
  std::vector<report::Document> all;  // sorted by path
  std::map<std::string, std::vector<report::Document>> by_exp_name;
};

/// Writes every result that counts, and returns them processed, in the order that `sweepctl collect` has.
Results write_results(const std::string& directory, const Sweep& sweep, journal::Journal& journal,
                      Writer& writer, std::vector<std::string>& problems) {
  struct Found {
    std::string exp_name;
    report::Document document;
  };
  std::vector<Found> found;
  const auto read = journal.each_accepted_result([&](journal::StoredResult result) {
    const int index = core::find_point(sweep.state, result.ref.point);
    if (index < 0) return;
    writer.keep(write_result(directory, sweep.plan, index, result.node, result.raw, Sync::Yes));
    auto document = processed(sweep.plan, index, result.node, result.raw);
    if (!document) {
      problems.push_back(label(sweep.plan.points[static_cast<std::size_t>(index)]) + ": " +
                         document.error().message);
      return;
    }
    found.push_back({sweep.plan.points[static_cast<std::size_t>(index)].exp_name,
                     {directory + "/" + agg_name(result_filename(sweep.plan, index, result.node)),
                      std::move(*document)}});
  });
  if (!read) problems.push_back(read.error().message);
  std::sort(found.begin(), found.end(),
            [](const Found& a, const Found& b) { return a.document.path < b.document.path; });
  Results out;
  for (Found& one : found) {
    out.by_exp_name[one.exp_name].push_back(one.document);
    out.all.push_back(std::move(one.document));
  }
  return out;
}

void write_collections(const Sweep& sweep, Results& results, Writer& writer) {
  const auto names = exp_names(sweep.plan);
  for (const std::string& name : names) {
    writer.write(report::collected_name(file_safe(name)), report::collect_text(results.by_exp_name[name]));
  }
  if (names.size() > 1) writer.write(report::collected_name("all"), report::collect_text(results.all));
}

/// Numbers of a stand-in must not be read as those of the hardware that the table names.
std::string stand_in_note(const std::vector<report::Document>& documents) {
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

}  // namespace

Expected<nlohmann::ordered_json> processed(const Plan& plan, int index, const std::string& node,
                                           std::string_view raw) {
  if (auto whole = report::check_result(raw); !whole) return whole;
  // The very variables that the benchmark had: process-result run by hand beside it would say the same.
  const auto environment = make_lease(plan, index, 1, node).environment;
  const auto lookup = [&](const char* name) -> std::optional<std::string> {
    const auto last = std::find_if(environment.rbegin(), environment.rend(),
                                   [&](const auto& variable) { return variable.first == name; });
    return last == environment.rend() ? std::nullopt : std::optional(last->second);
  };
  return report::process_result(report::result_context(lookup), raw);
}

Expected<void> write_matrix(const std::string& directory, const Plan& plan) {
  std::string text = "[";
  for (const Point& point : plan.points) {
    text += text.size() > 1 ? ",\n  " : "\n  ";
    text += point.entry.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  }
  return write_file_atomic(directory + "/sweep_configs.json", text + "\n]\n");
}

Expected<void> append_log(const std::string& directory, const Plan& plan, int index, int attempt,
                          const std::string& node, bool is_stderr, std::string_view bytes) {
  return append_file(
      directory + "/" + view::log_stem(plan, index, attempt, node) + (is_stderr ? ".err" : ".out"), bytes);
}

Expected<void> write_result(const std::string& directory, const Plan& plan, int index,
                            const std::string& node, std::string_view raw, Sync sync) {
  const std::string name = result_filename(plan, index, node);
  if (auto done = write_file_atomic(directory + "/raw/" + name + ".json", raw, kFileMode, sync); !done)
    return done;
  const auto document = processed(plan, index, node, raw);
  if (!document) return tl::unexpected(document.error());
  return write_file_atomic(directory + "/" + agg_name(name), report::python_json(*document, 2), kFileMode,
                           sync);
}

Aggregation aggregate(const std::string& directory, const Sweep& sweep, journal::Journal& journal) {
  Aggregation out;
  Writer writer(directory, out.problems);
  for (const char* part : {"/raw", "/logs"})
    writer.keep(make_directories(directory + part));
  writer.keep(write_matrix(directory, sweep.plan));
  Results results = write_results(directory, sweep, journal, writer, out.problems);
  write_collections(sweep, results, writer);
  writer.write("jobs.txt", view::jobs_table(sweep.plan, sweep.state));
  writer.write("manifest.json", view::manifest(sweep.plan, sweep.state, sweep.facts)
                                        .dump(2, ' ', false, nlohmann::json::error_handler_t::replace) +
                                    "\n");
  out.summary = report::summary_table(results.all) + stand_in_note(results.all) +
                view::totals_text(sweep.plan, sweep.state, sweep.facts);
  writer.write("summary.txt", out.summary);
  auto plots = report::plot(results.all, file_safe(sweep_name(sweep.plan)), directory);
  if (plots) {
    out.plots = std::move(*plots);
  } else {
    out.problems.push_back("no plots: " + plots.error().message);
  }
  return out;
}

}  // namespace sweep
