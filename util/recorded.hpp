// What records, journals and terminals show of an environment and of a command line. Pure.
//
// Rule: the value of a variable is shown only if its name is on the list of names that are known not to be
// secret, or if the value is a number or a word such as "true". Everything shown passes through
// without_secrets().
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sweep {

/// Returns the value of a variable as it may be recorded: without secrets, or "(set)". Whoever reads a result
/// needs the variables of the benchmark, of engines (VLLM_, SGLANG_, TRTLLM_, …), of libraries (NCCL_, CUDA_,
/// OMP_, …), and paths.
std::string recorded_value(std::string_view name, std::string_view value);

/// Returns the words of a command as they may be recorded. Beyond without_secrets() for each word: the word
/// after an option with a secret name, and words NAME=VALUE, which are treated as variables.
std::vector<std::string> recorded_command(const std::vector<std::string>& words);

}  // namespace sweep
