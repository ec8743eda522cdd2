// controller/io/text_store: the texts of rows in an unlinked file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/io/text_store.hpp"
#include "tests/unit/net_folder.hpp"

namespace sweep {
namespace {

using TextStoreTest = InFolder;

TEST_F(TextStoreTest, ReturnsTheTextOfEachRowAndLeavesNoFile) {
  TextStore store(path(""));
  const std::vector<std::string> texts = {"", "{}", std::string(300'000, 'x'), "[1]",
                                          std::string(70'000, 'y')};
  std::vector<report::Row> rows(texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i)
    store.add(texts[i], rows[i]);
  for (const std::size_t i : {4u, 2u, 0u, 1u, 3u, 2u})
    EXPECT_EQ(store.read(rows[i]), texts[i]) << i;
  report::Row later;  // added after a text was read
  store.add("later", later);
  EXPECT_EQ(store.read(later), "later");
  EXPECT_EQ(store.read(rows[1]), "{}");
  EXPECT_TRUE(listing().empty());
}

TEST_F(TextStoreTest, UsesTheTemporaryFolderIfTheDirectoryCannotBeWritten) {
  TextStore store(path("absent"));
  report::Row row;
  store.add("text", row);
  EXPECT_EQ(store.read(row), "text");
}

TEST_F(TextStoreTest, MissingTextIsAnError) {
  TextStore store(path(""));
  report::Row row;
  store.add("text", row);
  row.text_size = 5;
  const auto text = store.read(row);
  ASSERT_FALSE(text);
  EXPECT_THAT(text.error().message, testing::HasSubstr("cannot store results in a temporary file"));
}

}  // namespace
}  // namespace sweep
