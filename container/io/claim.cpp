#include "container/io/claim.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <vector>

#include "util/os/files.hpp"

namespace sweep::container {

namespace {

constexpr std::size_t kMaxToken = 512;

/// Returns the number in a claim's file name, after `prefix`; 0 if it is not a claim.
int number_in(const std::string& file, const std::string& prefix) {
  const std::string digits = file.starts_with(prefix) ? file.substr(prefix.size()) : "";
  constexpr std::size_t kMaxDigits = 6;
  const bool good = !digits.empty() && digits.size() <= kMaxDigits &&
                    digits.find_first_not_of("0123456789") == std::string::npos;
  return good ? std::stoi(digits) : 0;
}

std::vector<int> numbers_at(const std::string& path) {
  const std::filesystem::path whole(path);
  std::vector<int> out;
  for (const std::string& name : names_in(whole.parent_path().string())) {
    if (const int number = number_in(name, whole.filename().string() + "."); number > 0)
      out.push_back(number);
  }
  return out;
}

}  // namespace

std::optional<ClaimHolder> claim_holder(const std::string& path) {
  const auto numbers = numbers_at(path);
  if (numbers.empty()) return std::nullopt;
  ClaimHolder holder;
  holder.number = *std::max_element(numbers.begin(), numbers.end());
  const std::string file = path + "." + std::to_string(holder.number);
  struct stat info {};
  if (::stat(file.c_str(), &info) != 0) return std::nullopt;
  holder.touched = info.st_mtim;
  // A file that cannot be read has an empty token; the time of the last touch still distinguishes it from
  // other claims.
  const auto text = read_file(file, kMaxToken);
  holder.token = text ? token_in(*text).value_or(ProcessToken{}) : ProcessToken{};
  return holder;
}

// ---- Claim

Expected<std::optional<Claim>> Claim::take(const std::string& path, const std::optional<ClaimHolder>& dead) {
  if (!dead && !numbers_at(path).empty()) return std::optional<Claim>();
  const std::string token = token_text(token_of(::getpid()));
  const std::string own = path + "." + token;
  SWEEP_TRY(write_file_atomic(own, token, 0644, Sync::No));
  const int number = dead ? dead->number + 1 : 1;
  // On NFS the reply to link may be lost; link then fails although it worked. The number of links is
  // reliable.
  ::link(own.c_str(), (path + "." + std::to_string(number)).c_str());
  const int code = errno;
  struct stat info {};
  const bool ours = ::stat(own.c_str(), &info) == 0 && info.st_nlink == 2;
  ::unlink(own.c_str());
  if (!ours && code == EEXIST) return std::optional<Claim>();
  if (!ours) return fail("cannot create '" + path + "': " + errno_text(code));
  // A holder with a higher number may have freed this one after we listed the directory.
  const auto numbers = numbers_at(path);
  if (!numbers.empty() && *std::max_element(numbers.begin(), numbers.end()) > number) {
    ::unlink((path + "." + std::to_string(number)).c_str());
    return std::optional<Claim>();
  }
  for (const int lower : numbers) {
    if (lower < number) ::unlink((path + "." + std::to_string(lower)).c_str());
  }
  return std::optional<Claim>(Claim(path, number));
}

Claim::Claim(std::string path, int number) : path_(std::move(path)), number_(number) {
  start_touching();
}

Claim::Claim(Claim&& other) noexcept
    : path_(std::exchange(other.path_, "")),
      number_(other.number_),
      touching_pid_(std::exchange(other.touching_pid_, -1)) {}

/// Starts a child process that touches the file, because an fsync of 40 GB may block this one for minutes.
void Claim::start_touching() {
  const pid_t parent = ::getpid();
  const std::string path = file();
  touching_pid_ = ::fork();
  if (touching_pid_ != 0) return;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (int signal = 1; signal < 32; ++signal)
    ::signal(signal, SIG_DFL);
  ::syscall(SYS_close_range, 0u, ~0u, 0u);
  while (::getppid() == parent) {
    ::utimensat(AT_FDCWD, path.c_str(), nullptr, 0);
    ::poll(nullptr, 0, static_cast<int>(kTouch.count()));
  }
  ::_exit(0);
}

bool Claim::is_still_ours() const {
  const auto holder = claim_holder(path_);
  return holder && holder->number == number_ && holder->token == token_of(::getpid());
}

Claim::~Claim() {
  if (path_.empty()) return;
  if (touching_pid_ > 0) {
    ::kill(touching_pid_, SIGKILL);
    ::waitpid(touching_pid_, nullptr, 0);
  }
  if (is_still_ours()) ::unlink(file().c_str());
}

// ---- ClaimObserver

const std::optional<ClaimHolder>& ClaimObserver::update(Instant now) {
  const auto holder = claim_holder(path_);
  const bool same_holder =
      holder && holder_ && holder->number == holder_->number && holder->token == holder_->token;
  const bool same = same_holder && holder->touched.tv_sec == holder_->touched.tv_sec &&
                    holder->touched.tv_nsec == holder_->touched.tv_nsec;
  if (same) return holder_;
  if (!same_holder) {
    pidfd_.reset();
    if (holder && liveness_of(holder->token) == Liveness::Alive)
      pidfd_.reset(static_cast<int>(::syscall(SYS_pidfd_open, holder->token.pid, 0)));
  }
  holder_ = holder;
  since_ = now;
  return holder_;
}

bool ClaimObserver::is_dead(Instant now) const {
  if (!holder_) return false;
  switch (liveness_of(holder_->token)) {
    case Liveness::Alive:
      return false;
    case Liveness::Dead:
      return true;
    case Liveness::OtherMachine:
      break;
  }
  return now >= since_ + Claim::kSilence;
}

}  // namespace sweep::container
