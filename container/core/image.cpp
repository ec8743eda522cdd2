#include "container/core/image.hpp"

#include <algorithm>

#include "util/text.hpp"

namespace sweep::container {

namespace {

constexpr std::size_t kMaxName = 1024;
constexpr std::size_t kDigestDigits = 64;
constexpr std::string_view kScheme = "docker://";
constexpr std::string_view kHub = "docker.io";

bool plain(std::string_view text, std::string_view more) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           more.find(c) != std::string_view::npos;
  });
}

tl::unexpected<Error> bad(std::string_view text, const std::string& why) {
  return fail("'" + printable(clipped(text, 200)) + "' is not an image name: " + why +
              "; write NAME:TAG, REGISTRY/NAME:TAG, or the absolute path of a squash file or directory");
}

/// Returns true for "nvcr.io" or "localhost:5000": a first component with a dot or a port is a registry.
bool is_registry(std::string_view part) {
  return part == "localhost" || part.find_first_of(".:") != std::string_view::npos;
}

}  // namespace

Expected<Image> parse_image(std::string_view text) {
  Image image;
  if (text.empty()) return bad(text, "it is empty");
  if (text.size() > kMaxName) return bad(text, "it is too long");
  if (text.find_first_of("\n\r\t ") != std::string_view::npos || printable(text) != text)
    return bad(text, "it contains blanks or control characters");
  if (text[0] == '/') {
    image.path = text;
    return image;
  }
  if (text[0] == '.') return bad(text, "a path must be absolute, so that it means the same on every node");
  std::string_view rest = text;
  if (rest.starts_with(kScheme)) rest.remove_prefix(kScheme.size());
  if (const auto at = rest.find('@'); at < rest.find('#') && rest.find('#') != std::string_view::npos) {
    image.user = rest.substr(0, at);
    rest = rest.substr(at + 1);
    if (!plain(image.user, "._-+$")) return bad(text, "its user may only contain letters, digits, . _ - + $");
  }
  if (const auto at = rest.find('@'); at != std::string_view::npos) {
    image.digest = rest.substr(at + 1);
    rest = rest.substr(0, at);
    const std::string_view digits =
        std::string_view(image.digest).substr(std::min<std::size_t>(7, image.digest.size()));
    if (!image.digest.starts_with("sha256:") || digits.size() != kDigestDigits || !plain(digits, ""))
      return bad(text, "a digest is sha256: followed by 64 hexadecimal digits");
  }
  if (const auto mark = rest.find('#'); mark != std::string_view::npos) {
    image.registry = rest.substr(0, mark);
    rest = rest.substr(mark + 1);
  } else if (const auto slash = rest.find('/');
             slash != std::string_view::npos && is_registry(rest.substr(0, slash))) {
    image.registry = rest.substr(0, slash);
    rest = rest.substr(slash + 1);
  }
  if (const auto colon = rest.rfind(':'); colon != std::string_view::npos) {
    image.tag = rest.substr(colon + 1);
    rest = rest.substr(0, colon);
    if (!plain(image.tag, "._-")) return bad(text, "its tag may only contain letters, digits, . _ -");
  } else if (image.digest.empty()) {
    image.tag = "latest";
  }
  image.repository = rest;
  if (rest.ends_with(".sqsh"))
    return bad(text, "a squash file needs its absolute path, so that it means the same on every node");
  if (!image.registry.empty() && !plain(image.registry, ".:-"))
    return bad(text, "its registry is not a host name");
  // A leading dash would make a tool take the name for an option.
  if (!plain(image.repository, "/._-") || image.repository[0] == '-' || image.repository[0] == '/')
    return bad(text, "its name may only contain letters, digits, / . _ - and must not begin with - or /");
  return image;
}

std::string image_slug(std::string_view text) {
  std::string slug(text);
  std::replace_if(
      slug.begin(), slug.end(), [](char c) { return c == '/' || c == ':' || c == '@' || c == '#'; }, '_');
  return slug;
}

namespace {

std::string version_of(const Image& image) {
  return (image.tag.empty() ? "" : ":" + image.tag) + (image.digest.empty() ? "" : "@" + image.digest);
}

}  // namespace

std::string docker_name(const Image& image) {
  const bool official = image.registry.empty() && image.repository.find('/') == std::string::npos;
  const std::string registry = image.registry.empty() ? std::string(kHub) : image.registry;
  return registry + "/" + (official ? "library/" : "") + image.repository + version_of(image);
}

std::string enroot_name(const Image& image) {
  const bool hub = image.registry.empty() || image.registry == kHub;
  const std::string user = image.user.empty() ? "" : image.user + "@";
  const std::string registry = hub && user.empty() ? "" : (hub ? std::string(kHub) : image.registry) + "#";
  return std::string(kScheme) + user + registry + image.repository + version_of(image);
}

std::string pyxis_name(const Image& image) {
  if (image.is_path()) return image.path;
  return enroot_name(image).substr(kScheme.size());
}

}  // namespace sweep::container
