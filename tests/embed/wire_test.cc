// Requests and answers of both wires, byte for byte where the contract says so.
#include "embed/wire.h"

#include <gtest/gtest.h>

namespace omnigraph::embed {
namespace {

const Endpoint kOpenAi{Wire::kOpenAi, "http://127.0.0.1:1/v1", "m/x", "secret"};
const Endpoint kGemini{Wire::kGemini, "https://g.example/v1beta", "gem-2", "secret"};

std::string header(const base::HttpRequest& request, std::string_view name) {
  for (const auto& [known, value] : request.headers) {
    if (known == name) return value;
  }
  return "";
}

std::string error_of(Wire wire, const std::string& body, std::size_t texts = 1, std::uint32_t dimension = 2) {
  const auto read = read_answer(wire, body, texts, dimension);
  return read ? "" : read.error().error.message;
}

TEST(Wire, OpenAiAsksForAllTextsInOneArray) {
  std::string body;
  const std::vector<std::string_view> texts{"a \"b\"", "c"};
  const base::HttpRequest request = wire_request(kOpenAi, texts, 4, Role::kQuery, body);
  EXPECT_EQ(request.url, "http://127.0.0.1:1/v1/embeddings");
  EXPECT_EQ(header(request, "Authorization"), "Bearer secret");
  EXPECT_EQ(body, R"({"model":"m/x","input":["a \"b\"","c"],"dimensions":4})");
  (void)wire_request(kOpenAi, std::vector<std::string_view>{"one"}, 4, Role::kDocument, body);
  EXPECT_EQ(body, R"({"model":"m/x","input":["one"],"dimensions":4})");
}

TEST(Wire, GeminiHasARequestForOneTextAndOneForSeveral) {
  std::string body;
  base::HttpRequest request = wire_request(kGemini, std::vector<std::string_view>{"t"}, 3, Role::kQuery, body);
  EXPECT_EQ(request.url, "https://g.example/v1beta/models/gem-2:embedContent");
  EXPECT_EQ(header(request, "x-goog-api-key"), "secret");
  EXPECT_EQ(header(request, "Authorization"), "");
  const std::string item =
      R"({"model":"models/gem-2","content":{"parts":[{"text":"t"}]},"taskType":"RETRIEVAL_QUERY","outputDimensionality":3})";
  EXPECT_EQ(body, item);
  request = wire_request(kGemini, std::vector<std::string_view>{"t", "u"}, 3, Role::kDocument, body);
  EXPECT_EQ(request.url, "https://g.example/v1beta/models/gem-2:batchEmbedContents");
  EXPECT_TRUE(body.starts_with(R"({"requests":[{"model":"models/gem-2",)")) << body;
  EXPECT_NE(body.find("RETRIEVAL_DOCUMENT"), std::string::npos);
}

TEST(Wire, WithoutAKeyThereIsNoHeader) {
  std::string body;
  Endpoint open = kOpenAi;
  open.api_key.clear();
  EXPECT_EQ(header(wire_request(open, std::vector<std::string_view>{"t"}, 3, Role::kQuery, body), "Authorization"), "");
}

TEST(Wire, OpenAiItemsAreMatchedByIndexAndNormalized) {
  const auto read = read_answer(
      Wire::kOpenAi, R"({"data":[{"embedding":[0,2],"index":1},{"index":0,"embedding":[3,4]}],"model":"m"})", 2, 2);
  ASSERT_TRUE(read) << read.error().error.message;
  EXPECT_EQ((*read)[0], (std::vector<float>{0.6F, 0.8F}));
  EXPECT_EQ((*read)[1], (std::vector<float>{0, 1}));
}

TEST(Wire, GeminiAnswersAreReadInOrder) {
  auto read = read_answer(Wire::kGemini, R"({"embeddings":[{"values":[0,2]},{"values":[3,4]}]})", 2, 2);
  ASSERT_TRUE(read) << read.error().error.message;
  EXPECT_EQ((*read)[1], (std::vector<float>{0.6F, 0.8F}));
  read = read_answer(Wire::kGemini, R"({"embedding":{"values":[0,2]}})", 1, 2);
  ASSERT_TRUE(read) << read.error().error.message;
  EXPECT_EQ((*read)[0], (std::vector<float>{0, 1}));
}

TEST(Wire, AnAnswerIsCheckedForLengthThenFinitenessThenNorm) {
  const auto openai = [](const std::string& vector) { return R"({"data":[{"index":0,"embedding":)" + vector + "}]}"; };
  EXPECT_EQ(error_of(Wire::kOpenAi, openai("[1]")), "embedding dimension mismatch: expected 2, got 1");
  EXPECT_EQ(error_of(Wire::kOpenAi, openai("[1e999]")), "embedding dimension mismatch: expected 2, got 1");
  EXPECT_EQ(error_of(Wire::kOpenAi, openai("[0,1e999]")), "embedding component 1 is not finite");
  EXPECT_EQ(error_of(Wire::kOpenAi, openai("[1e39,0]")), "embedding component 0 is not finite");  // beyond F32
  EXPECT_EQ(error_of(Wire::kOpenAi, openai("[0,NaN]")), "embedding component 1 is not finite");
  EXPECT_EQ(error_of(Wire::kOpenAi, openai("[0,0.0]")), "embedding has zero norm (no direction)");
  EXPECT_EQ(error_of(Wire::kOpenAi, openai("[1e-400,1e-8]")), "embedding has zero norm (no direction)");
}

TEST(Wire, WhatIsMissingOrUnreadableIsNamed) {
  EXPECT_EQ(error_of(Wire::kOpenAi, R"({"data":[{"index":1,"embedding":[1,1]}]})", 2),
            "embedding response missing data[0]");
  EXPECT_EQ(error_of(Wire::kOpenAi, "{}"), "embedding response missing data[0]");
  EXPECT_EQ(error_of(Wire::kGemini, R"({"embeddings":[{"values":[1,1]}]})", 2), "embedding response missing data[1]");
  for (const char* body :
       {"<html>oops</html>", "", "[1]", R"({"data":[{"index":0,"embedding":[1,null]}]})",
        R"({"data":[{"index":0,"embedding":["1",2]}]})", R"({"data":7})", R"({"data":[{"index":0,"embedding":[1,)"}) {
    EXPECT_TRUE(error_of(Wire::kOpenAi, body).starts_with("embedding response decode failed: ")) << body;
  }
}

TEST(Wire, ARefusalShowsItsMessageOrTheBeginningOfItsBody) {
  EXPECT_EQ(refusal_text(R"({"error":{"message":"no such model","code":404}})", ""), "no such model");
  EXPECT_EQ(refusal_text(R"({"error":"plain"})", ""), R"({"error":"plain"})");
  EXPECT_EQ(refusal_text(std::string(700, 'x'), ""), std::string(500, 'x'));
  EXPECT_EQ(refusal_text(std::string(499, 'x') + "é", ""), std::string(499, 'x'));  // no half characters
}

TEST(Wire, ARefusalLosesItsKeysBeforeItIsCut) {
  const std::string key = "sk-secret";
  for (std::size_t lead = 480; lead <= 510; ++lead) {  // across the cut at 500
    const std::string body = std::string(lead, 'x') + key + key + std::string(600, 'y');
    const std::string whole = std::string(lead, 'x') + "******" + std::string(600, 'y');
    EXPECT_EQ(refusal_text(body, key), whole.substr(0, 500)) << lead;
    EXPECT_EQ(refusal_text(R"({"error":{"message":")" + body + "\"}}", key), whole.substr(0, 500)) << lead;
  }
  // What was shortened draws more of the text in, and with it perhaps another key.
  std::string many;
  for (int i = 0; i < 300; ++i) many.append(key).append(" ");
  std::string none;
  for (int i = 0; i < 125; ++i) none.append("*** ");
  EXPECT_EQ(refusal_text(many, key), none);
  EXPECT_EQ(refusal_text(key, key), "***");
}

}  // namespace
}  // namespace omnigraph::embed
