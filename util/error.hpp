// Errors as values. Functions that can fail return Expected<T>; main has the only catch, for unexpected
// exceptions.
//
// Rule: a message is one line of the form "cannot do X: VALUE (FILE:LINE): REASON; REMEDY". It has no final
// full stop, no newline and no program name; the caller that prints it adds them.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace sweep {

struct Error {
  std::string message;
};

template <class T>
using Expected = tl::expected<T, Error>;

/// Returns an error with this message, for `return fail("…");` in any function that returns Expected.
tl::unexpected<Error> fail(std::string message);

}  // namespace sweep

/// SWEEP_TRY(EXPRESSION): evaluates an Expected; if it has an error, returns that from the enclosing
/// function. A value is dropped.
#define SWEEP_TRY(...)                                                                 \
  do {                                                                                 \
    auto sweep_try_result = (__VA_ARGS__);                                             \
    if (!sweep_try_result) return tl::unexpected(std::move(sweep_try_result).error()); \
  } while (false)

/// SWEEP_ASSIGN(DECLARATION, EXPRESSION): the same, but initialises DECLARATION with the value:
/// `SWEEP_ASSIGN(const std::string text, read_file(path, kMaxBytes));`
#define SWEEP_ASSIGN(declaration, ...) \
  SWEEP_ASSIGN_AS(SWEEP_JOIN_NAMES(sweep_assign_result_, __LINE__), declaration, __VA_ARGS__)
#define SWEEP_ASSIGN_AS(result, declaration, ...)                \
  auto result = (__VA_ARGS__);                                   \
  if (!result) return tl::unexpected(std::move(result).error()); \
  declaration = *std::move(result)
#define SWEEP_JOIN_NAMES(a, b) SWEEP_JOIN_NAMES_(a, b)
#define SWEEP_JOIN_NAMES_(a, b) a##b
