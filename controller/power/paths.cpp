#include "controller/power/paths.hpp"

#include "util/text.hpp"

namespace sweep::power {

std::string python_path(std::string_view path) {
  const bool absolute = path.starts_with('/');
  const bool two_slashes = path.starts_with("//") && !path.starts_with("///");
  std::string out = two_slashes ? "//" : absolute ? "/" : "";
  bool first = true;
  for (const std::string& part : split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (!first) out += '/';
    out += part;
    first = false;
  }
  return out.empty() ? "." : out;
}

std::string stem(std::string_view path) {
  const std::string whole = python_path(path);
  const std::string name = whole.substr(whole.rfind('/') + 1);
  const std::size_t point = name.rfind('.');
  if (point == std::string::npos || point == 0 || point + 1 == name.size()) return name;
  return name.substr(0, point);
}

std::string sibling(std::string_view path, std::string_view name) {
  const std::string whole = python_path(path);
  return whole.substr(0, whole.rfind('/') + 1) + std::string(name);
}

std::string below(std::string_view folder, std::string_view name) {
  return python_path(std::string(folder) + "/" + std::string(name));
}

}  // namespace sweep::power
