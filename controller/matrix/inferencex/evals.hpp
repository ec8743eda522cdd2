// Marks the rows whose points are evaluated. Contract of 2026, section 4, "Eval marking". Pure.
#pragma once

#include <vector>

#include "controller/matrix/inferencex/row.hpp"

namespace sweep::matrix::inferencex {

/// The options --no-evals, --evals-only and --all-evals.
struct EvalOptions {
  bool none = false, only = false, all = false;
};

/// Marks the rows. With `only` or `all`, rows without an evaluation are removed; with `all`, rows of many
/// nodes that differ only in their concurrency become one.
void mark_evals(std::vector<Row>& rows, const EvalOptions& options);

}  // namespace sweep::matrix::inferencex
