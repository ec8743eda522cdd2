// Checks every #include of our own files against the picture in ARCHITECTURE.md, section "Who includes what".
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <string>
#include <vector>

namespace sweep {
namespace {

namespace fs = std::filesystem;

using Rules = std::map<std::string, std::vector<std::string>>;

// For each box: the paths that its files may include, besides its own.
const Rules& rules() {
  using Paths = std::vector<std::string>;
  static const Paths kWords = {"util/", "proto/base/"};  // for pure boxes; util/os/ is a separate box
  static const Paths kWire = {"util/", "proto/base/", "proto/wire/"};
  static const Paths kIo = {"util/", "util/os/", "proto/"};
  static const auto with = [](Paths all, const Paths& more) {
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  static const Rules kRules = {
      {"util/", {}},
      {"util/os/", {"util/"}},
      {"util/command_line", {"util/", "util/os/"}},  // prints; only for programs
      {"proto/base/", {"util/"}},
      {"proto/wire/", kWords},
      {"proto/net/", with(kWire, {"util/os/"})},
      {"container/core/", kWords},
      {"container/io/", with(kWords, {"util/os/", "container/core/"})},
      {"agent/core/", with(kWire, {"container/core/"})},
      {"agent/io/", with(kIo, {"agent/core/", "container/core/"})},
      {"agent/", with(kIo, {"agent/core/", "agent/io/", "container/io/"})},
      {"controller/core/", kWire},
      {"controller/yaml/", {"util/"}},
      {"controller/python/", {"util/"}},
      {"controller/matrix/", {"util/", "util/os/files.hpp", "controller/python/", "controller/yaml/"}},
      {"controller/ci/",
       {"util/", "util/os/files.hpp", "util/os/process.hpp", "util/os/run_program.hpp", "controller/python/",
        "controller/yaml/", "controller/matrix/"}},
      {"controller/profile/", with(kWords, {"util/os/files.hpp", "controller/yaml/", "container/core/"})},
      {"controller/report/",
       with(kWords, {"util/os/beneath.hpp", "util/os/files.hpp", "util/os/output_file.hpp",
                     "util/os/run_program.hpp", "util/os/temporary_directory.hpp", "controller/python/"})},
      {"controller/evals/",
       {"util/", "util/os/files.hpp", "util/os/output_file.hpp", "controller/python/", "controller/report/",
        "controller/yaml/"}},
      {"controller/compare/",
       {"util/", "util/os/files.hpp", "util/os/run_program.hpp", "util/os/temporary_directory.hpp",
        "controller/python/", "controller/report/"}},
      {"controller/github/",
       {"util/", "util/os/files.hpp", "util/os/output_file.hpp", "controller/python/", "controller/report/",
        "controller/yaml/"}},
      {"controller/power/", {"util/", "util/os/files.hpp", "util/os/output_file.hpp", "controller/python/"}},
      {"controller/agentic/", {"util/", "util/os/files.hpp", "controller/python/", "controller/power/"}},
      {"controller/plan/", with(kWire, {"controller/core/", "controller/profile/", "container/core/"})},
      {"controller/view/", with(kWire, {"controller/core/", "controller/plan/", "controller/profile/"})},
      {"controller/journal/", with(kWire, {"controller/core/"})},
      {"controller/io/", with(kIo, {"controller/core/", "controller/matrix/", "controller/plan/",
                                    "controller/python/", "controller/view/", "controller/journal/",
                                    "controller/report/", "controller/profile/", "controller/evals/"})},
      {"controller/cli/", with(kIo, {"util/command_line.hpp", "controller/", "container/"})},
      {"spank_plugin/", {"proto/base/env_names.hpp"}},
      {"benchmarks/sweep-bench/core/", {"util/", "benchmarks/statistics.hpp"}},
      {"benchmarks/sweep-bench/io/",
       {"util/", "util/os/", "benchmarks/monotonic_clock.hpp", "benchmarks/sweep-bench/core/"}},
      {"benchmarks/sweep-bench/cli/",
       {"util/", "util/os/", "benchmarks/monotonic_clock.hpp", "benchmarks/progress_line.hpp",
        "util/command_line.hpp", "benchmarks/sweep-bench/"}},
      {"benchmarks/sweep-simserver/core/", {"util/", "benchmarks/statistics.hpp"}},
      {"benchmarks/sweep-simserver/io/",
       {"util/", "benchmarks/monotonic_clock.hpp", "benchmarks/sweep-simserver/core/"}},
      {"benchmarks/sweep-simserver/cli/",
       {"util/", "util/os/", "util/command_line.hpp", "benchmarks/sweep-simserver/"}},
      {"benchmarks/", with(kIo, {"util/command_line.hpp", "controller/", "agent/", "container/",
                                 "benchmarks/sweep-simserver/core/"})},
  };
  return kRules;
}

// Returns the innermost box that contains the file.
std::string box_of(const std::string& path) {
  std::string best;
  for (const auto& [box, allowed] : rules()) {
    if (path.starts_with(box) && box.size() > best.size()) best = box;
  }
  return best;
}

bool allowed(const std::string& box, const std::string& included) {
  const std::string from = box_of(included);
  if (from == box) return true;
  for (const std::string& path : rules().at(box)) {
    if (!included.starts_with(path)) continue;
    if (path.ends_with(".hpp") || from == path || !rules().contains(path)) return true;
  }
  return false;
}

struct Include {
  std::string file, included;
  bool ours = false;
};

std::vector<Include> includes() {
  static const std::regex kLine(R"re(\s*#\s*include\s*(["<])([^">]+)[">].*)re");
  const fs::path root(SWEEP_SOURCE_DIR);
  std::vector<Include> out;
  for (const char* top :
       {"util", "proto", "container", "agent", "controller", "spank_plugin", "benchmarks"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root / top)) {
      const std::string ending = entry.path().extension().string();
      if (ending != ".cpp" && ending != ".hpp" && ending != ".h") continue;
      std::ifstream file(entry.path());
      std::smatch match;
      for (std::string line; std::getline(file, line);) {
        if (!std::regex_match(line, match, kLine)) continue;
        out.push_back({fs::relative(entry.path(), root).string(), match[2], match[1] == "\""});
      }
    }
  }
  return out;
}

TEST(Includes, FollowTheArrows) {
  std::size_t seen = 0;
  for (const Include& include : includes()) {
    if (!include.ours) continue;
    ++seen;
    const std::string box = box_of(include.file);
    ASSERT_NE(box, "") << include.file << " lies in no box of ARCHITECTURE.md";
    EXPECT_TRUE(allowed(box, include.included)) << include.file << " must not include " << include.included;
  }
  EXPECT_GT(seen, 200U);  // else the search is broken
}

TEST(Includes, PureBoxesUseNoSystemInterface) {
  const std::regex world(
      "zmq.*|sqlite3.*|slurm/.*|sys/"
      ".*|unistd.h|fcntl.h|fstream|filesystem|poll.h|signal.h|thread|mutex|spdlog/.*");
  for (const Include& include : includes()) {
    const std::string box = box_of(include.file);
    const bool pure = box == "util/" || box.ends_with("/core/") || box == "proto/base/" ||
                      box == "proto/wire/" || box == "controller/plan/" || box == "controller/view/";
    if (!pure) continue;
    EXPECT_FALSE(std::regex_match(include.included, world))
        << include.file << " includes " << include.included;
  }
}

// Options are parsed by programs, not by what they are made of.
TEST(Includes, OnlyCommandLinesParseOptions) {
  for (const Include& include : includes()) {
    if (include.included != "util/command_line.hpp") continue;
    const bool program = include.file.starts_with("controller/cli/") ||
                         include.file.starts_with("benchmarks/") || include.file == "util/command_line.cpp";
    EXPECT_TRUE(program) << include.file << " includes " << include.included;
  }
}

TEST(Includes, PluginUsesOnlyLibcAndSlurm) {
  for (const Include& include : includes()) {
    if (!include.file.starts_with("spank_plugin/") || include.ours) continue;
    EXPECT_EQ(include.included.find("zmq"), std::string::npos) << include.file;
    EXPECT_EQ(include.included.find("nlohmann"), std::string::npos) << include.file;
  }
}

std::string text_of(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// A source that no CMake list names is dead: nothing compiles or tests it.
TEST(Sources, AreNamedInACMakeList) {
  const fs::path root(SWEEP_SOURCE_DIR);
  std::size_t seen = 0;
  for (const char* top :
       {"util", "proto", "container", "agent", "controller", "spank_plugin", "benchmarks"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root / top)) {
      if (entry.path().extension() != ".cpp") continue;
      ++seen;
      const fs::path folder = entry.path().parent_path();
      const std::string lists =
          text_of(folder / "CMakeLists.txt") + text_of(folder.parent_path() / "CMakeLists.txt");
      EXPECT_NE(lists.find(entry.path().filename().string()), std::string::npos) << entry.path();
    }
  }
  EXPECT_GT(seen, 100U);  // otherwise the search is broken
}

}  // namespace
}  // namespace sweep
