// Compares the values of filters with those that the entries have, for messages about filters that select
// nothing. Pure.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace sweep::matrix {

/// A filter of full-sweep.
struct ValueFilter {
  std::string name;                          // without dashes: "precision"
  std::vector<std::string> wanted, present;  // the option's values and those of the entries, sorted
  bool is_prefix = false;                    // true if an entry's value only has to begin with the option's
};

/// Returns the values that can be selected, for the end of an error message: "; there is precision fp4, fp8;
/// …". Only the filters that were given are listed; "" if none was.
std::string selectable_values(std::span<const ValueFilter> filters);

/// Returns a line for each value of a filter that no entry has.
std::vector<std::string> unused_filters(std::span<const ValueFilter> filters);

}  // namespace sweep::matrix
