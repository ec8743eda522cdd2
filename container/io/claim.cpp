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
#include <climits>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <vector>

#include "util/os/files.hpp"
#include "util/text.hpp"

namespace sweep::container {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kMaxToken = 512;

std::string first_word(const char* path) {
  std::ifstream file(path);
  std::string word;
  file >> word;
  return word;
}

/// The 22nd field of /proc/PID/stat; empty where there is no such process, or it has ended and waits to be
/// collected.
std::string start_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(file, line);
  const auto name_end = line.rfind(')');
  if (name_end == std::string::npos) return {};
  const auto fields = split(std::string_view(line).substr(std::min(name_end + 2, line.size())), ' ');
  constexpr std::size_t kState = 0, kStart = 19;
  if (fields.size() <= kStart || fields[kState] == "Z" || fields[kState] == "X") return {};
  return fields[kStart];
}

std::string this_place() {
  char space[64] = "";
  const ssize_t got = ::readlink("/proc/self/ns/pid", space, sizeof space - 1);
  const std::string digits = got > 0 ? std::string(space, static_cast<std::size_t>(got)) : "";
  const std::string boot = first_word("/proc/sys/kernel/random/boot_id");
  std::string number;
  for (const char c : digits) {
    if (c >= '0' && c <= '9') number += c;
  }
  return file_safe(host_name()) + "+" + boot.substr(0, 8) + "+" + number;
}

/// The number in a claim's name, behind `prefix`; 0: it is none.
int number_in(const std::string& file, const std::string& prefix) {
  const std::string digits = file.starts_with(prefix) ? file.substr(prefix.size()) : "";
  constexpr std::size_t kMostDigits = 6;
  const bool good = !digits.empty() && digits.size() <= kMostDigits &&
                    digits.find_first_not_of("0123456789") == std::string::npos;
  return good ? std::stoi(digits) : 0;
}

std::vector<int> numbers_at(const std::string& path) {
  const fs::path whole(path);
  std::vector<int> out;
  for (const std::string& name : names_in(whole.parent_path().string())) {
    if (const int number = number_in(name, whole.filename().string() + "."); number > 0)
      out.push_back(number);
  }
  return out;
}

}  // namespace

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> out;
  std::error_code code;
  for (fs::directory_iterator at(folder, code), end; !code && at != end; at.increment(code))
    out.push_back(at->path().filename().string());
  return out;
}

Token token_of(pid_t pid) {
  static const std::string place = this_place();
  return {place, pid, start_of(pid)};
}

std::string token_text(const Token& token) {
  return token.host + "~" + std::to_string(token.pid) + "~" + token.start;
}

std::optional<Token> token_in(const std::string& text) {
  const auto parts = split(text, '~');
  if (parts.size() != 3 || parts[0].empty() || parts[1].empty() || parts[1].size() > 9) return std::nullopt;
  if (parts[1].find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
  return Token{parts[0], static_cast<pid_t>(std::stol(parts[1])), parts[2]};
}

Life life_of(const Token& token) {
  const Token now = token_of(token.pid);
  if (now.host != token.host) {
    // The same machine before it was started anew: nothing of then lives.
    const auto here = split(now.host, '+'), there = split(token.host, '+');
    const bool same_machine =
        here.size() == 3 && there.size() == 3 && here[0] == there[0] && here[1] != there[1];
    return same_machine ? Life::Dead : Life::Elsewhere;
  }
  return now.start == token.start && !token.start.empty() ? Life::Lives : Life::Dead;
}

// ---- a claim of this process

std::optional<ClaimHolder> look_at_claim(const std::string& path) {
  const auto numbers = numbers_at(path);
  if (numbers.empty()) return std::nullopt;
  ClaimHolder held;
  held.number = *std::max_element(numbers.begin(), numbers.end());
  const std::string file = path + "." + std::to_string(held.number);
  struct stat info {};
  if (::stat(file.c_str(), &info) != 0) return std::nullopt;
  held.touched = info.st_mtim;
  // One that cannot be read is nobody's; it is told from others by the time it was touched.
  const auto text = read_file(file, kMaxToken);
  held.token = text ? token_in(*text).value_or(Token{}) : Token{};
  return held;
}

Expected<std::optional<Claim>> Claim::take(const std::string& path, const std::optional<ClaimHolder>& dead) {
  if (!dead && !numbers_at(path).empty()) return std::optional<Claim>();
  const std::string own = path + "." + token_text(token_of(::getpid()));
  if (const auto written = write_file_atomic(own, token_text(token_of(::getpid())), 0644, Sync::No); !written)
    return tl::unexpected(written.error());
  const int number = dead ? dead->number + 1 : 1;
  // On NFS the answer to link may be lost, and then says that it failed: the count of links is what counts.
  ::link(own.c_str(), (path + "." + std::to_string(number)).c_str());
  const int code = errno;
  struct stat info {};
  const bool ours = ::stat(own.c_str(), &info) == 0 && info.st_nlink == 2;
  ::unlink(own.c_str());
  if (!ours && code == EEXIST) return std::optional<Claim>();
  if (!ours) return fail("cannot make '" + path + "': " + errno_text(code));
  // What made this number free may have been somebody with a higher one, who was not there to be seen before.
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
  keep_touching();
}

Claim::Claim(Claim&& other) noexcept
    : path_(std::exchange(other.path_, "")),
      number_(other.number_),
      toucher_(std::exchange(other.toucher_, -1)) {}

/// By a process of its own: an fsync of 40 GB may keep this one for minutes.
void Claim::keep_touching() {
  const pid_t parent = ::getpid();
  const std::string path = file();
  toucher_ = ::fork();
  if (toucher_ != 0) return;
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
  const auto held = look_at_claim(path_);
  return held && held->number == number_ && held->token == token_of(::getpid());
}

Claim::~Claim() {
  if (path_.empty()) return;
  if (toucher_ > 0) {
    ::kill(toucher_, SIGKILL);
    ::waitpid(toucher_, nullptr, 0);
  }
  if (is_still_ours()) ::unlink(file().c_str());
}

// ---- a claim of another

const std::optional<ClaimHolder>& Rival::look(Instant now) {
  const auto held = look_at_claim(path_);
  const bool same_holder = held && held_ && held->number == held_->number && held->token == held_->token;
  const bool same = same_holder && held->touched.tv_sec == held_->touched.tv_sec &&
                    held->touched.tv_nsec == held_->touched.tv_nsec;
  if (same) return held_;
  if (!same_holder) {
    pidfd_.reset();
    if (held && life_of(held->token) == Life::Lives)
      pidfd_.reset(static_cast<int>(::syscall(SYS_pidfd_open, held->token.pid, 0)));
  }
  held_ = held;
  since_ = now;
  return held_;
}

bool Rival::dead(Instant now) const {
  if (!held_) return false;
  switch (life_of(held_->token)) {
    case Life::Lives:
      return false;
    case Life::Dead:
      return true;
    case Life::Elsewhere:
      break;
  }
  return now >= since_ + Claim::kSilence;
}

}  // namespace sweep::container
