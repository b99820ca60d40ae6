// Bearer tokens: who a request speaks for (chapter 07 section 6). Only SHA-256 digests are kept.
// Thread safety: immutable once read.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace omnigraph::server {

class TokenTable {
 public:
  using Environment = std::function<std::optional<std::string>(std::string_view)>;
  // The text of a cloud secret by its id.
  using SecretReader = std::function<Result<std::string>(const std::string& id)>;
  // The sources of section 6.1: a cloud secret alone, or the union of the others. Errors refuse the start.
  [[nodiscard]] static Result<TokenTable> read(const Environment& environment, const SecretReader& read_secret);

  // For the log: env-or-file, aws-secrets-manager.
  [[nodiscard]] std::string_view source() const { return from_secret_ ? "aws-secrets-manager" : "env-or-file"; }
  [[nodiscard]] bool empty() const { return entries_.empty(); }
  // Compares with every digest in constant time. nullopt: no match.
  [[nodiscard]] std::optional<std::string> actor_of(std::string_view token) const;
  // The token of an Authorization value; nullopt: there is none, or another scheme.
  [[nodiscard]] static std::optional<std::string_view> bearer_of(std::string_view header);
  // kUnauthorized `missing bearer token` / `invalid bearer token`; `header` is the Authorization value, empty if
  // absent.
  [[nodiscard]] Result<std::string> authenticate(std::string_view header) const;

 private:
  struct Entry {
    std::string actor;
    std::string digest;  // 32 bytes
  };
  Result<void> add(std::string actor, std::string token);
  // All pairs of a JSON source, whose text is wiped.
  Result<void> add_all(std::string text, const std::string& where);
  std::vector<Entry> entries_;
  bool from_secret_ = false;
};

}  // namespace omnigraph::server
