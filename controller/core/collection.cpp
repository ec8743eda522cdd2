#include "controller/core/collection.hpp"

#include <algorithm>

#include "controller/core/directories.hpp"
#include "util/text.hpp"

namespace sweep::core {

namespace {

constexpr const char* kSweepEnds = "the sweep was being stopped";

/// Returns true if a result of this attempt would count: no valid one is known.
bool would_count(const State& state, const std::string& holder, const AttemptRef& ref) {
  const Attempt* attempt = find_attempt(state, ref);
  if (attempt == nullptr || attempt->agent != holder || attempt->state == Attempt::State::Ended) return false;
  const PointStatus& point = point_at(state, find_point(state, ref.point));
  return !has_result(point) || has_invalid_result(point);
}

}  // namespace

std::optional<wire::Fetch> Collection::on(const State& state, const std::string& agent,
                                          const wire::Finished& finished, Account& account) {
  const std::string& holder = finished.of.empty() ? agent : finished.of;
  // The numbers are the controller's.
  if (account.collected) account.collected = Collected{0, 0, account.collected->left_out};
  const Key key{finished.ref.point, finished.ref.attempt};
  const bool counts = finished.outcome.kind == OutcomeKind::Ok && would_count(state, holder, finished.ref);
  const bool stopping = state.phase != Phase::Running;
  auto found = transfers_.find(key);
  if (finished.files.empty() || !counts || stopping) {
    if (found != transfers_.end()) {
      store_.discard(finished.ref);
      transfers_.erase(found);
    }
    if (!finished.files.empty() && counts) set_not_collected(account, kSweepEnds);
    return std::nullopt;
  }
  if (found == transfers_.end() || found->second.agent != agent || found->second.files != finished.files) {
    found = transfers_.insert_or_assign(key, Transfer{}).first;
    found->second.agent = agent;
    found->second.files = finished.files;
    begin(found->second, state, finished.ref);
  }
  if (!found->second.over()) return request(finished.ref, found->second);
  describe(found->second, account);
  return std::nullopt;
}

void Collection::begin(Transfer& transfer, const State& state, const AttemptRef& ref) {
  if (const std::string why = artifacts_problem(transfer.files); !why.empty())
    return give_up(ref, transfer, why);
  if (total_bytes(transfer.files) > most_bytes_)
    return give_up(ref, transfer, "more bytes than the profile's artifact-limit");
  const bool shared = may_be_shared(state, ref);
  std::vector<Artifact> wanted;
  for (const Artifact& file : transfer.files) {
    transfer.wanted.push_back(file.own || !shared);
    if (transfer.wanted.back()) wanted.push_back(file);
  }
  auto place = store_.begin(ref, wanted);
  if (!place) return give_up(ref, transfer, place.error().message);
  // `place` counts only the files that are wanted.
  while (transfer.file < transfer.files.size() && (!transfer.wanted[transfer.file] || place->file > 0)) {
    if (transfer.wanted[transfer.file]) --place->file;
    ++transfer.file;
  }
  transfer.offset = place->offset;
  move_on(transfer);
}

/// Advances to the next byte that is missing.
void Collection::move_on(Transfer& transfer) const {
  while (transfer.file < transfer.files.size() &&
         (!transfer.wanted[transfer.file] || transfer.offset >= transfer.files[transfer.file].bytes)) {
    ++transfer.file;
    transfer.offset = 0;
  }
}

void Collection::give_up(const AttemptRef& ref, Transfer& transfer, const std::string& problem) {
  transfer.problem = problem.empty() ? "unknown reason" : printable(problem);
  store_.discard(ref);
}

/// Returns the request for the next piece, or for Finished.
wire::Fetch Collection::request(const AttemptRef& ref, const Transfer& transfer) {
  if (transfer.over()) return {ref, static_cast<int>(transfer.files.size()), 0};
  return {ref, static_cast<int>(transfer.file), transfer.offset};
}

std::optional<wire::Fetch> Collection::on(const State& state, const std::string& agent,
                                          const wire::Piece& piece, std::string_view bytes) {
  const auto found = transfers_.find({piece.ref.point, piece.ref.attempt});
  if (found == transfers_.end() || found->second.agent != agent) return std::nullopt;
  Transfer& transfer = found->second;
  const bool expected = !transfer.over() && static_cast<std::size_t>(piece.file) == transfer.file &&
                        piece.offset == transfer.offset;
  if (!expected) return std::nullopt;
  const Attempt* attempt = find_attempt(state, piece.ref);
  if (state.phase != Phase::Running) {
    give_up(piece.ref, transfer, kSweepEnds);
  } else if (attempt == nullptr || !would_count(state, attempt->agent, piece.ref)) {
    give_up(piece.ref, transfer, "its result does not count");
  } else if (!piece.problem.empty()) {
    give_up(piece.ref, transfer, piece.problem);
  } else {
    const Artifact& file = transfer.files[transfer.file];
    const auto size = static_cast<std::int64_t>(bytes.size());
    if (size == 0 || size > kArtifactPiece || size > file.bytes - transfer.offset) {
      give_up(piece.ref, transfer, "the agent sent a piece of a wrong size");
      return request(piece.ref, transfer);
    }
    const bool last = transfer.offset + size == file.bytes;
    const auto done = store_.write(piece.ref, file, transfer.offset, bytes, last);
    if (!done) give_up(piece.ref, transfer, done.error().message);
    transfer.offset += size;
    move_on(transfer);
  }
  return request(piece.ref, transfer);
}

/// Completes what the agent says about its files.
void Collection::describe(const Transfer& transfer, Account& account) {
  if (!transfer.problem.empty()) return set_not_collected(account, transfer.problem);
  Collected out;
  if (account.collected) out.left_out = account.collected->left_out;
  std::vector<std::string> shared;
  for (std::size_t i = 0; i < transfer.files.size(); ++i) {
    if (!transfer.wanted[i]) {
      shared.push_back(transfer.files[i].name);
      continue;
    }
    ++out.files;
    out.bytes += transfer.files[i].bytes;
  }
  if (!shared.empty())
    out.left_out.insert(out.left_out.begin(), join(shared, ", ") + ": " + std::string(kSharedDirectory));
  account.collected = std::move(out);
}

void Collection::install(const AttemptRef& ref, Account& account) {
  const auto found = transfers_.find({ref.point, ref.attempt});
  if (found == transfers_.end() || !found->second.over() || !found->second.problem.empty()) return;
  if (!account.collected || account.collected->files == 0) return;
  if (const auto done = store_.install(ref); !done) {
    give_up(ref, found->second, done.error().message);
    set_not_collected(account, found->second.problem);
  }
}

void Collection::finish(const AttemptRef& ref) {
  if (transfers_.erase({ref.point, ref.attempt}) > 0) store_.discard(ref);
}

std::pair<std::int64_t, std::int64_t> Collection::progress(const AttemptRef& ref) const {
  const auto found = transfers_.find({ref.point, ref.attempt});
  if (found == transfers_.end()) return {0, 0};
  const Transfer& transfer = found->second;
  std::int64_t done = transfer.offset, all = 0;
  for (std::size_t i = 0; i < transfer.wanted.size(); ++i) {
    if (!transfer.wanted[i]) continue;
    all += transfer.files[i].bytes;
    if (i < transfer.file) done += transfer.files[i].bytes;
  }
  return {done, all};
}

}  // namespace sweep::core
