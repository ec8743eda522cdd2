// controller/matrix: properties that must hold for every valid file and selection, tested with random files
// (seeds.hpp).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <functional>
#include <map>

#include "controller/matrix/inferencemax/expand.hpp"
#include "controller/matrix/json_line.hpp"
#include "tests/unit/matrix_samples.hpp"
#include "tests/unit/seeds.hpp"
#include "util/json.hpp"

namespace sweep::matrix {
namespace {

constexpr std::uint64_t kSeeds = 200;

struct Drawn {
  int tp = 1, start = 1, end = 1;
  std::string rest;  // ep and dp-attn in YAML
};

struct DrawnEntry {
  std::string key, model, image, yaml;
  std::vector<std::vector<Drawn>> blocks;
};

std::string digits(unsigned number, int base, std::size_t width = 1) {
  std::array<char, 32> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number, base).ptr;
  const std::string out(buffer.data(), end);
  return std::string(width - std::min(width, out.size()), '0') + out;
}

// Returns the number in a random YAML notation.
std::string spelled(SeededDice& dice, int number) {
  const auto value = static_cast<unsigned>(number);
  switch (dice.below(8)) {
    case 0:
      return "0x" + digits(value, 16);
    case 1:
      return "0" + digits(value, 8);
    case 2:
      return "0b" + digits(value, 2);
    case 3:
      return "+" + digits(value, 10) + "_";
    default:
      return digits(value, 10);
  }
}

// Returns `text` as a double-quoted YAML scalar.
std::string quoted(const std::u32string& text) {
  std::string out = "\"";
  for (const char32_t c : text) {
    const auto code = static_cast<unsigned>(c);
    if (code >= 0x20 && code < 0x7f && code != '"' && code != '\\') {
      out += static_cast<char>(code);
    } else {
      out += code < 0x100     ? "\\x" + digits(code, 16, 2)
             : code < 0x10000 ? "\\u" + digits(code, 16, 4)
                              : "\\U" + digits(code, 16, 8);
    }
  }
  return out + "\"";
}

Drawn draw_element(SeededDice& dice) {
  Drawn out;
  out.tp = 1 << dice.below(5);
  out.start = dice.between(1, 40);
  out.end = dice.percent(15) ? dice.between(0, out.start) : out.start + dice.below(600);
  const char* const eps[] = {"", "", ", ep: 8", ", ep: ~", ", ep: 0"};
  const char* const dps[] = {"", "", ", dp-attn: true", ", dp-attn: off", ", dp-attn: ~"};
  out.rest = std::string(eps[dice.below(5)]) + dps[dice.below(5)];
  return out;
}

// Returns an entry whose key and model contain `number`, so that each point identifies its entry.
DrawnEntry draw_entry(SeededDice& dice, int number) {
  DrawnEntry out;
  const std::string unique = std::to_string(number);
  out.key = dice.one_of(std::vector<std::string>{"a", "ab", "b", "A"}) + "-" + unique;
  const std::u32string model = dice.text(12) + std::u32string(unique.begin(), unique.end());
  const std::u32string image = dice.text(12);
  out.model = utf8(model);
  out.image = utf8(image);
  const auto any = [&](std::vector<std::string> words) { return dice.one_of(words); };
  out.yaml = out.key + ":\n  model: " + quoted(model) + "\n  image: " + quoted(image) +
             "\n  model-prefix: " + any({"m", "dsr1"}) + "\n  precision: " + any({"fp4", "fp8", "FP8"}) +
             "\n  framework: " + any({"vllm", "trt", "sglang"}) + "\n  runner: " + any({"h100", "h200"}) +
             "\n  seq-len-configs:\n";
  const int count = dice.between(1, 4), short_one = dice.below(count);
  for (int i = 0; i < count; ++i) {
    const int isl = i == short_one || dice.percent(50) ? 1024 : 8192,
              osl = i == short_one ? 1024 : 1 << dice.between(9, 13);
    out.yaml +=
        "  - isl: " + spelled(dice, isl) + "\n    osl: " + spelled(dice, osl) + "\n    search-space:\n";
    std::vector<Drawn>& block = out.blocks.emplace_back();
    for (int j = dice.between(1, 4); j > 0; --j) {
      const Drawn& element = block.emplace_back(draw_element(dice));
      out.yaml += "    - { tp: " + spelled(dice, element.tp) +
                  ", conc-start: " + spelled(dice, element.start) +
                  ", conc-end: " + spelled(dice, element.end) + element.rest + " }\n";
    }
  }
  return out;
}

std::vector<DrawnEntry> draw_entries(SeededDice& dice) {
  std::vector<DrawnEntry> out;
  for (int i = dice.between(1, 6); i > 0; --i)
    out.push_back(draw_entry(dice, i));
  return out;
}

std::string file_of(const std::vector<DrawnEntry>& entries) {
  std::string out;
  for (const DrawnEntry& entry : entries)
    out += entry.yaml;
  return out;
}

std::vector<Config> configs_in(const std::vector<DrawnEntry>& entries) {
  auto configs = configs_of(file_of(entries));
  EXPECT_TRUE(configs) << configs.error().message << "\n" << file_of(entries);
  return configs ? *configs : std::vector<Config>();
}

using Points = std::vector<std::string>;

// Returns each entry of a matrix as text; nothing if no entry matched.
Points points(const Expected<Matrix>& matrix) {
  Points out;
  if (!matrix) {
    EXPECT_TRUE(matrix.error().message.starts_with("No configs found matching")) << matrix.error().message;
    return out;
  }
  for (const auto& entry : *matrix)
    out.push_back(entry.dump());
  return out;
}

const Runners& runners() {
  static const Runners kRunners = *Runners::parse("h100: [h100-a, h100-b]\nh200: [h200-a]\n", "r.yaml");
  return kRunners;
}

// The subcommands that use every entry.
std::vector<std::pair<std::string, std::function<Expected<Matrix>(const std::vector<Config>&)>>> sweeps() {
  FullSweep test;
  test.test_mode = true;
  return {{"full-sweep", [](const auto& configs) { return expand_full_sweep(configs, {}); }},
          {"full-sweep --test-mode", [=](const auto& configs) { return expand_full_sweep(configs, test); }},
          {"runner-model-sweep",
           [](const auto& configs) { return expand_runner_model_sweep(configs, runners(), "h100"); }},
          {"runner-sweep", [](const auto& configs) {
             return expand_runner_sweep(configs, runners(), {"h100", "a", "", "vllm"});
           }}};
}

TEST(MatrixProperty, PermutingEntriesPermutesTheirBlocks) {
  for_each_seed(kSeeds, [](SeededDice& dice) {
    const std::vector<DrawnEntry> entries = draw_entries(dice);
    std::vector<DrawnEntry> permuted = entries;
    dice.shuffle(permuted);
    const std::vector<Config> before = configs_in(entries), after = configs_in(permuted);
    ASSERT_EQ(after.size(), permuted.size());
    std::vector<std::vector<Config>> alone;
    for (const DrawnEntry& entry : permuted)
      alone.push_back(configs_in({entry}));
    for (const auto& [name, expand] : sweeps()) {
      Points expected;
      for (const std::vector<Config>& config : alone) {
        const Points block = points(expand(config));
        expected.insert(expected.end(), block.begin(), block.end());
      }
      EXPECT_EQ(points(expand(after)), expected) << name;
      EXPECT_EQ(points(expand(before)).size(), expected.size()) << name;
    }
  });
}

TEST(MatrixProperty, SplittingEntriesIntoFilesChangesNothing) {
  for_each_seed(kSeeds, [](SeededDice& dice) {
    const std::vector<DrawnEntry> entries = draw_entries(dice);
    std::vector<RawEntry> raw;
    for (std::size_t at = 0, next = 0; at < entries.size(); at = next) {
      next = at + static_cast<std::size_t>(dice.between(1, static_cast<int>(entries.size() - at)));
      const auto first = entries.begin() + static_cast<std::ptrdiff_t>(at);
      const auto last = entries.begin() + static_cast<std::ptrdiff_t>(next);
      ASSERT_TRUE(add_entries({"f" + std::to_string(at), file_of({first, last})}, raw));
    }
    const std::vector<Lengths> short_form = {{1024, 1024}};
    const auto configs = check_entries(raw, short_form);
    ASSERT_TRUE(configs) << configs.error().message;
    EXPECT_EQ(points(expand_full_sweep(*configs, {})), points(expand_full_sweep(configs_in(entries), {})));
  });
}

// The values of the five filters of full-sweep.
using Filters = std::vector<std::vector<std::string>>;

FullSweep sweep_of(const Filters& filters, bool test_mode) {
  FullSweep out;
  out.test_mode = test_mode;
  out.model_prefix = filters[0];
  out.precision = filters[1];
  out.framework = filters[2];
  out.runner_type = filters[3];
  out.seq_lens = filters[4];
  return out;
}

Filters draw_filters(SeededDice& dice) {
  const Filters values = {{"a", "ab", "b", "A-", "", "x"},
                          {"fp4", "fp8", "FP8", "fp"},
                          {"vllm", "trt", "sglang", "v"},
                          {"h100", "h200", "h1"},
                          {"1k1k", "1k8k", "8k1k"}};
  Filters out;
  for (const auto& choices : values) {
    std::vector<std::string>& filter = out.emplace_back();
    for (int i = dice.percent(60) ? dice.between(1, 2) : 0; i > 0; --i)
      filter.push_back(dice.one_of(choices));
  }
  return out;
}

TEST(MatrixProperty, SeveralFiltersGiveTheIntersection) {
  int filtered = 0;
  for_each_seed(kSeeds, [&](SeededDice& dice) {
    const std::vector<Config> configs = configs_in(draw_entries(dice));
    const Filters filters = draw_filters(dice);
    const bool test_mode = dice.percent(30);
    Points left = points(expand_full_sweep(configs, sweep_of(Filters(5), test_mode)));
    const std::size_t before = left.size();
    std::vector<std::size_t> order = {0, 1, 2, 3, 4};
    dice.shuffle(order);
    for (const std::size_t which : order) {
      Filters one(5);
      one[which] = filters[which];
      const Points alone = points(expand_full_sweep(configs, sweep_of(one, test_mode)));
      std::erase_if(left, [&](const std::string& point) {
        return std::find(alone.begin(), alone.end(), point) == alone.end();
      });
    }
    EXPECT_EQ(points(expand_full_sweep(configs, sweep_of(filters, test_mode))), left);
    filtered += !left.empty() && left.size() < before;
  });
  if (std::getenv("SWEEP_SEED") == nullptr) {
    EXPECT_GT(filtered, 20) << "too few random filters had an effect";
  }
}

TEST(MatrixProperty, SeveralValuesOfAFilterGiveTheUnion) {
  for_each_seed(kSeeds, [](SeededDice& dice) {
    const std::vector<Config> configs = configs_in(draw_entries(dice));
    Filters both(5), first(5), second(5);
    const auto which = static_cast<std::size_t>(dice.below(5));
    while (both[which].size() < 2)
      both[which] = draw_filters(dice)[which];
    first[which] = {both[which][0]};
    second[which] = {both[which][1]};
    const Points one = points(expand_full_sweep(configs, sweep_of(first, false)));
    const Points other = points(expand_full_sweep(configs, sweep_of(second, false)));
    Points expected = points(expand_full_sweep(configs, {}));
    std::erase_if(expected, [&](const std::string& point) {
      return std::find(one.begin(), one.end(), point) == one.end() &&
             std::find(other.begin(), other.end(), point) == other.end();
    });
    EXPECT_EQ(points(expand_full_sweep(configs, sweep_of(both, false))), expected);
  });
}

// ---- ranges

void expect_range(const std::vector<std::int64_t>& range, std::int64_t start, std::int64_t end,
                  std::int64_t step) {
  SCOPED_TRACE(std::to_string(start) + ".." + std::to_string(end) + " by " + std::to_string(step));
  if (start > end) {
    EXPECT_TRUE(range.empty());
    return;
  }
  ASSERT_FALSE(range.empty());
  EXPECT_EQ(range.front(), start);
  EXPECT_EQ(range.back(), end);
  for (std::size_t i = 1; i < range.size(); ++i) {
    EXPECT_GT(range[i], range[i - 1]);
    EXPECT_LE(range[i], end);
    const std::int64_t full = range[i - 1] * step;
    EXPECT_TRUE(range[i] == full || (i + 1 == range.size() && full > end)) << range[i];
  }
}

TEST(MatrixProperty, RangeStartsAtStartMultipliesAndEndsAtEnd) {
  for_each_seed(2'000, [](SeededDice& dice) {
    const int start = dice.between(1, 1 << dice.between(1, 16)),
              step = dice.percent(50) ? 2 : dice.between(2, 50);
    const int end = dice.percent(10) ? dice.between(-5, start) : start + dice.below(1 << dice.between(0, 20));
    const auto numbers = concurrencies({start, false}, {end, false}, step);
    ASSERT_TRUE(numbers) << numbers.error().message;
    std::vector<std::int64_t> range;
    for (const Number number : *numbers)
      range.push_back(number.value);
    expect_range(range, start, end, step);
  });
}

TEST(MatrixProperty, PointsOfAnEntryAreItsElementsRangesInOrder) {
  for_each_seed(kSeeds, [](SeededDice& dice) {
    const DrawnEntry entry = draw_entry(dice, 1);
    FullSweep sweep;
    sweep.step_size = dice.between(2, 4);
    const auto matrix = expand_full_sweep(configs_in({entry}), sweep);
    std::size_t at = 0;
    for (const auto& block : entry.blocks) {
      for (const Drawn& element : block) {
        std::vector<std::int64_t> range;
        while (matrix && at < matrix->size() && (*matrix)[at]["tp"] == element.tp &&
               element.start <= element.end) {
          const auto conc = (*matrix)[at++]["conc"].get<std::int64_t>();
          range.push_back(conc);
          if (conc == element.end) break;
        }
        expect_range(range, element.start, element.end, sweep.step_size);
      }
    }
    EXPECT_EQ(at, matrix ? matrix->size() : 0);
  });
}

// ---- relations between subcommands

// Returns the point with its keys sorted, because their order depends on the subcommand.
std::string unordered(const std::string& point) {
  return nlohmann::json::parse(point).dump();
}

TEST(MatrixProperty, TestModeGivesTheFirstPointOfTheHighestTp) {
  for_each_seed(kSeeds, [](SeededDice& dice) {
    const std::vector<DrawnEntry> entries = draw_entries(dice);
    const std::vector<Config> configs = configs_in(entries);
    FullSweep test;
    test.test_mode = true;
    const Points tests = points(expand_full_sweep(configs, test));
    Points full = points(expand_full_sweep(configs, {}));
    std::transform(full.begin(), full.end(), full.begin(), unordered);
    std::size_t at = 0;
    for (const DrawnEntry& entry : entries) {
      for (const auto& block : entry.blocks) {
        const Drawn& chosen = *std::max_element(block.begin(), block.end(),
                                                [](const Drawn& a, const Drawn& b) { return a.tp < b.tp; });
        ASSERT_LT(at, tests.size());
        const auto point = nlohmann::json::parse(tests[at]);
        EXPECT_EQ(point["tp"], chosen.tp);
        EXPECT_EQ(point["conc"], chosen.start);
        EXPECT_EQ(point["model"], entry.model);
        if (chosen.start <= chosen.end) {
          EXPECT_NE(std::find(full.begin(), full.end(), point.dump()), full.end()) << tests[at];
        }
        ++at;
      }
    }
    EXPECT_EQ(at, tests.size());
  });
}

TEST(MatrixProperty, TestConfigEqualsTheFullSweepExceptMaxModelLen) {
  for_each_seed(kSeeds, [](SeededDice& dice) {
    const std::vector<DrawnEntry> entries = draw_entries(dice);
    const DrawnEntry& entry = dice.one_of(entries);
    const std::vector<Config> configs = configs_in(entries);
    FullSweep sweep;
    TestConfig test;
    test.key = entry.key;
    sweep.step_size = test.step_size = dice.between(2, 5);
    sweep.seq_lens = test.seq_lens = draw_filters(dice)[4];
    Points expected;
    for (const std::string& point : points(expand_full_sweep(configs_in({entry}), sweep))) {
      auto json = nlohmann::json::parse(point);
      json["max-model-len"] = json["max-model-len"].get<int>() - 200;
      expected.push_back(json.dump());
    }
    Points got = points(expand_test_config(configs, runners(), test));
    std::transform(got.begin(), got.end(), got.begin(), unordered);
    EXPECT_EQ(got, expected);
  });
}

TEST(MatrixProperty, TestsOfTwoNodesDifferOnlyInTheNode) {
  for_each_seed(kSeeds, [](SeededDice& dice) {
    const std::vector<Config> configs = configs_in(draw_entries(dice));
    std::map<std::string, Points> by_node;
    const auto matrix = expand_runner_model_sweep(configs, runners(), "h100");
    ASSERT_TRUE(matrix) << matrix.error().message;
    for (auto entry : *matrix) {
      const auto node = entry["runner"].get<std::string>();
      entry["runner"] = "";
      by_node[node].push_back(entry.dump());
    }
    EXPECT_EQ(by_node["h100-a"], by_node["h100-b"]);
    EXPECT_EQ(by_node.size(), 2u);
    EXPECT_EQ(by_node["h100-a"].size(), static_cast<std::size_t>(std::count_if(
                                            configs.begin(), configs.end(),
                                            [](const Config& config) { return config.runner == "h100"; })));
  });
}

// ---- the line of JSON

TEST(MatrixProperty, JsonLineIsAsciiAndParsesToTheEntries) {
  for_each_seed(kSeeds, [](SeededDice& dice) {
    const std::vector<DrawnEntry> entries = draw_entries(dice);
    FullSweep sweep;
    sweep.test_mode = true;
    const auto matrix = expand_full_sweep(configs_in(entries), sweep);
    ASSERT_TRUE(matrix) << matrix.error().message;
    const std::string line = json_line(*matrix);
    EXPECT_TRUE(std::all_of(line.begin(), line.end(), [](char c) { return c >= 0x20 && c < 0x7f; })) << line;
    const auto back = nlohmann::ordered_json::parse(line);
    EXPECT_EQ(back, nlohmann::ordered_json(*matrix));
    EXPECT_EQ(back.dump(), nlohmann::ordered_json(*matrix).dump()) << "the order of the keys too";
    std::size_t at = 0;
    for (const DrawnEntry& entry : entries) {
      for (std::size_t i = 0; i < entry.blocks.size() && at < back.size(); ++i, ++at) {
        EXPECT_EQ(back[at]["model"], entry.model) << "the file's text survives the round trip";
        EXPECT_EQ(back[at]["image"], entry.image);
      }
    }
  });
}

// ---- the command

class MatrixCommandProperty : public MatrixCommand {};

TEST_F(MatrixCommandProperty, OrderOfOptionsChangesNothing) {
  const std::string runner_file = put("runners.yaml", "h100: [a]\nh200: [b]\nh1: [c]\n");
  for_each_seed(100, [&](SeededDice& dice) {
    std::ofstream(path("f.yaml"), std::ios::binary) << file_of(draw_entries(dice));
    const Filters filters = draw_filters(dice);
    std::vector<std::vector<std::string>> options = {{"--config-files", path("f.yaml")},
                                                     {"--runner-config", runner_file},
                                                     {"--step-size", std::to_string(dice.between(2, 5))}};
    if (dice.percent(30)) options.push_back({"--test-mode"});
    const char* const names[] = {"--model-prefix", "--precision", "--framework", "--runner-type",
                                 "--seq-lens"};
    for (std::size_t i = 0; i < 5; ++i) {
      if (filters[i].empty()) continue;
      std::vector<std::string>& option = options.emplace_back(filters[i]);
      option.insert(option.begin(), names[i]);
    }
    const auto output = [&] {
      std::vector<std::string> args = {"full-sweep"};
      for (const auto& option : options)
        args.insert(args.end(), option.begin(), option.end());
      return run(args);
    };
    const CommandOutput first = output();
    dice.shuffle(options);
    const CommandOutput second = output();
    EXPECT_EQ(first.status, second.status);
    EXPECT_EQ(first.out, second.out);
    EXPECT_EQ(first.err, second.err);
    EXPECT_NE(first.out.empty(), first.err.empty()) << "either a matrix or an error is printed";
    EXPECT_LT(first.status, 2) << first.err;
  });
}

}  // namespace
}  // namespace sweep::matrix
