// Writes that fill vectors: what is asked for when the head moves between two attempts, and vectors beyond the budget.
#include "engine/write_vectors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "columnar/builder.h"
#include "embed/mock.h"
#include "engine/graph.h"
#include "objectstore/object_store.h"

namespace omnigraph::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr const char* kNotes = R"(node Note { slug: String @key  body: String?  vec: Vector(2)? @embed("body") })";
constexpr schema::TypeRef kNote{schema::EntityKind::kNode, 0};

// The mock, with a list of what it was asked.
class ListeningEmbedder final : public embed::TextEmbedder {
 public:
  const std::string& model() const override { return model_; }
  std::expected<embed::Vectors, embed::EmbedFailure> embed_texts(const std::vector<std::string_view>& texts,
                                                                 std::uint32_t dimension, embed::Role) override {
    embed::Vectors vectors;
    for (const std::string_view text : texts) {
      asked.emplace_back(text);
      vectors.push_back(embed::mock_vector(text, dimension));
    }
    return vectors;
  }
  std::vector<std::string> asked;

 private:
  std::string model_ = "listening";
};

struct WriteVectorsTest : ::testing::Test {
  WriteVectorsTest() {
    auto opened = Graph::init_on(objectstore::make_memory_store(), "memory", kNotes);
    graph = std::move(opened).value();
  }

  // One note; its text without a vector, unless `vectors` fill it.
  Result<graph::WriteOutcome> write(const std::string& slug, const std::string& body,
                                    const std::shared_ptr<WriteVectors>& vectors) {
    const auto put = [&](graph::WriteTransaction& transaction) -> Result<void> {
      const schema::Catalog& catalog = *transaction.base()->catalog();
      auto rows = std::make_shared<graph::StagedRows>(catalog, kNote);
      columnar::Batch batch{.fields = rows->fields(), .columns = {}, .length = 1};
      for (const columnar::Field& field : rows->fields()) {
        columnar::ArrayBuilder builder(field.type);
        if (field.name == "vec") {
          builder.append_null();
        } else {
          builder.append_string(field.name == "body" ? body : slug);
        }
        batch.columns.push_back(builder.finish());
      }
      OG_RETURN_IF_ERROR(rows->append(std::move(batch)));
      graph::put_filled(transaction, std::move(rows), graph::PutMode::kMerge, false, fill_of(catalog, kNote, vectors));
      return {};
    };
    return write_with_vectors(graph->storage(), {}, put, vectors);
  }

  std::string exported() {
    std::string text;
    EXPECT_TRUE(graph->export_rows("main", {}, [&](std::string_view piece) -> Result<void> {
      text += piece;
      return {};
    }));
    return text;
  }

  std::shared_ptr<Graph> graph;
  std::shared_ptr<ListeningEmbedder> embedder = std::make_shared<ListeningEmbedder>();
};

// Goal: a write that is run again on a newer head asks for nothing twice, and commits once.
// Method: another writer commits to the same table just when the vectors are asked for.
TEST_F(WriteVectorsTest, ARunOnANewerHeadHasTheVectorsAlready) {
  const auto vectors = std::make_shared<WriteVectors>([&]() -> Result<std::shared_ptr<embed::TextEmbedder>> {
    EXPECT_TRUE(write("other", "x", nullptr));
    return embedder;
  });
  const auto outcome = write("n1", "alpha", vectors);
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_THAT(embedder->asked, ElementsAre("alpha"));
  EXPECT_EQ(graph->commits("main")->size(), 3u);  // the first one, the other writer's, this one
  EXPECT_NE(exported().find(R"("body":"alpha","slug":"n1","vec":[-0.)"), std::string::npos) << exported();
}

// Goal: which rows keep their vector is decided on the head that the write lands on.
// Method: while the vector of a new text is asked for, another writer stores that very text with a vector.
TEST_F(WriteVectorsTest, TheLastHeadDecidesWhatIsKept) {
  ASSERT_TRUE(write("n1", "old", std::make_shared<WriteVectors>([&] { return embedder; })));
  const auto vectors = std::make_shared<WriteVectors>([&]() -> Result<std::shared_ptr<embed::TextEmbedder>> {
    const auto stored = graph->mutate(
        R"(query u() { update Note set { body: "new", vec: [1.0, 0.0] } where slug = "n1" })", "", "", {});
    EXPECT_TRUE(stored) << stored.error().message;
    return embedder;
  });
  ASSERT_TRUE(write("n1", "new", vectors));
  EXPECT_NE(exported().find(R"("body":"new","slug":"n1","vec":[1.0,0.0])"), std::string::npos) << exported();
}

TEST_F(WriteVectorsTest, TheSameTextOnTheSameIdIsNotAskedFor) {
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(write("n1", "alpha", std::make_shared<WriteVectors>([&] { return embedder; })));
    EXPECT_THAT(embedder->asked, ElementsAre("alpha"));
  }
}

TEST_F(WriteVectorsTest, ARefusedWriteAsksNobody) {
  const auto vectors = std::make_shared<WriteVectors>([&] { return embedder; });
  const graph::WriteOptions options{.if_head = "01ARZ3NDEKTSV4RRFFQ69G5FAV"};
  const auto refused = write_with_vectors(
      graph->storage(), options, [](graph::WriteTransaction&) -> Result<void> { return {}; }, vectors);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kPreconditionFailed);
  EXPECT_THAT(embedder->asked, IsEmpty());
}

// Chunks of 4 MiB hold 4 vectors of this dimension; the second one is beyond the budget.
TEST(VectorsByText, VectorsBeyondTheBudgetComeBackFromDisk) {
  constexpr std::uint32_t kDimension = 1u << 18;
  VectorsByText vectors(kDimension);
  std::uint64_t memory_left = 5 << 20;
  std::shared_ptr<graph::SpillFile> file;
  for (int i = 0; i < 9; ++i) {
    const std::vector<float> vector(kDimension, static_cast<float>(i));
    ASSERT_TRUE(vectors.add("text " + std::to_string(i), vector, memory_left, file));
    ASSERT_TRUE(vectors.add("text " + std::to_string(i), vector, memory_left, file));  // once
  }
  EXPECT_EQ(memory_left, 1u << 20);
  EXPECT_NE(file, nullptr);
  std::vector<float> read(kDimension);
  for (int i = 8; i >= 0; --i) {
    ASSERT_TRUE(vectors.has("text " + std::to_string(i)));
    vectors.read("text " + std::to_string(i), read);
    EXPECT_EQ(read.front(), static_cast<float>(i));
    EXPECT_EQ(read.back(), static_cast<float>(i));
  }
  EXPECT_FALSE(vectors.has("text 9"));
}

}  // namespace
}  // namespace omnigraph::engine
