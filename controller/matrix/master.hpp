// Master configurations: what the YAML files say, checked, in types. Contract, section 1. Pure.
//
// Beside the contract's form there is a short one for files written by hand: an entry with `search-space`
// itself and no `seq-len-configs`. What it leaves out of model-prefix, precision, runner and framework is
// read from its key, <model-prefix>-<precision>-<runner>-<framework> (a prefix or framework with dashes only
// where the entry says it too); its lengths are its own isl and osl, or those that the command line names.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "controller/matrix/concurrency.hpp"
#include "controller/yaml/document.hpp"
#include "util/error.hpp"

namespace sweep::matrix {

/// The largest magnitude of a number that a matrix is computed from. Sums of a few stay far from 64 bits, and
/// every reader of JSON takes them exactly.
inline constexpr std::int64_t kMaxNumber = 1'000'000'000'000'000;

/// The most times that a point can be asked for.
inline constexpr std::int64_t kMaxRepeats = 1'000;

struct Element {
  Number tp, conc_start, conc_end;
  std::optional<Number> ep;
  bool dp_attn = false;
  std::string place;  // for messages: "search-space[0] of seq-len-config[1] for key 'k'"
};

struct Block {
  Number isl, osl;
  std::vector<Element> search_space;  // never empty
};

struct Config {
  std::string key;
  std::string image, model, model_prefix, precision, framework, runner;
  std::vector<Block> blocks;  // never empty
  std::int64_t repeat = 1;    // how often each point is run: an addition to the contract's form
};

struct Lengths {
  std::int64_t isl, osl;
};

/// A file's name and content.
struct SourceFile {
  std::string name, bytes;
};

/// An entry as it stands in a file, unchecked.
struct RawEntry {
  yaml::ValueRef key, value;
  std::string file;
};

/// Adds the entries of one file to those of the files before it. Fails when the file is not YAML, not a
/// mapping or repeats a key of an earlier file.
Expected<void> add_entries(const SourceFile& file, std::vector<RawEntry>& entries);

/// Checks every entry in order and stops at the first error, with the contract's message. `short_form` are
/// the lengths of entries in short form that name none themselves; must not be empty.
Expected<std::vector<Config>> check_entries(std::span<const RawEntry> entries,
                                            std::span<const Lengths> short_form);

}  // namespace sweep::matrix
