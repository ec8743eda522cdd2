#include "controller/matrix/inferencex/entry_reader.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "controller/matrix/inferencex/element_reader.hpp"
#include "controller/matrix/inferencex/object_reader.hpp"
#include "util/text.hpp"

namespace sweep::matrix::inferencex {

namespace {

using Name = std::string_view;

constexpr std::array<Name, 10> kOneNodeEntryKeys = {"image",     "model",    "model-prefix", "precision",
                                                    "framework", "runner",   "multinode",    "disagg",
                                                    "router",    "scenarios"};
constexpr std::array<Name, 11> kManyNodeEntryKeys = {
    "image",     "model",  "model-prefix", "precision",       "framework", "runner",
    "multinode", "disagg", "router",       "kv-p2p-transfer", "scenarios"};
constexpr std::array<Name, 2> kScenarioKeys = {"fixed-seq-len", "agentic-coding"};
constexpr std::array<Name, 3> kFixedBlockKeys = {"isl", "osl", "search-space"};
constexpr std::array<Name, 2> kAgenticBlockKeys = {"search-space", "dram-utilization"};

// Python's truth of a value, by which the schema of one node or of many nodes is chosen.
bool is_true(const yaml::Value& value) {
  if (value.is(yaml::Kind::Text)) return !value.text.empty();
  if (value.is(yaml::Kind::List)) return !value.items.empty();
  if (value.is(yaml::Kind::Dict)) return !value.members.empty();
  if (value.is(yaml::Kind::Null)) return false;
  const auto real = read_real(value);
  return !real || *real != 0;
}

// Reads a field whose value must equal `wanted`: true or 1, false or 0, but not a text.
Expected<Scalar> read_fixed_truth(const ObjectReader& in, Name name, bool wanted, const std::string& remedy) {
  SWEEP_ASSIGN(const yaml::Value* value, in.required(name));
  const auto truth = value->is(yaml::Kind::Text) ? std::nullopt : read_boolean(*value);
  if (truth && (truth->number != 0) == wanted) return *truth;
  if (value->is(yaml::Kind::Text) && !read_boolean(*value)) return in.boolean(name);  // fails
  return in.problem(
      name, std::string("must be ") + (wanted ? "true" : "false") + ", got " + shown(*value) + remedy);
}

using ReadElement = Expected<Element> (*)(const yaml::Value&, const Path&, const Subject&);

Expected<std::vector<Element>> read_search_space(const ObjectReader& in, ReadElement read) {
  SWEEP_ASSIGN(const auto items, in.list("search-space"));
  const Path list_path(in.path(), "search-space");
  std::vector<Element> out;
  out.reserve(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    SWEEP_ASSIGN(auto element, read(*items[i], Path(list_path, i), in.subject()));
    out.push_back(std::move(element));
  }
  return out;
}

Expected<FixedBlock> read_fixed_block(const yaml::Value& value, const Path& path, const Subject& subject,
                                      bool multinode) {
  const ObjectReader in(value, path, subject, kFixedBlockKeys);
  SWEEP_TRY(in.check_mapping());
  FixedBlock out;
  SWEEP_ASSIGN(out.isl, in.integer("isl"));
  SWEEP_ASSIGN(out.osl, in.integer("osl"));
  SWEEP_ASSIGN(out.elements,
               read_search_space(in, multinode ? read_many_node_element : read_one_node_element));
  SWEEP_TRY(in.check_unknown());
  return out;
}

// Returns the number as Python's str() prints it; a text as it stands.
std::string decimal_text(const yaml::Value& value, double number) {
  if (value.is(yaml::Kind::Text)) return std::string(trimmed(value.text));
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  return {digits.data(), end};
}

Expected<AgenticBlock> read_agentic_block(const yaml::Value& value, const Path& path,
                                          const Subject& subject) {
  constexpr Name kUtilization = "dram-utilization";
  const ObjectReader in(value, path, subject, kAgenticBlockKeys);
  SWEEP_TRY(in.check_mapping());
  AgenticBlock out;
  SWEEP_ASSIGN(out.elements, read_search_space(in, read_agentic_element));
  if (const yaml::Value* given = in.given(kUtilization)) {
    const auto number = read_real(*given);
    if (!number) return in.problem(kUtilization, "must be a number, got " + shown(*given));
    if (*number <= 0 || *number > 1)
      return in.problem(kUtilization, "must be greater than 0 and at most 1, got " + shown(*given));
    out.dram_utilization = decimal_text(*given, *number);
  }
  SWEEP_TRY(in.check_unknown());
  const bool offloads = std::any_of(out.elements.begin(), out.elements.end(),
                                    [](const Element& element) { return element.kv_offloading == "dram"; });
  if (offloads && out.dram_utilization.empty())
    return in.problem("kv-offloading='dram' requires dram-utilization with runner hardware metadata");
  return out;
}

Expected<void> read_scenarios(const yaml::Value& value, const Path& path, const Subject& subject,
                              Entry& out) {
  const ObjectReader in(value, path, subject, kScenarioKeys);
  SWEEP_TRY(in.check_mapping());
  if (in.given("fixed-seq-len") != nullptr) {
    SWEEP_ASSIGN(const auto blocks, in.list("fixed-seq-len"));
    const Path list_path(path, "fixed-seq-len");
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      SWEEP_ASSIGN(auto block, read_fixed_block(*blocks[i], Path(list_path, i), subject, out.multinode));
      out.fixed.push_back(std::move(block));
    }
  }
  if (in.given("agentic-coding") != nullptr) {
    SWEEP_ASSIGN(const auto blocks, in.list("agentic-coding"));
    const Path list_path(path, "agentic-coding");
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      SWEEP_ASSIGN(auto block, read_agentic_block(*blocks[i], Path(list_path, i), subject));
      out.agentic.push_back(std::move(block));
    }
  }
  SWEEP_TRY(in.check_unknown());
  if (out.fixed.empty() && out.agentic.empty())
    return in.problem("At least one scenario type must be specified");
  return {};
}

// Calls `visit` for each element of the entry in the order of its scenarios.
template <class Visit>
void for_each_element(const Entry& entry, const Visit& visit) {
  for (const FixedBlock& block : entry.fixed)
    std::for_each(block.elements.begin(), block.elements.end(), visit);
  for (const AgenticBlock& block : entry.agentic)
    std::for_each(block.elements.begin(), block.elements.end(), visit);
}

// Which elements name a router or a transfer of their own.
struct ElementComponents {
  std::size_t elements = 0, routers = 0, transfers = 0;
};

ElementComponents components_of_elements(const Entry& entry) {
  ElementComponents out;
  for_each_element(entry, [&](const Element& element) {
    ++out.elements;
    out.routers += element.router.value ? 1 : 0;
    out.transfers += element.kv_p2p_transfer.value ? 1 : 0;
  });
  return out;
}

// Checks the rules that concern the whole entry.
Expected<void> check_rules(const ObjectReader& in, const Entry& entry) {
  if (!entry.agentic.empty() && !entry.runner.starts_with("cluster:"))
    return in.problem(
        "Agentic master configs must use a 'cluster:<name>' runner so every point runs on one exact hardware "
        "fleet.");
  const ElementComponents own = components_of_elements(entry);
  const std::string both = " must be declared either at the top level or in search-space entries, not both";
  if (entry.router && own.routers > 0) return in.problem("router" + both);
  if (entry.kv_p2p_transfer && own.transfers > 0) return in.problem("kv-p2p-transfer" + both);
  if (!entry.multinode && own.transfers > 0)
    return in.problem("kv-p2p-transfer is only valid when multinode=true");
  if (entry.disagg.number != 0 && !entry.kv_p2p_transfer &&
      (own.elements == 0 || own.transfers < own.elements))
    return in.problem("disagg=true requires kv-p2p-transfer at the top level or in every search-space entry");
  return {};
}

// Fails if an agentic element has the servers of one node in an entry of many nodes, or the reverse. The
// contract's tools accept that and crash later.
Expected<void> check_agentic_nodes(const Entry& entry, const Subject& subject) {
  for (const AgenticBlock& block : entry.agentic) {
    for (const Element& element : block.elements) {
      if ((element.workers != nullptr) == entry.multinode) continue;
      return fail(subject.file + ":" + std::to_string(element.line) + ": " + subject.head +
                  (entry.multinode ? " the entry has 'multinode: true', but this agentic element has 'tp' "
                                     "instead of 'prefill' and 'decode'"
                                   : " the entry has 'multinode: false', but this agentic element has "
                                     "'prefill' and 'decode' instead of 'tp'"));
    }
  }
  return {};
}

void warn_of_repeated_keys(const yaml::Value& value, const Subject& subject, const std::string& entry,
                           std::vector<std::string>& warnings) {
  for (const yaml::ValueRef& key : value.repeated)
    warnings.push_back(subject.file + ":" + std::to_string(key->line) + ": '" + python_str(*key) +
                       "' occurs twice in entry '" + entry + "'; only the last value is used");
  for (const yaml::Member& member : value.members) {
    if (member.value->size > 1) warn_of_repeated_keys(*member.value, subject, entry, warnings);
  }
  for (const yaml::ValueRef& item : value.items) {
    if (item->size > 1) warn_of_repeated_keys(*item, subject, entry, warnings);
  }
}

// True if a number or truth value of the element is in quotes.
bool has_quoted_value(const Element& element) {
  const auto quoted = [](const Scalar& value) { return value.spelling == Scalar::Spelling::Text; };
  const auto any = [&](const Worker& worker) {
    return quoted(worker.num_worker) || quoted(worker.tp) || quoted(worker.ep) || quoted(worker.dp_attn);
  };
  const Concurrency& conc = element.concurrency;
  return quoted(element.tp) || (element.ep && quoted(*element.ep)) ||
         (element.dp_attn && quoted(*element.dp_attn)) ||
         (element.workers && (any(element.workers->prefill) || any(element.workers->decode))) ||
         std::any_of(conc.list.begin(), conc.list.end(), quoted);
}

void warn_of_quoted_values(const Entry& entry, std::vector<std::string>& warnings) {
  for_each_element(entry, [&](const Element& element) {
    if (has_quoted_value(element))
      warnings.push_back(entry.file + ":" + std::to_string(element.line) +
                         ": a number or truth value of entry '" + entry.key +
                         "' is in quotes, so the matrix has a text there; remove the quotes");
  });
}

Expected<void> read_texts(const ObjectReader& in, Entry& out) {
  for (const auto& [name, text] :
       std::array<std::pair<Name, std::string*>, 6>{{{"image", &out.image},
                                                     {"model", &out.model},
                                                     {"model-prefix", &out.model_prefix},
                                                     {"precision", &out.precision},
                                                     {"framework", &out.framework},
                                                     {"runner", &out.runner}}}) {
    SWEEP_ASSIGN(*text, in.text(name));
  }
  return {};
}

// Reads the fields from multinode to kv-p2p-transfer.
Expected<void> read_topology(const ObjectReader& in, Entry& out) {
  SWEEP_TRY(read_fixed_truth(in, "multinode", out.multinode, "; write it without quotes"));
  if (in.find("disagg") != nullptr) {
    SWEEP_ASSIGN(out.disagg, out.multinode ? in.boolean("disagg")
                                           : read_fixed_truth(in, "disagg", false,
                                                              "; only an entry with 'multinode: true' "
                                                              "can have 'disagg: true'"));
  }
  if (const yaml::Value* router = in.given("router")) {
    SWEEP_ASSIGN(out.router, read_router(*router, Path(in.path(), "router"), in.subject()));
  }
  if (out.multinode) {
    SWEEP_ASSIGN(out.kv_p2p_transfer, in.optional_text("kv-p2p-transfer"));
  }
  return {};
}

}  // namespace

Expected<Entry> read_entry(const yaml::Value& key, const yaml::Value& value, const std::string& file,
                           std::vector<std::string>& warnings) {
  const std::string place = file + ":" + std::to_string(key.line) + ": ";
  if (!key.is(yaml::Kind::Text))
    return fail(place + "the key " + python_str(key) + " of an entry must be text; write it in quotes");
  Entry out;
  out.key = key.text;
  out.file = file;
  out.line = key.line;
  const Subject subject{file, "Master config entry '" + key.text + "' failed validation:"};
  const Path root;
  const yaml::Value* multinode = find(value, "multinode");
  out.multinode = multinode != nullptr && is_true(*multinode);
  const ObjectReader in(
      value, root, subject,
      out.multinode ? ObjectReader::Names(kManyNodeEntryKeys) : ObjectReader::Names(kOneNodeEntryKeys));
  SWEEP_TRY(in.check_mapping());
  SWEEP_TRY(read_texts(in, out));
  SWEEP_TRY(read_topology(in, out));
  SWEEP_ASSIGN(const yaml::Value* scenarios, in.required("scenarios"));
  SWEEP_TRY(read_scenarios(*scenarios, Path(root, "scenarios"), subject, out));
  SWEEP_TRY(in.check_unknown());
  SWEEP_TRY(check_rules(in, out));
  SWEEP_TRY(check_agentic_nodes(out, subject));
  warn_of_repeated_keys(value, subject, out.key, warnings);
  warn_of_quoted_values(out, warnings);
  return out;
}

}  // namespace sweep::matrix::inferencex
