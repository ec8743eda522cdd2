// Reads and checks the entries of master configurations that have `scenarios`. Contract of 2026, sections 1
// and 3. Pure.
#pragma once

#include <string>
#include <vector>

#include "controller/matrix/inferencex/entry.hpp"
#include "controller/yaml/document.hpp"
#include "util/error.hpp"

namespace sweep::matrix::inferencex {

/// Returns the checked entry `key` of `file`. Fails at the first problem with FILE:LINE and the contract's
/// words. Appends to `warnings` a line "FILE:LINE: text" for each thing that hardly means what it says.
Expected<Entry> read_entry(const yaml::Value& key, const yaml::Value& value, const std::string& file,
                           std::vector<std::string>& warnings);

}  // namespace sweep::matrix::inferencex
