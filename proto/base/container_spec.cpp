#include "proto/base/container_spec.hpp"

#include <limits>
#include <type_traits>

#include "util/json.hpp"

namespace sweep {

namespace {

using Spec = ContainerSpec;
using Syntax = ContainerSyntax;

constexpr std::int64_t kName = 256, kText = 4096;  // bytes
constexpr std::int64_t kRetries = 1'000'000;
// Half of what fits, so that the sum of two values fits too.
constexpr std::int64_t kInt = std::numeric_limits<std::int64_t>::max() / 2;

constexpr unsigned kStage = static_cast<unsigned>(ContainerUse::Stage);
constexpr unsigned kStart = static_cast<unsigned>(ContainerUse::Start);
constexpr unsigned kStep = static_cast<unsigned>(ContainerUse::Step);

// clang-format off: one row a field
constexpr ContainerFields kFields = {{
    // profile key     wire name        member                syntax               most      used by
    {"runtime", "runtime", &Spec::runtime, Syntax::Runtime, kName, 0},
    {"image", "image", &Spec::image, Syntax::Image, kText, kStage | kStart | kStep},
    {"image-cache", "cache", &Spec::cache, Syntax::Cache, kText, kStage},
    {nullptr, "by_runtime", &Spec::by_runtime, Syntax::YesOrNo, 0, kStage},
    {"scratch", "scratch", &Spec::scratch, Syntax::Directory, kText, kStage | kStart},
    {"workdir", "workdir", &Spec::workdir, Syntax::Directory, kText, kStart | kStep},
    {"shm-size", "shm_size", &Spec::shm_size, Syntax::MemorySize, kName, kStart | kStep},
    {"mounts", "mounts", &Spec::mounts, Syntax::Mounts, kText, kStart | kStep},
    {"env", "names", &Spec::names, Syntax::Names, kName, kStart | kStep},
    {"options", "options", &Spec::options, Syntax::Words, kText, kStart},
    {"writable", "writable", &Spec::writable, Syntax::YesOrNo, 0, kStart | kStep},
    {"client", "client_inside", &Spec::client_inside, Syntax::ImageOrNode, 0, 0},
    {"agent", nullptr, &Spec::agent_inside, Syntax::ImageOrNode, 0, 0},
    {"prefetch", nullptr, &Spec::prefetch, Syntax::YesOrNo, 0, 0},
    {nullptr, "next", &Spec::next, Syntax::Image, kText, 0},
    {nullptr, "image_ms", &Spec::image_ms, Syntax::Duration, kInt, 0},
    {"image-retries", "retries", &Spec::retries, Syntax::Count, kRetries, kStage},
    {"image-room", "room_bytes", &Spec::room_bytes, Syntax::Bytes, kInt, kStage},
    {"cache-size", "keep_bytes", &Spec::keep_bytes, Syntax::Bytes, kInt, kStage},
    {"cache-age", "keep_ms", &Spec::keep_ms, Syntax::Duration, kInt, kStage},
}};
// clang-format on

}  // namespace

const ContainerFields& container_fields() {
  return kFields;
}

ContainerSpec only_for(ContainerUse use, const ContainerSpec& spec) {
  ContainerSpec out;
  for (const ContainerField& field : kFields) {
    if (field.used_by(use)) std::visit([&](auto member) { out.*member = spec.*member; }, field.member);
  }
  return out;
}

nlohmann::json container_value(const ContainerSpec& spec, const ContainerField& field) {
  return std::visit([&](auto member) { return nlohmann::json(spec.*member); }, field.member);
}

void read_container_value(Fields& in, const char* name, const ContainerField& field, ContainerLimits limits,
                          ContainerSpec& spec) {
  const auto read = [&](auto member) {
    using Value = std::remove_reference_t<decltype(spec.*member)>;
    if constexpr (std::is_same_v<Value, std::string>) {
      spec.*member = in.text(name, limits.bytes);
    } else if constexpr (std::is_same_v<Value, bool>) {
      spec.*member = in.flag(name);
    } else if constexpr (std::is_same_v<Value, std::int64_t>) {
      spec.*member = in.integer(name, 0, field.most);
    } else {
      spec.*member = in.texts(name, limits.items, limits.bytes);
    }
  };
  std::visit(read, field.member);
}

}  // namespace sweep
