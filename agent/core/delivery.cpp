#include "agent/core/delivery.hpp"

#include <utility>

#include "agent/core/artifacts.hpp"

namespace sweep::agent {

void Delivery::begin(wire::Finished finished, std::string result, std::optional<CollectFiles> files,
                     Actions& out) {
  finished_ = std::move(finished);
  result_ = std::move(result);
  files_ = std::move(files);
  if (!files_) return spool(Stage::Spooling, out);
  set_not_collected(finished_.account, kStoppedFirst);
  spool(skips_files_ ? Stage::Spooling : Stage::Securing, out);
}

void Delivery::spool(Stage stage, Actions& out) {
  stage_ = stage;
  out.emplace_back(SpoolResult{finished_, result_});
}

void Delivery::on(const Spooled&, Instant now, Actions& out) {
  if (stage_ == Stage::Securing && !skips_files_) {
    stage_ = Stage::Collecting;
    out.emplace_back(*std::exchange(files_, std::nullopt));
    return;
  }
  if (stage_ != Stage::Spooling && stage_ != Stage::Securing) return;
  stage_ = Stage::Finished;
  send(now, out);
}

void Delivery::on(const FilesCollected& input, Actions& out) {
  if (stage_ != Stage::Collecting) return;
  finished_.files = input.files;
  finished_.account.collected = {};
  if (!input.left_out.empty()) finished_.account.collected = Collected{0, 0, input.left_out};
  spool(Stage::Spooling, out);
}

void Delivery::on_fetch(const wire::Fetch& fetch, Instant now, Actions& out) {
  if (!finished()) return;
  const auto file = static_cast<std::size_t>(fetch.file);
  if (file >= finished_.files.size()) return send(now, out);
  out.emplace_back(ReadPiece{finished_.ref, {}, fetch.file, fetch.offset});
}

void Delivery::skip_files(Actions& out) {
  if (stage_ == Stage::Collecting && !skips_files_) out.emplace_back(StopCollecting{finished_.ref});
  skips_files_ = true;
}

void Delivery::give_up_files(Instant now, Actions& out) {
  if (!has_files()) return;
  finished_.files.clear();
  set_not_collected(finished_.account, kStoppedFirst);
  send(now, out);
}

void Delivery::send(Instant now, Actions& out) {
  out.emplace_back(Send{finished_, result_});
  resend_at_ = now + resend_;
}

std::optional<Instant> Delivery::next_deadline() const {
  return finished() ? std::optional(resend_at_) : std::nullopt;
}

void Delivery::on_deadline(Instant now, Actions& out) {
  if (finished() && now >= resend_at_) send(now, out);
}

}  // namespace sweep::agent
