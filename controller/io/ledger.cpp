#include "controller/io/ledger.hpp"

#include <filesystem>

#include "util/digest.hpp"
#include "util/os/beneath.hpp"
#include "util/text.hpp"

namespace sweep {

namespace {

constexpr std::size_t kMaxLedger = 16u << 20;
constexpr std::size_t kMaxFile = std::size_t{1} << 30;
constexpr std::size_t kDigest = 64;  // hexadecimal digits
constexpr const char* kBetween = "  ";
constexpr const char* kLedgerName = ".aggregate";

std::string ledger_path(const std::string& directory) {
  return directory + "/" + kLedgerName;
}

Expected<std::string> digest_of_file(const std::string& path) {
  Sha256 sum;
  const auto read = read_file(path, kMaxFile, [&](std::string_view piece) { sum.add(piece); });
  if (!read) return tl::unexpected(read.error());
  return sum.hex();
}

}  // namespace

Ledger Ledger::of(const std::string& directory) {
  Ledger out(directory);
  const auto text = read_file(ledger_path(directory), kMaxLedger);
  if (!text) return out;
  for (const std::string& line : split(*text, '\n')) {
    if (line.size() > kDigest + 2 && line.compare(kDigest, 2, kBetween) == 0)
      out.digests_[line.substr(kDigest + 2)].insert(line.substr(0, kDigest));
  }
  return out;
}

bool Ledger::has_digest(const std::string& name, const std::string& digest) const {
  const auto found = digests_.find(name);
  return found != digests_.end() && found->second.contains(digest);
}

bool Ledger::has_written(const std::string& name) const {
  if (!digests_.contains(name)) return false;
  const auto digest = digest_of_file(directory_ + "/" + name);
  return digest && has_digest(name, *digest);
}

Expected<void> Ledger::write(const std::string& name,
                             const std::function<Expected<void>(const Sink&)>& make) {
  const std::string path = directory_ + "/" + name;
  FileBeneath file(directory_, name);
  Sha256 sum;
  const auto made = make([&](std::string_view piece) {
    file.write(piece);
    sum.add(piece);
  });
  if (!made) return made;
  const std::string digest = sum.hex();
  std::error_code code;
  const bool exists = std::filesystem::exists(std::filesystem::symlink_status(path, code));
  const auto found = exists ? digest_of_file(path) : fail("does not exist");
  const bool same = found && *found == digest;
  if (exists && !same && !(found && has_digest(name, *found))) {
    return fail(
        "cannot write '" + path +
        "': a file of that name exists that sweepctl did not write, or that was changed since; move it away, "
        "then run sweepctl aggregate again");
  }
  std::set<std::string>& digests = digests_[name];
  if (digests != std::set<std::string>{digest}) {
    digests.insert(digest);
    SWEEP_TRY(save());
  }
  if (!same) {
    SWEEP_TRY(file.finish());
  }
  if (digests.size() == 1) return {};
  digests = {digest};
  return save();
}

Expected<void> Ledger::write(const std::string& name, std::string_view text) {
  return write(name, [&](const Sink& out) {
    out(text);
    return Expected<void>();
  });
}

Expected<void> Ledger::save() const {
  std::string text;
  for (const auto& [name, digests] : digests_) {
    for (const std::string& digest : digests)
      text += digest + kBetween + name + "\n";
  }
  return write_beneath(directory_, kLedgerName, text);
}

}  // namespace sweep
