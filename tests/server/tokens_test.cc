#include "server/tokens.h"

#include <gtest/gtest.h>

#include <map>

namespace omnigraph::server {
namespace {

using Values = std::map<std::string, std::string, std::less<>>;

Result<TokenTable> read_tokens(const Values& values, const TokenTable::SecretReader& secret) {
  return TokenTable::read(
      [&](std::string_view name) -> std::optional<std::string> {
        const auto found = values.find(name);
        return found == values.end() ? std::nullopt : std::optional(found->second);
      },
      secret);
}

Result<std::string> no_secret(const std::string&) { return std::unexpected(internal_error("not to be asked")); }

TEST(Tokens, ASecretIsTheOnlySource) {
  std::string asked;
  const auto secret = [&](const std::string& id) -> Result<std::string> {
    asked = id;
    return R"({"ana":"from-the-secret"})";
  };
  const auto table = read_tokens({{"OMNIGRAPH_SERVER_BEARER_TOKENS_AWS_SECRET", " prod/tokens "},
                                  {"OMNIGRAPH_SERVER_BEARER_TOKEN", "from-the-environment"},
                                  {"OMNIGRAPH_SERVER_BEARER_TOKENS_JSON", R"({"raj":"inline"})"}},
                                 secret);
  ASSERT_TRUE(table) << table.error().message;
  EXPECT_EQ(asked, "prod/tokens");
  EXPECT_EQ(table->source(), "aws-secrets-manager");
  EXPECT_EQ(table->actor_of("from-the-secret"), "ana");
  EXPECT_FALSE(table->actor_of("from-the-environment"));
  EXPECT_FALSE(table->actor_of("inline"));
}

TEST(Tokens, ABlankSecretIdCountsAsUnset) {
  const auto table = read_tokens(
      {{"OMNIGRAPH_SERVER_BEARER_TOKENS_AWS_SECRET", "  "}, {"OMNIGRAPH_SERVER_BEARER_TOKEN", "t"}}, no_secret);
  ASSERT_TRUE(table) << table.error().message;
  EXPECT_EQ(table->source(), "env-or-file");
  EXPECT_EQ(table->actor_of("t"), "default");
}

TEST(Tokens, WhatIsWrongWithASecretRefusesTheStartAndDoesNotQuoteIt) {
  const Values values = {{"OMNIGRAPH_SERVER_BEARER_TOKENS_AWS_SECRET", "s"}};
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"hidden", "bearer tokens in the secret 's' are not valid JSON"},
      {R"(["hidden"])", R"(bearer tokens in the secret 's' must be one flat object {"<actor>":"<token>"})"},
      {R"({"a":{"b":"hidden"}})", R"(bearer tokens in the secret 's' must be one flat object {"<actor>":"<token>"})"},
      {R"({"a":"hidden","a":"hidden2"})", "duplicate bearer token actor 'a'"},
      {R"({"a":"hidden","b":"hidden"})", "duplicate bearer token value configured"},
      {"{}", "the secret 's' holds no bearer tokens"},
  };
  for (const auto& [text, message] : cases) {
    const auto table = read_tokens(values, [&](const std::string&) -> Result<std::string> { return text; });
    ASSERT_FALSE(table) << text;
    EXPECT_EQ(table.error().message, message);
  }
  EXPECT_EQ(read_tokens(values, no_secret).error().message, "not to be asked");
}

}  // namespace
}  // namespace omnigraph::server
