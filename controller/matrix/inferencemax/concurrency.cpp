#include "controller/matrix/inferencemax/concurrency.hpp"

#include <optional>
#include <string>

namespace sweep::matrix {

namespace {

tl::unexpected<Error> endless(Number start, Number end, std::int64_t step) {
  const std::string range = std::to_string(start.value) + ".." + std::to_string(end.value);
  const bool step_is_wrong = step >= -1 && step <= 1 && start.value > 0;
  return fail(
      "concurrency " + range + " never reaches its end with step size " + std::to_string(step) + ": use a " +
      (step_is_wrong ? "step size of 2 or more" : "conc-start of 1 or more and a step size of 2 or more"));
}

}  // namespace

Expected<std::vector<Number>> concurrencies(Number start, Number end, std::int64_t step) {
  std::vector<Number> out;
  std::optional<std::int64_t> before;
  Number at = start;
  while (at.value <= end.value) {
    out.push_back(at);
    if (at.value == end.value) break;
    std::int64_t next = 0;
    if (__builtin_mul_overflow(at.value, step, &next)) {
      if ((at.value < 0) != (step < 0)) return endless(start, end, step);
      at = end;
      continue;
    }
    // The series never reaches its end if it stays at a value, alternates between two values or decreases for
    // ever.
    if (next == at.value || next == before || (step > 0 && next < 0)) return endless(start, end, step);
    before = at.value;
    at = next > end.value ? end : Number{next, false};
  }
  return out;
}

}  // namespace sweep::matrix
