// Compares our YAML reader with yaml-cpp, an independent implementation, on every YAML file under configs/.
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "controller/yaml/document.hpp"
#include "util/os/files.hpp"

namespace sweep::yaml {
namespace {

namespace fs = std::filesystem;

// yaml-cpp does not interpret scalars, so they are compared as text. All spellings of null are equal.
std::string shown(const Value& value) {
  std::string out;
  switch (value.kind()) {
    case Kind::List:
      for (const ValueRef& item : value.items)
        out += "- " + shown(*item) + "\n";
      return "[\n" + out + "]";
    case Kind::Dict:
      for (const Member& member : value.members)
        out += shown(*member.key) + ": " + shown(*member.value) + "\n";
      return "{\n" + out + "}";
    case Kind::Null:
      return "null";
    default:
      return "'" + value.text + "'";
  }
}

std::string shown(const YAML::Node& node) {
  std::string out;
  switch (node.Type()) {
    case YAML::NodeType::Sequence:
      for (const YAML::Node& item : node)
        out += "- " + shown(item) + "\n";
      return "[\n" + out + "]";
    case YAML::NodeType::Map:
      for (const auto& member : node)
        out += shown(member.first) + ": " + shown(member.second) + "\n";
      return "{\n" + out + "}";
    case YAML::NodeType::Scalar:
      return "'" + node.Scalar() + "'";
    case YAML::NodeType::Null:
    case YAML::NodeType::Undefined:
      break;
  }
  return "null";
}

std::vector<fs::path> shipped_configs() {
  std::vector<fs::path> out;
  for (const auto& entry : fs::recursive_directory_iterator(fs::path(SWEEP_SOURCE_DIR) / "configs")) {
    if (entry.is_regular_file() && entry.path().extension() == ".yaml") out.push_back(entry.path());
  }
  std::sort(out.begin(), out.end());
  return out;
}

TEST(Differential, ShippedConfigsReadAsInYamlCpp) {
  const std::vector<fs::path> files = shipped_configs();
  ASSERT_GE(files.size(), 20u) << "configs/ was not found";
  for (const fs::path& file : files) {
    const auto text = read_file(file.string(), kMaxFileBytes);
    ASSERT_TRUE(text) << text.error().message;
    const auto ours = parse_document(*text);
    ASSERT_TRUE(ours) << file << ": " << ours.error().message;
    EXPECT_EQ(shown(**ours), shown(YAML::Load(*text))) << file;
  }
}

// Constructs that the shipped files do not all use.
TEST(Differential, SyntaxReadsAsInYamlCpp) {
  for (const char* text :
       {"", "~", "a: 1\nb: [x, ~, 'y']\nc: {d: yes, e: }\n", "a: &x {p: 1}\nb: *x\nc: [*x, *x]\n",
        "a: |\n  kept\n   lines\n\nb: >-\n  folded\n  text\n\n  next\n", "- - 1\n  - 2\n-\n  - 3\n",
        "? a\n: b\n'c d': \"\\u00e9\\t\\x41\"\n",
        "a: 'it''s'\nb: two\n  lines # comment\nc: \"two\n  lines\"\n",
        "010: 0x1F\n1:30: 2025-11-01\nnull: True\n"}) {
    const auto ours = parse_document(text);
    ASSERT_TRUE(ours) << text << ours.error().message;
    EXPECT_EQ(shown(**ours), shown(YAML::Load(text))) << text;
  }
}

}  // namespace
}  // namespace sweep::yaml
