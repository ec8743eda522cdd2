// Errors as values. What may fail returns Expected<T>; the one catch in main is for what nobody foresaw.
//
// Rule: a message is one line and names the thing, the value and, where there is one, the remedy. It has
// no trailing full stop or newline and no program name in front: who prints it adds those.
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

/// For `return fail("…");` from any function that returns Expected.
tl::unexpected<Error> fail(std::string message);

}  // namespace sweep

/// SWEEP_TRY(EXPRESSION): evaluates an Expected and returns its error from the enclosing function, if it has one. The
/// value, if any, is dropped.
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
