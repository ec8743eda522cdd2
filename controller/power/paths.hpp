// Paths as Python's pathlib writes them, because the contract's files contain them. Pure.
#pragma once

#include <string>
#include <string_view>

namespace sweep::power {

/// Returns str(Path(path)): without empty and "." components; "." if nothing is left.
std::string python_path(std::string_view path);

/// Returns Path(path).stem: the file's name without its last ending.
std::string stem(std::string_view path);

/// Returns the path of the file `name` in the folder of `path`.
std::string sibling(std::string_view path, std::string_view name);

/// Returns the path of `name` in `folder`.
std::string below(std::string_view folder, std::string_view name);

}  // namespace sweep::power
