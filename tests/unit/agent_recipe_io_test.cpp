// agent/io with a recipe: real servers that outlive real clients, and leave no process behind at the end.
#include <sys/stat.h>

#include "agent/core/environment.hpp"
#include "tests/unit/agent_process.hpp"
#include "util/os/files.hpp"

namespace sweep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class AgentRecipe : public AgentProcess {
 protected:
  /// `server` and `client` are sh scripts. The server is ready when it prints "up".
  wire::Lease recipe(const std::string& point, const std::string& server, const std::string& client) const {
    wire::Lease out = lease();
    out.ref.point = point;
    out.command = {"sh", "-c", client};
    out.environment = {{"POINT", point}};
    out.server.key = "k";
    out.server.command = {"sh", "-c", server};
    out.server.ready_log = "^up$";
    return out;
  }
  void settle(const std::string& point) { send(wire::Settled{{point, 1}, true}); }
  void leave() {
    send(wire::Drain{true, "over"});
    EXPECT_TRUE(await<wire::Goodbye>());
    EXPECT_EQ(exit_status(), 0);
  }
  std::string file(const std::string& name) const {
    return read_file(folder_ + "/" + name, 4096).value_or("(none)");
  }
};

TEST_F(AgentRecipe, ServerAndItsStraysOutliveClientsButNotTheAgent) {
  join("");
  // Two processes of the server: the leader, and one that has left the group and lost its parent.
  const std::string server = R"(mkfifo other; (setsid sh -c 'echo $$ > other; exec sleep 1000' &)
      read pid < other; echo "$$ $pid $POINT." > server; echo up; exec sleep 1000)";
  const std::string client = R"(cat server; printf '{"p": "%s"}' "$POINT" > result.json)";
  send(recipe("p1", server, client));
  EXPECT_EQ(outcome().kind, OutcomeKind::Ok);
  const std::string pids = file("server");
  ASSERT_THAT(pids, HasSubstr(" .\n")) << "the server does not see POINT";
  const std::string leader = pids, other = pids.substr(pids.find(' '));
  EXPECT_FALSE(gone(leader));
  EXPECT_FALSE(gone(other)) << "a stray of the server does not belong to its client";
  settle("p1");
  send(recipe("p2", server, client));
  EXPECT_EQ(outcome().kind, OutcomeKind::Ok);
  EXPECT_EQ(file("server"), pids) << "it was started once";
  settle("p2");
  leave();
  EXPECT_TRUE(gone(leader));
  EXPECT_TRUE(gone(other));
}

TEST_F(AgentRecipe, StrayThatShowsNoEnvironmentYetIsLookedAtAgain) {
  join("");
  // A process in the middle of an exec shows no environment. Here it has none until it is started anew.
  const std::string stray = R"(mkfifo born; (setsid env -i bash -c 'echo $$ > born; sleep 0.1; export "$0"
      exec sleep 1000' )" + agent::mark_of({"p1", 1}) +
                            R"( &) ; read pid < born; echo "$pid" > stray; )";
  send(recipe("p1", "echo up; exec sleep 1000", stray + R"(printf '{"p": "p1"}' > result.json)"));
  EXPECT_EQ(outcome().kind, OutcomeKind::Ok);
  EXPECT_TRUE(gone(file("stray"))) << "it was ended with its attempt";
  settle("p1");
  leave();
}

TEST_F(AgentRecipe, DeadServerEndsItsClientAndIsQuoted) {
  EXPECT_EQ(::mkfifo((folder_ + "/go").c_str(), 0600), 0);
  join("");
  send(recipe("p1", "echo up; read line < go; echo 'RuntimeError: no more memory' >&2; exit 3",
              "echo going > go; exec sleep 1000"));
  const auto finished = await<wire::Finished>();
  ASSERT_TRUE(finished);
  EXPECT_EQ(finished->outcome.kind, OutcomeKind::ServerFailed);
  EXPECT_EQ(finished->outcome.exit_code, 3);
  EXPECT_THAT(finished->account.server_says, testing::Contains("RuntimeError: no more memory"));
  settle("p1");
  leave();
}

TEST_F(AgentRecipe, KilledAgentsServerIsKilledToo) {
  join("");
  send(recipe("p1", "echo $$ > server; echo up; exec sleep 1000", "echo running; exec sleep 1000"));
  ASSERT_TRUE(output("running"));
  const std::string pid = file("server");
  ::kill(child_.pid, SIGKILL);
  EXPECT_EQ(exit_status(), -1);
  const Instant deadline = now() + kPatience;
  while (!gone(pid) && now() < deadline)
    loop_.step(now() + Millis(1));  // the kernel sends no event for their end
  EXPECT_TRUE(gone(pid));
}

}  // namespace
}  // namespace sweep
