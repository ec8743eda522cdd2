// controller/report/documents, row and collect: which files are read, their values, and the bytes of a
// collection.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "controller/report/collect.hpp"
#include "tests/unit/net_folder.hpp"
#include "tests/unit/report_samples.hpp"
#include "util/json.hpp"

namespace sweep::report {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ReadDocuments : public InFolder {
 protected:
  Documents read(const std::string& excluded = {}) const { return read_documents(folder_, excluded); }
  // Returns the paths relative to the folder.
  std::vector<std::string> names(const Documents& documents) const {
    std::vector<std::string> out;
    for (const Document& document : documents.good)
      out.push_back(document.path.substr(folder_.size() + 1));
    return out;
  }
};

TEST_F(ReadDocuments, FindsEveryJsonFileSortedByPath) {
  std::filesystem::create_directories(path("b/.hidden"));
  for (const char* name : {"c.json", "a.json", "b/z.json", "b/.hidden/y.json", ".x.json"})
    put(name, "{}");
  put("no.jsonl", "{}");
  put("no.txt", "{}");
  const Documents documents = read();
  EXPECT_THAT(names(documents), ElementsAre(".x.json", "a.json", "b/.hidden/y.json", "b/z.json", "c.json"));
  EXPECT_THAT(documents.problems, IsEmpty());
  EXPECT_TRUE(documents.exists);
}

TEST_F(ReadDocuments, SkipsAndNamesUnreadableFile) {
  put("a.json", "[1, 2]");
  put("b.json", "{\"cut\": ");
  put("c.json", "3");
  std::filesystem::create_symlink("nowhere", path("d.json"));
  const Documents documents = read();
  EXPECT_THAT(names(documents), ElementsAre("a.json", "c.json"));
  EXPECT_THAT(documents.problems, ElementsAre(AllOf(HasSubstr(path("b.json")), HasSubstr("as JSON: ")),
                                              HasSubstr(path("d.json"))));
}

TEST_F(ReadDocuments, FollowsLinksToFilesButNotToDirectories) {
  const std::string real = put("real", "{}");
  std::filesystem::create_symlink(real, path("link.json"));
  std::filesystem::create_directory_symlink(folder_, path("loop"));
  EXPECT_THAT(names(read()), ElementsAre("link.json"));
}

TEST_F(ReadDocuments, SkipsTheExcludedFile) {
  put("a.json", "{}");
  const std::string own = put("agg_all.json", "[]");
  EXPECT_THAT(names(read(own)), ElementsAre("a.json"));
  EXPECT_THAT(names(read(path("absent.json"))), ElementsAre("a.json", "agg_all.json"));
}

TEST_F(ReadDocuments, ReportsMissingDirectory) {
  const Documents documents = read_documents(path("none"));
  EXPECT_FALSE(documents.exists);
  EXPECT_THAT(documents.good, IsEmpty());
  EXPECT_THAT(documents.problems, IsEmpty());
}

TEST(Document, RecognizesProcessedResult) {
  EXPECT_TRUE(is_processed_result(processed({}).json));
  EXPECT_TRUE(is_processed_result(Json::parse(R"({"hw": null})")));
  EXPECT_FALSE(is_processed_result(Json::parse(kClientResult)));
  for (const char* other : {"[]", "[{\"hw\": 1}]", "3", "null", "\"hw\"", "{}"}) {
    EXPECT_FALSE(is_processed_result(Json::parse(other))) << other;
  }
}

TEST(Row, ConvertsValuesToNumbersTextsAndJson) {
  const Json odd = Json::parse(
      R"({"hw": "x", "tp": 2, "ep": 2.5, "conc": " 3 ", "model": true, "framework": null, "precision": [1]})");
  const Row row = make_row({"a", odd, "exp"});
  EXPECT_EQ(row["tp"].number(), 2.0);
  EXPECT_EQ(row["ep"].number(), 2.5);
  EXPECT_EQ(row["conc"].number(), 3.0);
  for (const char* key : {"hw", "model", "framework", "precision", "median_e2el"})
    EXPECT_EQ(row[key].number(), std::nullopt) << key;
  EXPECT_EQ(row["hw"].text("?"), "x");
  EXPECT_EQ(row["tp"].text("?"), "2");
  EXPECT_EQ(row["ep"].text("?"), "2.5");
  EXPECT_EQ(row["model"].text("?"), "True");
  EXPECT_EQ(row["framework"].text("?"), "unknown");
  EXPECT_EQ(row["precision"].text("?"), "[1]");
  EXPECT_EQ(row["median_e2el"].text("?"), "?");
  EXPECT_TRUE(row["median_e2el"].absent());
  for (const auto& [key, value] : odd.items())
    EXPECT_EQ(row[key].json().dump(), value.dump()) << key;
}

TEST(Row, RowsAreMadeOnlyOfProcessedResults) {
  std::vector<Document> documents = {
      {"a", Json::parse("[]")}, processed({}), {"b", Json::parse(kClientResult)}};
  documents[1].path = "c";
  documents[1].exp_name = "exp";
  documents[1].json["stand_in"] = "cpu";
  const std::vector<Row> rows = rows_of(documents);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].path, "c");
  EXPECT_EQ(rows[0].exp_name.str(), "exp");
  EXPECT_EQ(rows[0].stand_in.str(), "cpu");
  EXPECT_LE(sizeof(Row), 400u) << "up to a hundred thousand rows are in memory";
}

TEST(Collect, WritesAnIndentedArrayInTheGivenOrder) {
  EXPECT_EQ(collect_text(std::vector<Document>{}), "[]");
  const std::vector<Document> documents = {{"b", Json::parse(R"({"x": 1.0, "l": [true]})")},
                                           {"a", Json::parse("[1, {\"a\": 2.5}]")},
                                           {"c", Json::parse("null")}};
  EXPECT_EQ(
      collect_text(documents),
      "[\n  {\n    \"x\": 1.0,\n    \"l\": [\n      true\n    ]\n  },\n  [\n    1,\n    {\n      \"a\": 2.5\n"
      "    }\n  ],\n  null\n]");
  EXPECT_EQ(collected_name("dsr1_1k1k"), "agg_dsr1_1k1k.json");
}

}  // namespace
}  // namespace sweep::report
