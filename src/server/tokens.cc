#include "server/tokens.h"

#include <openssl/crypto.h>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/hash.h"
#include "base/text.h"

namespace omnigraph::server {

namespace {

std::string variable(const TokenTable::Environment& environment, std::string_view name) {
  const auto value = environment(name);
  return value && !base::trim_unicode(*value).empty() ? *value : std::string();
}

// The flat object, refusing a key that occurs twice (the parser alone would keep the last one).
Result<std::vector<std::pair<std::string, std::string>>> read_json(const std::string& text, const std::string& where) {
  std::vector<std::pair<std::string, std::string>> pairs;
  int depth = 0;
  std::string key;
  bool flat = true;
  const auto callback = [&](int, nlohmann::json::parse_event_t event, nlohmann::json& value) {
    using Event = nlohmann::json::parse_event_t;
    if (event == Event::object_start && ++depth > 1) flat = false;
    if (event == Event::array_start) flat = false;
    if (event == Event::key) key = value.get<std::string>();
    if (event == Event::value) {
      if (depth == 1 && value.is_string()) {
        pairs.emplace_back(key, value.get<std::string>());
      } else {
        flat = false;
      }
    }
    return true;
  };
  try {
    const auto parsed = nlohmann::json::parse(text, callback);
    if (!parsed.is_object()) flat = false;
  } catch (const nlohmann::json::exception&) {
    return std::unexpected(bad_request("bearer tokens in " + where + " are not valid JSON"));
  }
  if (!flat)
    return std::unexpected(
        bad_request("bearer tokens in " + where + R"( must be one flat object {"<actor>":"<token>"})"));
  return pairs;
}

}  // namespace

Result<void> TokenTable::add(std::string actor, std::string token) {
  actor = base::trim_unicode(actor);
  token = base::trim_unicode(token);
  if (actor.empty()) return std::unexpected(bad_request("a bearer token has a blank actor"));
  if (token.empty()) return std::unexpected(bad_request("bearer token actor '" + actor + "' has a blank token"));
  if (actor.starts_with("omnigraph:")) {
    return std::unexpected(
        bad_request("bearer token actor '" + actor + "': ids starting with omnigraph: are reserved"));
  }
  const std::string digest = base::sha256_raw(token);
  OPENSSL_cleanse(token.data(), token.size());
  for (const Entry& entry : entries_) {
    if (entry.actor == actor) return std::unexpected(bad_request("duplicate bearer token actor '" + actor + "'"));
    if (entry.digest == digest) return std::unexpected(bad_request("duplicate bearer token value configured"));
  }
  entries_.push_back({std::move(actor), digest});
  return {};
}

Result<void> TokenTable::add_all(std::string text, const std::string& where) {
  auto pairs = read_json(text, where);
  OPENSSL_cleanse(text.data(), text.size());
  if (!pairs) return std::unexpected(std::move(pairs).error());
  for (auto& [actor, token] : *pairs) OG_RETURN_IF_ERROR(add(std::move(actor), std::move(token)));
  return {};
}

Result<TokenTable> TokenTable::read(const Environment& environment, const SecretReader& read_secret) {
  TokenTable table;
  constexpr std::string_view kSecret = "OMNIGRAPH_SERVER_BEARER_TOKENS_AWS_SECRET";
  if (const std::string id(base::trim_ascii(variable(environment, kSecret))); !id.empty()) {
    table.from_secret_ = true;
    OG_ASSIGN_OR_RETURN(std::string text, read_secret(id));
    OG_RETURN_IF_ERROR(table.add_all(std::move(text), "the secret '" + id + "'"));
    if (table.empty()) return std::unexpected(bad_request("the secret '" + id + "' holds no bearer tokens"));
    return table;
  }
  if (const std::string token = variable(environment, "OMNIGRAPH_SERVER_BEARER_TOKEN"); !token.empty()) {
    OG_RETURN_IF_ERROR(table.add("default", token));
  }
  std::string text, where;
  if (const std::string file = variable(environment, "OMNIGRAPH_SERVER_BEARER_TOKENS_FILE"); !file.empty()) {
    OG_ASSIGN_OR_RETURN(text, base::read_file(std::string(base::trim_ascii(file))));
    where = "'" + file + "'";
  } else {
    text = variable(environment, "OMNIGRAPH_SERVER_BEARER_TOKENS_JSON");
    where = "OMNIGRAPH_SERVER_BEARER_TOKENS_JSON";
  }
  if (text.empty()) return table;
  OG_RETURN_IF_ERROR(table.add_all(std::move(text), where));
  return table;
}

std::optional<std::string> TokenTable::actor_of(std::string_view token) const {
  const std::string digest = base::sha256_raw(token);
  const Entry* match = nullptr;
  for (const Entry& entry : entries_) {
    if (CRYPTO_memcmp(entry.digest.data(), digest.data(), digest.size()) == 0) match = &entry;
  }
  if (match == nullptr) return std::nullopt;
  return match->actor;
}

std::optional<std::string_view> TokenTable::bearer_of(std::string_view header) {
  constexpr std::string_view kScheme = "bearer ";
  if (header.size() < kScheme.size() || !base::equals_ignore_ascii_case(header.substr(0, kScheme.size()), kScheme))
    return std::nullopt;
  return header.substr(kScheme.size());
}

Result<std::string> TokenTable::authenticate(std::string_view header) const {
  const auto token = bearer_of(header);
  if (!token) return std::unexpected(Error{Code::kUnauthorized, "missing bearer token"});
  if (auto actor = actor_of(*token)) return *actor;
  return std::unexpected(Error{Code::kUnauthorized, "invalid bearer token"});
}

}  // namespace omnigraph::server
