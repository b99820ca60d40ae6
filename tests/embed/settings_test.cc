// What the environment says: provider, key, times, and whether writes embed.
#include "embed/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/warning.h"

namespace omnigraph::embed {
namespace {

using Variables = std::map<std::string, std::string, std::less<>>;

Environment environment_of(Variables variables) {
  return [variables = std::move(variables)](std::string_view name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
}

TEST(EmbedSettings, ValuesThatCannotBeReadMeanTheDefault) {
  const CallSettings defaults = call_settings(environment_of({}));
  EXPECT_EQ(defaults.timeout_ms, 30'000);
  EXPECT_EQ(defaults.retry_attempts, 4);
  EXPECT_EQ(defaults.retry_backoff_ms, 200);
  EXPECT_EQ(defaults.deadline_ms, 60'000);
  for (const char* bad : {"", " ", "x", "-1", "1.5", "0", "99999999999999999999"}) {
    const CallSettings read = call_settings(environment_of({{"OMNIGRAPH_EMBED_TIMEOUT_MS", bad},
                                                            {"OMNIGRAPH_EMBED_RETRY_ATTEMPTS", bad},
                                                            {"OMNIGRAPH_EMBED_RETRY_BACKOFF_MS", bad}}));
    EXPECT_EQ(read.timeout_ms, 30'000) << bad;
    EXPECT_EQ(read.retry_attempts, 4) << bad;
    EXPECT_EQ(read.retry_backoff_ms, 200) << bad;
  }
  EXPECT_EQ(call_settings(environment_of({{"OMNIGRAPH_EMBED_DEADLINE_MS", " 0 "}})).deadline_ms, 0);
  EXPECT_EQ(call_settings(environment_of({{"OMNIGRAPH_EMBED_DEADLINE_MS", "-1"}})).deadline_ms, 60'000);
  EXPECT_EQ(call_settings(environment_of({{"OMNIGRAPH_EMBED_TIMEOUT_MS", " 5 "}})).timeout_ms, 5);
}

TEST(EmbedSettings, AKeyAloneNeverMakesAWriteEmbed) {
  EXPECT_FALSE(embeds_on_write(environment_of({}), false));
  EXPECT_FALSE(embeds_on_write(environment_of({{"OPENAI_API_KEY", "k"}, {"OPENROUTER_API_KEY", "k"}}), false));
  EXPECT_TRUE(embeds_on_write(environment_of({}), true));
  EXPECT_TRUE(embeds_on_write(environment_of({{"OMNIGRAPH_EMBED_PROVIDER", "openai"}}), false));
  EXPECT_FALSE(embeds_on_write(environment_of({{"OMNIGRAPH_EMBED_PROVIDER", " "}}), false));
  EXPECT_TRUE(embeds_on_write(environment_of({{"OMNIGRAPH_EMBEDDINGS_MOCK", "Yes"}}), false));
  EXPECT_FALSE(embeds_on_write(environment_of({{"OMNIGRAPH_EMBEDDINGS_MOCK", "0"}}), false));
  for (const bool applied : {false, true}) {
    EXPECT_FALSE(embeds_on_write(
        environment_of({{"OMNIGRAPH_EMBED_ON_WRITE", " off "}, {"OMNIGRAPH_EMBEDDINGS_MOCK", "1"}}), applied));
  }
}

TEST(EmbedSettings, TheFirstKeyThatIsSetWins) {
  const auto key = [](Variables variables) {
    return config_from_environment(environment_of(std::move(variables)))->api_key;
  };
  EXPECT_EQ(key({{"OPENAI_API_KEY", "b"}}), "b");
  EXPECT_EQ(key({{"OPENROUTER_API_KEY", "a"}, {"OPENAI_API_KEY", "b"}}), "a");
  EXPECT_EQ(key({{"OPENROUTER_API_KEY", " "}, {"OPENAI_API_KEY", "b"}}), "b");
  EXPECT_EQ(key({{"OMNIGRAPH_EMBED_PROVIDER", "openai"}, {"OPENROUTER_API_KEY", "a"}}), "");
  EXPECT_EQ(key({{"OMNIGRAPH_EMBED_PROVIDER", "gemini"}, {"GEMINI_API_KEY", "g"}}), "g");
}

TEST(EmbedSettings, DefaultsOfAKindAreOverridden) {
  const auto config = config_from_environment(environment_of({{"OMNIGRAPH_EMBED_PROVIDER", "openai"}}));
  EXPECT_EQ(config->base_url, "https://api.openai.com/v1");
  EXPECT_EQ(config->model, "text-embedding-3-large");
  const auto own = config_from_environment(
      environment_of({{"OMNIGRAPH_EMBED_BASE_URL", " http://h/v2// "}, {"OMNIGRAPH_EMBED_MODEL", " m "}}));
  EXPECT_EQ(own->kind, "openai-compatible");
  EXPECT_EQ(own->base_url, "http://h/v2");
  EXPECT_EQ(own->model, "m");
}

TEST(EmbedSettings, MockWinsWithAWarningAndNamesAreCaseSensitive) {
  std::vector<std::string> warnings;
  base::set_warning_sink([&](std::string_view code, std::string_view text) {
    warnings.emplace_back(std::string(code).append(": ").append(text));
  });
  const auto config = config_from_environment(
      environment_of({{"OMNIGRAPH_EMBEDDINGS_MOCK", "TRUE"}, {"OMNIGRAPH_EMBED_PROVIDER", "openai"}}));
  EXPECT_EQ(config->kind, "mock");
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_TRUE(warnings[0].starts_with("embedding_mock: OMNIGRAPH_EMBEDDINGS_MOCK is set")) << warnings[0];
  EXPECT_NE(warnings[0].find("'openai'"), std::string::npos);
  EXPECT_TRUE(config_from_environment(environment_of({{"OMNIGRAPH_EMBEDDINGS_MOCK", "1"}})));
  EXPECT_EQ(warnings.size(), 1u);
  base::set_warning_sink({});
  const auto wrong = config_from_environment(environment_of({{"OMNIGRAPH_EMBED_PROVIDER", "OpenAI"}}));
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().message.find("unknown embedding provider 'OpenAI'"), std::string::npos);
}

}  // namespace
}  // namespace omnigraph::embed
