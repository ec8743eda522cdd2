// The profile: how benchmarks run at this site. The matrix says what to run.
//
// Layers, later ones win key by key: built-in defaults, /etc/slurm-sweep/profile.yaml,
// ~/.config/slurm-sweep/profile.yaml, the file of --sweep-profile.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/base/point.hpp"
#include "util/error.hpp"
#include "util/time.hpp"

namespace sweep::profile {

struct Timeouts {                           // 0: none
  Millis server{std::chrono::minutes(60)};  // from the start until the server is ready
  Millis benchmark{0};                      // from then on
  Millis point{std::chrono::minutes(180)};  // all of an attempt
  // Of recipes alone:
  Millis server_start{0};                            // until the server's first output or answer
  Millis server_progress{std::chrono::minutes(10)};  // loading that gets on extends `server` by so much,
  Millis server_longest{std::chrono::minutes(180)};  // up to this, all in all
  Millis reset{std::chrono::seconds(60)};            // for the answer to a reset or a question about health
  Millis warm_up{0};                                 // from the client's start to its main run
};

struct Retries {
  int infrastructure = 2;
  int benchmark = 0;
  int invalid = 0;  // after results that are not valid
  int node = 3;     // infrastructure failures in a row after which a node gets no more work; 0: never
};

/// A variable of a recipe that takes the greatest of some steps that is not above another variable's number;
/// the first step where all are above. So that points with concurrencies from 16 up can share a server, say.
struct DerivedVariable {
  std::string name, of;
  std::vector<std::int64_t> steps;  // rising
  friend bool operator==(const DerivedVariable&, const DerivedVariable&) = default;
};

/// A benchmark whose server outlives a point. Both commands run under bash -c.
struct Recipe {
  std::string server, client;           // commands; server empty: there is no recipe
  std::vector<std::string> server_env;  // the point's variables that the server sees, and no others
  std::vector<DerivedVariable> steps;   // those among them that follow from others
  std::string ready_url, ready_log;   // when it is ready: a path that answers 2xx, or a line; one of the two
  std::string reset_url, health_url;  // paths; empty: none
  std::string progress;               // of a line that shows loading get on; empty: progress bars
};

/// The keys of a `container` section that some layer or runner has given. What nobody gives has the default
/// that container_of() fills in.
struct Container {
  std::optional<std::string> runtime;         // a word of container/core/runtime.hpp
  std::optional<std::string> image;           // template
  std::optional<std::string> cache, scratch;  // folders; cache "none": the runtime fetches images by itself
  std::optional<std::string> workdir, shm_size;
  std::optional<std::vector<std::string>> mounts, options, names;
  std::optional<bool> writable, client, prefetch, agent;  // client, agent: whether it runs in the image
  std::optional<int> retries;
  std::optional<std::int64_t> room_bytes, keep_bytes;
  std::optional<Millis> keep;
  friend bool operator==(const Container&, const Container&) = default;
};

using Variables = std::vector<std::pair<std::string, std::string>>;

/// How points of one of InferenceMAX's runner types are run: by which nodes, and what is different there.
struct Runner {
  std::string name;                      // of the type; * stands for any text
  std::vector<std::string> features;     // Slurm's: a node must have all of them
  std::vector<std::string> gpus, nodes;  // GPU types and names of nodes: it must match one of them
  std::string partition;                 // that its job must be in; empty: any
  Container container;                   // over the profile's
  Variables env;                         // over the profile's
  friend bool operator==(const Runner&, const Runner&) = default;
};

/// What an agent tells of its node.
struct NodeTraits {
  std::string node, partition;
  std::vector<std::string> features, gpu_types;
};

struct Profile {
  enum class Packing { Node, Gpu };
  enum class Auth { Auto, Munge, Key };  // Auto: munge where it works

  std::string workspace;  // where benchmarks run and leave results; empty: where the agent stands
  std::string benchmark = "benchmarks/{model-prefix}_{precision}_{hw}{framework-suffix}_slurm.sh";
  std::string
      benchmark_folder;  // of the file that says benchmark: where one that begins with ./ or ../ starts
  Recipe recipe;         // takes the place of `benchmark` where it has a server
  std::map<std::string, Recipe> recipes;  // by file: of a `benchmark` that names recipe files (load_recipes)
  Variables env;                          // for every benchmark; values are templates
  Container container;                    // what every runner has, but for its own keys
  std::vector<Runner> runners;  // in the order in which files name them; empty: any node serves any runner
  std::map<std::string, std::string> sources;  // of each key that a file gives, "container.mounts": FILE:LINE
  Packing packing = Packing::Node;
  Timeouts timeouts;
  Millis image_timeout{std::chrono::minutes(60)};  // until an image is on a node; 0: none
  bool point_timeout_declared = false;  // by a file: then it is also how long a point is expected to take
  Retries retries;
  Auth auth = Auth::Auto;
  std::string spool;  // node-local directory for results under way; empty: the agent's own choice
  std::vector<std::string>
      doubts_ignored;            // words of report/validity: reasons that do not make a result invalid
  bool ignore_gpus = false;      // points need none: for machines without GPUs
  Millis kill_grace{10'000};     // between SIGTERM and SIGKILL
  Millis heartbeat{10'000};      // an idle agent says so this often
  Millis agent_timeout{45'000};  // an agent not heard of for so long is gone
  Millis join{60'000};           // after the first agent, how long the others may take
  Millis away{600'000};          // how long an agent goes on without a controller, and looks for it
};

/// The profile that the built-in defaults and these files make, later files winning key by key. Every file
/// must exist; a relative workspace is relative to the file that says it. Fails with "FILE:LINE: …", naming
/// the value and, for an unknown key, the nearest known one.
Expected<Profile> load_profile(const std::vector<std::string>& files);

/// The same from text, over `base`; `name` stands for the file in messages.
Expected<Profile> parse_profile(const std::string& text, const std::string& name, Profile base);

/// The site's and the user's profile, those that exist, in the order of their rank. `home` may be empty.
std::vector<std::string> default_layers(const std::string& home);

/// The words that run the benchmark of a point: `benchmark` with its {placeholders} filled, split at blanks
/// that stand in the template (never inside a value). A first word that begins with ./ or ../ becomes a path
/// from the profile's folder; other relative ones start where the benchmark runs. Fails on a placeholder that
/// is none.
/// Of a recipe: its client's. Its commands have no placeholders: the shell knows the point's variables.
/// A benchmark that ends in .yaml names a file with a recipe, which load_recipes must have read.
Expected<std::vector<std::string>> benchmark_command(const Profile& profile, const Point& point);

/// `text` with the placeholders of the point filled: {model-prefix}, {precision}, {hw}, {runner},
/// {framework}, {framework-suffix}, {exp-name}, {image}, {image-slug} (the image with / : @ # as _). Fails on
/// one that is none; `what` names the key in the message.
Expected<std::string> filled_text(const std::string& text, const Point& point, const std::string& what);

/// The profile's variables for a point, with its runner's over them and known placeholders filled. Others
/// stay: a value may be JSON.
Variables variables_of(const Profile& profile, const Point& point);

/// The runner of a point: the first of its very name, else the first whose pattern matches; nullptr: none.
const Runner* runner_of(const Profile& profile, const std::string& runner);
/// Whether a node serves it: all that the runner asks for is there. Names of GPU types are alike when one has
/// the other in it, whatever their letters' case.
bool serves(const Runner& runner, const NodeTraits& node);

/// All of a point's container: the profile's keys with its runner's over them, defaults for the rest,
/// placeholders filled. Fails, naming the key, on a placeholder that is none, and on an image that is none.
Expected<Container> container_of(const Profile& profile, const Point& point);
/// Whether it has one: the runtime is another than none.
bool has_container(const Container& container);

/// The workspace of a point.
Expected<std::string> workspace_of(const Profile& profile, const Point& point);

/// The folder of a point's benchmark where that lies beside the profile (./ or ../): a container needs it as
/// a mount. Empty: it does not.
std::string folder_beside(const Profile& profile, const Point& point);

/// The value of a step for a point that has `number`.
std::int64_t step_value(const DerivedVariable& step, std::int64_t number);

/// The recipe of a point; nullptr where its benchmark is a script, or its recipe's file has not been read.
const Recipe* recipe_of(const Profile& profile, const Point& point);

/// Reads the recipe files that the profile's benchmark names for these points, where it names such; a
/// relative path starts at the profile's folder. Fails, naming file and line, on one that is not there or
/// wrong.
Expected<void> load_recipes(Profile& profile, const std::vector<Point>& points);

/// The words that run the recipe's server.
std::vector<std::string> server_command(const Recipe& recipe);

/// "90s", "60m", "3h", "30d", "500ms", plain seconds; "none" and "0" are 0. Nothing when it is none of these.
std::optional<Millis> parse_duration(std::string_view text);

}  // namespace sweep::profile
