// The lists of the local and the memory store against a slow model.
#include <gtest/gtest.h>

#include <set>

#include "tests/objectstore/list_model.h"
#include "tests/objectstore/store_test_support.h"

namespace omnigraph::objectstore {
namespace {

using testing::bytes;

struct ListModel : ::testing::TestWithParam<bool> {
  const testing::TemporaryFolder folder{"list_model_test"};
  const std::shared_ptr<ObjectStore> store = GetParam() ? open_local_store(folder.path()).value() : make_memory_store();
};

// Goal: every list is what the header promises, after any puts and removes. Method: random keys, prefixes, starts,
// limits, with and without delimiter, against the model.
TEST_P(ListModel, MatchesTheModel) { testing::compare_lists_with_model(*store, 3000); }

TEST_P(ListModel, PagesMeetEveryKeyOnce) {
  std::set<std::string> keys;
  for (int i = 0; i < 57; ++i) {
    const std::string key = "p/" + std::to_string(i % 7) + "/" + std::to_string(i);
    ASSERT_TRUE(store->put(key, {}, Durability::kWriteBack));
    keys.insert(key);
  }
  std::vector<std::string> seen;
  for (ListOptions options{.limit = 5};;) {
    const Listing page = store->list("p/", options).value();
    for (const ObjectInfo& info : page.objects) seen.push_back(info.key);
    if (!page.truncated) break;
    options.start_after = seen.back();
  }
  EXPECT_EQ(seen, std::vector<std::string>(keys.begin(), keys.end()));
}

TEST_P(ListModel, PrefixesThatNoKeyHas) {
  ASSERT_TRUE(store->put("a/b", bytes("x")));
  for (const std::string& prefix : {std::string("/"), std::string("../"), std::string("a/../"), std::string("a//"),
                                    std::string("."), std::string("a/b/c"), std::string("zz/"), std::string("\0", 1)}) {
    for (const bool delimited : {false, true}) {
      const auto listing = store->list(prefix, {.delimited = delimited});
      ASSERT_TRUE(listing) << prefix;
      EXPECT_TRUE(listing->objects.empty() && listing->prefixes.empty()) << prefix;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Stores, ListModel, ::testing::Bool(),
                         [](const auto& store) { return store.param ? "Local" : "Memory"; });

}  // namespace
}  // namespace omnigraph::objectstore
