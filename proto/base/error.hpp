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
inline tl::unexpected<Error> fail(std::string message) {
  return tl::unexpected<Error>(Error{std::move(message)});
}

}  // namespace sweep
