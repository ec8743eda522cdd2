// Whether a benchmark could leave its result in its working directory.
#include <gmock/gmock.h>
#include <unistd.h>

#include "agent/io/machine.hpp"
#include "tests/unit/net_folder.hpp"

namespace sweep::agent {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class ResultFolder : public InFolder {
 protected:
  /// Returns the problem as a user sees it who is neither root nor the folder's owner.
  std::string problem_of_another(const std::string& name) const {
    constexpr uid_t kNobody = 65534;
    const uid_t own = ::geteuid();
    const auto as_other = [&](const auto& act) {
      if (own == 0) {
        EXPECT_EQ(::seteuid(kNobody), 0);
        act();
        EXPECT_EQ(::seteuid(own), 0);
        return;
      }
      std::filesystem::permissions(folder_, static_cast<std::filesystem::perms>(0555));
      act();
      std::filesystem::permissions(folder_, std::filesystem::perms::owner_all);
    };
    std::string problem;
    as_other([&] { problem = result_folder_problem(path(name)); });
    return problem;
  }
};

TEST_F(ResultFolder, ThatIsNotWritableIsAProblemBeforeTheStart) {
  std::filesystem::permissions(folder_, static_cast<std::filesystem::perms>(0755));
  EXPECT_EQ(result_folder_problem(path("r.json")), "");
  EXPECT_THAT(
      problem_of_another("r.json"),
      AllOf(HasSubstr("cannot write to '" + folder_ + "/', where the benchmark has to leave its result"),
            HasSubstr("Permission denied"), HasSubstr("workspace: DIR")));
}

TEST_F(ResultFolder, ResultThatIsWritableIsNoProblem) {
  std::filesystem::permissions(folder_, static_cast<std::filesystem::perms>(0755));
  put("r.json", "{}");
  std::filesystem::permissions(path("r.json"), static_cast<std::filesystem::perms>(0666));
  EXPECT_EQ(problem_of_another("r.json"), "");
}

TEST_F(ResultFolder, FolderThatDoesNotExistIsReportedByTheStart) {
  EXPECT_EQ(result_folder_problem(path("absent/r.json")), "");
  EXPECT_EQ(result_folder_problem(""), "") << "a server leaves no result";
}

}  // namespace
}  // namespace sweep::agent
