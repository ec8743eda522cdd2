#include "agent/io/gpu_metrics_files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <system_error>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "agent/io/machine.hpp"
#include "util/os/files.hpp"
#include "util/os/process.hpp"
#include "util/text.hpp"

namespace sweep::agent {

namespace {

using Job = std::variant<KeepGpuSamples, LeaveGpuMetrics, DropGpuSamples>;
using RefKey = std::pair<std::string, int>;

RefKey key_of(const AttemptRef& ref) {
  return {ref.point, ref.attempt};
}

// The kept text of one attempt. Only the thread uses it.
struct KeptFile {
  Fd fd;
  std::string problem;  // why it is incomplete; empty: it is not
};

// Returns a new file without a name on this node's disk; not open if there cannot be one, with errno.
Fd nameless_file() {
  const char* const temporary = std::getenv("TMPDIR");
  const std::string folder = temporary != nullptr && *temporary == '/' ? temporary : "/tmp";
  Fd out(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (out.open() || (errno != EOPNOTSUPP && errno != EISDIR)) return out;
  std::string name = folder + "/slurm-sweep-metrics-XXXXXX";
  out.reset(::mkostemp(name.data(), O_CLOEXEC));
  if (out.open()) ::unlink(name.c_str());
  return out;
}

void keep_text(KeptFile& file, const std::string& text) {
  if (!file.problem.empty()) return;
  if (!file.fd.open()) file.fd = nameless_file();
  const int code = file.fd.open() ? write_all(file.fd.get(), text) : errno;
  if (code != 0) file.problem = "cannot keep the samples of its GPUs on this node: " + errno_text(code);
}

// Copies the kept text to `path`. Returns why that was not possible; empty if it was, or if another process has
// written the file.
std::string copy_to(const KeptFile& file, const std::string& path, const std::optional<FileStamp>& old) {
  constexpr std::size_t kPiece = std::size_t{64} << 10;
  if (!file.problem.empty()) return file.problem;
  if (stamp_of(path) != old) return {};
  AtomicFile copy(path, 0644, Sync::No);
  std::string piece(kPiece, '\0');
  for (off_t at = 0;;) {
    const ssize_t count = ::pread(file.fd.get(), piece.data(), piece.size(), at);
    if (count < 0) return errno_text(errno);
    if (count == 0) break;
    copy.write(std::string_view(piece).substr(0, static_cast<std::size_t>(count)));
    at += count;
  }
  const auto done = copy.finish();
  return done ? std::string() : done.error().message;
}

}  // namespace

struct GpuMetricsFiles::Shared {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Job> jobs;
  std::size_t waiting = 0;  // bytes of the texts in `jobs`
  std::set<RefKey> cut;     // attempts whose texts were dropped because too many bytes were waiting
  std::vector<GpuMetricsLeft> answers;
  bool abandoned = false;  // there is no GpuMetricsFiles any more
  Fd answered;             // writing end
};

GpuMetricsFiles::~GpuMetricsFiles() {
  if (!shared_) return;
  loop_.unwatch(answered_.get());
  const std::lock_guard lock(shared_->mutex);
  shared_->abandoned = true;
  shared_->changed.notify_all();
}

void GpuMetricsFiles::run(const std::shared_ptr<Shared>& shared) {
  std::map<RefKey, KeptFile> files;
  std::unique_lock lock(shared->mutex);
  for (;;) {
    shared->changed.wait(lock, [&] { return !shared->jobs.empty() || shared->abandoned; });
    if (shared->abandoned) return;
    const Job job = std::move(shared->jobs.front());
    shared->jobs.pop_front();
    if (const auto* keep = std::get_if<KeepGpuSamples>(&job)) {
      shared->waiting -= keep->text.size();
      lock.unlock();
      keep_text(files[key_of(keep->ref)], keep->text);
      lock.lock();
    } else if (const auto* leave = std::get_if<LeaveGpuMetrics>(&job)) {
      KeptFile& file = files[key_of(leave->ref)];
      if (shared->cut.contains(key_of(leave->ref))) file.problem = "this node's disk is too slow";
      lock.unlock();
      std::string problem = copy_to(file, leave->path, leave->old);
      lock.lock();
      shared->answers.push_back({leave->ref, std::move(problem)});
      if (!shared->abandoned) std::ignore = write_all(shared->answered.get(), "x");
    } else {
      files.erase(key_of(std::get<DropGpuSamples>(job).ref));
      shared->cut.erase(key_of(std::get<DropGpuSamples>(job).ref));
    }
  }
}

// Starts the thread. Returns false if there cannot be one.
bool GpuMetricsFiles::start() {
  if (shared_) return true;
  auto pipe = make_pipe();
  if (!pipe) return false;
  auto shared = std::make_shared<Shared>();
  shared->answered = std::move(pipe->write_end);
  // Signals must only be delivered to the thread of the event loop.
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  bool started = true;
  try {
    std::thread([shared] { run(shared); }).detach();
  } catch (const std::system_error&) {
    started = false;
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (!started) return false;
  shared_ = std::move(shared);
  answered_ = std::move(pipe->read_end);
  loop_.watch(answered_.get(), [this] { read_answers(); });
  return true;
}

void GpuMetricsFiles::read_answers() {
  std::ignore = read_available(answered_.get(), 64);
  std::vector<GpuMetricsLeft> answers;
  {
    const std::lock_guard lock(shared_->mutex);
    answers.swap(shared_->answers);
  }
  for (GpuMetricsLeft& answer : answers)
    on_input_(std::move(answer));
}

void GpuMetricsFiles::keep(KeepGpuSamples what) {
  if (!start()) return;
  const std::lock_guard lock(shared_->mutex);
  if (shared_->waiting + what.text.size() > kMostWaiting) {
    shared_->cut.insert(key_of(what.ref));
    return;
  }
  shared_->waiting += what.text.size();
  shared_->jobs.emplace_back(std::move(what));
  shared_->changed.notify_all();
}

void GpuMetricsFiles::leave(LeaveGpuMetrics what) {
  if (!start()) return on_input_(GpuMetricsLeft{what.ref, "no thread can be started"});
  const std::lock_guard lock(shared_->mutex);
  shared_->jobs.emplace_back(std::move(what));
  shared_->changed.notify_all();
}

void GpuMetricsFiles::drop(DropGpuSamples what) {
  if (!shared_) return;
  const std::lock_guard lock(shared_->mutex);
  shared_->jobs.emplace_back(std::move(what));
  shared_->changed.notify_all();
}

}  // namespace sweep::agent
