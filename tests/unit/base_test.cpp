// util and proto/base: digests, fields of JSON objects, outcomes, points, text.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <set>
#include <tuple>

#include "proto/base/container_spec.hpp"
#include "proto/base/outcome.hpp"
#include "proto/base/point.hpp"
#include "util/digest.hpp"
#include "util/fields.hpp"
#include "util/interned_string.hpp"
#include "util/json.hpp"
#include "util/text.hpp"
#include "util/time.hpp"

namespace sweep {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;
using testing::ElementsAre;
using testing::Pair;

// ---- digest

TEST(Digest, EqualsTheOutputOfSha256sum) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_NE(sha256_hex(std::string("a\0b", 3)), sha256_hex("a"));
}

TEST(Digest, PiecesHaveTheSameDigestAsTheWhole) {
  Sha256 digest;
  for (const char* piece : {"a", "", "bc"})
    digest.add(piece);
  EXPECT_EQ(digest.hex(), sha256_hex("abc"));
}

// ---- interned strings

TEST(InternedStrings, EqualTextsShareOneCopyThatOutlivesThem) {
  InternedString one, two(std::string("b200"));
  EXPECT_TRUE(one.empty());
  EXPECT_FALSE(one == two);
  one = std::string_view("b200 and more").substr(0, 4);
  EXPECT_TRUE(one == two);
  EXPECT_EQ(one.str().data(), two.str().data()) << "it is in memory twice";
  EXPECT_TRUE(InternedString() == InternedString(""));
}

// ---- fields

TEST(Fields, ReadsEveryKindOfField) {
  const json body = {{"text", "abc"},       {"low", -3},         {"high", 9},
                     {"real", 1.5},         {"flag", true},      {"empty", ""},
                     {"names", {"a", "b"}}, {"numbers", {1, 2}}, {"nothing", nullptr}};
  Fields in(body, "thing");
  EXPECT_EQ(in.text("text", 3), "abc");
  EXPECT_EQ(in.text("empty", 0), "");
  EXPECT_EQ(in.integer("low", -3, 9), -3);
  EXPECT_EQ(in.integer("high", -3, 9), 9);
  EXPECT_EQ(in.number("real"), 1.5);
  EXPECT_EQ(in.number("high"), 9.0);
  EXPECT_TRUE(in.flag("flag"));
  EXPECT_THAT(in.texts("names", 2, 1), ElementsAre("a", "b"));
  EXPECT_THAT(in.integers("numbers", 2, 1, 2), ElementsAre(1, 2));
  EXPECT_EQ(&in.child("names"), &body["names"]);
  EXPECT_EQ(in.maybe_text("text", 3), "abc");
  EXPECT_EQ(in.maybe_text("nothing", 3), std::nullopt);
  EXPECT_EQ(in.maybe_integer("absent", 0, 9), std::nullopt);
  EXPECT_EQ(in.maybe_integer("high", 0, 9), 9);
  EXPECT_TRUE(in.has("text"));
  EXPECT_FALSE(in.has("nothing"));
  EXPECT_FALSE(in.error()) << *in.error();
}

// Returns the error after read() has read `body`; empty if there is none.
template <class Read>
std::string complaint(const json& body, Read read) {
  Fields in(body, "thing");
  read(in);
  return in.error().value_or("");
}

TEST(Fields, ErrorNamesTheFieldAndItsType) {
  const json body = {{"s", "four"}, {"n", 5}, {"b", 1}, {"l", {"ok", 3}}, {"nan", NAN}, {"null", nullptr}};
  const auto says = [&](auto read) { return complaint(body, read); };
  EXPECT_EQ(says([](Fields& in) { in.text("x", 9); }), "thing: 'x' is missing");
  EXPECT_EQ(says([](Fields& in) { in.text("s", 3); }), "thing: 's' must be a string of at most 3 bytes");
  EXPECT_EQ(says([](Fields& in) { in.text("null", 3); }),
            "thing: 'null' must be a string of at most 3 bytes");
  EXPECT_EQ(says([](Fields& in) { in.integer("n", 6, 9); }), "thing: 'n' must be an integer from 6 to 9");
  EXPECT_EQ(says([](Fields& in) { in.integer("n", -9, -1); }), "thing: 'n' must be an integer from -9 to -1");
  EXPECT_EQ(says([](Fields& in) { in.integer("s", 0, 9); }), "thing: 's' must be an integer from 0 to 9");
  EXPECT_EQ(says([](Fields& in) { in.number("nan"); }), "thing: 'nan' must be a finite number");
  EXPECT_EQ(says([](Fields& in) { in.flag("b"); }), "thing: 'b' must be true or false");
  EXPECT_EQ(says([](Fields& in) { in.texts("l", 2, 9); }),
            "thing: 'l' must be a list of at most 2 short strings");
  EXPECT_EQ(says([](Fields& in) { in.integers("l", 2, 0, 9); }), "thing: 'l' must be a list of integers");
  EXPECT_EQ(says([](Fields& in) { in.child("x"); }), "thing: 'x' is missing");
  EXPECT_EQ(says([](Fields& in) { in.maybe_text("n", 9); }),
            "thing: 'n' must be a string of at most 9 bytes");
  EXPECT_EQ(says([](Fields& in) { in.maybe_integer("n", 0, 4); }),
            "thing: 'n' must be an integer from 0 to 4");
}

TEST(Fields, IntegersDoNotWrap) {
  constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
  constexpr auto kMin = std::numeric_limits<std::int64_t>::min();
  const json body = {{"huge", ~std::uint64_t{0}}, {"max", kMax}, {"min", kMin}};
  EXPECT_NE(complaint(body, [](Fields& in) { in.integer("huge", kMin, kMax); }), "");
  EXPECT_EQ(complaint(body, [&](Fields& in) { EXPECT_EQ(in.integer("max", kMin, kMax), kMax); }), "");
  EXPECT_EQ(complaint(body, [&](Fields& in) { EXPECT_EQ(in.integer("min", kMin, kMax), kMin); }), "");
}

TEST(Fields, AfterTheFirstErrorAllValuesAreEmpty) {
  const json body = {{"text", "abc"}, {"number", 5}, {"list", {"a"}}};
  Fields in(body, "thing");
  in.flag("text");
  EXPECT_EQ(in.text("text", 9), "");
  EXPECT_EQ(in.integer("number", 1, 9), 0);
  EXPECT_TRUE(in.texts("list", 9, 9).empty());
  EXPECT_TRUE(in.child("list").is_null());
  EXPECT_EQ(in.maybe_text("text", 9), std::nullopt);
  in.complain("something later");
  EXPECT_EQ(in.error(), "thing: 'text' must be true or false");
}

TEST(Fields, AnythingButAnObjectIsAnError) {
  for (const json& body : {json(nullptr), json(3), json("text"), json::array({1})}) {
    Fields in(body, "thing");
    EXPECT_EQ(in.text("text", 9), "");
    EXPECT_FALSE(in.has("text"));
    EXPECT_EQ(in.error(), "thing must be an object");
  }
}

// ---- container spec

TEST(ContainerSpecTable, HasEveryMemberOnce) {
  // If this does not compile, a member was added: add its row to the table and its name here.
  const ContainerSpec spec;
  const auto& [runtime, image, cache, by_runtime, scratch, workdir, shm_size, mounts, names, options,
               writable, client, agent, prefetch, next, image_ms, retries, room, keep_bytes, keep_ms] = spec;
  static_cast<void>(std::tie(runtime, image, cache, by_runtime, scratch, workdir, shm_size, mounts, names,
                             options, writable, client, agent, prefetch, next, image_ms, retries, room,
                             keep_bytes, keep_ms));
  std::set<std::string> keys, wire_names;
  std::vector<ContainerMember> members;
  for (const ContainerField& field : container_fields()) {
    EXPECT_TRUE(field.key != nullptr || field.name != nullptr);
    if (field.key != nullptr) {
      EXPECT_TRUE(keys.insert(field.key).second) << field.key;
    }
    if (field.name != nullptr) {
      EXPECT_TRUE(wire_names.insert(field.name).second) << field.name;
    }
    EXPECT_EQ(std::count(members.begin(), members.end(), field.member), 0);
    members.push_back(field.member);
  }
  EXPECT_EQ(members.size(), 20u);
}

TEST(ContainerSpecTable, OnlyForResetsTheFieldsThatAHelperDoesNotUse) {
  ContainerSpec spec;
  spec.runtime = "bwrap";
  spec.image = "a/b:1";
  spec.cache = "/c";
  spec.shm_size = "16g";
  spec.retries = 3;
  ContainerSpec stage;
  stage.image = "a/b:1";
  stage.cache = "/c";
  stage.retries = 3;
  EXPECT_EQ(only_for(ContainerUse::Stage, spec), stage);
  ContainerSpec start;
  start.image = "a/b:1";
  start.shm_size = "16g";
  EXPECT_EQ(only_for(ContainerUse::Start, spec), start);
  EXPECT_EQ(only_for(ContainerUse::Step, spec), start);
}

// ---- outcome

constexpr std::array<std::pair<OutcomeKind, std::string_view>, 9> kOutcomeWords = {
    {{OutcomeKind::Ok, "ok"},
     {OutcomeKind::BenchmarkFailed, "benchmark-failed"},
     {OutcomeKind::NoResult, "no-result"},
     {OutcomeKind::InvalidResult, "invalid-result"},
     {OutcomeKind::TimedOut, "timed-out"},
     {OutcomeKind::ServerFailed, "server-failed"},
     {OutcomeKind::Infrastructure, "infrastructure"},
     {OutcomeKind::Cancelled, "cancelled"},
     {OutcomeKind::Preempted, "preempted"}}};

// Journals and manifests contain the words, so they must not change.
TEST(OutcomeText, EveryKindHasAWord) {
  for (const auto& [kind, word] : kOutcomeWords) {
    EXPECT_EQ(outcome_word(kind), word);
    EXPECT_EQ(outcome_kind(word), kind);
  }
  EXPECT_EQ(outcome_kind("OK"), std::nullopt);
  EXPECT_EQ(outcome_kind(""), std::nullopt);
}

TEST(OutcomeText, OutcomeIsTheSameAfterARoundTrip) {
  for (const auto& [kind, word] : kOutcomeWords) {
    const Outcome full{kind, 255, 64, "server", "it broke"};
    const json body = {
        {"kind", word}, {"exit_code", 255}, {"signal", 64}, {"phase", "server"}, {"reason", "it broke"}};
    EXPECT_EQ(outcome_to_json(full), body);
    const auto back = outcome_from_json(body);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(outcome_to_json(*back), body);
  }
  EXPECT_EQ(outcome_to_json(Outcome{}), json({{"kind", "ok"}}));
  const auto back = outcome_from_json({{"kind", "ok"}});
  ASSERT_TRUE(back);
  EXPECT_EQ(outcome_to_json(*back), json({{"kind", "ok"}}));
}

// The same code reads the controller's journal, so it must accept everything that was written.
TEST(OutcomeText, WrittenOutcomesCanAlwaysBeRead) {
  const Outcome wild{OutcomeKind::Infrastructure, {}, {}, std::string(100, 'p'), std::string(5'000, '\xff')};
  const json body = outcome_to_json(wild);
  const auto back = outcome_from_json(json::parse(body.dump()));  // dump throws on invalid UTF-8
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->phase, std::string(64, 'p'));
  EXPECT_EQ(back->reason, std::string(4'096, '?'));
  const auto read = outcome_from_json({{"kind", "ok"}, {"phase", "\x1b[m"}, {"reason", "two\nlines"}});
  ASSERT_TRUE(read);
  EXPECT_EQ(read->phase, "?[m");
  EXPECT_EQ(read->reason, "two\\nlines");
}

TEST(OutcomeText, DescriptionHasSignalStatusAndReason) {
  EXPECT_EQ(describe({OutcomeKind::Ok, 0, {}, "benchmark", ""}), "ok");
  EXPECT_EQ(describe({OutcomeKind::BenchmarkFailed, 3, {}, "", ""}), "benchmark-failed: exit status 3");
  EXPECT_EQ(describe({OutcomeKind::ServerFailed, 7, {}, "", "the server exited with status 7"}),
            "server-failed: the server exited with status 7");
  EXPECT_EQ(describe({OutcomeKind::BenchmarkFailed, {}, 9, "", ""}),
            "benchmark-failed: killed by signal 9 (SIGKILL)");
  EXPECT_EQ(describe({OutcomeKind::BenchmarkFailed, {}, 64, "", ""}),
            "benchmark-failed: killed by signal 64");
  EXPECT_EQ(describe({OutcomeKind::NoResult, 0, {}, "", "r.json is not there"}),
            "no-result: r.json is not there");
  EXPECT_EQ(describe({OutcomeKind::TimedOut, {}, 15, "server", "server not ready after 60 s"}),
            "timed-out: killed by signal 15 (SIGTERM), server not ready after 60 s");
}

// ---- point

ordered_json entry() {
  return {{"image", "lmsysorg/sglang:v0.5"},
          {"model", "deepseek-ai/DeepSeek-R1-0528"},
          {"precision", "fp8"},
          {"framework", "sglang"},
          {"runner", "h200"},
          {"isl", 1024},
          {"osl", 1024},
          {"tp", 8},
          {"ep", 1},
          {"dp-attn", false},
          {"conc", 4},
          {"max-model-len", 2248},
          {"exp-name", "dsr1_1k1k"}};
}

Point point_of(const ordered_json& body, int repeat = 0) {
  auto point = make_point(body, repeat);
  EXPECT_TRUE(point) << point.error().message;
  return point.value_or(Point{});
}

TEST(MakePoint, ReadsEveryField) {
  ordered_json body = entry();
  body["ep"] = 2;
  body["dp-attn"] = true;
  body["osl"] = 8192;
  const Point point = point_of(body, 1);
  EXPECT_EQ(point.exp_name, "dsr1_1k1k");
  EXPECT_EQ(point.image, "lmsysorg/sglang:v0.5");
  EXPECT_EQ(point.model, "deepseek-ai/DeepSeek-R1-0528");
  EXPECT_EQ(point.framework, "sglang");
  EXPECT_EQ(point.precision, "fp8");
  EXPECT_EQ(point.runner, "h200");
  EXPECT_EQ(point.isl, 1024);
  EXPECT_EQ(point.osl, 8192);
  EXPECT_EQ(point.max_model_len, 2248);
  EXPECT_EQ(point.tp, 8);
  EXPECT_EQ(point.ep, 2);
  EXPECT_EQ(point.conc, 4);
  EXPECT_TRUE(point.dp_attention);
  EXPECT_EQ(point.repeat, 1);
  EXPECT_EQ(entry_of(point), body);
  EXPECT_EQ(gpus_needed(point), 8);
}

// Later versions must find the same ids in old journals. These were computed with Python's json and hashlib.
TEST(MakePoint, IdentityIsTheSameOnEveryMachineAndInEveryVersion) {
  EXPECT_EQ(point_of(entry(), 0).id, "84517c3051a5ff3e");
  EXPECT_EQ(point_of(entry(), 1).id, "17b5702aae4e21cf");
}

TEST(MakePoint, IdentityDependsOnValuesNotOnTheirOrder) {
  ordered_json turned;
  const ordered_json body = entry();
  for (auto item = body.rbegin(); item != body.rend(); ++item)
    turned[item.key()] = *item;
  EXPECT_EQ(point_of(turned).id, point_of(body).id);
  ordered_json more = body;
  more["of-a-newer-tool"] = 1;
  EXPECT_NE(point_of(more).id, point_of(body).id);
}

TEST(MakePoint, RefusesEntriesThatCannotRun) {
  const auto says = [](const char* field, const ordered_json& value) {
    ordered_json body = entry();
    if (value.is_null()) {
      body.erase(field);
    } else {
      body[field] = value;
    }
    const auto point = make_point(body, 0);
    return point ? std::string() : point.error().message.substr(0, point.error().message.find(" in {"));
  };
  for (const char* field : {"exp-name", "image", "model", "framework", "precision", "runner", "isl", "osl",
                            "max-model-len", "tp", "ep", "conc", "dp-attn"}) {
    EXPECT_EQ(says(field, nullptr), "matrix entry: '" + std::string(field) + "' is missing");
  }
  for (const char* field : {"tp", "ep", "conc"}) {
    EXPECT_EQ(says(field, 0),
              "matrix entry: '" + std::string(field) + "' must be an integer from 1 to 1000000000");
  }
  EXPECT_NE(says("tp", "8"), "");
  EXPECT_NE(says("dp-attn", 1), "");
  EXPECT_FALSE(make_point(ordered_json::array(), 0));
  // The error shows the entry on one line, whatever it contains.
  const auto shown = make_point({{"image", "two\nlines\xff"}}, 0);
  ASSERT_FALSE(shown);
  EXPECT_EQ(shown.error().message.find('\n'), std::string::npos);
  EXPECT_NE(shown.error().message.find("two\\nlines"), std::string::npos);
}

TEST(MakePoints, EqualEntriesAreRepeats) {
  ordered_json other = entry();
  other["conc"] = 8;
  const auto points = make_points({entry(), other, entry(), entry()});
  ASSERT_TRUE(points);
  std::vector<int> repeats;
  std::set<std::string> ids;
  for (const Point& point : *points) {
    repeats.push_back(point.repeat);
    ids.insert(point.id);
  }
  EXPECT_THAT(repeats, ElementsAre(0, 0, 1, 2));
  EXPECT_EQ(ids.size(), 4u);
  EXPECT_FALSE(make_points({entry(), ordered_json::object()}));
}

TEST(MakePoints, PointsAreTheSameAfterARoundTrip) {
  ordered_json odd = entry();
  odd["image"] = "ä\xff";
  std::vector<std::string> texts, ids;
  const auto points = make_points({entry(), odd, entry()});
  ASSERT_TRUE(points);
  for (const Point& point : *points) {
    texts.push_back(point.entry);
    ids.push_back(point.id);
  }
  EXPECT_EQ(entry_of(points->at(1)).at("image"), "ä\ufffd") << "a text is UTF-8, whatever it came from";
  const auto read = read_points(texts);
  ASSERT_TRUE(read);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(read->at(i).entry, texts[i]) << "keys in their order";
    EXPECT_EQ(read->at(i).id, ids[i]);
  }
  EXPECT_FALSE(read_points({texts[0], "{"}));
}

TEST(PointNames, ResultStemAndLabel) {
  Point point = point_of(entry());
  EXPECT_EQ(result_stem(point), "dsr1_1k1k_fp8_sglang_tp8_ep1_dpa_false_conc4");
  EXPECT_EQ(label(point), "dsr1_1k1k fp8 sglang h200 tp8 conc4");
  point.ep = 4;
  point.dp_attention = true;
  point.repeat = 1;
  point.exp_name = "../x";
  EXPECT_EQ(result_stem(point), "_._x_fp8_sglang_tp8_ep4_dpa_true_conc4");
  EXPECT_EQ(label(point), "../x fp8 sglang h200 tp8 ep4 dpa conc4 repeat2");
}

TEST(PointNames, FileSafe) {
  EXPECT_EQ(file_safe("a/b\nc\x7f"
                      "d"),
            "a_b_c_d");
  EXPECT_EQ(file_safe(".."), "_.");
  EXPECT_EQ(file_safe("a.b"), "a.b");
  EXPECT_EQ(file_safe(std::string("a\0b", 3)), "a_b");
  EXPECT_EQ(file_safe("größe"), "größe");
  EXPECT_EQ(file_safe("a\u0085b\u009f\u00a0"), "a_b_\u00a0");
}

TEST(PointNames, EnvironmentFollowsTheContract) {
  ordered_json body = entry();
  body["ep"] = 2;
  body["dp-attn"] = true;
  EXPECT_THAT(point_environment(point_of(body)),
              testing::UnorderedElementsAre(
                  Pair("EXP_NAME", "dsr1_1k1k"), Pair("MODEL", "deepseek-ai/DeepSeek-R1-0528"),
                  Pair("IMAGE", "lmsysorg/sglang:v0.5"), Pair("FRAMEWORK", "sglang"),
                  Pair("PRECISION", "fp8"), Pair("ISL", "1024"), Pair("OSL", "1024"),
                  Pair("MAX_MODEL_LEN", "2248"), Pair("TP", "8"), Pair("EP_SIZE", "2"),
                  Pair("DP_ATTENTION", "true"), Pair("CONC", "4"), Pair("RUNNER_TYPE", "h200")));
}

// ---- text

TEST(Text, NearestFindsOnlySimilarWords) {
  const std::vector<std::string> words = {"retries", "timeouts", "container", "env"};
  EXPECT_EQ(nearest("retires", words), "retries");
  EXPECT_EQ(nearest("timeout", words), "timeouts");
  EXPECT_EQ(nearest("evx", words), std::nullopt);  // two edits in three letters
  EXPECT_EQ(nearest("en", words), "env");          // one edit is always allowed
  EXPECT_EQ(nearest("evn", words), "env");         // exchanged neighbours are one edit
  EXPECT_EQ(nearest("workspace", words), std::nullopt);
  EXPECT_EQ(nearest("env", {}), std::nullopt);
  const std::vector<std::string> alike = {"conc-end", "conc-and"};
  EXPECT_EQ(nearest("conc-ent", alike), "conc-end");
}

TEST(Text, SplitAndJoin) {
  EXPECT_THAT(split("a,,b", ','), ElementsAre("a", "", "b"));
  EXPECT_THAT(split("", ','), ElementsAre(""));
  EXPECT_THAT(split(",", ','), ElementsAre("", ""));
  const std::vector<std::string> parts = {"a", "", "b"};
  EXPECT_EQ(join(parts, ", "), "a, , b");
  EXPECT_EQ(join({}, ", "), "");
}

TEST(Text, PrintableReplacesControlCharactersAndInvalidUtf8) {
  EXPECT_EQ(printable("plain, größe, 漢字, 🙂"), "plain, größe, 漢字, 🙂");
  EXPECT_EQ(printable("\x1b[31mred\n\t\x7f"), "?[31mred\\n\\t?");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "?31m");                             // U+009B, an escape to some terminals
  EXPECT_EQ(printable("\xc2\xa0"), "\xc2\xa0");  // the first code point after the control characters
  EXPECT_EQ(printable("\xff"
                      "a\x80"),
            "?a?");                                              // without a lead byte
  EXPECT_EQ(printable("\xc0\xaf"), "??");                        // overlong encoding of /
  EXPECT_EQ(printable("\xe0\x9f\xbf"), "???");                   // overlong encoding with three bytes
  EXPECT_EQ(printable("\xed\xa0\x80"), "???");                   // a surrogate
  EXPECT_EQ(printable("\xed\x9f\xbf"), "\xed\x9f\xbf");          // the last code point before the surrogates
  EXPECT_EQ(printable("\xf4\x8f\xbf\xbf"), "\xf4\x8f\xbf\xbf");  // U+10FFFF
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "????");              // above U+10FFFF
  EXPECT_EQ(printable("\xf0\x8f\xbf\xbf"), "????");              // overlong encoding with four bytes
  EXPECT_EQ(printable("\xe6\xbc"), "??");                        // truncated
  EXPECT_EQ(printable("\xe6\xbc"
                      "abc"),
            "??abc");  // broken off
}

TEST(Text, ClippedNeverSplitsACharacter) {
  EXPECT_EQ(clipped("abc", 3), "abc");
  EXPECT_EQ(clipped("abcd", 3), "abc");
  EXPECT_EQ(clipped("abcd", 0), "");
  EXPECT_EQ(clipped("ab🙂c", 5), "ab");
  EXPECT_EQ(clipped("ab🙂c", 6), "ab🙂");
  EXPECT_EQ(clipped("漢字", 4), "漢");
  EXPECT_EQ(clipped(std::string(9, '\x80'), 8),
            std::string(5, '\x80'));  // not UTF-8: at most 3 bytes are removed
}

TEST(Text, ListedNamesTheLastPartAfterTheConjunction) {
  EXPECT_EQ(listed({}, "and"), "");
  EXPECT_EQ(listed({"a"}, "and"), "a");
  EXPECT_EQ(listed({"a", "b"}, "or"), "a or b");
  EXPECT_EQ(listed({"a", "b", "c"}, "and"), "a, b and c");
}

TEST(Text, TrimmedRemovesBlanksAtTheEndsOnly) {
  EXPECT_EQ(trimmed(" \ta b\t "), "a b");
  EXPECT_EQ(trimmed("a"), "a");
  EXPECT_EQ(trimmed(" \t "), "");
  EXPECT_EQ(trimmed(""), "");
  EXPECT_EQ(trimmed("\n a\n"), "\n a\n");
  EXPECT_EQ(trimmed("\n a\n", " \n"), "a");
}

TEST(Text, Counted) {
  EXPECT_EQ(counted(0, "point"), "0 points");
  EXPECT_EQ(counted(1, "point"), "1 point");
  EXPECT_EQ(counted(2, "point"), "2 points");
}

// ---- time

TEST(Time, EarlierTreatsNulloptAsNever) {
  const Instant early = from_unix_ms(1'000);
  const Instant late = from_unix_ms(2'000);
  EXPECT_EQ(earlier(early, late), early);
  EXPECT_EQ(earlier(late, early), early);
  EXPECT_EQ(earlier(std::nullopt, late), late);
  EXPECT_EQ(earlier(early, std::nullopt), early);
  EXPECT_EQ(earlier(std::nullopt, std::nullopt), std::nullopt);
  EXPECT_EQ(to_unix_ms(late - Millis(500)), 1'500);
}

}  // namespace
}  // namespace sweep
