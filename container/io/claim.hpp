// Who makes an entry of a cache: one of all processes that want it, on any number of machines.
//
// A claim is a file PATH.N that link(2) makes or finds there, which is atomic on NFS too; flock is not
// needed. It has the holder's Token in it, and the holder touches it every kTouch. It is dead when its
// process is (same machine), or when it has not been touched for kSilence as the observer measures it
// (another machine: their clocks need not agree). Who finds PATH.N dead makes PATH.N+1, which again only one
// can, and then removes what is lower: a dead claim is never taken away from under somebody who has just
// taken it over.
//
// Rule: claims save work and disk, no more. Should two processes ever hold one, each makes its own temporary
// file and each rename is of a whole one.
#pragma once

#include <sys/types.h>

#include <ctime>
#include <optional>
#include <string>
#include <vector>

#include "util/error.hpp"
#include "util/os/fd.hpp"
#include "util/time.hpp"

namespace sweep::container {

/// The names in a folder, all at once, so that it may be changed meanwhile; none where it cannot be read.
std::vector<std::string> names_in(const std::string& folder);

/// A process among all that share a cache.
struct Token {
  std::string host;  // and boot and pid namespace: where `pid` means something
  pid_t pid = 0;
  std::string start;  // when it started, in the kernel's ticks
  friend bool operator==(const Token&, const Token&) = default;
};

Token token_of(pid_t pid);
/// As part of a file's name; its inverse gives nothing on what is none.
std::string token_text(const Token& token);
std::optional<Token> token_in(const std::string& text);

enum class Life { Lives, Dead, Elsewhere };
Life life_of(const Token& token);

/// A claim as it is seen: the one with the highest number.
struct ClaimHolder {
  int number = 0;
  Token token;
  timespec touched{};
};
/// Nothing where there is none.
std::optional<ClaimHolder> look_at_claim(const std::string& path);

class Claim {
 public:
  static constexpr Millis kTouch{10'000}, kSilence{60'000};

  /// Takes the claim at `path` where nobody has it, or the one after `dead`. Nothing where somebody else was
  /// first; fails, naming path and reason, where the folder cannot be written to.
  static Expected<std::optional<Claim>> take(const std::string& path,
                                             const std::optional<ClaimHolder>& dead = std::nullopt);
  Claim(Claim&& other) noexcept;
  Claim& operator=(Claim&&) = delete;
  /// Gives it back, if it is still this process's.
  ~Claim();

  bool is_still_ours() const;

 private:
  Claim(std::string path, int number);
  std::string file() const { return path_ + "." + std::to_string(number_); }
  void keep_touching();

  std::string path_;
  int number_ = 0;
  pid_t toucher_ = -1;
};

/// A claim of somebody else, and whether it lives.
class Rival {
 public:
  explicit Rival(std::string path) : path_(std::move(path)) {}

  /// Looks again. Nothing where there is no claim any more.
  const std::optional<ClaimHolder>& look(Instant now);
  /// Whether the claim that was last seen is dead.
  bool dead(Instant now) const;
  /// Readable when its process ends; not open where that cannot be known.
  int process_end() const { return pidfd_.get(); }

 private:
  std::string path_;
  std::optional<ClaimHolder> held_;
  Instant since_{};  // when it was first seen as it is
  Fd pidfd_;
};

}  // namespace sweep::container
