// controller/io/admission: who is admitted by munge, who is not, and the messages. The tests start their own
// munged.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "controller/io/admission.hpp"
#include "proto/net/munge.hpp"
#include "tests/unit/net_munged.hpp"

namespace sweep {
namespace {

using Auth = profile::Profile::Auth;
using Answer = Admission::Answer;
using testing::HasSubstr;

wire::Hello some_hello() {
  wire::Hello hello;
  hello.agent = "12.0.1";
  hello.node = "n1";
  hello.pid = 77;
  return hello;
}

class WithMunge : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string why = munged_.start(); !why.empty()) GTEST_SKIP() << why;
  }
  wire::Hello hello_with_credential(const std::string& key) const {
    wire::Hello hello = some_hello();
    hello.credential = munge_credential(hello_payload(key, hello)).value_or("");
    EXPECT_NE(hello.credential, "");
    return hello;
  }
  Admission by_munge() const {
    const auto admission = Admission::open(Auth::Auto, "key");
    EXPECT_TRUE(admission);
    EXPECT_EQ(admission->by(), Admission::By::Munge) << admission->note();
    return *admission;
  }
  Munged munged_;
};

TEST_F(WithMunge, AutoUsesIt) {
  EXPECT_THAT(by_munge().note(), HasSubstr("munge credential of uid " + std::to_string(::geteuid())));
  const auto asked = Admission::open(Auth::Munge, "key");
  ASSERT_TRUE(asked) << asked.error().message;
  EXPECT_EQ(asked->by(), Admission::By::Munge);
}

TEST_F(WithMunge, OwnersAgentIsAdmittedOncePerCredential) {
  const Admission admission = by_munge();
  const wire::Hello hello = hello_with_credential("key");
  const auto first = admission.admit(hello);
  EXPECT_EQ(first.answer, Answer::Admitted) << first.reason;
  const auto replayed = admission.admit(hello);
  EXPECT_EQ(replayed.answer, Answer::Refused);
  EXPECT_THAT(replayed.reason, HasSubstr("already used"));
  EXPECT_EQ(admission.admit(hello_with_credential("key")).answer,
            Answer::Admitted);  // the same agent, reconnecting
}

TEST_F(WithMunge, EachRequestNeedsItsOwnCredential) {
  const Admission admission = by_munge();
  const auto credential = [](const char* key, const char* what) {
    return munge_credential(request_payload(key, what)).value_or("");
  };
  EXPECT_THAT(admission.admit(wire::StatusRequest{}).reason,
              HasSubstr("the sender of the status request sent no munge credential"));
  const wire::StatusRequest status{credential("key", "status"), ""};
  EXPECT_EQ(admission.admit(status).answer, Answer::Admitted);
  EXPECT_EQ(admission.admit(status).answer, Answer::Refused) << "the same credential twice";
  const auto stop = [&](const std::string& sent) {
    return admission.admit(wire::StopRequest{"", false, sent, ""}).answer;
  };
  EXPECT_EQ(stop(credential("key", "status")), Answer::Refused) << "the credential of a status request";
  EXPECT_EQ(stop(credential("other", "stop")), Answer::Refused) << "the credential of another sweep";
  EXPECT_EQ(stop(hello_with_credential("key").credential), Answer::Refused) << "the credential of an agent";
  EXPECT_EQ(stop(credential("key", "stop")), Answer::Admitted);
}

TEST_F(WithMunge, AgentWithoutCredentialIsRefused) {
  wire::Hello hello = some_hello();
  hello.no_credential = "munged does not\nrun";
  const auto verdict = by_munge().admit(hello);
  EXPECT_EQ(verdict.answer, Answer::Refused);
  EXPECT_EQ(
      verdict.reason,
      "agent 12.0.1 on n1 sent no munge credential (munged does not\\nrun): start munged on n1, or set 'auth: "
      "key' in the profile (agents then need only the sweep's key)");
}

TEST_F(WithMunge, CredentialOfAnotherSweepAgentOrProcessIsRefused) {
  const Admission admission = by_munge();
  const auto other_sweep = admission.admit(hello_with_credential("other key"));
  EXPECT_EQ(other_sweep.answer, Answer::Refused);
  EXPECT_THAT(other_sweep.reason, HasSubstr("made for another sweep, agent or process"));
  wire::Hello agent = hello_with_credential("key"), node = hello_with_credential("key"),
              pid = hello_with_credential("key");
  agent.agent = "12.0.2";
  node.node = "n2";
  pid.pid = 78;
  for (const wire::Hello& stolen : {agent, node, pid})
    EXPECT_EQ(admission.admit(stolen).answer, Answer::Refused);
}

TEST_F(WithMunge, AnotherUsersAgentIsRefusedNamingBothUids) {
  // As if the sweep belonged to another user.
  const Admission admission(Admission::By::Munge, "key", ::geteuid() + 1);
  const auto verdict = admission.admit(hello_with_credential("key"));
  EXPECT_EQ(verdict.answer, Answer::Refused);
  EXPECT_THAT(verdict.reason,
              HasSubstr("runs as uid " + std::to_string(::geteuid()) + ", but this sweep belongs to uid " +
                        std::to_string(::geteuid() + 1)));
}

TEST_F(WithMunge, InvalidCredentialIsRefused) {
  wire::Hello hello = some_hello();
  hello.credential = "MUNGE:AwQ\x1b:";
  const auto verdict = by_munge().admit(hello);
  EXPECT_EQ(verdict.answer, Answer::Refused);
  EXPECT_THAT(verdict.reason, HasSubstr("auth: key"));
}

TEST_F(WithMunge, AgentWaitsIfMungeOnTheControllersMachineHangs) {
  const Admission admission = by_munge();
  const wire::Hello hello = hello_with_credential("key");
  munged_.signal(SIGSTOP);
  const auto verdict = admission.admit(hello);
  EXPECT_EQ(verdict.answer, Answer::Later);
  EXPECT_THAT(verdict.reason, HasSubstr("controller's machine does not answer"));
  munged_.signal(SIGCONT);
}

TEST(NoMunge, AutoUsesTheKeyAndMungeFailsWithTheRemedy) {
  // A slurm.conf that names a socket that does not exist.
  std::string conf = (std::filesystem::temp_directory_path() / "sweep-no-munge-XXXXXX").string();
  const Fd file(::mkstemp(conf.data()));
  const std::string text = "AuthInfo=socket=" + conf + ".socket\n";
  ASSERT_EQ(::write(file.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  ::setenv("SLURM_CONF", conf.c_str(), 1);
  const auto chosen = Admission::open(Auth::Auto, "key");
  ASSERT_TRUE(chosen);
  EXPECT_EQ(chosen->by(), Admission::By::Key);
  EXPECT_THAT(chosen->note(), HasSubstr("munge does not work here ("));
  EXPECT_EQ(chosen->admit(some_hello()).answer, Answer::Admitted);
  const auto wanted = Admission::open(Auth::Munge, "key");
  ASSERT_FALSE(wanted);
  EXPECT_THAT(wanted.error().message, HasSubstr("start munged on this machine, or set 'auth: key'"));
  EXPECT_EQ(wanted.error().message.find('\n'), std::string::npos);
  std::filesystem::remove(conf);
}

TEST(ByKey, AgentsNeedNoCredential) {
  const auto admission = Admission::open(Auth::Key, "key");
  ASSERT_TRUE(admission);
  EXPECT_EQ(admission->by(), Admission::By::Key);
  EXPECT_EQ(admission->admit(some_hello()).answer, Answer::Admitted);
}

TEST(WaitingHellos, AreCheckedAgainTogether) {
  WaitingHellos waiting;
  const Instant start = from_unix_ms(1'700'000'000'000);
  EXPECT_FALSE(waiting.due());
  waiting.add({"p", "1", some_hello()}, start);
  waiting.add({"q", "2", some_hello()}, start + Millis(1'000));
  waiting.add({"q", "3", some_hello()}, start + Millis(1'000));  // the same peer again
  waiting.add({"r", "4", some_hello()}, start + Millis(1'000));
  waiting.forget("r");
  EXPECT_EQ(waiting.due(), start + WaitingHellos::kPause);
  EXPECT_TRUE(waiting.take(start + Millis(1'999)).empty());
  const auto all = waiting.take(start + WaitingHellos::kPause);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[1].connection, "3");
  EXPECT_FALSE(waiting.due());
}

TEST(WaitingHellos, AreBounded) {
  WaitingHellos waiting;
  const Instant start = from_unix_ms(1'700'000'000'000);
  for (std::size_t i = 0; i < WaitingHellos::kMost + 10; ++i)
    waiting.add({std::to_string(i), "1", some_hello()}, start);
  EXPECT_EQ(waiting.take(start + WaitingHellos::kPause).size(), WaitingHellos::kMost);
}

}  // namespace
}  // namespace sweep
