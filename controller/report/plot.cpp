#include "controller/report/plot.hpp"

#include <signal.h>
#include <stdlib.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <utility>

#include "controller/report/collect.hpp"
#include "controller/report/plot_script.hpp"
#include "proto/base/point.hpp"
#include "proto/base/text.hpp"
#include "proto/net/clock.hpp"
#include "proto/net/event_loop.hpp"
#include "proto/net/files.hpp"
#include "proto/net/process.hpp"

namespace sweep::report {

namespace {

constexpr Millis kPatience{120'000};
constexpr std::size_t kMaxOutput = 4096;
constexpr std::size_t kMaxPicture = 64u << 20;

// A directory of our own that goes when we do: gnuplot works in it, and only finished pictures leave it.
class Workshop {
 public:
  static Expected<Workshop> make() {
    std::error_code code;
    std::string path = (std::filesystem::temp_directory_path(code) / "sweep-plot-XXXXXX").string();
    if (::mkdtemp(path.data()) == nullptr) return fail("cannot create '" + path + "': " + errno_text(errno));
    return Workshop(std::move(path));
  }
  Workshop(Workshop&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  Workshop& operator=(Workshop&&) = delete;
  ~Workshop() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }

  const std::string& path() const { return path_; }

 private:
  explicit Workshop(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

struct Picture {
  std::string script, file;  // `file`: its name in the end
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

// The environment without what changes how gnuplot reads or spells numbers.
std::vector<std::string> gnuplot_environment() {
  std::vector<std::string> out = own_environment();
  std::erase_if(out, [](const std::string& entry) {
    return entry.starts_with("LC_") || entry.starts_with("LANG") || entry.starts_with("GNUPLOT");
  });
  out.push_back("LC_ALL=C.UTF-8");
  return out;
}

// Waits for the end of `child`, and takes at most kMaxOutput bytes of what it says.
ExitStatus wait_for(const Child& child, int output, std::string& said, bool& late) {
  EventLoop loop;
  bool ended = false;
  loop.watch(child.pidfd.get(), [&] { ended = true; });
  loop.watch(output, [&] {
    const Chunk chunk = read_available(output, 65536);
    said.append(chunk.bytes, 0, kMaxOutput - std::min(kMaxOutput, said.size()));
    if (chunk.closed) loop.unwatch(output);
  });
  const Instant deadline = now() + kPatience;
  while (!ended && now() < deadline)
    loop.step(deadline);
  if (!ended) {
    late = true;
    ::kill(-child.pid, SIGKILL);
    while (!ended)
      loop.step(std::nullopt);
  }
  if (said.size() < kMaxOutput) said += read_available(output, kMaxOutput - said.size()).bytes;
  return reap(child.pid).value_or(ExitStatus{});
}

// The line of gnuplot's that says what is wrong; it shows the command and a caret on lines before.
std::string last_line(const std::string& said) {
  std::string out;
  for (const std::string& line : split(said, '\n')) {
    if (line.find_first_not_of(" \t\r") != std::string::npos) out = line;
  }
  return printable(out.substr(0, 300));
}

Expected<void> run_gnuplot(const std::string& directory, const std::string& script) {
  if (auto written = write_file_atomic(directory + "/plot.gp", script); !written) return written;
  auto pipe = make_pipe();
  if (!pipe) return fail(pipe.error().message);
  SpawnSpec spec;
  spec.argv = {"gnuplot", "-d", "plot.gp"};  // -d: nobody's .gnuplot has a say
  spec.environment = gnuplot_environment();
  spec.directory = directory;
  spec.out = spec.err = pipe->write_end.get();
  const auto child = spawn(spec);
  if (!child) return fail("no plots: " + child.error().message + "; install the package gnuplot-nox");
  pipe->write_end.reset();
  std::string said;
  bool late = false;
  const ExitStatus status = wait_for(*child, pipe->read_end.get(), said, late);
  if (late) return fail("no plots: gnuplot did not end within 2 minutes and was stopped");
  if (status.code == 0) return {};
  const std::string how = status.code ? "status " + std::to_string(*status.code)
                                      : "signal " + std::to_string(status.signal.value_or(0));
  return fail("no plots: gnuplot ended with " + how + ": " + last_line(said));
}

Expected<std::string> deliver(const std::string& from, const std::string& to) {
  const auto bytes = read_file(from, kMaxPicture);
  if (!bytes) return fail("gnuplot left no picture: " + bytes.error().message);
  if (!bytes->starts_with("\x89PNG\r\n\x1a\n")) return fail("what gnuplot wrote for '" + to + "' is no PNG");
  if (auto written = write_file_atomic(to, *bytes); !written) return fail(written.error().message);
  return to;
}

}  // namespace

Expected<std::vector<std::string>> plot(std::span<const Row> rows, const std::string& exp_name,
                                        const std::string& directory) {
  const std::vector<Picture> all = pictures(rows, exp_name);
  std::vector<std::string> written;
  if (all.empty()) return written;
  const auto workshop = Workshop::make();
  if (!workshop) return fail("no plots: " + workshop.error().message);
  std::string script;
  for (const Picture& picture : all)
    script += picture.script + "reset session\n";
  if (auto drawn = run_gnuplot(workshop->path(), script); !drawn) return fail(drawn.error().message);
  for (std::size_t i = 0; i < all.size(); ++i) {
    auto path = deliver(workshop->path() + "/" + number_png(i),
                        (std::filesystem::path(directory) / all[i].file).lexically_normal().string());
    if (!path) return fail(path.error().message);
    written.push_back(std::move(*path));
  }
  std::sort(written.begin(), written.end());
  return written;
}

}  // namespace sweep::report
