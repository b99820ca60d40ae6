// Batches, equal texts, the cache, halving, and what happens at once.
#include "embed/text_embedder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "embed/mock.h"
#include "tests/embed/fake_provider.h"

namespace omnigraph::embed {
namespace {

using ::testing::HasSubstr;

struct TextEmbedderTest : ::testing::Test {
  std::shared_ptr<TextEmbedder> embedder(const char* kind = "openai", const char* model = "m") {
    return make_text_embedder({.kind = kind, .base_url = "http://localhost:1/v1", .model = model, .api_key = ""}, {},
                              provider.surroundings(), cache)
        .value();
  }
  FakeProvider provider;
  VectorCache cache;
};

std::vector<std::string> numbered(std::size_t count) {
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < count; ++i) texts.push_back("text " + std::to_string(i));
  return texts;
}

// Sizes of the batches that were asked for, largest first.
std::vector<std::size_t> batch_sizes(const FakeProvider& provider) {
  std::vector<std::size_t> sizes;
  for (const std::string& body : provider.bodies()) {
    std::size_t texts = 0;
    for (std::size_t at = body.find("text "); at != std::string::npos; at = body.find("text ", at + 1)) ++texts;
    sizes.push_back(texts);
  }
  std::ranges::sort(sizes, std::greater());
  return sizes;
}

TEST_F(TextEmbedderTest, SixHundredTextsAreThreeRequests) {
  const auto vectors = embedder()->embed(numbered(600), 3, Role::kDocument);
  ASSERT_TRUE(vectors) << vectors.error().message;
  EXPECT_EQ(vectors->size(), 600u);
  EXPECT_EQ(batch_sizes(provider), (std::vector<std::size_t>{256, 256, 88}));
  // Each text has its own vector: alone it is the same one.
  VectorCache other;
  const auto alone =
      make_text_embedder({.kind = "openai", .base_url = "http://localhost:1/v1", .model = "m", .api_key = ""}, {},
                         provider.surroundings(), other)
          .value();
  EXPECT_EQ(alone->embed({"text 433"}, 3, Role::kDocument).value().front(), (*vectors)[433]);
}

TEST_F(TextEmbedderTest, GeminiTakesAHundredAtATime) {
  ASSERT_TRUE(embedder("gemini")->embed(numbered(250), 2, Role::kDocument));
  EXPECT_EQ(batch_sizes(provider), (std::vector<std::size_t>{100, 100, 50}));
}

TEST_F(TextEmbedderTest, ABatchHoldsHalfAMebibyteOfTextAndALongerTextGoesAlone) {
  std::vector<std::string> texts = numbered(5);
  for (std::string& text : texts) text.resize(200 << 10, 'x');
  texts.push_back("text long" + std::string(600 << 10, 'x'));
  ASSERT_TRUE(embedder()->embed(texts, 3, Role::kDocument));
  EXPECT_EQ(batch_sizes(provider), (std::vector<std::size_t>{2, 2, 1, 1}));
}

TEST_F(TextEmbedderTest, EqualTextsAreAskedForOnce) {
  const auto vectors = embedder()->embed({"text a", "text b", "text a", "text a"}, 3, Role::kDocument);
  ASSERT_TRUE(vectors);
  EXPECT_EQ(batch_sizes(provider), (std::vector<std::size_t>{2}));
  EXPECT_EQ((*vectors)[0], (*vectors)[2]);
  EXPECT_EQ((*vectors)[0], (*vectors)[3]);
  EXPECT_NE((*vectors)[0], (*vectors)[1]);
}

TEST_F(TextEmbedderTest, WhatIsCachedIsNotAskedFor) {
  ASSERT_TRUE(embedder()->embed({"text a", "text b"}, 3, Role::kDocument));
  ASSERT_TRUE(embedder()->embed({"text b", "text c"}, 3, Role::kQuery));  // roles are equal on this wire
  EXPECT_EQ(batch_sizes(provider), (std::vector<std::size_t>{2, 1}));
  ASSERT_TRUE(embedder()->embed({"text b"}, 4, Role::kQuery));               // another dimension
  ASSERT_TRUE(embedder("openai", "n")->embed({"text b"}, 3, Role::kQuery));  // another model
  EXPECT_EQ(provider.requests(), 4u);
  ASSERT_TRUE(embedder("gemini")->embed({"text a", "text b"}, 2, Role::kQuery));
  ASSERT_TRUE(embedder("gemini")->embed({"text a", "text b"}, 2, Role::kDocument));
  EXPECT_EQ(provider.requests(), 6u);
}

TEST_F(TextEmbedderTest, TheCacheForgetsWhatWasNotUsedForLongest) {
  const std::vector<float> of_4000_bytes(1000, 1.0F);
  VectorCache small(15'000);  // three, and what keeping them takes
  for (const char* key : {"a", "b", "c"}) small.insert(key, of_4000_bytes);
  ASSERT_NE(small.find("a"), nullptr);
  small.insert("d", of_4000_bytes);
  EXPECT_EQ(small.find("b"), nullptr);
  EXPECT_NE(small.find("a"), nullptr);
}

TEST_F(TextEmbedderTest, FailuresAreNotCached) {
  provider.script = {{.status = 401}};
  EXPECT_FALSE(embedder()->embed({"text a"}, 3, Role::kDocument));
  EXPECT_TRUE(embedder()->embed({"text a"}, 3, Role::kDocument));
  EXPECT_EQ(provider.requests(), 2u);
}

TEST_F(TextEmbedderTest, ARefusedBatchIsHalvedDownToSingleTexts) {
  provider.judge = [](std::size_t texts, std::string_view) -> std::optional<FakeProvider::Answer> {
    if (texts > 1) return FakeProvider::Answer{.status = 413};
    return std::nullopt;
  };
  const auto vectors = embedder()->embed(numbered(10), 3, Role::kDocument);
  ASSERT_TRUE(vectors) << vectors.error().message;
  EXPECT_EQ(provider.requests(), 19u);  // a binary tree with ten leaves
}

TEST_F(TextEmbedderTest, TheTextThatIsRefusedAloneIsNamed) {
  provider.judge = [](std::size_t, std::string_view body) -> std::optional<FakeProvider::Answer> {
    if (body.find("text 7\"") == std::string_view::npos) return std::nullopt;
    return FakeProvider::Answer{.status = 400, .body = R"({"error":{"message":"no"}})"};
  };
  const std::vector<std::string> texts = numbered(10);
  const auto vectors = embedder()->embed_texts({texts.begin(), texts.end()}, 3, Role::kDocument);
  ASSERT_FALSE(vectors);
  EXPECT_EQ(vectors.error().text, 7u);
  EXPECT_EQ(vectors.error().error.message, "embedding request failed with status 400: no");
}

TEST_F(TextEmbedderTest, AnAnswerThatIsWrongIsNotHalved) {
  provider.script = {{.status = 200, .body = R"({"data":[{"index":1,"embedding":[1,2,3]}]})"}};
  const std::vector<std::string> texts = numbered(2);
  const auto vectors = embedder()->embed_texts({texts.begin(), texts.end()}, 3, Role::kDocument);
  ASSERT_FALSE(vectors);
  EXPECT_EQ(vectors.error().text, 0u);
  EXPECT_EQ(provider.requests(), 1u);
}

TEST_F(TextEmbedderTest, FourRequestsAreInFlight) {
  provider.held_until_in_flight = 4;
  ASSERT_TRUE(embedder("gemini")->embed(numbered(1'000), 2, Role::kDocument));
  EXPECT_EQ(provider.requests(), 10u);
  EXPECT_EQ(provider.most_in_flight(), 4u);
}

TEST_F(TextEmbedderTest, AKeyIsOptionalOnThisMachineOnly) {
  const auto error = [](const char* kind, const char* url) {
    const auto made = make_text_embedder({.kind = kind, .base_url = url, .model = "", .api_key = ""}, {});
    return made ? std::string() : made.error().message;
  };
  for (const char* url : {"http://localhost:8/v1", "http://127.0.0.1/v1", "http://[::1]:8/v1", "HTTP://LOCALHOST"}) {
    EXPECT_EQ(error("openai", url), "") << url;
  }
  for (const char* url : {"", "https://localhost.example/v1", "http://127.0.0.1.example", "http://example/127.0.0.1"}) {
    EXPECT_EQ(error("openai", url), "OPENAI_API_KEY is required for the openai embedding provider") << url;
  }
  EXPECT_THAT(error("openai-compatible", ""), HasSubstr("OPENROUTER_API_KEY or OPENAI_API_KEY is required for the "
                                                        "openai-compatible embedding provider"));
  EXPECT_THAT(error("gemini", ""), HasSubstr("GEMINI_API_KEY is required for the gemini embedding provider"));
  EXPECT_THAT(error("cohere", ""), HasSubstr("unknown embedding provider 'cohere' (expected openai-compatible|"));
}

TEST(Mock, VectorsAreTheContracts) {
  const auto expect = [](const char* text, const std::vector<float>& wanted) {
    EXPECT_EQ(mock_vector(text, static_cast<std::uint32_t>(wanted.size())), wanted) << text;
  };
  expect("alpha", {-0.5420488F, -0.47179943F, 0.16090508F, 0.67653376F});
  expect("harbor", {0.6315021F, 0.40641654F, 0.07713576F, 0.65580547F});
  expect("", {-0.43294F, -0.7642615F, -0.32645237F, 0.34913632F});
  expect("café", {-0.53171355F, -0.70180714F, -0.47407544F});
}

}  // namespace
}  // namespace omnigraph::embed
