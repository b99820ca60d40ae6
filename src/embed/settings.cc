#include "embed/settings.h"

#include <charconv>

#include "base/text.h"

namespace omnigraph::embed {

namespace {

void read_number(const Environment& environment, std::string_view name, std::int64_t least, std::int64_t& out) {
  const std::string text = trimmed_variable(environment, name);
  std::int64_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed == std::errc() && end == text.data() + text.size() && value >= least) out = value;
}

}  // namespace

bool is_truthy(std::string_view text) {
  const std::string lower = base::to_lower_ascii(text);
  return lower == "1" || lower == "true" || lower == "yes" || lower == "on";
}

std::string trimmed_variable(const Environment& environment, std::string_view name) {
  const auto value = environment(name);
  return value ? std::string(base::trim_ascii(*value)) : std::string();
}

CallSettings call_settings(const Environment& environment) {
  CallSettings settings;
  read_number(environment, "OMNIGRAPH_EMBED_TIMEOUT_MS", 1, settings.timeout_ms);
  read_number(environment, "OMNIGRAPH_EMBED_RETRY_ATTEMPTS", 1, settings.retry_attempts);
  read_number(environment, "OMNIGRAPH_EMBED_RETRY_BACKOFF_MS", 1, settings.retry_backoff_ms);
  read_number(environment, "OMNIGRAPH_EMBED_DEADLINE_MS", 0, settings.deadline_ms);
  return settings;
}

bool embeds_on_write(const Environment& environment, bool applied_profile) {
  if (base::equals_ignore_ascii_case(trimmed_variable(environment, "OMNIGRAPH_EMBED_ON_WRITE"), "off")) return false;
  return applied_profile || !trimmed_variable(environment, "OMNIGRAPH_EMBED_PROVIDER").empty() ||
         is_truthy(trimmed_variable(environment, "OMNIGRAPH_EMBEDDINGS_MOCK"));
}

}  // namespace omnigraph::embed
