// controller/io/admission: who is let in by munge, who is not, and what is said of it. A munged of the test's
// own.
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
  wire::Hello shown(const std::string& key) const {
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

TEST_F(WithMunge, AutoAsksForIt) {
  EXPECT_THAT(by_munge().note(), HasSubstr("munge credential of uid " + std::to_string(::geteuid())));
  const auto asked = Admission::open(Auth::Munge, "key");
  ASSERT_TRUE(asked) << asked.error().message;
  EXPECT_EQ(asked->by(), Admission::By::Munge);
}

TEST_F(WithMunge, TheOwnersAgentIsAdmittedOnceForEachCredential) {
  const Admission admission = by_munge();
  const wire::Hello hello = shown("key");
  const auto first = admission.admit(hello);
  EXPECT_EQ(first.answer, Answer::Admitted) << first.reason;
  const auto replayed = admission.admit(hello);
  EXPECT_EQ(replayed.answer, Answer::Refused);
  EXPECT_THAT(replayed.reason, HasSubstr("shown before"));
  EXPECT_EQ(admission.admit(shown("key")).answer, Answer::Admitted);  // the same agent, back again
}

TEST_F(WithMunge, WhoAsksShowsACredentialOfItsOwn) {
  const Admission admission = by_munge();
  const auto credential = [](const char* key, const char* what) {
    return munge_credential(request_payload(key, what)).value_or("");
  };
  EXPECT_THAT(admission.admit(wire::StatusRequest{}).reason,
              HasSubstr("who asks for the status shows no munge credential"));
  const wire::StatusRequest status{credential("key", "status"), ""};
  EXPECT_EQ(admission.admit(status).answer, Answer::Admitted);
  EXPECT_EQ(admission.admit(status).answer, Answer::Refused) << "twice";
  const auto stop = [&](const std::string& shown) {
    return admission.admit(wire::StopRequest{"", false, shown, ""}).answer;
  };
  EXPECT_EQ(stop(credential("key", "status")), Answer::Refused) << "that of a question";
  EXPECT_EQ(stop(credential("other", "stop")), Answer::Refused) << "that of another sweep";
  EXPECT_EQ(stop(shown("key").credential), Answer::Refused) << "that of an agent";
  EXPECT_EQ(stop(credential("key", "stop")), Answer::Admitted);
}

TEST_F(WithMunge, WithoutACredentialNobodyIsAdmitted) {
  wire::Hello hello = some_hello();
  hello.no_credential = "munged does not\nrun";
  const auto verdict = by_munge().admit(hello);
  EXPECT_EQ(verdict.answer, Answer::Refused);
  EXPECT_EQ(
      verdict.reason,
      "agent 12.0.1 on n1 shows no munge credential (munged does not?run): start munge on n1, or say 'auth: "
      "key' in the profile (then the sweep's key alone decides)");
}

TEST_F(WithMunge, ACredentialFromElsewhereIsOfNoUse) {
  const Admission admission = by_munge();
  const auto other_sweep = admission.admit(shown("other key"));
  EXPECT_EQ(other_sweep.answer, Answer::Refused);
  EXPECT_THAT(other_sweep.reason, HasSubstr("another sweep, agent or process"));
  wire::Hello agent = shown("key"), node = shown("key"), pid = shown("key");
  agent.agent = "12.0.2";
  node.node = "n2";
  pid.pid = 78;
  for (const wire::Hello& taken : {agent, node, pid})
    EXPECT_EQ(admission.admit(taken).answer, Answer::Refused);
}

TEST_F(WithMunge, AnotherUsersAgentIsRefusedByNumber) {
  // As if the sweep were another's.
  const Admission admission(Admission::By::Munge, "key", ::geteuid() + 1);
  const auto verdict = admission.admit(shown("key"));
  EXPECT_EQ(verdict.answer, Answer::Refused);
  EXPECT_THAT(verdict.reason, HasSubstr("runs as uid " + std::to_string(::geteuid()) +
                                        "; this is a sweep of uid " + std::to_string(::geteuid() + 1)));
}

TEST_F(WithMunge, WhatIsNoCredentialIsRefused) {
  wire::Hello hello = some_hello();
  hello.credential = "MUNGE:AwQ\x1b:";
  const auto verdict = by_munge().admit(hello);
  EXPECT_EQ(verdict.answer, Answer::Refused);
  EXPECT_THAT(verdict.reason, HasSubstr("auth: key"));
}

TEST_F(WithMunge, OneThatHangsHereIsNoAgentsFault) {
  const Admission admission = by_munge();
  const wire::Hello hello = shown("key");
  munged_.signal(SIGSTOP);
  const auto verdict = admission.admit(hello);
  EXPECT_EQ(verdict.answer, Answer::Later);
  EXPECT_THAT(verdict.reason, HasSubstr("controller's machine does not answer"));
  munged_.signal(SIGCONT);
}

TEST(NoMunge, AutoGoesByTheKeyAndMungeFailsWithTheRemedy) {
  // A slurm.conf that names a socket which is not there.
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
  EXPECT_THAT(wanted.error().message, HasSubstr("start munged on this machine, or say 'auth: key'"));
  EXPECT_EQ(wanted.error().message.find('\n'), std::string::npos);
  std::filesystem::remove(conf);
}

TEST(ByKey, NobodyIsAskedForMore) {
  const auto admission = Admission::open(Auth::Key, "key");
  ASSERT_TRUE(admission);
  EXPECT_EQ(admission->by(), Admission::By::Key);
  EXPECT_EQ(admission->admit(some_hello()).answer, Answer::Admitted);
}

TEST(WaitingHellos, AreLookedAtAgainTogether) {
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
