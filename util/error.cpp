#include "util/error.hpp"

namespace sweep {

tl::unexpected<Error> fail(std::string message) {
  return tl::unexpected<Error>(Error{std::move(message)});
}

}  // namespace sweep
