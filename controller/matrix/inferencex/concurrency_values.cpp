#include "controller/matrix/inferencex/concurrency_values.hpp"

#include <algorithm>

namespace sweep::matrix::inferencex {

namespace {

using Values = std::vector<Scalar>;

bool is_quoted(const Scalar& value) {
  return value.spelling == Scalar::Spelling::Text;
}

// Returns the product as Python has it: a float stays one, a truth value becomes an integer.
Scalar times(const Scalar& value, std::int64_t product) {
  Scalar out = scalar(product);
  if (value.spelling == Scalar::Spelling::Float) out.spelling = Scalar::Spelling::Float;
  return out;
}

void keep_from(Values& values, std::int64_t min) {
  std::erase_if(values, [&](const Scalar& value) { return value.number < min; });
}

void keep_up_to(Values& values, std::int64_t max) {
  std::erase_if(values, [&](const Scalar& value) { return value.number > max; });
}

// Keeps the values up to `max`, or the single value `max` if that leaves none.
void keep_up_to_or_be(Values& values, std::int64_t max) {
  keep_up_to(values, max);
  if (values.empty()) values.push_back(scalar(max));
}

bool is_positive(const std::optional<std::int64_t>& limit) {
  return !limit || *limit > 0;
}

}  // namespace

Expected<Values> range_of(const Scalar& start, const Scalar& end, std::int64_t step) {
  if (is_quoted(start) || is_quoted(end)) {
    if (start == end) return Values{start};
    return fail("conc-start " + python_str(start) + " and conc-end " + python_str(end) +
                ": a limit in quotes is a text, which cannot be multiplied; write both without quotes");
  }
  Values out;
  for (Scalar at = start;;) {
    out.push_back(at);
    if (at.number >= end.number) return out;
    std::int64_t next = 0;
    const bool beyond = __builtin_mul_overflow(at.number, step, &next) || next > end.number;
    at = beyond ? end : times(at, next);
  }
}

Expected<Values> values_of(const Concurrency& concurrency, std::int64_t step) {
  if (!concurrency.list.empty()) return concurrency.list;
  return range_of(*concurrency.start, *concurrency.end, step);
}

Expected<Values> one_node_values(const Concurrency& concurrency, const ConcurrencyLimits& limits,
                                 std::int64_t step) {
  if (!is_positive(limits.min) || !is_positive(limits.max)) return Values();
  if (!concurrency.list.empty()) {
    Values out = concurrency.list;
    if (limits.min) keep_from(out, *limits.min);
    if (limits.max && !out.empty()) keep_up_to_or_be(out, *limits.max);
    return out;
  }
  Scalar start = *concurrency.start, end = *concurrency.end;
  if (limits.min) {
    if (end.number < *limits.min) return Values();
    if (start.number < *limits.min) start = scalar(*limits.min);
  }
  if (limits.max) {
    if (start.number > *limits.max) start = end = scalar(*limits.max);
    if (end.number > *limits.max) end = scalar(*limits.max);
  }
  return range_of(start, end, step);
}

Expected<Values> many_node_values(const Concurrency& concurrency, const ConcurrencyLimits& limits,
                                  std::int64_t step) {
  SWEEP_ASSIGN(Values out, values_of(concurrency, step));
  if (!is_positive(limits.min) || !is_positive(limits.max)) return Values();
  if (limits.min) keep_from(out, *limits.min);
  if (limits.max && !out.empty()) keep_up_to_or_be(out, *limits.max);
  return out;
}

Expected<Values> agentic_values(const Concurrency& concurrency, const ConcurrencyLimits& limits,
                                std::int64_t step) {
  SWEEP_ASSIGN(Values out, values_of(concurrency, step));
  if (limits.min) keep_from(out, *limits.min);
  if (limits.max) keep_up_to(out, *limits.max);
  return out;
}

}  // namespace sweep::matrix::inferencex
