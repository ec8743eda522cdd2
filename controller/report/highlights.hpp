// What a reader looks for first under the table: the best results and the frontier. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "controller/report/documents.hpp"

namespace sweep::report {

/// Best throughput per GPU and best interactivity, for each experiment and model family with the result that
/// had it; then the frontier of each hardware and framework, throughput over interactivity, as a table. Empty
/// when no result has such values.
std::string highlights_text(std::span<const Document> documents);

/// The same: keys `best` (a list of {exp_name, family, stand_in, tput_per_gpu, median_intvty}, each of the
/// two a row as in table.hpp) and `frontier` (rows).
nlohmann::ordered_json highlights_json(std::span<const Document> documents);

}  // namespace sweep::report
