#include "benchmarks/sweep-simserver/cli/role_options.hpp"

#include <charconv>
#include <cmath>

#include "util/text.hpp"

namespace sweep::sim_server {

namespace {

// Options that describe a model or its pace: a router has neither.
constexpr const char* kWorkerOptions[] = {"--model",
                                          "--architecture",
                                          "--hardware",
                                          "--precision",
                                          "--kv-cache-dtype",
                                          "--tp",
                                          "--ep",
                                          "--dp-attention",
                                          "--max-num-seqs",
                                          "--max-num-batched-tokens",
                                          "--max-model-len",
                                          "--gpu-memory-utilization",
                                          "--time-scale",
                                          "--zero-latency",
                                          "--fixed-latency",
                                          "--startup-time",
                                          "--stamps",
                                          "--seed",
                                          "--kv-transfer-time",
                                          "--nnodes",
                                          "--node-rank",
                                          "--dist-init-addr",
                                          "--rendezvous-timeout"};

Expected<void> add_workers(const std::string& option, const std::vector<std::string>& urls, WorkerKind kind,
                           Settings& out) {
  for (const std::string& url : urls) {
    SWEEP_ASSIGN(auto address, read_worker_url(option, url));
    for (const Worker& other : out.workers) {
      if (other.address.url == address.url)
        return fail(option + " " + printable(url) + " is given twice; give each worker once");
    }
    out.workers.push_back({.kind = kind, .address = std::move(address)});
  }
  return {};
}

Expected<void> set_router(const CommandLine& app, const RawRoleOptions& raw, Settings& out) {
  for (const char* option : kWorkerOptions) {
    if (app.given(option))
      return fail(std::string(option) + " has no effect with --role router; give it to the workers");
  }
  const bool split = !raw.prefill.empty() || !raw.decode.empty();
  if (split && !raw.worker.empty())
    return fail("--worker cannot be combined with --prefill and --decode; give one or the other");
  if (split && (raw.prefill.empty() || raw.decode.empty()))
    return fail(std::string(raw.prefill.empty() ? "--decode needs --prefill" : "--prefill needs --decode") +
                "; give both kinds of workers");
  if (!split && raw.worker.empty())
    return fail("--role router needs workers; give --prefill URL and --decode URL, or --worker URL");
  SWEEP_TRY(add_workers("--prefill", raw.prefill, WorkerKind::Prefill, out));
  SWEEP_TRY(add_workers("--decode", raw.decode, WorkerKind::Decode, out));
  return add_workers("--worker", raw.worker, WorkerKind::Regular, out);
}

Expected<void> set_rendezvous_address(const std::string& text, Settings& out) {
  const std::size_t colon = text.rfind(':');
  const auto invalid = [&] {
    return fail("invalid --dist-init-addr '" + printable(text) + "'; give HOST:PORT of rank 0");
  };
  if (colon == std::string::npos || colon == 0) return invalid();
  const char* const end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data() + colon + 1, end, out.rendezvous_port);
  if (code != std::errc() || stop != end) return invalid();
  out.rendezvous_host = text.substr(0, colon);
  if (out.rendezvous_host.starts_with('[') && out.rendezvous_host.ends_with(']'))
    out.rendezvous_host = out.rendezvous_host.substr(1, out.rendezvous_host.size() - 2);
  if (out.rendezvous_port == 0 && out.node_rank > 0)
    return fail("--dist-init-addr " + printable(text) + " has no port; give the port of rank 0");
  return {};
}

Expected<void> set_ranks(const CommandLine& app, const RawRoleOptions& raw, Settings& out) {
  if (!app.given("--nnodes")) {
    for (const char* option : {"--node-rank", "--dist-init-addr", "--rendezvous-timeout"}) {
      if (app.given(option))
        return fail(std::string(option) + " needs --nnodes; give the number of processes");
    }
    return {};
  }
  if (raw.nnodes < 1 || raw.nnodes > 100'000)
    return fail("--nnodes " + std::to_string(raw.nnodes) +
                " is out of range; give a number from 1 to 100000");
  if (raw.node_rank < 0 || raw.node_rank >= raw.nnodes)
    return fail("--node-rank " + std::to_string(raw.node_rank) + " is out of range; with --nnodes " +
                std::to_string(raw.nnodes) + " give a number from 0 to " + std::to_string(raw.nnodes - 1));
  if (!(raw.rendezvous_seconds > 0 && raw.rendezvous_seconds <= 1e6))
    return fail("--rendezvous-timeout " + seconds_text(raw.rendezvous_seconds) +
                " is out of range; give more than 0 and at most 1000000 seconds");
  out.nnodes = static_cast<std::uint32_t>(raw.nnodes);
  out.node_rank = static_cast<std::uint32_t>(raw.node_rank);
  out.rendezvous_seconds = raw.rendezvous_seconds;
  if (out.nnodes == 1) return {};
  if (raw.dist_init_addr.empty())
    return fail("--nnodes " + std::to_string(out.nnodes) +
                " needs the address of rank 0; give --dist-init-addr HOST:PORT");
  if (out.pace == Pace::Model && out.setup.tp % out.nnodes != 0)
    return fail("--tp " + std::to_string(out.setup.tp) + " cannot be divided among --nnodes " +
                std::to_string(out.nnodes) + "; give a multiple of it");
  return set_rendezvous_address(raw.dist_init_addr, out);
}

Expected<void> set_kv_transfer(const CommandLine& app, const RawRoleOptions& raw, Settings& out) {
  if (!app.given("--kv-transfer-time")) return {};
  if (out.role != Role::Prefill)
    return fail("--kv-transfer-time needs a prefill worker; give --role prefill, or remove it");
  if (out.pace == Pace::Zero)
    return fail("--kv-transfer-time cannot be combined with --zero-latency; give --fixed-latency");
  if (!(raw.kv_transfer_ms >= 0 && raw.kv_transfer_ms <= 1e9))
    return fail("--kv-transfer-time " + seconds_text(raw.kv_transfer_ms) +
                " is out of range; give 0 to 1000000000 milliseconds");
  out.kv_transfer = Time(std::llround(raw.kv_transfer_ms * 1e6));
  return {};
}

SharedOptions shared_options(const Settings& settings) {
  const Deployment& setup = settings.setup;
  const Limits& limits = settings.limits;
  SharedOptions out = {{"--role", settings.role == Role::Server ? "" : std::string(name_of(settings.role))},
                       {"--model", settings.model},
                       {"--nnodes", std::to_string(settings.nnodes)}};
  if (settings.pace == Pace::Zero) out["--zero-latency"] = "yes";
  if (settings.pace == Pace::Fixed)
    out["--fixed-latency"] = std::to_string(settings.fixed_ttft.count()) + "," +
                             std::to_string(settings.fixed_itl.count()) + " ns";
  if (settings.pace != Pace::Model) return out;
  out["--architecture"] = setup.architecture->name;
  out["--hardware"] = setup.hardware->name;
  out["--precision"] = name_of(setup.precision);
  out["--kv-cache-dtype"] = name_of(setup.kv_precision);
  out["--tp"] = std::to_string(setup.tp);
  out["--ep"] = std::to_string(setup.ep);
  out["--dp-attention"] = setup.dp_attention ? "yes" : "";
  out["--max-num-seqs"] = std::to_string(limits.max_num_seqs);
  out["--max-num-batched-tokens"] = std::to_string(limits.max_num_batched_tokens);
  out["--max-model-len"] = std::to_string(limits.max_model_len);
  out["--gpu-memory-utilization"] = seconds_text(setup.memory_utilization);
  return out;
}

}  // namespace

void add_role_options(CommandLine& app, RawRoleOptions& raw) {
  app.option("--role", raw.role, "part of this process in a gang, see Roles (default: the whole server)")
      .value("{prefill,decode,router}");
  app.option("--prefill", raw.prefill, "prefill worker of a router: http://HOST:PORT; may be repeated")
      .value("URL")
      .repeatable();
  app.option("--decode", raw.decode, "decode worker of a router; may be repeated").value("URL").repeatable();
  app.option("--worker", raw.worker,
             "whole server behind a router, instead of --prefill and --decode; may be repeated")
      .value("URL")
      .repeatable();
  app.option(
         "--kv-transfer-time", raw.kv_transfer_ms,
         "of a prefill worker: simulated time in milliseconds until the KV cache of a prompt has reached the "
         "decode worker (default: 0)")
      .value("MS");
  app.option("--nnodes", raw.nnodes, "number of processes that are one worker together (default: 1)")
      .value("N");
  app.option("--node-rank", raw.node_rank, "number of this process among them, from 0 (default: 0)")
      .value("RANK");
  app.option("--dist-init-addr", raw.dist_init_addr,
             "address on which rank 0 waits for the others; its port may be 0 (any free port) for rank 0")
      .value("HOST:PORT");
  app.option("--rendezvous-timeout", raw.rendezvous_seconds,
             "time until all ranks must have joined; not scaled (default: 600)")
      .value("SECONDS");
}

Expected<void> set_role(const CommandLine& app, const RawRoleOptions& raw, Settings& out) {
  const auto role = app.given("--role") ? role_of(raw.role) : Role::Server;
  if (!role) return fail("unknown --role '" + printable(raw.role) + "'; give prefill, decode or router");
  out.role = *role;
  if (out.role == Role::Router) {
    SWEEP_TRY(set_router(app, raw, out));
  } else {
    for (const char* option : {"--prefill", "--decode", "--worker"}) {
      if (app.given(option)) return fail(std::string(option) + " needs a router; give --role router");
    }
    SWEEP_TRY(set_ranks(app, raw, out));
    SWEEP_TRY(set_kv_transfer(app, raw, out));
    out.shared_options = shared_options(out);
  }
  return check_faults(out.faults, {.router = out.role == Role::Router, .follower = out.node_rank > 0});
}

}  // namespace sweep::sim_server
