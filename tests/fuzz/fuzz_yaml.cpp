// libFuzzer target: arbitrary bytes as configuration files and as a runner file.
//
// An input is one YAML file, or several separated by lines "#next-file": all are configuration files, read in
// this order, and the last one is also the runner file. Properties that are checked in addition to the
// sanitizers:
//
// - a parsed tree is as described in document.hpp: its size and depth add up, the keys of a dict are unique;
// - a scalar means the same if its type is given explicitly;
// - checked entries are within the limits of master.hpp;
// - every point of a matrix is within its range, which begins and ends as in the file;
// - a matrix written as JSON reads back the same, and both writers produce the same;
// - load_matrix, which reads files, gives the same as its parts, and its messages are one printable line
//   (those of the parts may quote a file's text unchanged);
// - rows of InferenceX written as JSON read back, limits of concurrencies hold, and marks of evaluations are
//   consistent.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/matrix/inferencemax/expand.hpp"
#include "controller/matrix/inferencemax/master.hpp"
#include "controller/matrix/inferencemax/runners.hpp"
#include "controller/matrix/inferencex/evals.hpp"
#include "controller/matrix/inferencex/expand.hpp"
#include "controller/matrix/inferencex/master_files.hpp"
#include "controller/matrix/inferencex/row_json.hpp"
#include "controller/matrix/json_line.hpp"
#include "controller/matrix/load.hpp"
#include "controller/matrix/matrix_files.hpp"
#include "controller/python/json_read.hpp"
#include "controller/python/json_text.hpp"
#include "controller/yaml/document.hpp"
#include "controller/yaml/scalar.hpp"
#include "proto/base/point.hpp"
#include "tests/fuzz/property.hpp"
#include "util/json.hpp"

namespace sweep::fuzz {
namespace {

using namespace sweep::matrix;
using namespace sweep::yaml;
using Json = nlohmann::ordered_json;

// Values that are visited; aliases can turn a few bytes into millions of values.
constexpr std::size_t kSmallTree = 20'000;
constexpr std::size_t kFewElements = 200;  // expanded elements, each to about 50 points at most

std::vector<std::string_view> files_of(std::string_view input) {
  constexpr std::string_view kBetween = "\n#next-file\n";
  std::vector<std::string_view> out;
  for (std::size_t end = input.find(kBetween); end != std::string_view::npos; end = input.find(kBetween)) {
    out.push_back(input.substr(0, end + 1));
    input.remove_prefix(end + kBetween.size());
  }
  out.push_back(input);
  return out;
}

void check_tagged(const char* tag, std::string_view text, const Scalar& plain) {
  const auto tagged = read_tagged_scalar(std::string("tag:yaml.org,2002:") + tag, text);
  require(tagged.has_value() && tagged->kind == plain.kind && tagged->truth == plain.truth &&
              tagged->integer == plain.integer && tagged->huge == plain.huge,
          "a scalar means the same with an explicit tag", text);
}

void check_scalar(std::string_view text) {
  const Scalar plain = read_plain_scalar(text);
  if (plain.kind == Kind::Bool) check_tagged("bool", text, plain);
  if (plain.kind == Kind::Int) check_tagged("int", text, plain);
  if (plain.kind == Kind::Date || plain.kind == Kind::DateTime) check_tagged("timestamp", text, plain);
  if (plain.kind == Kind::Float) check_tagged("float", text, plain);
  if (plain.kind == Kind::Int && !plain.huge) {
    const Scalar again = read_plain_scalar(std::to_string(plain.integer));
    require(again.kind == Kind::Int && again.integer == plain.integer, "an integer reads back", text);
  }
  require(!python_type(plain.kind).empty(), "every kind has a name");
}

struct Measure {
  std::size_t size = 1, depth = 1;
};

Measure check_tree(const Value& value) {
  Measure out;
  require(value.line >= 0 && value.column >= 0, "a value has a line and a column");
  const auto add = [&](const Value& child) {
    const Measure inner = check_tree(child);
    out.size += inner.size;
    out.depth = std::max(out.depth, inner.depth + 1);
  };
  std::set<std::pair<Kind, std::string>> keys;
  for (const Member& member : value.members) {
    require(keys.emplace(member.key->kind(), python_str(*member.key)).second, "the keys of a dict are unique",
            python_str(*member.key));
    require(!member.key->is(Kind::Text) || find(value, member.key->text) == member.value.get(),
            "find returns the member", member.key->text);
    add(*member.key);
    add(*member.value);
  }
  for (const ValueRef& item : value.items)
    add(*item);
  require(out.size == value.size && out.depth == value.depth, "size and depth of a value add up");
  require(out.depth <= kMaxDepth && out.size <= kMaxValues, "a tree is within its limits");
  return out;
}

void check_document(std::string_view bytes) {
  const auto document = parse_document(bytes);
  if (!document) {
    require(!document.error().message.empty(), "a message is not empty");
  } else if ((*document)->size <= kSmallTree) {
    check_tree(**document);
  }
}

bool within_limits(Number number) {
  return number.value <= kMaxNumber && number.value >= -kMaxNumber &&
         (!number.is_bool || number.value == 0 || number.value == 1);
}

void check_config(const Config& config) {
  require(!config.blocks.empty(), "a checked entry has a block", config.key);
  for (const Block& block : config.blocks) {
    require(within_limits(block.isl) && within_limits(block.osl), "lengths are within limits", config.key);
    require(!block.search_space.empty(), "a checked block has an element", config.key);
    for (const Element& element : block.search_space) {
      require(within_limits(element.tp) && within_limits(element.conc_start) &&
                  within_limits(element.conc_end) && (!element.ep || within_limits(*element.ep)),
              "an element is within limits", element.place);
    }
  }
}

bool few_elements(const std::vector<Config>& configs) {
  std::size_t count = 0;
  for (const Config& config : configs) {
    for (const Block& block : config.blocks)
      count += block.search_space.size();
  }
  return count <= kFewElements;
}

void check_written(const Matrix& matrix) {
  const std::string line = json_line(matrix);
  const auto read = python::read_json(line);
  require(read.has_value() && *read == Json(matrix), "a matrix reads back from its line of JSON", line);
  require(python::json_text(Json(matrix), -1) == line, "both writers of JSON agree", line);
  if (const auto points = make_points(matrix)) {
    std::set<std::string> ids;
    for (const Point& point : *points)
      require(ids.insert(point.id).second, "the ids of points are unique", label(point));
  }
}

// Checks the points of one element, which begin at index `at`, and advances `at` past them. conc is a bool if
// the file contains one.
void check_range(const Matrix& matrix, std::size_t& at, const Block& block, const Element& element) {
  const auto number = [](const Json& value) {
    return value.is_boolean() ? std::int64_t{value.get<bool>()} : value.get<std::int64_t>();
  };
  const std::int64_t start = element.conc_start.value, end = element.conc_end.value;
  std::int64_t before = 0;
  for (bool first = true, last = start > end; !last; first = false, ++at) {
    require(at < matrix.size(), "no point of a range is missing", element.place);
    const Json& entry = matrix[at];
    const std::int64_t conc = number(entry.at("conc"));
    require(conc >= start && conc <= end, "a point lies within its range", element.place);
    require(first ? conc == start : conc > before, "a range begins at its start and rises", element.place);
    require(number(entry.at("tp")) == element.tp.value && number(entry.at("isl")) == block.isl.value,
            "a point has the values of its element", element.place);
    before = conc;
    last = conc == end;
  }
}

void check_full_sweep(const std::vector<Config>& configs, std::int64_t step) {
  FullSweep sweep;
  sweep.step_size = step;
  const auto matrix = expand_full_sweep(configs, sweep);
  if (!matrix) return;
  check_written(*matrix);
  if (step < 2) return;  // such a step gives no range
  std::size_t at = 0;
  for (const Config& config : configs) {
    for (const Block& block : config.blocks) {
      for (const Element& element : block.search_space)
        check_range(*matrix, at, block, element);
    }
  }
  require(at == matrix->size(), "a matrix has only the points of its ranges");
}

// Checks the other subcommands with the first entry.
void check_subcommands(const std::vector<Config>& configs, const Runners& runners) {
  const Config& first = configs.front();
  require(!check_runner_types({first.runner, "no\nsuch"}, runners) || runners.contains("no\nsuch"),
          "an unknown runner type is rejected");
  FullSweep sweep;
  sweep.model_prefix = {first.model};
  if (const auto matrix = expand_full_sweep(configs, sweep)) check_written(*matrix);
  sweep = {};
  sweep.test_mode = true;
  if (const auto matrix = expand_full_sweep(configs, sweep)) check_written(*matrix);
  if (const auto matrix = expand_test_config(configs, runners, {first.key, "", {}, 2, false})) {
    check_written(*matrix);
  }
  if (const auto matrix =
          expand_test_config(configs, runners, {first.key, first.runner, {"1k1k"}, 2, true})) {
    check_written(*matrix);
  }
  if (const auto matrix = expand_runner_model_sweep(configs, runners, first.runner)) check_written(*matrix);
  if (const auto matrix = expand_runner_sweep(configs, runners, {first.runner, "", first.precision, ""})) {
    check_written(*matrix);
  }
  if (const auto matrix = expand_custom(runners, {first.runner, first.image, first.model, first.framework,
                                                  first.precision, first.model_prefix})) {
    check_written(*matrix);
  }
}

// A file in memory with a path, for code that reads files.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes) : fd_(memfd_create("fuzz", MFD_CLOEXEC)) {
    require(fd_ >= 0 && write(fd_, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()),
            "a file in memory can be written");
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { close(fd_); }
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

// Compares load_matrix, which sweepctl uses, with its parts, for one file.
void check_load(std::string_view bytes, const Expected<std::vector<Config>>& configs) {
  const MemoryFile file(bytes);
  const auto loaded = load_matrix({file.path()}, {});
  if (!loaded) require_message(loaded.error());
  if (evidence_of({parse_matrix_file(file.path(), bytes)}).inferencex) return;
  require(configs || !loaded, "load_matrix rejects what its parts reject");
  if (!configs) return;
  const auto expanded = expand_full_sweep(*configs, {});
  require(expanded.has_value() == loaded.has_value() && (!loaded || *expanded == *loaded),
          "load_matrix returns what its parts return");
}

void check_runners(std::string_view bytes) {
  const auto runners = Runners::parse(bytes, "runners.yaml");
  if (!runners) return require(!runners.error().message.empty(), "a message is not empty");
  for (const std::string& type : runners->types()) {
    require(runners->find(type) != nullptr && runners->contains(type), "a runner type is known", type);
    if (const auto nodes = runners->nodes_of(type)) {
      for (const std::string& node : *nodes)
        require(runners->contains(node), "a node of a runner type is known", node);
    }
  }
}

// Checks rows, their JSON and what each kind of evaluation leaves of them.
void check_rows(const std::vector<inferencex::Row>& rows, const inferencex::EvalOptions& evals) {
  std::vector<inferencex::Row> marked = rows;
  inferencex::mark_evals(marked, evals);
  require(marked.size() <= rows.size(), "marks add no rows");
  const auto read = python::read_json(inferencex::rows_line(marked));
  require(read.has_value() && *read == Json(inferencex::row_entries(marked)),
          "rows read back from their line");
  for (const inferencex::Row& row : marked) {
    require(row.entry->multinode || row.conc.size() == 1, "a row of one node has one concurrency",
            row.exp_name);
    require(!evals.only || (row.evals.eval_only && row.evals.run_eval == true), "only marked rows are left",
            row.exp_name);
    require(!row.evals.eval_conc || row.entry->multinode, "only rows of many nodes have eval-conc",
            row.exp_name);
  }
}

// Returns the runner file if it is valid, otherwise one in which all runners are labels with hardware.
inferencex::RunnerFile runners_for(const std::vector<inferencex::Entry>& entries, std::string_view bytes) {
  std::vector<std::string> warnings;
  const auto read = inferencex::read_runners(parse_matrix_file("runners.yaml", bytes), false, warnings);
  if (read) return *read;
  inferencex::RunnerFile out;
  for (const inferencex::Entry& entry : entries) {
    out.labels.push_back({entry.runner, {entry.runner + "_0", entry.runner + "_1"}});
    out.hardware.push_back({entry.runner, 1'000'000, 8});
  }
  return out;
}

bool few_rows(const std::vector<inferencex::Entry>& entries) {
  std::size_t count = 0;
  for (const inferencex::Entry& entry : entries) {
    for (const auto& block : entry.fixed)
      count += block.elements.size();
    for (const auto& block : entry.agentic)
      count += block.elements.size();
  }
  return count <= kFewElements;
}

// Reads the files as those of InferenceX and expands them.
void check_inferencex(const std::vector<std::string_view>& files) {
  std::vector<MatrixFile> parsed;
  for (std::size_t i = 0; i < files.size(); ++i)
    parsed.push_back(parse_matrix_file("file" + std::to_string(i), files[i]));
  std::vector<std::string> warnings;
  auto entries = inferencex::read_entries(std::move(parsed), false, warnings);
  if (!entries) return require(!entries.error().message.empty(), "a message is not empty");
  if (!few_rows(*entries)) return;
  const auto runners = runners_for(*entries, files.back());
  inferencex::Rows rows;
  rows.entries = *std::move(entries);
  for (const std::int64_t limit : {0, 1, 5, 1000}) {
    inferencex::FullSweep sweep;
    if (limit > 0) sweep.limits = {limit, limit};
    sweep.selection.runner_node_filter = limit == 5 ? "_" : "";
    rows.rows.clear();
    if (!inferencex::expand_full_sweep(sweep, runners, rows)) continue;
    for (const inferencex::Row& row : rows.rows) {
      for (const auto& conc : row.conc)
        require(limit == 0 || conc.number == limit, "a concurrency is within the limits", row.exp_name);
    }
    check_rows(rows.rows, {.none = true});
    check_rows(rows.rows, {});
    check_rows(rows.rows, {.only = true});
    check_rows(rows.rows, {.only = true, .all = true});
  }
  inferencex::TestConfig test;
  test.config_keys = {"*"};
  rows.rows.clear();
  if (!rows.entries.empty() && inferencex::expand_test_config(test, runners, rows)) check_rows(rows.rows, {});
}

void check(std::string_view input) {
  if (input.size() <= 64) check_scalar(input);
  const std::vector<std::string_view> files = files_of(input);
  for (const std::string_view file : files)
    check_document(file);
  check_runners(files.back());
  check_inferencex(files);

  std::vector<RawEntry> entries;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const auto added = add_entries({"file" + std::to_string(i), std::string(files[i])}, entries);
    if (added) continue;
    require(!added.error().message.empty(), "a message is not empty");
    if (files.size() == 1) check_load(input, tl::unexpected(added.error()));
    return;
  }
  constexpr std::array<Lengths, 2> kLengths = {{{1024, 1024}, {8192, 1024}}};
  const auto configs = check_entries(entries, kLengths);
  if (!configs) {
    require(!configs.error().message.empty(), "a message is not empty");
    if (files.size() == 1) check_load(input, configs);
    return;
  }
  for (const Config& config : *configs)
    check_config(config);
  if (configs->empty() || !few_elements(*configs)) return;
  if (files.size() == 1) check_load(input, check_entries(entries, std::span(kLengths).first(1)));
  for (const std::int64_t step : {2, 3, 1000, 1, 0, -2})
    check_full_sweep(*configs, step);
  if (const auto runners = Runners::parse(files.back(), "runners.yaml"))
    check_subcommands(*configs, *runners);
}

}  // namespace
}  // namespace sweep::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sweep::fuzz::check({reinterpret_cast<const char*>(data), size});
  return 0;
}
