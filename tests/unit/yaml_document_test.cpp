// controller/yaml/document and source_text: which trees documents give, and which documents are rejected with
// which message.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "controller/yaml/document.hpp"
#include "controller/yaml/source_text.hpp"

namespace sweep::yaml {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::StartsWith;

// Returns a value in one line: {a: 1, b: [x, None]}.
std::string shown(const Value& value) {
  if (value.is(Kind::List)) {
    std::string out;
    for (const ValueRef& item : value.items)
      out += (out.empty() ? "" : ", ") + shown(*item);
    return "[" + out + "]";
  }
  if (value.is(Kind::Dict)) {
    std::string out;
    for (const Member& member : value.members)
      out += (out.empty() ? "" : ", ") + shown(*member.key) + ": " + shown(*member.value);
    return "{" + out + "}";
  }
  return python_str(value);
}

// Returns the document in one line, or the error message.
std::string read(const std::string& text) {
  const auto document = parse_document(text);
  return document ? shown(**document) : document.error().message;
}

TEST(Document, ReadsBlocksAndFlows) {
  EXPECT_EQ(read("a: 1\nb: [x, ~]\nc: {d: yes}\n"), "{a: 1, b: [x, None], c: {d: True}}");
  EXPECT_EQ(read("{\"a\": {\"tp\": 8}}"), "{a: {tp: 8}}");
  EXPECT_EQ(read("- a\n- 'it''s'\n- \"b\\n\"\n"), "[a, it's, b\n]");
  EXPECT_EQ(read("a: >\n  folded\n  text\nb: |\n  kept\n"), "{a: folded text\n, b: kept\n}");
}

TEST(Document, QuotedScalarIsText) {
  EXPECT_EQ((*parse_document("'8'"))->kind(), Kind::Text);
  EXPECT_EQ((*parse_document("\"yes\""))->kind(), Kind::Text);
  EXPECT_EQ((*parse_document("!!str 8"))->kind(), Kind::Text);
  EXPECT_EQ((*parse_document("!!int '8'"))->kind(), Kind::Int);
}

TEST(Document, EmptyDocumentIsNull) {
  for (const char* text : {"", "\n", "# only a comment\n", "---\n", "\xef\xbb\xbf"}) {
    EXPECT_EQ(read(text), "None") << text;
  }
}

TEST(Document, DuplicateKeyKeepsFirstPositionAndLastValue) {
  EXPECT_EQ(read("a: 1\nb: 2\na: 3\n"), "{a: 3, b: 2}");
  EXPECT_EQ(read("1: x\n'1': y\n"), "{1: x, 1: y}") << "an int and a str are different keys";
  std::string many = "k0: first\n";
  for (int i = 0; i < 40; ++i)
    many += "k" + std::to_string(i) + ": last\n";
  EXPECT_EQ(read(many).find("first"), std::string::npos) << "also with so many keys that they are hashed";
  EXPECT_TRUE(read(many).starts_with("{k0: last, k1: "));
}

TEST(Document, AliasesAndMergesGiveTheAnchorsValues) {
  EXPECT_EQ(read("a: &x {tp: 8}\nb: *x\n"), "{a: {tp: 8}, b: {tp: 8}}");
  EXPECT_EQ(read("a: &x {tp: 8, ep: 1}\nb: {<<: *x, ep: 2}\n"), "{a: {tp: 8, ep: 1}, b: {tp: 8, ep: 2}}");
  EXPECT_EQ(read("a: &x {tp: 8}\nb: {ep: 2, <<: *x}\n"), "{a: {tp: 8}, b: {tp: 8, ep: 2}}");
  EXPECT_EQ(read("a: &x {p: 1}\nb: &y {p: 2, q: 2}\nc: {<<: [*x, *y]}\n"),
            "{a: {p: 1}, b: {p: 2, q: 2}, c: {p: 1, q: 2}}")
      << "the first source that has a key determines its value";
  EXPECT_EQ(read("a: {'<<': 1}\n"), "{a: {<<: 1}}") << "a quoted << is an ordinary key";
}

struct MergeCase {
  const char* name;
  const char* text;
  const char* expected;  // the document in one line, or the error message
};

// The results are those of PyYAML 6.0 (SafeConstructor.flatten_mapping), the error messages are ours.
TEST(Document, MergeAcceptsOnlyMappingsAndListsOfMappings) {
  constexpr const char* kNoMapping = ": the value of '<<' must be a mapping or a list of mappings";
  const std::initializer_list<MergeCase> cases = {
      {"mapping", "a: {<<: {p: 1}, q: 2}", "{a: {p: 1, q: 2}}"},
      {"alias of a mapping", "x: &x {p: 1}\na: {<<: *x}", "{x: {p: 1}, a: {p: 1}}"},
      {"empty mapping", "a: {<<: {}, q: 2}", "{a: {q: 2}}"},
      {"mapping that has a merge", "a: {<<: {<<: {p: 1}, q: 2}}", "{a: {p: 1, q: 2}}"},
      {"list of mappings", "a: {<<: [{p: 1, q: 1}, {q: 2, r: 2}], z: 0}", "{a: {q: 1, r: 2, p: 1, z: 0}}"},
      {"alias of a list of mappings", "x: &x [{p: 1}]\na: {<<: *x}", "{x: [{p: 1}], a: {p: 1}}"},
      {"empty list", "a: {<<: [], q: 2}", "{a: {q: 2}}"},
      {"two merge keys", "a: {<<: {p: 1, r: 1}, <<: {p: 3, q: 4}}", "{a: {p: 3, r: 1, q: 4}}"},
      {"nested list", "x: &x {p: 1}\na: {<<: [[*x], *x]}", "line 2, column 10"},
      {"nested list after a mapping", "x: &x {p: 1}\na: {<<: [*x, [*x]]}", "line 2, column 14"},
      {"empty nested list", "a: {<<: [[]]}", "line 1, column 10"},
      {"alias of a nested list", "x: &x [[{p: 1}]]\na: {<<: *x}", "line 1, column 8"},
      {"number", "a: {<<: 3}", "line 1, column 9"},
      {"text", "a: {<<: x}", "line 1, column 9"},
      {"no value", "a:\n  <<:\n  q: 2", "line 2, column 6"},
      {"null", "a: {<<: ~}", "line 1, column 9"},
      {"number in a list", "a: {<<: [3]}", "line 1, column 10"},
      {"null in a list", "a: {<<: [{p: 1}, ~]}", "line 1, column 18"},
  };
  for (const MergeCase& each : cases) {
    const std::string expected = each.expected;
    EXPECT_EQ(read(each.text), expected.starts_with("line ") ? expected + kNoMapping : expected) << each.name;
  }
}

TEST(Document, RejectsSecondDocument) {
  const std::string text = read("a: 1\n---\nb: 2\n");
  EXPECT_NE(text.find("a second YAML document starts here"), std::string::npos) << text;
  EXPECT_TRUE(text.starts_with("line ")) << text;
}

TEST(Document, SyntaxErrorNamesLineAndColumn) {
  EXPECT_TRUE(read("a: 1\n  b: 2\n").starts_with("line 2, column ")) << read("a: 1\n  b: 2\n");
  EXPECT_TRUE(read("a: [1, 2\n").starts_with("line ")) << read("a: [1, 2\n");
  EXPECT_TRUE(read("a: *unknown\n").starts_with("line 1, column ")) << read("a: *unknown\n");
  EXPECT_EQ(read("[a]: 1\n"), "line 1, column 1: a list or mapping cannot be a key");
  EXPECT_NE(read("a: &x [*x]\n").find("the alias '*x' is inside the value that it refers to"),
            std::string::npos);
  EXPECT_NE(read("a: !env HOME\n").find("unsupported tag '!env'"), std::string::npos)
      << read("a: !env HOME\n");
  EXPECT_NE(read("a: !!set {b}\n").find("unsupported tag 'tag:yaml.org,2002:set' on a list or mapping"),
            std::string::npos);
}

TEST(Document, ReadsEveryEscapeInDoubleQuotes) {
  EXPECT_EQ(read(R"("\x41\xe9\u00e9\U0001F600\t\"\/\\\e")"), "A\xc3\xa9\xc3\xa9\xf0\x9f\x98\x80\t\"/\\\x1b");
  EXPECT_EQ(read(R"("a\_b\Nc\L\P\x85")"),
            "a\xc2\xa0"
            "b\xc2\x85"
            "c\xe2\x80\xa8\xe2\x80\xa9\xc2\x85");
}

TEST(Document, RejectsUnclosedQuoteAtItsStart) {
  for (const char* text : {"a: 1\n\xc3\xa9: \"x\n", "a: 1\n\xc3\xa9: 'x\n", "a: 1\n\xc3\xa9: 'x''\n\n",
                           "a: 1\nbb: \"x\\\"\n", "a: 1\nb: !!str &x 'y\n"}) {
    EXPECT_THAT(read(text), EndsWith(": the quote that begins here is not closed")) << text;
    EXPECT_THAT(read(text), StartsWith("line 2, column ")) << text;
  }
  EXPECT_FALSE(parse_document("a: 'x")) << "also without a final line end";
  EXPECT_EQ(read("a: 'it''s'\n"), "{a: it's}");
  EXPECT_EQ(read("a: \"\\\\\\\"\"\n"), "{a: \\\"}");
  EXPECT_EQ(read("a: &x !!str 'b'\n"), "{a: b}");
  EXPECT_EQ(read("a: \"x\" # it's\n"), "{a: x}");
  EXPECT_EQ(read("a: it's\n"), "{a: it's}");
  EXPECT_EQ(read("a: &x\nb: ''''\n"), "{a: None, b: '}");
  EXPECT_EQ(read("a: |\n  'x\n"), "{a: 'x\n}");
}

TEST(Document, RejectsKeyWithoutColonAtItsStart) {
  for (const char* text : {"a: 1\nbb\n", "a: 1\nb:c\n", "a: 1\n~\n", "a: 1\n&x b\n"}) {
    EXPECT_EQ(read(text), "line 2, column 1: a ':' is missing after this key") << text;
  }
  EXPECT_EQ(read("a: {c: 1}\nd:\n  bb\n"), "{a: {c: 1}, d: bb}") << "here bb is a value, not a key";
  EXPECT_EQ(read("d:\n  e: 1\n  bb\n"), "line 3, column 3: a ':' is missing after this key");
  EXPECT_FALSE(parse_document("a: 1\nbb")) << "also without a final line end";
  EXPECT_EQ(read("a: 1\nb:"), "{a: 1, b: None}");
  EXPECT_EQ(read("a: 1\nb :\n"), "{a: 1, b: None}");
  EXPECT_EQ(read("a: 1\n? b\n"), "{a: 1, b: None}");
  EXPECT_EQ(read("{a: 1, b}\n"), "{a: 1, b: None}");
  EXPECT_EQ(read("a: 1\nb: ~\n"), "{a: 1, b: None}");
  EXPECT_EQ(read("a: 1\n'b': c\n"), "{a: 1, b: c}");
  EXPECT_EQ(read("a:\n- b\n-\n"), "{a: [b, None]}");
  EXPECT_EQ(read("b: &x 1\na:\n- *x\n"), "{b: 1, a: [1]}");
}

TEST(Document, RejectsDuplicateAnchorsAndSpecialScalarsAsPyYamlDoes) {
  EXPECT_EQ(read("a: &x 1\nb: &x 2\n"),
            "line 2, column 4: the anchor '&x' is defined twice: rename one of them");
  EXPECT_EQ(read("a: &x [1]\nb: &x {c: 2}\n"),
            "line 2, column 4: the anchor '&x' is defined twice: rename one of them");
  EXPECT_EQ(read("a: =\n"), "line 1, column 4: a plain '=' has a special meaning in YAML 1.1: quote it");
  EXPECT_EQ(read("a: <<\n"), "line 1, column 4: '<<' cannot be a value: quote it");
  EXPECT_EQ(read("[<<]\n"), "line 1, column 2: '<<' cannot be a value: quote it");
  EXPECT_EQ(read("a: '<<'\nb: '='\n"), "{a: <<, b: =}");
}

TEST(Document, RejectsTabInUnquotedText) {
  EXPECT_EQ(read("a: x\ty\n"),
            "line 1, column 4: this text contains a tab: remove the tab or quote the text");
  EXPECT_EQ(read("a: \"x\ty\"\nb: 'x\ty'\nc: z\t\n"), "{a: x\ty, b: x\ty, c: z}");
}

TEST(Document, SizeCountsEveryKeyAndValueAlsoOfAliases) {
  EXPECT_EQ((*parse_document("{a: 1, b: [2]}"))->size, 6U);
  EXPECT_EQ((*parse_document("{a: &x [1, 2], b: *x}"))->size, 9U);
}

TEST(Document, CharacterThatBeginsNoValueIsNamedWithARemedy) {
  EXPECT_THAT(read("a:\n\tb: 1\n"),
              AllOf(StartsWith("line 2, column 1: "), EndsWith("; it is a tab: indent with spaces")));
  EXPECT_THAT(read("\xc3\xa4: @b\n"), AllOf(StartsWith("line 1, column 4: "),
                                            EndsWith("; put the value that begins with @ in quotes")));
}

TEST(Document, RejectsMissingKey) {
  EXPECT_THAT(
      read("a: 1\n: 2\n"),
      AllOf(StartsWith("line 2, column 1: "),
            EndsWith("did not find expected key; check the indentation and the key of this line and of the "
                     "one above")));
  EXPECT_EQ(read("~: 2\n'': 3\n"), "{None: 2, : 3}");
}

TEST(Document, UnicodeLineEndsEndALine) {
  EXPECT_EQ(read("a: x\xe2\x80\xa8"
                 "b: 1\n"),
            "{a: x, b: 1}");
  EXPECT_EQ(read("a: x\xc2\x85"
                 "b: 1\n"),
            "{a: x, b: 1}");
  EXPECT_EQ(read("# c\xe2\x80\xa9"
                 "a: 1\n"),
            "{a: 1}");
  EXPECT_EQ(read("a: 'x\xe2\x80\xa8y'\nb: 'x\xc2\x85y'\n"), "{a: x\xe2\x80\xa8y, b: x y}");
}

TEST(Document, AcceptsAnyLineEndAndAByteOrderMark) {
  EXPECT_EQ(read("\xef\xbb\xbf"
                 "a: 1\r\nb: 2\rc: 3\n"),
            "{a: 1, b: 2, c: 3}");
}

TEST(Document, RejectsBytesThatAreNotTextWithTheirPosition) {
  EXPECT_EQ(*plain_source("a\tb\n"), "a\tb\n");
  EXPECT_EQ(*plain_source("caf\xc3\xa9 \xf0\x9f\x98\x80"), "caf\xc3\xa9 \xf0\x9f\x98\x80");
  for (const std::string& bad : {std::string("\0", 1), std::string("\x1b"), std::string("\xff"),
                                 std::string("\xc3"), std::string("\xed\xa0\x80"), std::string("\x7f")}) {
    const auto text = plain_source("ok: 1\nk: " + bad);
    ASSERT_FALSE(text);
    EXPECT_TRUE(text.error().message.starts_with("line 2, column 4: byte 0x")) << text.error().message;
    EXPECT_NE(text.error().message.find("save the file as UTF-8"), std::string::npos);
  }
}

TEST(Document, RejectsTooManyValuesThroughAliases) {
  std::string laughs = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    laughs += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int j = 0; j < 9; ++j)
      laughs += "," + before;
    laughs += "]\n";
  }
  EXPECT_NE(read(laughs).find("more than 2000000 values"), std::string::npos) << read(laughs).substr(0, 200);
}

TEST(Document, RejectsNulInTextsWithItsPlace) {
  EXPECT_EQ(read("a: 1\nb: \"x\\0y\"\n"),
            "line 2, column 4: this text contains the character NUL (\\0): remove it");
  EXPECT_NE(read("\"k\\x00\": 1\n").find("NUL"), std::string::npos);
  EXPECT_EQ(read("b: 'x\\0y'\n").find("NUL"), std::string::npos) << "a backslash in single quotes";
}

TEST(Document, RejectsDeepNesting) {
  for (const char* open : {"[", "{a: ", "- ", "? "}) {
    std::string deep;
    for (int i = 0; i < 50'000; ++i)
      deep += open;
    EXPECT_FALSE(parse_document(deep)) << open;
  }
  std::string by_alias = "a0: &a0 [x]\n";
  for (int i = 1; i < 300; ++i) {
    by_alias += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) + "]\n";
  }
  EXPECT_NE(read(by_alias).find("nested more than 200 levels deep"), std::string::npos);
}

TEST(Document, DamagedDocumentGivesAValueOrAMessage) {
  const std::string text =
      "m: {a: 1, list: [x, 'y', \"z\"]}\n"
      "x: &b { <<: [ { 'a': \"\\u00e9\" } ], ? c : !!int '0x1F', d: >-\n    folded é\n }\n"
      "y: *b\nz: |\n  kept\n? [q]\n: 1\n";
  const auto check = [](const std::string& bytes) {
    const auto document = parse_document(bytes);
    EXPECT_TRUE(document ? *document != nullptr : !document.error().message.empty()) << bytes;
  };
  for (std::size_t length = 0; length <= text.size(); ++length) {
    check(text.substr(0, length));
    for (const char c : {'\0', '\xff', '{', '"', ':', '\t', '&', '\n'}) {
      if (length == text.size()) break;
      std::string flipped = text;
      flipped[length] = c;
      check(flipped);
    }
  }
}

}  // namespace
}  // namespace sweep::yaml
