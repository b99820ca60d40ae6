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
  // Union of the sources of section 6.1. Errors refuse the start.
  [[nodiscard]] static Result<TokenTable> read(const Environment& environment);

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
  std::vector<Entry> entries_;
};

}  // namespace omnigraph::server
