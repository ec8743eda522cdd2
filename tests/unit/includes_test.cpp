// Holds what the sources include against the picture in ARCHITECTURE.md, section "Who knows what".
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

// Box -> what it may include of ours, itself apart.
const Rules& rules() {
  static const std::vector<std::string> kBase = {"proto/base/"};
  static const std::vector<std::string> kWire = {"proto/base/", "proto/wire/"};
  static const std::vector<std::string> kIo = {"proto/base/", "proto/wire/", "proto/net/"};
  static const auto with = [](std::vector<std::string> all, const std::vector<std::string>& more) {
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  static const Rules kRules = {
      {"proto/base/", {}},
      {"proto/wire/", kBase},
      {"proto/net/", kWire},
      {"container/core/", kBase},
      {"container/io/", with(kIo, {"container/core/"})},
      {"agent/core/", with(kWire, {"container/core/"})},
      {"agent/io/", with(kIo, {"agent/core/", "container/core/"})},
      {"agent/", with(kIo, {"agent/core/", "agent/io/", "container/io/"})},
      {"controller/core/", kWire},
      {"controller/yaml/", kBase},
      {"controller/matrix/", {"proto/base/", "proto/net/files.hpp", "controller/yaml/"}},
      {"controller/profile/", {"proto/base/", "proto/net/files.hpp", "controller/yaml/", "container/core/"}},
      {"controller/report/", {"proto/base/", "proto/net/"}},
      {"controller/plan/", with(kWire, {"controller/core/", "controller/profile/", "container/core/"})},
      {"controller/view/", with(kWire, {"controller/core/", "controller/plan/"})},
      {"controller/journal/", with(kWire, {"controller/core/"})},
      {"controller/io/", with(kIo, {"controller/core/", "controller/plan/", "controller/view/",
                                    "controller/journal/", "controller/report/", "controller/profile/"})},
      {"controller/cli/", with(kIo, {"controller/", "container/"})},
      {"spank_plugin/", {"proto/base/env_names.hpp"}},
      {"benchmarks/", with(kIo, {"controller/", "agent/", "container/"})},
  };
  return kRules;
}

// The most particular box that a file lies in.
std::string box_of(const std::string& path) {
  std::string best;
  for (const auto& [box, allowed] : rules()) {
    if (path.starts_with(box) && box.size() > best.size()) best = box;
  }
  return best;
}

bool allowed(const std::string& box, const std::string& included) {
  if (included.starts_with(box)) return true;
  for (const std::string& prefix : rules().at(box)) {
    if (included.starts_with(prefix)) return true;
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
  for (const char* top : {"proto", "container", "agent", "controller", "spank_plugin", "benchmarks"}) {
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

TEST(Includes, CoresKnowNothingOfTheWorld) {
  const std::regex world(
      "zmq.*|sqlite3.*|slurm/.*|sys/"
      ".*|unistd.h|fcntl.h|fstream|filesystem|poll.h|signal.h|thread|mutex|spdlog/.*");
  for (const Include& include : includes()) {
    const std::string box = box_of(include.file);
    const bool pure = box == "proto/base/" || box == "proto/wire/" || box == "container/core/" ||
                      box == "agent/core/" || box == "controller/core/" || box == "controller/plan/" ||
                      box == "controller/view/";
    if (!pure) continue;
    EXPECT_FALSE(std::regex_match(include.included, world))
        << include.file << " includes " << include.included;
  }
}

TEST(Includes, ThePluginKnowsLibcAndSlurmAlone) {
  for (const Include& include : includes()) {
    if (!include.file.starts_with("spank_plugin/") || include.ours) continue;
    EXPECT_EQ(include.included.find("zmq"), std::string::npos) << include.file;
    EXPECT_EQ(include.included.find("nlohmann"), std::string::npos) << include.file;
  }
}

}  // namespace
}  // namespace sweep
