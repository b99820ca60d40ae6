// Request bodies: JSON objects with named, typed members. Unknown members are ignored unless asked otherwise.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace omnigraph::server {

class JsonBody {
 public:
  // kBadRequest with `prefix` before the text.
  [[nodiscard]] static Result<JsonBody> parse(std::string_view text, std::string prefix = "invalid request body: ");
  ~JsonBody();
  JsonBody(JsonBody&&) noexcept;
  JsonBody& operator=(JsonBody&&) noexcept;

  // null counts as absent.
  [[nodiscard]] Result<std::optional<std::string>> string(std::string_view name) const;
  [[nodiscard]] Result<std::string> required_string(std::string_view name) const;
  [[nodiscard]] Result<std::optional<bool>> boolean(std::string_view name) const;
  [[nodiscard]] Result<std::vector<std::string>> strings(std::string_view name) const;  // absent: empty
  [[nodiscard]] std::string json(std::string_view name) const;  // text of any value as sent; absent: empty
  [[nodiscard]] bool has(std::string_view name) const;
  // kBadRequest naming the first member that is not in `known`.
  [[nodiscard]] Result<void> only(std::initializer_list<std::string_view> known) const;

 private:
  struct State;
  explicit JsonBody(std::unique_ptr<State> state);
  [[nodiscard]] Error refuse(const std::string& why) const;
  std::unique_ptr<State> state_;
};

}  // namespace omnigraph::server
