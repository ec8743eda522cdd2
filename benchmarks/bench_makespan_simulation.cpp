#include "benchmarks/bench_makespan_simulation.hpp"

#include <algorithm>
#include <functional>
#include <list>
#include <map>
#include <queue>
#include <set>

#include "controller/core/decide.hpp"
#include "util/splitmix64.hpp"

namespace sweep::bench {

namespace {

/// Start times of servers: the n-th start of a key takes the same time in every way of running the sweep.
class StartTimes {
 public:
  StartTimes(const std::vector<SimulatedPoint>& points, std::uint64_t seed) : seed_(seed) {
    for (const SimulatedPoint& point : points)
      keys_.try_emplace(point.spec.server.str(), Key{keys_.size(), 0});
  }
  /// Returns the time of the key's next start.
  Millis next(const std::string& server) {
    Key& key = keys_.at(server);
    return time(key.number, key.starts++);
  }
  /// Returns the time of the key's start `nth`, from 0.
  Millis time_of(const std::string& server, std::uint64_t nth) const {
    return time(keys_.at(server).number, nth);
  }

 private:
  struct Key {
    std::uint64_t number = 0, starts = 0;
  };
  Millis time(std::uint64_t key, std::uint64_t nth) const {
    const double span = static_cast<double>((kLongestStart - kShortestStart).count());
    return kShortestStart + Millis(static_cast<std::int64_t>(unit(mixed(mixed(seed_, key), nth)) * span));
  }

  std::uint64_t seed_;
  std::map<std::string, Key> keys_;
};

/// A node as the agent manages it: servers on GPUs, ordered from the most to the least recently used.
class Node {
 public:
  struct Server {
    std::string key;
    std::set<int> gpus;
    bool busy = false;
  };

  /// Gives the attempt a server on GPUs that no other attempt uses. Returns true if the server had to be
  /// started.
  bool acquire(const core::PointSpec& spec, bool whole_node) {
    const auto own = std::find_if(servers_.begin(), servers_.end(), [&](const Server& server) {
      return !server.busy && !spec.server.empty() && server.key == spec.server.str();
    });
    const bool found = own != servers_.end();
    Server mine =
        found ? *own : Server{spec.server.str(), choose_gpus(whole_node ? kGpusPerNode : spec.gpus), false};
    if (found) servers_.erase(own);
    std::erase_if(servers_, [&](const Server& other) {
      return !other.busy && std::any_of(other.gpus.begin(), other.gpus.end(),
                                        [&](int gpu) { return mine.gpus.contains(gpu); });
    });
    mine.busy = true;
    servers_.push_front(std::move(mine));
    return !found;
  }
  void release(const std::string& key) {
    const auto mine = std::find_if(servers_.begin(), servers_.end(),
                                   [&](const Server& s) { return s.busy && s.key == key; });
    mine->busy = false;
    if (key.empty())
      servers_.erase(mine);
    else
      servers_.splice(servers_.begin(), servers_, mine);
  }

 private:
  /// Returns free GPUs: first those without a server, then those of the least recently used servers.
  std::set<int> choose_gpus(int count) const {
    std::vector<int> order;
    std::set<int> with_server;
    for (const Server& server : servers_)
      with_server.insert(server.gpus.begin(), server.gpus.end());
    for (int gpu = 0; gpu < kGpusPerNode; ++gpu) {
      if (!with_server.contains(gpu)) order.push_back(gpu);
    }
    for (auto server = servers_.rbegin(); server != servers_.rend(); ++server) {
      if (!server->busy) order.insert(order.end(), server->gpus.begin(), server->gpus.end());
    }
    order.resize(static_cast<std::size_t>(count));
    return {order.begin(), order.end()};
  }

  std::list<Server> servers_;
};

class AllocationSimulation {
 public:
  AllocationSimulation(const std::vector<SimulatedPoint>& points, int nodes, const AllocationRules& rules,
                       std::uint64_t seed)
      : points_(points), rules_(rules), start_times_(points, seed) {
    core::Settings settings;
    settings.pack_gpus = rules.pack_gpus;
    settings.agent_timeout = std::chrono::hours(100'000);  // agents send nothing but results
    std::vector<core::PointSpec> specs;
    for (const SimulatedPoint& point : points) {
      specs.push_back(point.spec);
      if (!rules.reuse_servers) specs.back().server = {};
    }
    state_ = core::make_state(settings, specs);
    for (int i = 0; i < nodes; ++i)
      join(i, nodes);
  }

  Makespan run() {
    while (!ends_.empty()) {
      const auto [at, order, end] = ends_.top();
      ends_.pop();
      now_ = at;
      end_of_attempt(end);
    }
    result_.time = now_ - began_;
    result_.done = state_.count(core::PointState::Done);
    result_.gpus_used = gpu_ms_ / (static_cast<double>(result_.time.count()) * kGpusPerNode *
                                   static_cast<double>(nodes_.size()));
    return result_;
  }

 private:
  struct End {
    core::AttemptRef ref;
    std::string agent;
    Millis start{0}, run{0};
    bool started = false;
  };
  using Entry = std::tuple<Instant, std::uint64_t, End>;
  struct Later {
    bool operator()(const Entry& a, const Entry& b) const {
      return std::tie(std::get<0>(a), std::get<1>(a)) > std::tie(std::get<0>(b), std::get<1>(b));
    }
  };

  void join(int number, int nodes) {
    core::AgentInfo info;
    info.id = "1.0." + std::to_string(number);
    info.node = "n" + std::to_string(number);
    info.task = number;
    info.tasks = nodes;
    for (int gpu = 0; gpu < kGpusPerNode; ++gpu)
      info.gpus.push_back(std::to_string(gpu));
    nodes_.try_emplace(info.id);
    advance(core::Hello{info});
    advance(core::Ready{info.id});
  }

  void advance(const core::Command& command) {
    for (const core::Effect& effect : core::advance(state_, command, now_).replies) {
      if (const auto* grant = std::get_if<core::SendLease>(&effect)) begin(*grant);
    }
  }

  void begin(const core::SendLease& grant) {
    const int index = core::find_point(state_, grant.ref.point);
    const core::PointSpec& spec = core::point_at(state_, index).spec;
    const SimulatedPoint& point = points_[static_cast<std::size_t>(index)];
    const bool cold = nodes_.at(grant.agent).acquire(spec, !rules_.pack_gpus);
    End end{grant.ref, grant.agent, cold ? start_times_.next(point.spec.server.str()) : kReset, point.run,
            cold};
    result_.attempts.push_back({grant.agent, point.spec.server.str(), spec.id,
                                rules_.pack_gpus ? spec.gpus : kGpusPerNode, now_ - began_, end.start,
                                end.run, cold});
    result_.starts += cold ? 1 : 0;
    gpu_ms_ += static_cast<double>(end.run.count()) * spec.gpus;
    const Instant at = now_ + end.start + end.run;
    ends_.emplace(at, order_++, std::move(end));
  }

  void end_of_attempt(const End& end) {
    const int index = core::find_point(state_, end.ref.point);
    nodes_.at(end.agent).release(core::point_at(state_, index).spec.server.str());
    core::AttemptFinished finished{end.agent, end.ref, Outcome{}, end.start + end.run};
    if (rules_.reuse_servers) {
      finished.account.servers = end.started ? 1 : 0;
      finished.account.phases = {{end.started ? "ready" : "reset", end.start}, {"benchmark", end.run}};
    }
    advance(core::AttemptStarted{end.agent, end.ref, 1});
    advance(finished);
  }

  const std::vector<SimulatedPoint>& points_;
  AllocationRules rules_;
  StartTimes start_times_;
  core::State state_;
  std::map<std::string, Node> nodes_;
  const Instant began_ = from_unix_ms(0);
  Instant now_ = began_;
  std::priority_queue<Entry, std::vector<Entry>, Later> ends_;
  std::uint64_t order_ = 0;
  double gpu_ms_ = 0;
  Makespan result_;
};

}  // namespace

Makespan simulate_job_per_point(const std::vector<SimulatedPoint>& points, int nodes, Millis poll,
                                std::uint64_t seed) {
  StartTimes start_times(points, seed);
  std::priority_queue<Millis, std::vector<Millis>, std::greater<>> free;
  for (int i = 0; i < nodes; ++i)
    free.push(Millis(0));
  Makespan out;
  double gpu_ms = 0;
  for (const SimulatedPoint& point : points) {
    const Millis began = free.top();
    free.pop();
    const Millis took = start_times.next(point.spec.server.str()) + point.run;
    const std::int64_t polls = (took.count() + poll.count() - 1) / poll.count();
    const Millis seen = began + poll * polls;
    free.push(seen);
    out.time = std::max(out.time, seen);
    gpu_ms += static_cast<double>(point.run.count()) * point.spec.gpus;
    ++out.starts;
    ++out.done;
  }
  out.gpus_used = gpu_ms / (static_cast<double>(out.time.count()) * nodes * kGpusPerNode);
  return out;
}

Makespan simulate_allocation(const std::vector<SimulatedPoint>& points, int nodes,
                             const AllocationRules& rules, std::uint64_t seed) {
  return AllocationSimulation(points, nodes, rules, seed).run();
}

namespace {

/// What lower_bound() knows of a server key.
struct KeyWork {
  std::uint64_t points = 0;
  int gpus = kGpusPerNode;  // the fewest that a server of the key occupies
  Millis clients{0}, longest{0}, shortest_start{kLongestStart};
  /// Returns how many servers have to be started if none has more than `time`.
  std::uint64_t starts(Millis time) const {
    const std::int64_t room = std::max<std::int64_t>(1, (time - shortest_start).count());
    const auto servers = static_cast<std::uint64_t>((clients.count() + room - 1) / room);
    return std::clamp<std::uint64_t>(servers, 1, points);
  }
};

std::map<std::string, KeyWork> work_by_key(const std::vector<SimulatedPoint>& points, bool pack_gpus,
                                           const StartTimes& start_times) {
  std::map<std::string, KeyWork> keys;
  for (const SimulatedPoint& point : points) {
    const std::string& server = point.spec.server.str();
    KeyWork& key = keys[server];
    if (pack_gpus) key.gpus = std::min(key.gpus, point.spec.gpus);
    key.clients += point.run;
    key.longest = std::max(key.longest, point.run);
    key.shortest_start = std::min(key.shortest_start, start_times.time_of(server, key.points++));
  }
  return keys;
}

/// Returns the least GPU milliseconds that starts, resets and clients occupy if the sweep lasts `time`.
std::int64_t least_work(const std::map<std::string, KeyWork>& keys, const StartTimes& start_times,
                        Millis time) {
  std::int64_t work = 0;
  for (const auto& [server, key] : keys) {
    const std::uint64_t starts = key.starts(time);
    Millis occupied = key.clients + kReset * static_cast<std::int64_t>(key.points - starts);
    for (std::uint64_t nth = 0; nth < starts; ++nth)
      occupied += start_times.time_of(server, nth);
    work += occupied.count() * key.gpus;
  }
  return work;
}

}  // namespace

Millis lower_bound(const std::vector<SimulatedPoint>& points, int nodes, bool pack_gpus, std::uint64_t seed) {
  const StartTimes start_times(points, seed);
  const auto keys = work_by_key(points, pack_gpus, start_times);
  const std::int64_t gpus = static_cast<std::int64_t>(nodes) * kGpusPerNode;
  Millis low{0};
  for (const auto& [server, key] : keys)
    low = std::max(low, key.shortest_start + key.longest);
  Millis high = std::max(low, Millis(least_work(keys, start_times, low) / gpus + 1));
  while (low < high) {
    const Millis middle = low + (high - low) / 2;
    if (least_work(keys, start_times, middle) > middle.count() * gpus)
      low = middle + Millis(1);
    else
      high = middle;
  }
  return low;
}

}  // namespace sweep::bench
