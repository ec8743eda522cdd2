#include "agent/core/images.hpp"

#include <algorithm>

#include "agent/core/duration_text.hpp"
#include "util/text.hpp"

namespace sweep::agent {

Images::Image* Images::find(const container::StageRequest& request) {
  const auto found = std::find_if(images_.begin(), images_.end(),
                                  [&](const Image& image) { return image.request == request; });
  return found == images_.end() ? nullptr : &*found;
}

Images::Image& Images::add(const container::StageRequest& request, bool ahead, Actions& out) {
  Image& image = images_.emplace_back();
  image.serial = ++serial_;
  image.request = request;
  Stage stage{image.serial, request, ahead};
  for (const KnownRuntime& known : known_) {
    if (known.requested != request.runtime) continue;
    stage.request.runtime = known.by.runtime;
    stage.request.tool = known.by.tool;
    stage.request.version = known.by.version;
  }
  out.emplace_back(std::move(stage));
  return image;
}

const Images::Image& Images::ensure(const container::StageRequest& request, Millis limit, Instant now,
                                    Actions& out) {
  Image* image = find(request);
  if (image == nullptr) image = &add(request, false, out);
  if (!image->needed && !image->done() && limit.count() > 0) image->until = now + limit;
  image->needed = true;
  return *image;
}

void Images::prefetch(const container::StageRequest& request, Actions& out) {
  const bool busy =
      std::any_of(images_.begin(), images_.end(), [](const Image& image) { return !image.done(); });
  if (!busy && find(request) == nullptr) add(request, true, out);
}

void Images::forget(const container::StageRequest& request) {
  images_.remove_if([&](const Image& image) { return image.done() && image.request == request; });
}

void Images::forget_failures() {
  images_.remove_if([](const Image& image) { return image.failure.has_value(); });
}

void Images::on(const StageReported& input) {
  const auto found = std::find_if(images_.begin(), images_.end(),
                                  [&](const Image& image) { return image.serial == input.serial; });
  if (found == images_.end() || found->done()) return;
  if (const auto* progress = std::get_if<container::StageProgress>(&input.report)) {
    found->progress = *progress;
  } else if (const auto* staged = std::get_if<container::Staged>(&input.report)) {
    found->staged = *staged;
    const bool is_known = std::any_of(known_.begin(), known_.end(), [&](const KnownRuntime& known) {
      return known.requested == found->request.runtime;
    });
    if (!is_known) known_.push_back({found->request.runtime, *staged});
  } else if (const auto* failed = std::get_if<container::Failed>(&input.report)) {
    Outcome outcome;
    outcome.kind = failed->of_image ? OutcomeKind::BenchmarkFailed : OutcomeKind::Infrastructure;
    outcome.phase = "image";
    outcome.reason = printable(failed->reason);
    found->failure = std::move(outcome);
  }
}

void Images::on_deadline(Instant now, Actions& out) {
  for (Image& image : images_) {
    if (image.done() || !image.until || now < *image.until) continue;
    out.emplace_back(StopStaging{image.serial});
    Outcome outcome;
    outcome.kind = OutcomeKind::TimedOut;
    outcome.phase = "image";
    outcome.reason = "staging the image '" + printable(image.request.container.image) + "' took too long" +
                     (image.progress.what.empty() ? "" : " (" + image.progress.what + ")");
    image.failure = std::move(outcome);
  }
}

std::optional<Instant> Images::next_deadline() const {
  std::optional<Instant> next;
  for (const Image& image : images_) {
    if (!image.done()) next = earlier(next, image.until);
  }
  return next;
}

void Images::stop_all(Actions& out) {
  for (const Image& image : images_) {
    if (!image.done()) out.emplace_back(StopStaging{image.serial});
  }
  images_.remove_if([](const Image& image) { return !image.done(); });
}

Bar bar_of(const container::StageProgress& progress) {
  return {progress.done, progress.total};
}

}  // namespace sweep::agent
