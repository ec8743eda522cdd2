// The depth limit for MessagePack; and proto/PROTOCOL.md, whose tables are read and compared with the codec.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <map>
#include <random>
#include <regex>
#include <set>

#include "proto/wire/msgpack.hpp"
#include "tests/unit/wire_samples.hpp"
#include "util/json.hpp"

namespace sweep::wire {
namespace {

// ---- nests_within

// Returns one value for each of MessagePack's encodings and length classes, with its nesting depth.
std::vector<std::pair<json, std::size_t>> every_form() {
  std::vector<std::pair<json, std::size_t>> out = {
      {nullptr, 0}, {true, 0}, {false, 0}, {1.5f, 0}, {1e300, 0}};
  for (const std::int64_t value :
       {0L, 127L, 128L, 255L, 256L, 65'535L, 65'536L, 0xffff'ffffL, 0x1'0000'0000L, -1L, -32L, -33L, -128L,
        -129L, -32'768L, -32'769L, -2'147'483'648L, -2'147'483'649L}) {
    out.emplace_back(value, 0);
  }
  for (const std::size_t length : {0, 31, 32, 255, 256, 65'535, 65'536}) {
    out.emplace_back(std::string(length, 's'), 0);
    out.emplace_back(json::binary(std::vector<std::uint8_t>(length, 7)), 0);
  }
  for (const std::size_t length : {1, 2, 3, 4, 8, 16, 17, 256, 65'536}) {
    out.emplace_back(json::binary(std::vector<std::uint8_t>(length, 7), 42), 0);  // extensions
  }
  for (const std::size_t length : {0, 15, 16, 65'535, 65'536}) {
    out.emplace_back(json(length, 1), 1);
    json map = json::object();
    for (std::size_t i = 0; i < length; ++i)
      map[std::to_string(i)] = 1;
    out.emplace_back(std::move(map), 1);
  }
  out.emplace_back(json::array({1, json::array({2, json::object({{"k", json::array()}})}), 3}), 4);
  return out;
}

TEST(Nesting, DepthOfEveryEncodingIsExact) {
  for (const auto& [value, depth] : every_form()) {
    const std::string bytes = packed(value);
    const std::string what = "type byte " + std::to_string(static_cast<unsigned char>(bytes[0])) + ", " +
                             std::to_string(bytes.size()) + " bytes";
    EXPECT_TRUE(nests_within(bytes, depth)) << what;
    if (depth > 0) {
      EXPECT_FALSE(nests_within(bytes, depth - 1)) << what;
    }
    EXPECT_FALSE(nests_within(std::string_view(bytes).substr(0, bytes.size() - 1), depth)) << what;
    EXPECT_TRUE(nests_within(bytes + "\xc1", depth)) << what;  // bytes after the value are ignored
  }
}

// nests_within() must accept every value that nlohmann's own parser accepts.
TEST(Nesting, AcceptsWhateverTheParserAccepts) {
  std::mt19937 random(42);
  std::size_t taken = 0;
  for (int round = 0; round < 100'000; ++round) {
    std::string bytes(1 + random() % 24, '\0');
    for (char& byte : bytes)
      byte = static_cast<char>(random());
    const bool parsed = !json::from_msgpack(bytes, false, false).is_discarded();
    const bool whole = nests_within(bytes, 64);
    if (parsed) {
      EXPECT_TRUE(whole) << testing::PrintToString(bytes);
    }
    taken += parsed ? 1u : 0u;
  }
  EXPECT_GT(taken, 1'000u);
}

// ---- PROTOCOL.md

struct Row {
  std::string field, type;
};
struct Section {
  std::size_t number = 0;
  bool of_message = false;
  std::vector<Row> rows;
};

// Returns the sections "### NUMBER Name — …" and those of maps inside messages, "## Name", with the rows
// "| `field` | type | … |" of their tables.
std::map<std::string, Section> protocol_page() {
  std::ifstream file(SWEEP_SOURCE_DIR "/proto/PROTOCOL.md");
  const std::regex heading("##(?:# ([0-9]+))? ([A-Za-z]+)(?: .*)?");
  const std::regex row(R"(\| `([a-z_]+)` *\| *([^|]*[^| ]) *\|.*)");
  std::map<std::string, Section> out;
  Section* section = nullptr;
  std::smatch found;
  for (std::string line; std::getline(file, line);) {
    if (std::regex_match(line, found, heading)) {
      section = &out[found[2]];
      section->of_message = found[1].matched;
      if (section->of_message) section->number = std::stoul(found[1]);
    } else if (line.starts_with("#")) {
      section = nullptr;
    } else if (section != nullptr && std::regex_match(line, found, row)) {
      section->rows.push_back({found[1], found[2]});
    }
  }
  return out;
}

TEST(ProtocolPage, ListsEveryMessageAndItsFields) {
  const auto page = protocol_page();
  EXPECT_EQ(
      std::count_if(page.begin(), page.end(), [](const auto& section) { return section.second.of_message; }),
      static_cast<std::ptrdiff_t>(std::variant_size_v<Message>));
  for (const Sample& sample : samples()) {
    ASSERT_TRUE(page.contains(sample.name)) << sample.name;
    const Section& section = page.at(sample.name);
    EXPECT_EQ(section.number, sample.message.index()) << sample.name;
    std::set<std::string> described;
    for (const Row& row : section.rows)
      described.insert(row.field);
    std::set<std::string> sent;
    for (const auto& item : sample.body.items())
      sent.insert(item.key());
    EXPECT_EQ(described, sent) << sample.name;
  }
}

struct Limits {
  std::vector<json> legal, illegal;
};

std::uint64_t limit_of(const std::string& text) {
  if (text == "2^62-1") return std::numeric_limits<std::int64_t>::max() / 2;
  return std::stoull(text);
}

// Returns values on both sides of the limits of a type of the page; none for types that other tests cover.
Limits limits_of(const std::string& type) {
  std::smatch part;
  if (std::regex_match(type, part, std::regex("text ≤ ([0-9]+)"))) {
    const std::size_t bytes = limit_of(part[1]);
    return {{"", std::string(bytes, 'x')}, {std::string(bytes + 1, 'x'), 1}};
  }
  if (std::regex_match(type, part, std::regex("integer ([0-9]+)\\.\\.([0-9^-]+)"))) {
    const std::uint64_t low = limit_of(part[1]);
    const std::uint64_t high = limit_of(part[2]);
    return {{low, high}, {static_cast<std::int64_t>(low) - 1, high + 1, ~std::uint64_t{0}, "1"}};
  }
  if (std::regex_match(type, part, std::regex("list ≤ ([0-9]+) of text ≤ ([0-9]+)"))) {
    const std::size_t count = limit_of(part[1]);
    const std::size_t bytes = limit_of(part[2]);
    return {{json::array(), json(count, ""), json::array({std::string(bytes, 'x')})},
            {json(count + 1, ""), json::array({std::string(bytes + 1, 'x')}), "x", json::array({1})}};
  }
  if (type == "flag") return {{true, false}, {0, 1, "true"}};
  EXPECT_TRUE(type == "outcome" || type == "account" || type == "server" || type == "container" ||
              type == "anything" || type == "list ≤ 4096 of pairs" || type == "list ≤ 1000 of files")
      << type;
  return {};
}

TEST(ProtocolPage, LimitsMatchTheCodec) {
  for (const auto& item : protocol_page()) {  // not a structured binding: clang 14 cannot capture one
    const auto& name = item.first;
    const auto& section = item.second;
    if (!section.of_message) continue;
    const Sample sample = sample_of(name);
    for (const Row& row : section.rows) {
      const auto says = [&](const json& value) {
        json body = sample.body;
        body[row.field] = value;
        return complaint(frames_of(section.number, body, sample.bulk));
      };
      const std::string where = name + ": " + row.field + ", " + row.type;
      const Limits limits = limits_of(row.type);
      for (const json& value : limits.legal)
        EXPECT_EQ(says(value), "") << where;
      for (const json& value : limits.illegal) {
        EXPECT_NE(says(value).find("'" + row.field + "' must be"), std::string::npos)
            << where << ": says '" << says(value) << "'";
      }
    }
  }
}

// The page describes the maps inside messages as the samples have them and as the codec limits them.
TEST(ProtocolPage, NestedMapsMatchTheCodec) {
  const auto page = protocol_page();
  const std::map<std::string, std::pair<std::string, std::string>> places = {
      {"Server", {"Lease", "server"}},
      {"Container", {"Lease", "container"}},
      {"Account", {"Finished", "account"}},
      {"Outcome", {"Finished", "outcome"}}};
  for (const auto& item : places) {
    const auto& name = item.first;
    const auto& place = item.second;
    const Sample sample = sample_of(place.first);
    std::set<std::string> described, sent;
    for (const auto& member : sample.body.at(place.second).items())
      sent.insert(member.key());
    for (const Row& row : page.at(name).rows) {
      described.insert(row.field);
      if (row.type == "one word" || row.type.find("[name, ms]") != std::string::npos) continue;
      const Limits limits = limits_of(row.type);
      const auto says = [&](const json& value) {
        json body = sample.body;
        body[place.second][row.field] = value;
        return complaint(frames_of(sample.message.index(), body, sample.bulk));
      };
      for (const json& value : limits.legal)
        EXPECT_EQ(says(value), "") << name << ": " << row.field;
      for (const json& value : limits.illegal)
        EXPECT_NE(says(value).find("'" + row.field + "' must be"), std::string::npos)
            << name << ": " << row.field;
    }
    EXPECT_EQ(described, sent) << name;
  }
}

}  // namespace
}  // namespace sweep::wire
