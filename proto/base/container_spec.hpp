// The container that a lease's commands run in, and the one table of its fields.
//
// Everything that reads or writes a container walks the table: the profile's `container` section and
// `sweepctl profile show` (controller/profile), the profile's record in sweep.control, the Lease on the wire
// (proto/wire) and the requests to the agent's helpers (container/core). A new key is a member here, a row of
// the table in container_spec.cpp, and the place that uses it.
#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <variant>
#include <vector>

#include "util/fields.hpp"

namespace sweep {

/// Empty texts and zeros mean what the comment says; a default-constructed spec is "no container".
struct ContainerSpec {
  std::string runtime;      // a word of container/core/runtime.hpp; empty: no container
  std::string image;        // as the matrix or the profile names it
  std::string cache;        // directory of staged images; empty: the agent chooses one
  bool by_runtime = false;  // the runtime fetches images itself; the cache is not used
  std::string scratch;      // node-local directory for unpacked images and for /tmp; empty: TMPDIR or /tmp
  std::string workdir;      // where the workspace is mounted; commands run there
  std::string shm_size;     // of /dev/shm, in docker's notation ("16g"); empty: the runtime's default
  std::vector<std::string> mounts;   // SOURCE:TARGET[:ro]
  std::vector<std::string> names;    // variables of the agent's environment that are passed on
  std::vector<std::string> options;  // further arguments of the runtime's own command line
  bool writable = true;              // whether the image's root can be written to
  bool client_inside = false;        // of a recipe: the client runs in the container too, not on the node
  bool agent_inside = false;         // the agents themselves run in the container
  bool prefetch = true;              // the next image may be staged while a benchmark runs
  std::string next;                  // an image that will probably be needed next; empty: none
  std::int64_t image_ms = 0;         // time limit for staging the image; 0: no limit
  std::int64_t retries = 0;          // further attempts of a failed import
  std::int64_t room_bytes = 0;       // free space required before an import
  std::int64_t keep_bytes = 0;       // size limit of the cache, enforced before an import; 0: no limit
  std::int64_t keep_ms = 0;          // images unused for this long are then removed too; 0: never
  friend bool operator==(const ContainerSpec&, const ContainerSpec&) = default;
};

/// How a profile spells a field's value, and how it is checked. Image, Directory, Cache and Mounts may
/// contain placeholders ({image}, {hw}, …).
enum class ContainerSyntax {
  Runtime,      // a word of container/core/runtime.hpp
  Image,        // an image name or a path
  Directory,    // an absolute path
  Cache,        // an absolute path, or "none"
  MemorySize,   // "16g"; kept as text
  Mounts,       // list of SOURCE:TARGET[:ro]
  Names,        // list of names of environment variables
  Words,        // list of texts
  YesOrNo,      // yes or no
  ImageOrNode,  // "image" is true, "node" is false
  Count,        // 0 to 100
  Bytes,        // "40G", "500M"
  Duration,     // "30d", "90s"; kept as milliseconds
};

/// Which helpers use a field.
enum class ContainerUse : unsigned {
  Stage = 1,  // `sweep-agent --stage`: fetches and unpacks the image
  Start = 2,  // `sweep-agent --contain`: runs one command
  Step = 4,   // pyxis: runs the agents themselves in the image
};

using ContainerMember = std::variant<std::string ContainerSpec::*, std::vector<std::string> ContainerSpec::*,
                                     bool ContainerSpec::*, std::int64_t ContainerSpec::*>;

struct ContainerField {
  const char* key;   // in a profile and in sweep.control; nullptr: not a profile key
  const char* name;  // on the wire and in requests; nullptr: only the controller uses it
  ContainerMember member;
  ContainerSyntax syntax;
  std::int64_t most;  // on the wire: bytes of a text or of each item of a list, or the largest number
  unsigned uses;      // ContainerUse values, or'ed
  bool used_by(ContainerUse use) const { return (uses & static_cast<unsigned>(use)) != 0; }
};

inline constexpr std::size_t kContainerFieldCount = 20;
using ContainerFields = std::array<ContainerField, kContainerFieldCount>;

/// Returns the table, in the order in which `sweepctl profile show` prints the keys.
const ContainerFields& container_fields();

/// Returns `spec` with every field that `use` does not need reset to its default, so that two specs which are
/// the same to a helper compare equal.
ContainerSpec only_for(ContainerUse use, const ContainerSpec& spec);

/// Returns the value of one field: a string, a list of strings, a boolean or an integer.
nlohmann::json container_value(const ContainerSpec& spec, const ContainerField& field);

/// Limits for the texts and lists of one reader; integers are always limited by ContainerField::most.
struct ContainerLimits {
  std::size_t items, bytes;
};
/// Reads the member `name` of a JSON object into `spec`. A value that is missing or wrong is reported through
/// `in`.
void read_container_value(Fields& in, const char* name, const ContainerField& field, ContainerLimits limits,
                          ContainerSpec& spec);

}  // namespace sweep
