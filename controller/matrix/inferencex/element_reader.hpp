// Reads and checks the elements of a search space and what they consist of. Contract of 2026, sections 1 and
// 3. Pure.
#pragma once

#include "controller/matrix/inferencex/entry.hpp"
#include "controller/matrix/inferencex/object_reader.hpp"

namespace sweep::matrix::inferencex {

/// Returns a checked router: name and version, both required.
Expected<Component> read_router(const yaml::Value& value, const Path& path, const Subject& subject);

/// Return a checked element. Fail at the first problem, in the order of the contract.
Expected<Element> read_one_node_element(const yaml::Value& value, const Path& path, const Subject& subject);
Expected<Element> read_many_node_element(const yaml::Value& value, const Path& path, const Subject& subject);
Expected<Element> read_agentic_element(const yaml::Value& value, const Path& path, const Subject& subject);

}  // namespace sweep::matrix::inferencex
