#include "controller/report/plot.hpp"

#include <stdlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <string_view>
#include <utility>

#include "controller/report/collect.hpp"
#include "controller/report/plot_script.hpp"
#include "util/os/beneath.hpp"
#include "util/os/run_program.hpp"
#include "util/os/temporary_directory.hpp"
#include "util/text.hpp"

namespace sweep::report {

namespace {

constexpr Millis kGnuplotTimeout{120'000};
constexpr std::size_t kLastLine = 300;          // bytes of gnuplot's last line that a message quotes
constexpr std::size_t kMaxPicture = 64u << 20;  // bytes

struct Picture {
  std::string script;  // the gnuplot program
  std::string file;    // the file name in the output directory
};

std::string file_name(const Family& family, Metric metric, FileNames& names) {
  const char* what = metric == Metric::MedianE2el ? "tput_vs_e2el_" : "tput_vs_intvty_";
  return what + family.name + "_" + names.of(family.exp_name) + ".png";
}

std::string number_png(std::size_t number) {
  return std::to_string(number) + ".png";
}

std::vector<Picture> pictures(std::span<const Row> rows, const std::string& exp_name) {
  const std::vector<Family> all = families(rows, exp_name);
  const PlotStyles styles(all);
  std::vector<Picture> out;
  FileNames names;
  for (const Family& family : all) {
    for (const Metric metric : {Metric::MedianE2el, Metric::MedianIntvty}) {
      const bool any = std::any_of(family.series.begin(), family.series.end(),
                                   [&](const Series& series) { return !series.points[metric].empty(); });
      if (!any) continue;
      out.push_back(
          {plot_script(family, metric, styles, number_png(out.size())), file_name(family, metric, names)});
    }
  }
  return out;
}

// Returns what gnuplot needs of our environment to start and to find fonts. Everything else is left out: GNUTERM,
// GNUPLOT_*, LC_* and others would change its terminal, its settings or its number format.
std::vector<std::string> gnuplot_environment() {
  constexpr std::array<std::string_view, 8> kPassed = {"PATH",
                                                       "LD_LIBRARY_PATH",
                                                       "HOME",
                                                       "TMPDIR",
                                                       "GDFONTPATH",
                                                       "FONTCONFIG_FILE",
                                                       "FONTCONFIG_PATH",
                                                       "XDG_CACHE_HOME"};
  std::vector<std::string> out;
  for (std::string& entry : own_environment()) {
    const std::string_view name = std::string_view(entry).substr(0, entry.find('='));
    if (std::find(kPassed.begin(), kPassed.end(), name) != kPassed.end()) out.push_back(std::move(entry));
  }
  out.push_back("LC_ALL=C.UTF-8");
  return out;
}

Expected<void> run_gnuplot(const std::string& directory, const std::string& script) {
  SWEEP_TRY(write_file_atomic(directory + "/plot.gp", script));
  RunOptions options;
  options.environment = gnuplot_environment();
  options.limit = kGnuplotTimeout;
  options.directory = directory;
  const auto result = run_program({"gnuplot", "-d", "plot.gp"}, options);  // -d: ignore the user's .gnuplot
  if (!result)
    return fail("cannot draw plots: " + result.error().message + "; install the package gnuplot-nox");
  if (result->late) return fail("cannot draw plots: gnuplot did not finish within 2 minutes and was stopped");
  if (result->ok()) return {};
  const ExitStatus& status = result->status;
  const std::string how = status.code ? "status " + std::to_string(*status.code)
                                      : "signal " + std::to_string(status.signal.value_or(0));
  // gnuplot prints the faulty command and a caret first, and the reason on the last line.
  return fail("cannot draw plots: gnuplot ended with " + how + ": " + last_line(result->out, kLastLine));
}

// Copies a picture to `name` in `directory`. Returns its path.
Expected<std::string> copy_picture(const std::string& from, const std::string& directory,
                                   const std::string& name) {
  std::string to = (std::filesystem::path(directory) / name).lexically_normal().string();
  const auto bytes = read_file(from, kMaxPicture);
  if (!bytes) return fail("gnuplot wrote no picture: " + bytes.error().message);
  if (!bytes->starts_with("\x89PNG\r\n\x1a\n"))
    return fail("gnuplot's output for '" + to + "' is not a PNG file");
  SWEEP_TRY(write_beneath(directory, name, *bytes));
  return to;
}

}  // namespace

Expected<std::vector<std::string>> plot(std::span<const Row> rows, const std::string& exp_name,
                                        const std::string& directory) {
  const std::vector<Picture> all = pictures(rows, exp_name);
  std::vector<std::string> written;
  if (all.empty()) return written;
  const auto temporary = TemporaryDirectory::make("sweep-plot-");
  if (!temporary) return fail("cannot draw plots: " + temporary.error().message);
  std::string script;
  for (const Picture& picture : all)
    script += picture.script + "reset session\n";
  SWEEP_TRY(run_gnuplot(temporary->path(), script));
  for (std::size_t i = 0; i < all.size(); ++i) {
    SWEEP_ASSIGN(auto path, copy_picture(temporary->path() + "/" + number_png(i), directory, all[i].file));
    written.push_back(std::move(path));
  }
  std::sort(written.begin(), written.end());
  return written;
}

}  // namespace sweep::report
