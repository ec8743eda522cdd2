// Runs one subcommand: reads the files that its arguments name, tells their generation and expands them.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "controller/matrix/inferencex/row.hpp"
#include "controller/matrix/request.hpp"
#include "util/error.hpp"

namespace sweep::matrix {

/// Who asks for the matrix: the command line of InferenceMAX's and InferenceX's tools, whose rules the
/// contracts define, or a sweep.
enum class Caller { Command, Sweep };

/// A matrix in the form of its files' generation.
struct AnyMatrix {
  Generation generation = Generation::InferenceMax;
  std::vector<nlohmann::ordered_json> entries;  // InferenceMAX
  inferencex::Rows rows;                        // InferenceX
};

/// Why there is no matrix.
struct Failure {
  bool usage = false;  // true: the arguments are wrong (status 2); false: a file or value is (status 1)
  std::string message;
};

/// Returns the matrix. Checks every entry of every file first. In a sweep, --runner-type selects by the
/// entries' own runners if there is no runner file. Appends to `warnings`, if given, one line for each thing
/// in the files or options that has no effect or an effect that the user may not expect.
tl::expected<AnyMatrix, Failure> run_subcommand(const Request& request, Caller caller,
                                                std::vector<std::string>* warnings = nullptr);

}  // namespace sweep::matrix
