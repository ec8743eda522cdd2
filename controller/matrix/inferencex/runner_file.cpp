#include "controller/matrix/inferencex/runner_file.hpp"

#include <algorithm>
#include <array>

#include "controller/matrix/inferencex/object_reader.hpp"
#include "util/text.hpp"

namespace sweep::matrix::inferencex {

namespace {

using Name = std::string_view;

constexpr std::array<Name, 2> kFileKeys = {"labels", "hardware"};
constexpr std::array<Name, 2> kHardwareKeys = {"available-cpu-dram-mib", "gpus-per-node"};

Expected<std::int64_t> read_positive(const ObjectReader& in, Name name) {
  SWEEP_ASSIGN(const auto number, in.integer(name));
  if (number.number <= 0)
    return in.problem(name, "must be greater than 0, got " + std::to_string(number.number));
  return number.number;
}

Expected<Hardware> read_hardware(const yaml::Value& value, const Path& path, const Subject& subject) {
  const ObjectReader in(value, path, subject, kHardwareKeys);
  SWEEP_TRY(in.check_mapping());
  Hardware out;
  SWEEP_ASSIGN(out.available_cpu_dram_mib, read_positive(in, kHardwareKeys[0]));
  SWEEP_ASSIGN(out.gpus_per_node, read_positive(in, kHardwareKeys[1]));
  SWEEP_TRY(in.check_unknown());
  return out;
}

Expected<Label> read_label(const yaml::Value& key, const yaml::Value& value, const std::string& file) {
  const auto wrong = [&](const yaml::Value& at, const std::string& reason) {
    return fail(file + ":" + std::to_string(at.line) + ": Runner config entry '" + python_str(key) + "' " +
                reason);
  };
  if (!value.is(yaml::Kind::List))
    return wrong(key,
                 "must be a list, got " + std::string(yaml::python_type(value.kind())) + "; write [name, …]");
  Label out;
  out.name = python_str(key);
  for (const yaml::ValueRef& item : value.items) {
    if (!item->is(yaml::Kind::Text))
      return wrong(*item, "must contain only strings, got " + shown(*item) + "; write each name in quotes");
    out.runners.push_back(item->text);
  }
  if (out.runners.empty()) return wrong(key, "cannot be an empty list; name a runner or remove the label");
  return out;
}

Expected<void> read_all_hardware(const ObjectReader& in, RunnerFile& out) {
  const yaml::Value* hardware = in.find("hardware");
  if (hardware == nullptr) return {};
  if (!hardware->is(yaml::Kind::Dict))
    return in.problem("hardware", "must be a mapping of labels, got " + shown(*hardware));
  const Path path(in.path(), "hardware");
  for (const yaml::Member& member : hardware->members) {
    const std::string label = python_str(*member.key);
    if (!member.key->is(yaml::Kind::Text))
      return in.subject().problem(*member.key, Path(path, label),
                                  "the label must be text; write it in quotes");
    SWEEP_ASSIGN(auto facts, read_hardware(*member.value, Path(path, label), in.subject()));
    facts.label = label;
    out.hardware.push_back(std::move(facts));
  }
  return {};
}

}  // namespace

const Label* RunnerFile::find_label(std::string_view name) const {
  const auto found =
      std::find_if(labels.begin(), labels.end(), [&](const Label& label) { return label.name == name; });
  return found == labels.end() ? nullptr : &*found;
}

const Hardware* RunnerFile::find_hardware(std::string_view label) const {
  const auto found = std::find_if(hardware.begin(), hardware.end(),
                                  [&](const Hardware& facts) { return facts.label == label; });
  return found == hardware.end() ? nullptr : &*found;
}

std::vector<std::string> RunnerFile::label_names() const {
  std::vector<std::string> out;
  for (const Label& label : labels)
    out.push_back(label.name);
  return out;
}

Expected<Hardware> RunnerFile::hardware_of(const std::string& label) const {
  if (const Hardware* facts = find_hardware(label)) return *facts;
  std::vector<std::string> known;
  for (const Hardware& facts : hardware)
    known.push_back(facts.label);
  std::sort(known.begin(), known.end());
  return fail("Runner '" + label +
              "' requires 'available-cpu-dram-mib' in runner hardware metadata. Available hardware keys: " +
              join(known, ", ") + "; add it under 'hardware' in " + file +
              " or give another file with --runner-config");
}

Expected<RunnerFile> read_runner_file(const yaml::Value& document, const std::string& file) {
  const Subject subject{file, "Runner config failed validation:"};
  const Path root;
  const ObjectReader in(document, root, subject, kFileKeys);
  SWEEP_TRY(in.check_mapping());
  const yaml::Value* labels = in.find("labels");
  if (labels == nullptr || !labels->is(yaml::Kind::Dict))
    return fail(file + ":" + std::to_string(labels == nullptr ? document.line : labels->line) +
                ": Runner config must define a labels mapping" +
                (labels == nullptr ? "; add 'labels:' above the lists of runners" : ""));
  RunnerFile out;
  out.file = file;
  for (const yaml::Member& member : labels->members) {
    SWEEP_ASSIGN(auto label, read_label(*member.key, *member.value, file));
    out.labels.push_back(std::move(label));
  }
  const Path labels_path(root, "labels");
  for (const yaml::Member& member : labels->members) {
    const std::string name = python_str(*member.key);
    if (!member.key->is(yaml::Kind::Text))
      return subject.problem(*member.key, Path(labels_path, name),
                             "the label must be text; write it in quotes");
  }
  SWEEP_TRY(read_all_hardware(in, out));
  SWEEP_TRY(in.check_unknown());
  for (const yaml::ValueRef& key : labels->repeated)
    out.warnings.push_back(file + ":" + std::to_string(key->line) + ": label '" + python_str(*key) +
                           "' occurs twice; only the runners of the last one are used");
  return out;
}

}  // namespace sweep::matrix::inferencex
