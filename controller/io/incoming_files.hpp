// The files of attempts in the output directory, while they arrive and when they are complete.
//
//   .incoming/<point>.<attempt>/list               which files arrive
//   .incoming/<point>.<attempt>/raw/…, …/logs/…    while they arrive
//   raw/<RESULT_FILENAME>/…                        when they are complete
//   logs/<RESULT_FILENAME>/…                       the logs among them
//
// Rules: a folder gets its final name by one rename, when every file in it is complete and on the disk. Names come
// from agents: core::Collection has checked them, and links are not followed (util/os/beneath.hpp).
#pragma once

#include <string>
#include <vector>

#include "controller/core/collection.hpp"
#include "controller/plan/plan.hpp"

namespace sweep {

/// The folder below the output directory in which files arrive.
inline constexpr const char* kIncoming = ".incoming";

class IncomingFiles : public core::FileStore {
 public:
  /// All of it must outlive this.
  IncomingFiles(const std::string& directory, const Plan& plan, const core::State& state)
      : directory_(directory), plan_(plan), state_(state) {}

  Expected<Place> begin(const core::AttemptRef& ref, const std::vector<Artifact>& files) override;
  Expected<void> write(const core::AttemptRef& ref, const Artifact& file, std::int64_t offset,
                       std::string_view bytes, bool last) override;
  Expected<void> install(const core::AttemptRef& ref) override;
  void discard(const core::AttemptRef& ref) override;

  /// Removes what an earlier attempt of the point left under the same names, for an attempt without files.
  void clear(const core::AttemptRef& ref);

 private:
  Expected<Place> present(const core::AttemptRef& ref, const std::vector<Artifact>& files);
  std::string name_of(const core::AttemptRef& ref) const;

  const std::string& directory_;
  const Plan& plan_;
  const core::State& state_;
};

/// Removes the folders of files that belong to no accepted attempt: a controller ended after it had put them in
/// place and before it could commit the result.
void remove_unaccepted_files(const std::string& directory, const Plan& plan, const core::State& state);

}  // namespace sweep
