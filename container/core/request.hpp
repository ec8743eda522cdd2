// What the agent asks of its two helpers: `sweep-agent --stage REQUEST` brings an image to this node,
// `sweep-agent --contain REQUEST` runs one command in a container and sees to its end.
//
// Rules: a request is one JSON argument, seen by everybody on the machine, so it names variables and never
// has their values. Both ends are of one binary.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "container/core/runtime.hpp"
#include "util/error.hpp"

namespace sweep::container {

struct StageRequest {
  Runtime runtime = Runtime::None;
  std::string tool, version;    // of a runtime that has been tried here before; empty: it is tried
  std::string image;            // as the matrix or profile names it
  std::string cache;            // folder of staged images; empty: slurm-sweep-UID/images in TMPDIR or /tmp
  std::string scratch;          // node-local folder for what is unpacked; empty: TMPDIR or /tmp
  std::string node;             // for people
  bool by_runtime = false;      // image-cache: none. The runtime fetches images by itself
  int retries = 0;              // further tries of an import that failed
  std::int64_t room_bytes = 0;  // that must be free before an import
  std::int64_t keep_bytes = 0;  // the cache's limit, made room for before an import; 0: none
  std::int64_t keep_ms = 0;     // images not used for so long go then, too; 0: never
  friend bool operator==(const StageRequest&, const StageRequest&) = default;
};

struct StartRequest {
  Runtime runtime = Runtime::None;
  std::string tool;   // the runtime's program
  std::string image;  // as staged
  std::string name;   // of the container: one of its own on this node
  std::vector<std::string> argv;
  std::string workspace, workdir;  // the folder outside, and where it is inside; the command runs there
  std::vector<Mount> mounts;
  std::vector<std::string> names;     // variables that go in, of those of the helper's environment
  std::vector<std::string> of_image;  // NAME=value: variables that the image sets, where no runtime does that
  std::vector<std::string> options;   // further words for the runtime's own command line
  std::string scratch;                // folder for /tmp; empty: TMPDIR or /tmp
  std::string shm_size;               // of /dev/shm, as docker writes it ("16g"); empty: half of the memory
  std::string gpus;                   // "nvidia", "amd" or empty: whose GPUs have to be let in
  bool writable = true;               // its root
  std::string job, node;              // of the Slurm step that this is in
  friend bool operator==(const StartRequest&, const StartRequest&) = default;
};

std::string to_text(const StageRequest& request);
std::string to_text(const StartRequest& request);
/// Fail, naming the field, on what to_text does not write.
Expected<StageRequest> stage_request_in(const std::string& text);
Expected<StartRequest> start_request_in(const std::string& text);

}  // namespace sweep::container
