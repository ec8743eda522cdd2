// proto/net/munge, with the test's own munged if munge is installed: what a credential proves, what is
// refused, and that a hanging munged does not block the caller.
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>

#include "proto/net/munge.hpp"
#include "tests/unit/net_munged.hpp"
#include "util/os/clock.hpp"

namespace sweep {
namespace {

wire::Hello some_hello() {
  wire::Hello hello;
  hello.agent = "12.0.1";
  hello.node = "n1";
  hello.pid = 77;
  return hello;
}

TEST(HelloPayload, BindsToKeyAgentNodeAndProcess) {
  const std::string mine = hello_payload("key", some_hello());
  EXPECT_EQ(mine.size(), 64u);
  EXPECT_EQ(mine, hello_payload("key", some_hello()));
  EXPECT_NE(mine, hello_payload("other key", some_hello()));
  wire::Hello agent = some_hello(), node = some_hello(), pid = some_hello(), moved = some_hello();
  agent.agent = "12.0.2";
  node.node = "n2";
  pid.pid = 78;
  moved.agent = "12.0.1\n2:n1";  // one part must not be taken for the next
  moved.node = "";
  for (const wire::Hello& other : {agent, node, pid, moved})
    EXPECT_NE(mine, hello_payload("key", other));
}

TEST(MungeSocket, IsTheOneNamedInSlurmConf) {
  EXPECT_EQ(munge_socket_of("ClusterName=x\nAuthInfo=socket=/run/m/s\n"), "/run/m/s");
  EXPECT_EQ(munge_socket_of("  AUTHINFO=ttl=60,Socket=/run/m/s,cred_expire=2 # text\r\n"), "/run/m/s");
  EXPECT_EQ(munge_socket_of("AuthInfo=socket=/a\nAuthInfo=socket=/b"), "/b");
  for (const char* none :
       {"", "AuthInfo=ttl=60", "#AuthInfo=socket=/a", "AuthInfo=socket=", "AuthAltInfo=socket=/a"})
    EXPECT_EQ(munge_socket_of(none), std::nullopt) << none;
}

TEST(MungeUid, IsTheOneOutsideTheContainer) {
  EXPECT_EQ(outer_uid("         0          0 4294967295\n", 1000), 1000u);
  EXPECT_EQ(outer_uid("0 1000 1\n", 0), 1000u);
  EXPECT_EQ(outer_uid("0 1000 1\n1 100000 65536\n", 5), 100004u);
  EXPECT_EQ(outer_uid("0 1000 1\n", 7), 7u);
  EXPECT_EQ(outer_uid("nonsense", 7), 7u);
}

class Munge : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string why = munged_.start(); !why.empty()) GTEST_SKIP() << why;
  }
  Munged munged_;
};

TEST_F(Munge, CredentialHasUserAndPayload) {
  const auto credential = munge_credential("words");
  ASSERT_TRUE(credential) << credential.error().message;
  EXPECT_LE(credential->size(), 4096u);  // the limit in Hello
  const auto identity = munge_check(*credential);
  ASSERT_TRUE(identity) << identity.error().message;
  EXPECT_EQ(identity->uid, ::geteuid());
  EXPECT_EQ(identity->gid, ::getegid());
  EXPECT_EQ(identity->payload, "words");
}

TEST_F(Munge, CredentialIsAcceptedOnce) {
  const auto credential = munge_credential("words");
  ASSERT_TRUE(credential) << credential.error().message;
  ASSERT_TRUE(munge_check(*credential));
  const auto again = munge_check(*credential);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind, MungeFault::Kind::Replayed) << again.error().message;
}

TEST_F(Munge, OtherTextIsInvalid) {
  std::string changed = munge_credential("words").value_or("");
  ASSERT_GT(changed.size(), 40u);
  changed[changed.size() / 2] = changed[changed.size() / 2] == 'A' ? 'B' : 'A';
  for (const std::string& wrong : {std::string(), std::string("MUNGE:"), std::string("nonsense"), changed}) {
    const auto identity = munge_check(wrong);
    ASSERT_FALSE(identity) << wrong;
    EXPECT_EQ(identity.error().kind, MungeFault::Kind::Invalid) << identity.error().message;
  }
}

TEST_F(Munge, CredentialOfAnotherMungeKeyIsInvalid) {
  const auto credential = munge_credential("words");
  ASSERT_TRUE(credential) << credential.error().message;
  Munged other;
  ASSERT_EQ(other.start(), "");
  const auto identity = munge_check(*credential);
  ASSERT_FALSE(identity);
  EXPECT_EQ(identity.error().kind, MungeFault::Kind::Invalid) << identity.error().message;
}

TEST_F(Munge, HangingMungedDoesNotBlock) {
  const auto credential = munge_credential("words");
  ASSERT_TRUE(credential) << credential.error().message;
  munged_.signal(SIGSTOP);
  const Instant start = now();
  for (int i = 0; i < 20; ++i) {  // the first call waits for kMungePatience, the others do not
    const auto identity = munge_check(*credential);
    ASSERT_FALSE(identity);
    EXPECT_EQ(identity.error().kind, MungeFault::Kind::Unreachable) << identity.error().message;
    EXPECT_FALSE(munge_credential("words"));
  }
  EXPECT_LT((now() - start).count(), 5 * kMungePatience.count());
  munged_.signal(SIGCONT);
  // Wait until the hanging call returns, so that the next call of this process does not find it.
  while (!munge_credential("words"))
    ASSERT_LT((now() - start).count(), 20'000);
}

TEST_F(Munge, MissingMungedIsUnreachable) {
  const auto credential = munge_credential("words");
  ASSERT_TRUE(credential) << credential.error().message;
  munged_.stop();
  const auto identity = munge_check(*credential);
  ASSERT_FALSE(identity);
  EXPECT_EQ(identity.error().kind, MungeFault::Kind::Unreachable) << identity.error().message;
  const auto none = munge_credential("words");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().message.find('\n'), std::string::npos);
}

}  // namespace
}  // namespace sweep
