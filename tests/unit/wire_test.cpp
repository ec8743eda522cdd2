// proto/wire: every message after a round trip, and everything that the codec must reject.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "proto/wire/codec.hpp"
#include "tests/unit/wire_samples.hpp"
#include "util/json.hpp"

namespace sweep::wire {
namespace {

// ---- round trips

TEST(Codec, EveryMessageIsTheSameAfterARoundTrip) {
  const std::vector<Sample> all = samples();
  ASSERT_EQ(all.size(), std::variant_size_v<Message>);
  for (std::size_t type = 0; type < all.size(); ++type) {
    const Sample& sample = all[type];
    SCOPED_TRACE(sample.name);
    const auto frames = encode(sample.message, sample.bulk);
    EXPECT_EQ(type_name(sample.message), sample.name);
    EXPECT_EQ(frames[0], header(kProtocolVersion, type, frames[1].size(), sample.bulk.size()));
    EXPECT_EQ(json::from_msgpack(frames[1]), sample.body);

    const auto back = decoded(frames);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(back->message.index(), type);
    EXPECT_EQ(back->bulk, sample.bulk);
    EXPECT_EQ(encode(back->message, back->bulk), frames);
  }
}

TEST(Codec, OutcomeWithoutOptionalFields) {
  const auto back = decoded(encode(Finished{kRef, Outcome{}, 1}));
  ASSERT_TRUE(back) << back.error().message;
  const Outcome outcome = std::get<Finished>(back->message).outcome;
  EXPECT_EQ(outcome.kind, OutcomeKind::Ok);
  EXPECT_FALSE(outcome.exit_code);
  EXPECT_FALSE(outcome.signal);
}

// Otherwise the controller would reject Finished, and the agent would send it again forever.
TEST(Codec, LongReasonsAreTruncatedBeforeSending) {
  const std::string reason(5'000, 'r');
  const std::string cut(4'096, 'r');
  Outcome outcome;
  outcome.reason = reason;
  const auto back = [](const Message& message) {
    auto result = decoded(encode(message));
    EXPECT_TRUE(result) << result.error().message;
    return result.value().message;
  };
  EXPECT_EQ(std::get<Finished>(back(Finished{kRef, outcome, 1})).outcome.reason, cut);
  EXPECT_EQ(std::get<Goodbye>(back(Goodbye{reason})).reason, cut);
  EXPECT_EQ(std::get<Reject>(back(Reject{reason})).reason, cut);
  EXPECT_EQ(std::get<Cancel>(back(Cancel{kRef, reason})).reason, cut);
  EXPECT_EQ(std::get<Drain>(back(Drain{true, reason})).reason, cut);
}

TEST(Codec, TextNeedNotBeUtf8) {
  const auto back = decoded(encode(Goodbye{"\xff\xfe"}));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(std::get<Goodbye>(back->message).reason, "\xff\xfe");
}

TEST(Codec, BulkOfTheLargestSizePasses) {
  const std::string bulk(kMaxBulkBytes, 'x');
  const auto back = decoded(encode(LogChunk{kRef, false}, bulk));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->bulk.size(), kMaxBulkBytes);
}

TEST(Codec, UnknownFieldsAreIgnored) {
  for (const Sample& sample : samples()) {
    json body = sample.body;
    body["zzz_of_a_newer_version"] = {{"deep", {1, 2, json::object()}}};
    const auto back = decoded(frames_of(sample.message.index(), body, sample.bulk));
    ASSERT_TRUE(back) << sample.name << ": " << back.error().message;
    EXPECT_EQ(encode(back->message, back->bulk), encode(sample.message, sample.bulk));
  }
}

// ---- damaged frames

TEST(Codec, EveryTruncationIsRejected) {
  for (const Sample& sample : samples()) {
    const auto whole = encode(sample.message, sample.bulk);
    for (std::size_t frame = 0; frame < whole.size(); ++frame) {
      for (std::size_t length = 0; length < whole[frame].size(); ++length) {
        auto cut = whole;
        cut[frame].resize(length);
        EXPECT_FALSE(decoded(cut)) << sample.name << " frame " << frame << " at " << length;
      }
    }
    for (std::size_t count = 0; count < whole.size(); ++count) {
      EXPECT_FALSE(decoded({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(count)}));
    }
  }
}

// The header has the truncated length, so that the parser of the body meets the end.
TEST(Codec, EveryTruncatedBodyWithAMatchingHeaderIsRejected) {
  for (const Sample& sample : samples()) {
    const std::string body = packed(sample.body);
    for (std::size_t length = 0; length < body.size(); ++length) {
      EXPECT_FALSE(decoded(frames_of_bytes(sample.message.index(), body.substr(0, length), sample.bulk)))
          << sample.name << " at " << length;
    }
  }
}

TEST(Codec, EverySingleBitFlipOfTheHeaderIsCaught) {
  for (const Sample& sample : samples()) {
    const auto whole = encode(sample.message, sample.bulk);
    for (std::size_t bit = 0; bit < 8 * kHeaderBytes; ++bit) {
      auto flipped = whole;
      flipped[0][bit / 8] = static_cast<char>(flipped[0][bit / 8] ^ (1 << (bit % 8)));
      const auto result = decoded(flipped);
      const bool of_type = bit / 8 == 6 || bit / 8 == 7;  // may be another message with the same fields
      if (result) {
        EXPECT_TRUE(of_type) << sample.name << " bit " << bit;
        EXPECT_EQ(result->message.index(), static_cast<std::size_t>(flipped[0][7]));
      } else if (bit / 8 == 4 || bit / 8 == 5) {
        EXPECT_EQ(result.error().fault, DecodeFault::WrongVersion);
      } else if (!of_type) {
        EXPECT_EQ(result.error().fault, DecodeFault::Malformed);
      }
    }
  }
}

// A flip may make another legal value, but not an illegal one. What decodes is encoded and decoded again, and
// so passes every limit that ProtocolPage tests.
TEST(Codec, EverySingleBitFlipOfABodyYieldsALegalMessageOrAnError) {
  std::size_t legal = 0;
  std::size_t rejected = 0;
  for (const Sample& sample : samples()) {
    const auto whole = encode(sample.message, sample.bulk);
    for (std::size_t bit = 0; bit < 8 * whole[1].size(); ++bit) {
      auto flipped = whole;
      flipped[1][bit / 8] = static_cast<char>(flipped[1][bit / 8] ^ (1 << (bit % 8)));
      const auto result = decoded(flipped);
      (result ? legal : rejected) += 1;
      if (!result) {
        EXPECT_EQ(result.error().fault, DecodeFault::Malformed);
        continue;
      }
      const auto again = encode(result->message, result->bulk);
      const auto same = decoded(again);
      ASSERT_TRUE(same) << sample.name << " bit " << bit << ": " << same.error().message;
      EXPECT_EQ(encode(same->message, same->bulk), again) << sample.name << " bit " << bit;
    }
  }
  EXPECT_GT(legal, 0u);
  EXPECT_GT(rejected, 0u);
}

TEST(Codec, RandomBodiesNeverCrashIt) {
  std::mt19937 random(20251120);
  const std::vector<Sample> all = samples();
  for (int round = 0; round < 20'000; ++round) {
    const std::size_t type = random() % all.size();
    std::string body = packed(all[type].body);
    for (int changes = 0; changes < 3; ++changes)
      body[random() % body.size()] = static_cast<char>(random());
    const auto result = decoded(frames_of_bytes(type, body));
    if (result) {
      EXPECT_EQ(result->message.index(), type);
    }
  }
}

// ---- rejections

TEST(Codec, ForeignBytesAreRecognised) {
  const std::string not_ours = "not a slurm-sweep message";
  EXPECT_EQ(complaint({}), not_ours);
  EXPECT_EQ(complaint({""}), not_ours);
  EXPECT_EQ(complaint({"GET / HTTP/1.1\r\nHost"}), not_ours);
  EXPECT_EQ(complaint({header(kProtocolVersion, 1, 1, 0) + "x", packed(json::object())}), not_ours);
}

TEST(Codec, OtherVersionIsRecognisedWhateverFollowsTheHeader) {
  for (const std::uint64_t version : {0, 1, 0xffff}) {
    const auto result = decoded({header(version, 999, 5, 5)});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().fault, DecodeFault::WrongVersion);
    EXPECT_EQ(result.error().message, "protocol version " + std::to_string(version) +
                                          " met version 8; upgrade the side with the lower one");
  }
}

TEST(Codec, ListsOfFilesHaveNamesSizesAndFlags) {
  const Sample sample = sample_of("Finished");
  const auto says = [&](const json& files) {
    json body = sample.body;
    body["files"] = files;
    return complaint(frames_of(sample.message.index(), body, sample.bulk));
  };
  const auto file = [](const json& name, const json& bytes, const json& own) {
    return json::array({json::array({name, bytes, own})});
  };
  const std::int64_t most = std::numeric_limits<std::int64_t>::max() / 2;
  for (const json& good : {json::array(), file(std::string(400, 'x'), most, true), file("", 0, false)})
    EXPECT_EQ(says(good), "");
  for (const json& bad :
       {json("x"), json::object(), json::array({"x"}), json::array({json::array({"x", 1})}),
        file(std::string(401, 'x'), 1, true), file(1, 1, true), file("x", "1", true), file("x", -1, true),
        file("x", most + 1, true), file("x", ~std::uint64_t{0}, true), file("x", 1, 1), file("x", 1.5, true)})
    EXPECT_THAT(says(bad), testing::HasSubstr("'files' must be a list of name, bytes and flag")) << bad;
  EXPECT_EQ(says(json(1000, json::array({"x", 1, true}))), "");
  EXPECT_NE(says(json(1001, json::array({"x", 1, true}))), "");
}

TEST(Codec, UnknownTypeIsNamed) {
  for (const std::uint64_t type : {20, 0x0100, 0xffff}) {
    const auto result = decoded(frames_of(type, json::object()));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().fault, DecodeFault::UnknownType);
    EXPECT_EQ(result.error().message, "unknown message type " + std::to_string(type));
  }
}

TEST(Codec, FramesLongerThanAllowedAreRejectedUnread) {
  const std::string wanted = "LogChunk: the frames are not as long as announced";
  const std::size_t type = sample_of("LogChunk").message.index();
  const std::string body = packed(sample_of("LogChunk").body);
  EXPECT_EQ(complaint(frames_of_bytes(type, body, std::string(kMaxBulkBytes + 1, 'x'))), wanted);
  EXPECT_EQ(complaint({header(kProtocolVersion, type, 0xffffffff, 0), body}), wanted);
  EXPECT_EQ(complaint({header(kProtocolVersion, type, body.size(), ~std::uint64_t{0}), body, "x"}), wanted);
  EXPECT_EQ(complaint({header(kProtocolVersion, type, body.size(), 0), body, ""}), wanted);
  EXPECT_EQ(complaint({header(kProtocolVersion, type, body.size(), 1), body, "x", "y"}), wanted);

  // A valid body that is only too large: unknown fields count too.
  json large = json::object();
  large["x"] = std::string(kMaxBodyBytes - 8, 'x');
  ASSERT_EQ(packed(large).size(), kMaxBodyBytes);
  EXPECT_TRUE(decoded(frames_of(6, large)));
  large["x"] = std::string(kMaxBodyBytes - 7, 'x');
  EXPECT_EQ(complaint(frames_of(6, large)), "Heartbeat: the frames are not as long as announced");
}

TEST(Codec, OnlyLogChunkFinishedAndPieceCarryBulk) {
  for (const Sample& sample : samples()) {
    const bool may = sample.name == "LogChunk" || sample.name == "Finished" || sample.name == "Piece";
    EXPECT_EQ(complaint(frames_of(sample.message.index(), sample.body, "bulk")),
              may ? "" : sample.name + ": carries no bulk");
  }
}

json nested(std::size_t depth) {
  json value = 1;
  for (std::size_t i = 0; i < depth; ++i)
    value = json::array({value});
  return value;
}

TEST(Codec, NestingIsLimited) {
  const std::size_t type = sample_of("StatusReply").message.index();
  EXPECT_TRUE(decoded(frames_of(type, {{"status", nested(kMaxNesting - 1)}})));
  EXPECT_EQ(complaint(frames_of(type, {{"status", nested(kMaxNesting)}})),
            "StatusReply: not MessagePack, or nested too deep");
  // The deepest body that fits: unlimited recursion would overflow the stack here.
  for (const char opener : {'\x91', '\x81'}) {
    EXPECT_FALSE(decoded(frames_of_bytes(type, std::string(kMaxBodyBytes, opener))));
  }
  std::string maps;
  while (maps.size() + 2 < kMaxBodyBytes)
    maps += "\x81\xa0";
  EXPECT_FALSE(decoded(frames_of_bytes(type, maps + '\xc0')));
}

TEST(Codec, BodiesThatAreNotMapsAreRejected) {
  for (const json& body : {json(nullptr), json(1), json("x"), json::array(), json::array({1, 2})}) {
    EXPECT_EQ(complaint(frames_of(6, body)), "Heartbeat: message must be an object");
  }
  EXPECT_FALSE(decoded(frames_of_bytes(6, "")));
  EXPECT_FALSE(decoded(frames_of_bytes(6, packed(json::object()) + '\xc0')));  // something after it
  EXPECT_FALSE(decoded(frames_of_bytes(6, "\x81\x01\x01")));                   // a key that is not a string
  EXPECT_FALSE(decoded(frames_of_bytes(6, "\xc1")));  // a byte MessagePack never uses
}

TEST(Codec, EveryFieldIsRequiredAndOfItsType) {
  for (const Sample& sample : samples()) {
    for (const auto& [field, value] : sample.body.items()) {
      json without = sample.body;
      without.erase(field);
      EXPECT_NE(complaint(frames_of(sample.message.index(), without, sample.bulk)).find("'" + field + "'"),
                std::string::npos)
          << sample.name << " without " << field;
      if (field == "status" || field == "outcome" || field == "account" || field == "server" ||
          field == "container")
        continue;
      for (const json& wrong : {json(nullptr), json(1.5), json({{"a", 1}}), json::array({json::array()})}) {
        json other = sample.body;
        other[field] = wrong;
        EXPECT_NE(complaint(frames_of(sample.message.index(), other, sample.bulk)).find("'" + field + "'"),
                  std::string::npos)
            << sample.name << " with " << field << " = " << wrong;
      }
    }
  }
}

TEST(Codec, ScoresAreNotAnAgentsToSend) {
  const Sample finished = sample_of("Finished");
  json body = finished.body;
  body["account"]["scores"] = json::array({{{"task", "gsm8k"},
                                            {"metric", "exact_match"},
                                            {"value", 1.0},
                                            {"threshold", 0.5},
                                            {"source", "default"},
                                            {"passed", true}}});
  EXPECT_EQ(complaint(frames_of(finished.message.index(), body)), "Finished: account: 'scores' are not sent");
}

TEST(Codec, InvalidOutcomesAreNamed) {
  const Sample finished = sample_of("Finished");
  const std::vector<std::pair<json, std::string>> cases = {
      {nullptr, "outcome must be an object"},
      {json::object(), "outcome: 'kind' is missing"},
      {{{"kind", "splendid"}}, "outcome: 'kind' is not a known outcome"},
      {{{"kind", "ok"}, {"exit_code", 256}}, "outcome: 'exit_code' must be an integer from 0 to 255"},
      {{{"kind", "ok"}, {"signal", 0}}, "outcome: 'signal' must be an integer from 1 to 64"},
      {{{"kind", "ok"}, {"phase", std::string(65, 'x')}},
       "outcome: 'phase' must be a string of at most 64 bytes"},
      {{{"kind", "ok"}, {"reason", std::string(4097, 'x')}},
       "outcome: 'reason' must be a string of at most 4096 bytes"}};
  for (const auto& [outcome, wanted] : cases) {
    json body = finished.body;
    body["outcome"] = outcome;
    EXPECT_EQ(complaint(frames_of(finished.message.index(), body)), "Finished: " + wanted);
  }
}

TEST(Codec, InvalidAccountsAreNamed) {
  const Sample finished = sample_of("Finished");
  const std::string phases = "account: 'phases' must be at most 64 pairs of a name and milliseconds";
  const auto one = [](json pair) { return json{{"phases", json::array({std::move(pair)})}}; };
  const std::vector<std::pair<json, std::string>> cases = {
      {nullptr, "account must be an object"},
      {{{"phases", 1}}, phases},
      {{{"phases", json(65, json::array({"ready", 1}))}}, phases},
      {one(json::array({"ready"})), phases},
      {one(json::array({1, 1})), phases},
      {one(json::array({"ready", -1})), phases},
      {one(json::array({"ready", ~std::uint64_t{0}})), phases},
      {one(json::array({std::string(65, 'x'), 1})), phases},
      {{{"servers", -1}}, "account: 'servers' must be an integer from 0 to 1000000"},
      {{{"server_says", {std::string(513, 'x')}}}, ""}};
  for (const auto& [account, wanted] : cases) {
    json body = finished.body;
    body["account"] = account;
    const std::string said = complaint(frames_of(finished.message.index(), body));
    if (wanted.empty()) {
      EXPECT_NE(said.find("'server_says'"), std::string::npos) << said;
    } else {
      EXPECT_EQ(said, "Finished: " + wanted);
    }
  }
  json body = finished.body;
  body["account"] = json::object();
  EXPECT_EQ(complaint(frames_of(finished.message.index(), body)), "");
}

TEST(Codec, InvalidEnvironmentsAreNamed) {
  const Sample lease = sample_of("Lease");
  const auto says = [&](json environment) {
    json body = lease.body;
    body["environment"] = std::move(environment);
    return complaint(frames_of(lease.message.index(), body));
  };
  const std::string wanted = "Lease: message: 'environment' must be a list of pairs of short strings";
  const auto one = [](json pair) { return json::array({std::move(pair)}); };
  const auto pair = [](const std::string& name, const std::string& value) {
    return json::array({name, value});
  };
  EXPECT_EQ(says(json::array()), "");
  EXPECT_EQ(says(json::object()), wanted);
  EXPECT_EQ(says(pair("TP", "8")), wanted);  // not in a list
  EXPECT_EQ(says(one(json::array({"TP", 8}))), wanted);
  EXPECT_EQ(says(one(json::array({"TP", "8", "9"}))), wanted);
  EXPECT_EQ(says(one(pair(std::string(256, 'N'), std::string(65'536, 'v')))), "");
  EXPECT_EQ(says(one(pair(std::string(257, 'N'), ""))), wanted);
  EXPECT_EQ(says(one(pair("N", std::string(65'537, 'v')))), wanted);
  EXPECT_EQ(says(json(4096, pair("N", ""))), "");
  EXPECT_EQ(says(json(4097, pair("N", ""))), wanted);
}

}  // namespace
}  // namespace sweep::wire
