#include "controller/profile/container_section.hpp"

#include <algorithm>

#include "container/core/image.hpp"
#include "container/core/runtime.hpp"
#include "controller/profile/runner.hpp"
#include "controller/profile/template.hpp"
#include "util/text.hpp"

namespace sweep::profile {

namespace {

using Syntax = ContainerSyntax;
using Texts = std::vector<std::string>;

/// Reads an absolute path; it may begin with a placeholder, which is filled later.
std::string read_folder(Reader& in, const std::string& key, const yaml::Value& node) {
  std::string path = read_text(in, key, node);
  if (!in.error && !path.empty() && path.find_first_of("/{") != 0)
    in.complain(node, "'" + key + "' must be an absolute path, got " + shown(node));
  return path;
}

Texts read_mounts(Reader& in, const std::string& key, const yaml::Value& node) {
  auto mounts = read_texts(in, key, node);
  for (const std::string& mount : mounts) {
    if (in.error || mount.find('{') != std::string::npos) continue;
    if (const auto good = container::parse_mount(mount); !good) in.complain(node, good.error().message);
  }
  return mounts;
}

Texts read_names(Reader& in, const std::string& key, const yaml::Value& node) {
  auto names = read_texts(in, key, node);
  for (const std::string& name : names) {
    if (!valid_name(name))
      in.complain(node, "'" + key + "' must be names of environment variables, but contains '" +
                            printable(name) + "'");
  }
  return names;
}

std::string read_memory_size(Reader& in, const std::string& key, const yaml::Value& node) {
  const std::string text = read_text(in, key, node);
  const auto digits = text.find_first_not_of("0123456789");
  const std::string unit = digits == std::string::npos ? "" : ascii_lower(text.substr(digits));
  const bool good =
      (digits != 0 || text.empty()) && (unit.empty() || unit == "m" || unit == "g" || unit == "k");
  if (!in.error && !good) in.complain(node, "'" + key + "' must be a size such as 16g, got " + shown(node));
  return text;
}

std::string read_string(Reader& in, const std::string& key, const yaml::Value& node, Syntax syntax) {
  switch (syntax) {
    case Syntax::Runtime:
      return read_word(in, key, node, {container::kRuntimeWords.begin(), container::kRuntimeWords.end()});
    case Syntax::Cache:
      return is_text(node) && node.text == "none" ? node.text : read_folder(in, key, node);
    case Syntax::Directory:
      return read_folder(in, key, node);
    case Syntax::MemorySize:
      return read_memory_size(in, key, node);
    default:
      return read_text(in, key, node);
  }
}

Texts read_list(Reader& in, const std::string& key, const yaml::Value& node, Syntax syntax) {
  if (syntax == Syntax::Mounts) return read_mounts(in, key, node);
  return syntax == Syntax::Names ? read_names(in, key, node) : read_texts(in, key, node);
}

bool read_bool(Reader& in, const std::string& key, const yaml::Value& node, Syntax syntax) {
  if (syntax == Syntax::ImageOrNode) return read_word(in, key, node, {"node", "image"}) == "image";
  return read_flag(in, key, node);
}

std::int64_t read_number(Reader& in, const std::string& key, const yaml::Value& node, Syntax syntax) {
  if (syntax == Syntax::Duration) return read_duration(in, key, node).count();
  return syntax == Syntax::Bytes ? read_bytes(in, key, node) : read_count(in, key, node);
}

void read_value(Reader& in, const std::string& key, const yaml::Value& node, const ContainerField& field,
                ContainerSpec& spec) {
  const auto read = [&](auto member) {
    using Value = std::remove_reference_t<decltype(spec.*member)>;
    if constexpr (std::is_same_v<Value, std::string>) {
      spec.*member = read_string(in, key, node, field.syntax);
    } else if constexpr (std::is_same_v<Value, bool>) {
      spec.*member = read_bool(in, key, node, field.syntax);
    } else if constexpr (std::is_same_v<Value, std::int64_t>) {
      spec.*member = read_number(in, key, node, field.syntax);
    } else {
      spec.*member = read_list(in, key, node, field.syntax);
    }
  };
  std::visit(read, field.member);
}

Table container_keys(ContainerSection& section) {
  Table table;
  for (const ContainerField& field : container_fields()) {
    if (field.key == nullptr) continue;
    table[field.key] = [&](Reader& in, const std::string& key, const yaml::Value& node) {
      read_value(in, key, node, field, section.values);
      section.given.insert(key);
    };
  }
  return table;
}

bool may_have_placeholders(Syntax syntax) {
  return syntax == Syntax::Image || syntax == Syntax::Directory || syntax == Syntax::Cache ||
         syntax == Syntax::Mounts;
}

/// Fills the placeholders in all fields that may have some.
Expected<void> fill_placeholders(ContainerSpec& spec, const Point& point) {
  Expected<void> done;
  const auto fill = [&](const char* key, std::string& text) {
    auto filled = fill_template(text, point, std::string("container.") + key);
    if (filled) {
      text = std::move(*filled);
    } else if (done) {
      done = tl::unexpected(filled.error());
    }
  };
  for (const ContainerField& field : container_fields()) {
    if (field.key == nullptr || !may_have_placeholders(field.syntax)) continue;
    const auto fill_member = [&](auto member) {
      using Value = std::remove_reference_t<decltype(spec.*member)>;
      if constexpr (std::is_same_v<Value, std::string>) {
        fill(field.key, spec.*member);
      } else if constexpr (std::is_same_v<Value, Texts>) {
        for (std::string& text : spec.*member)
          fill(field.key, text);
      }
    };
    std::visit(fill_member, field.member);
  }
  return done;
}

}  // namespace

void read_container(Reader& in, const yaml::Value& node, ContainerSection& section) {
  read_map(in, "'container'", node, container_keys(section));
}

const ContainerSpec& default_container() {
  static const ContainerSpec kDefaults = [] {
    ContainerSpec spec;
    spec.runtime = "none";
    spec.image = "{image}";
    spec.workdir = "/workspace/";
    spec.retries = 2;
    spec.room_bytes = 1'000'000'000;
    return spec;
  }();
  return kDefaults;
}

ContainerSpec merged(ContainerSpec base, const ContainerSection& over) {
  for (const ContainerField& field : container_fields()) {
    if (field.key == nullptr || !over.given.contains(field.key)) continue;
    std::visit([&](auto member) { base.*member = over.values.*member; }, field.member);
  }
  return base;
}

bool has_container(const ContainerSpec& container) {
  return !container.runtime.empty() && container.runtime != "none";
}

bool has_agents_inside(const Profile& profile) {
  const auto inside = [](const ContainerSection& section) {
    return section.given.contains("agent") && section.values.agent_inside;
  };
  return inside(profile.container) ||
         std::any_of(profile.runners.begin(), profile.runners.end(),
                     [&](const Runner& runner) { return inside(runner.container); });
}

Expected<ContainerSpec> container_of(const Profile& profile, const Point& point) {
  ContainerSpec out = merged(default_container(), profile.container);
  if (const Runner* runner = runner_of(profile, point.runner))
    out = merged(std::move(out), runner->container);
  if (!has_container(out)) return out;
  SWEEP_TRY(fill_placeholders(out, point));
  SWEEP_TRY(container::parse_mounts(out.mounts));
  if (const auto image = container::parse_image(out.image); !image)
    return fail(image.error().message + " (of " + label(point) + ")");
  out.by_runtime = out.cache == "none";
  if (out.by_runtime) out.cache.clear();
  out.image_ms = profile.image_timeout.count();
  return out;
}

}  // namespace sweep::profile
