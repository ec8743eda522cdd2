// Reads and checks master configurations. Contract, section 1. Pure.
//
// In addition to the contract's form, an entry may have a short form for files written by hand: it has
// `search-space` itself and no `seq-len-configs`. Those of model-prefix, precision, runner and framework that
// it omits are taken from its key, <model-prefix>-<precision>-<runner>-<framework>. A prefix or framework
// that contains dashes must also be given as a field. The lengths are the entry's isl and osl; if it has
// neither, those given on the command line.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "controller/matrix/inferencemax/concurrency.hpp"
#include "controller/yaml/document.hpp"
#include "util/error.hpp"

namespace sweep::matrix {

/// The largest magnitude of a number in a configuration. Sums of a few such numbers fit into 64 bits, and
/// every JSON reader represents them exactly.
inline constexpr std::int64_t kMaxNumber = 1'000'000'000'000'000;

/// The maximum of `repeat` and --repeat.
inline constexpr std::int64_t kMaxRepeats = 1'000;

/// One element of search-space.
struct Element {
  Number tp, conc_start, conc_end;
  std::optional<Number> ep;
  bool dp_attn = false;
  std::string place;  // for messages: "search-space[0] of seq-len-config[1] for key 'k'"
};

/// One element of seq-len-configs. isl and osl are in tokens.
struct Block {
  Number isl, osl;
  std::vector<Element> search_space;  // never empty
};

/// One checked entry of a master configuration.
struct Config {
  std::string key;
  std::string image, model, model_prefix, precision, framework, runner;
  std::vector<Block> blocks;  // never empty
  std::int64_t repeat = 1;    // how many times each point is run; an addition to the contract's form
};

/// Input and output length in tokens.
struct Lengths {
  std::int64_t isl, osl;
};

/// A file's name and content.
struct SourceFile {
  std::string name, bytes;
};

/// An unchecked entry of a file.
struct RawEntry {
  yaml::ValueRef key, value;
  std::string file;
};

/// What a reader of configuration files reports in addition to its result.
struct Notes {
  std::vector<std::string> warnings;  // "FILE:LINE: text"
  int line = 0;                       // of the value that an error is about; 0: unknown
  std::string hint;  // for the end of an error message, which itself has the contract's words; may be empty
};

/// Appends the entries of one file to `entries`, which has those of the earlier files. Fails if the file is
/// not YAML, is not a mapping or repeats a key of an earlier file.
/// With `notes`, keys that the file has twice are warned of, or are an error if the entry has the short form.
Expected<void> add_entries(const SourceFile& file, std::vector<RawEntry>& entries, Notes* notes = nullptr);

/// The same for a file that has been parsed already.
Expected<void> add_entries(const std::string& name, const yaml::ValueRef& document,
                           std::vector<RawEntry>& entries, Notes* notes);

/// Returns a checked entry. Keys that are not known or occur twice, and ranges of concurrencies without a
/// value, are errors in the short form. In the contract's form, which the Python tool accepts silently, they
/// are warnings in `notes`. Fails as check_entries does.
Expected<Config> check_entry(const RawEntry& entry, std::span<const Lengths> short_form, Notes& notes);

/// Returns the checked entries. Fails at the first error, with the contract's message. `short_form` has the
/// lengths for entries in short form without isl and osl; it must not be empty.
Expected<std::vector<Config>> check_entries(std::span<const RawEntry> entries,
                                            std::span<const Lengths> short_form);

}  // namespace sweep::matrix
