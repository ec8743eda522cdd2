// For the tests of proto/wire: one sample of every message with its body, and frames made by hand.
//
// Each body is written as JSON, separately from the message, so that a field that is renamed, lost or swapped
// is noticed. No field has its default value; otherwise a field that decode() forgets would not be noticed.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "proto/wire/codec.hpp"
#include "util/json.hpp"

namespace sweep::wire {

using nlohmann::json;

struct Sample {
  Message message;
  std::string name;
  json body;  // the content of frame 2
  std::string bulk;
};

inline const AttemptRef kRef{"00c0ffee00c0ffee", 7};

inline std::vector<Sample> agent_samples() {
  const Outcome outcome{OutcomeKind::BenchmarkFailed, 3, 9, "server", "out of memory"};
  const Account account{{{"ready", Millis(5'000)}, {"benchmark", Millis(55'000)}},
                        1,
                        {"out of memory"},
                        {"gpus-busy: x"},
                        GpuUse{Millis(1), 2, 3, 4, 5, 6, {"power cap"}},
                        Origin{"Linux 6", "580.1", "8 x B200", "abc", "22.05.8", "bwrap 1", "/x.sqsh", "d:1"},
                        "0.5",
                        {},
                        Collected{7, 8, {"server.log: shared"}}};
  return {
      {Hello{"12.0.3",
             "n1",
             "12",
             "0",
             3,
             4,
             {"4", "5"},
             4711,
             "0.1.0",
             {"sh", "-c", "x"},
             "MUNGE:x:",
             "no munge"},
       "Hello",
       {{"agent", "12.0.3"},
        {"node", "n1"},
        {"job", "12"},
        {"step", "0"},
        {"task", 3},
        {"tasks", 4},
        {"gpus", {"4", "5"}},
        {"pid", 4711},
        {"version", "0.1.0"},
        {"command", {"sh", "-c", "x"}},
        {"credential", "MUNGE:x:"},
        {"no_credential", "no munge"}},
       ""},
      {Ready{1'795'572'741'141, "OK", "22.05.8", {"b200", "ib"}, {"b200"}, "main", {"NVIDIA B200"}},
       "Ready",
       {{"job_ends_ms", 1'795'572'741'141},
        {"sharing", "OK"},
        {"slurm", "22.05.8"},
        {"features", {"b200", "ib"}},
        {"gpu_types", json::array({"b200"})},
        {"partition", "main"},
        {"gpu_names", json::array({"NVIDIA B200"})}},
       ""},
      {Started{kRef, 815, "1.2"},
       "Started",
       {{"point", kRef.point}, {"attempt", 7}, {"pid", 815}, {"directory", "1.2"}},
       ""},
      {Progress{kRef, "benchmark", 45, 100},
       "Progress",
       {{"point", kRef.point}, {"attempt", 7}, {"phase", "benchmark"}, {"done", 45}, {"total", 100}},
       ""},
      {LogChunk{kRef, true},
       "LogChunk",
       {{"point", kRef.point}, {"attempt", 7}, {"stderr", true}},
       std::string("a\0b\xff\n", 5)},
      {Finished{kRef, outcome, 60'000, "11.0.3", account, {{"results/a.csv", 5, true}, {"server.log", 9}}},
       "Finished",
       {{"point", kRef.point},
        {"attempt", 7},
        {"outcome",
         {{"kind", "benchmark-failed"},
          {"exit_code", 3},
          {"signal", 9},
          {"phase", "server"},
          {"reason", "out of memory"}}},
        {"wall_ms", 60'000},
        {"of", "11.0.3"},
        {"account",
         {{"phases", json::array({json::array({"ready", 5'000}), json::array({"benchmark", 55'000})})},
          {"servers", 1},
          {"server_says", {"out of memory"}},
          {"flaws", {"gpus-busy: x"}},
          {"gpu_ms", 1},
          {"gpu_power_mw", 2},
          {"gpu_energy_mj", 3},
          {"gpu_clock_mhz", 4},
          {"gpu_max_temperature_c", 5},
          {"gpu_max_memory_bytes", 6},
          {"gpu_throttled", {"power cap"}},
          {"kernel", "Linux 6"},
          {"driver", "580.1"},
          {"gpu_names", "8 x B200"},
          {"commit", "abc"},
          {"slurm", "22.05.8"},
          {"runtime", "bwrap 1"},
          {"image", "/x.sqsh"},
          {"image_digest", "d:1"},
          {"range_ratio", "0.5"},
          {"files", 7},
          {"file_bytes", 8},
          {"files_left_out", {"server.log: shared"}}}},
        {"files",
         json::array({json::array({"results/a.csv", 5, true}), json::array({"server.log", 9, false})})}},
       "{}"},
      {Heartbeat{}, "Heartbeat", json::object(), ""},
      {Goodbye{"SIGTERM"}, "Goodbye", {{"reason", "SIGTERM"}}, ""},
  };
}

// agent_inside and prefetch are not sent.
inline ContainerSpec sample_container() {
  return {.runtime = "enroot",
          .image = "a/b:1",
          .cache = "/cache",
          .by_runtime = true,
          .scratch = "/scratch",
          .workdir = "/workspace/",
          .shm_size = "16g",
          .mounts = {"/a:/b:ro"},
          .names = {"HF_TOKEN"},
          .options = {"--x"},
          .writable = false,
          .client_inside = true,
          .agent_inside = false,
          .prefetch = true,
          .next = "a/c:2",
          .image_ms = 1,
          .retries = 2,
          .room_bytes = 3,
          .keep_bytes = 4,
          .keep_ms = 5};
}

inline std::vector<Sample> controller_samples() {
  const Lease lease{
      kRef,
      "dsr1_1k1k fp8",
      8,
      "dsr1_tp8_n1",
      {{"TP", "8"}, {"CONC", "4"}},
      {"b"},
      "/scratch/w",
      Timeouts{1'000, 2'000, 3'000},
      "UP",
      ServerSpec{"k1", {"serve"}, {"TP"}, "/health", "up", "/well", "/reset", "shard", 1, 2, 3, 4, 5},
      sample_container(),
      EvalWhen::Only,
      {"lm_eval"},
      true};
  return {
      {Welcome{"sweep-1", true, 15'000, 5'000, 600'000, "/nvme/spool", true, true, 64'000'000, 4'000'000,
               5'000'000},
       "Welcome",
       {{"sweep", "sweep-1"},
        {"pack_gpus", true},
        {"heartbeat_ms", 15'000},
        {"kill_grace_ms", 5'000},
        {"away_ms", 600'000},
        {"spool", "/nvme/spool"},
        {"asks_node", true},
        {"asks_gpus", true},
        {"log_limit", 64'000'000},
        {"log_window", 4'000'000},
        {"artifact_limit", 5'000'000}},
       ""},
      {Reject{"full"}, "Reject", {{"reason", "full"}}, ""},
      {lease,
       "Lease",
       {{"point", kRef.point},
        {"attempt", 7},
        {"label", "dsr1_1k1k fp8"},
        {"gpus", 8},
        {"result_filename", "dsr1_tp8_n1"},
        {"environment", json::array({json::array({"TP", "8"}), json::array({"CONC", "4"})})},
        {"command", {"b"}},
        {"workspace", "/scratch/w"},
        {"server_ms", 1'000},
        {"benchmark_ms", 2'000},
        {"point_ms", 3'000},
        {"script_ready", "UP"},
        {"server",
         {{"key", "k1"},
          {"command", {"serve"}},
          {"names", {"TP"}},
          {"ready_url", "/health"},
          {"ready_log", "up"},
          {"health_url", "/well"},
          {"reset_url", "/reset"},
          {"progress", "shard"},
          {"start_ms", 1},
          {"progress_ms", 2},
          {"longest_ms", 3},
          {"reset_ms", 4},
          {"warm_up_ms", 5}}},
        {"container",
         {{"runtime", "enroot"},
          {"image", "a/b:1"},
          {"cache", "/cache"},
          {"scratch", "/scratch"},
          {"by_runtime", true},
          {"mounts", json::array({"/a:/b:ro"})},
          {"workdir", "/workspace/"},
          {"names", json::array({"HF_TOKEN"})},
          {"options", json::array({"--x"})},
          {"shm_size", "16g"},
          {"writable", false},
          {"client_inside", true},
          {"next", "a/c:2"},
          {"image_ms", 1},
          {"retries", 2},
          {"room_bytes", 3},
          {"keep_bytes", 4},
          {"keep_ms", 5}}},
        {"eval", 2},
        {"eval_command", json::array({"lm_eval"})},
        {"gpu_metrics", true}},
       ""},
      {Settled{kRef, true}, "Settled", {{"point", kRef.point}, {"attempt", 7}, {"accepted", true}}, ""},
      {Cancel{kRef, "stopped"}, "Cancel", {{"point", kRef.point}, {"attempt", 7}, {"reason", "stopped"}}, ""},
      {Drain{true, "done", true}, "Drain", {{"complete", true}, {"reason", "done"}, {"invalid", true}}, ""},
      {StatusRequest{"MUNGE:x:", "none"},
       "StatusRequest",
       {{"credential", "MUNGE:x:"}, {"no_credential", "none"}},
       ""},
      {StatusReply{std::make_shared<const nlohmann::json>(nlohmann::json{{"points", {1, 2}}})},
       "StatusReply",
       {{"status", {{"points", {1, 2}}}}},
       ""},
      {StopRequest{"enough", true, "MUNGE:x:", "none"},
       "StopRequest",
       {{"reason", "enough"}, {"at_once", true}, {"credential", "MUNGE:x:"}, {"no_credential", "none"}},
       ""},
      {LogCredit{1'000'000}, "LogCredit", {{"bytes", 1'000'000}}, ""},
      {Fetch{kRef, 3, 1'048'576},
       "Fetch",
       {{"point", kRef.point}, {"attempt", 7}, {"file", 3}, {"offset", 1'048'576}},
       ""},
      {Piece{kRef, 3, 1'048'576, "gone"},
       "Piece",
       {{"point", kRef.point}, {"attempt", 7}, {"file", 3}, {"offset", 1'048'576}, {"problem", "gone"}},
       std::string("x\0y\xff", 4)},
  };
}

inline std::vector<Sample> samples() {
  std::vector<Sample> all = agent_samples();
  for (Sample& sample : controller_samples())
    all.push_back(std::move(sample));
  return all;
}

inline Sample sample_of(const std::string& name) {
  for (Sample& sample : samples()) {
    if (sample.name == name) return sample;
  }
  throw std::out_of_range("no message " + name);
}

inline std::vector<std::string_view> views(const std::vector<std::string>& frames) {
  return {frames.begin(), frames.end()};
}

inline tl::expected<Envelope, DecodeError> decoded(const std::vector<std::string>& frames) {
  return decode(views(frames));
}

inline std::string big_endian(std::uint64_t value, int width) {
  std::string out;
  for (int shift = 8 * (width - 1); shift >= 0; shift -= 8)
    out += static_cast<char>((value >> shift) & 0xff);
  return out;
}

inline std::string header(std::uint64_t version, std::uint64_t type, std::uint64_t body, std::uint64_t bulk) {
  return "SWEP" + big_endian(version, 2) + big_endian(type, 2) + big_endian(body, 4) + big_endian(bulk, 8);
}

// Returns the frames of a message without using encode().
inline std::vector<std::string> frames_of_bytes(std::size_t type, const std::string& body,
                                                const std::string& bulk = {}) {
  std::vector<std::string> frames{header(kProtocolVersion, type, body.size(), bulk.size()), body};
  if (!bulk.empty()) frames.push_back(bulk);
  return frames;
}

inline std::string packed(const json& body) {
  std::string out;
  json::to_msgpack(body, nlohmann::detail::output_adapter<char>(out));
  return out;
}

inline std::vector<std::string> frames_of(std::size_t type, const json& body, const std::string& bulk = {}) {
  return frames_of_bytes(type, packed(body), bulk);
}

// Returns the error of decode(); "" if the frames are a valid message.
inline std::string complaint(const std::vector<std::string>& frames) {
  const auto result = decoded(frames);
  return result ? std::string() : result.error().message;
}

}  // namespace sweep::wire
