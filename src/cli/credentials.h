// Bearer tokens of servers: the file `credentials` in the operator's folder (chapter 05 section 3). INI sections
// `[name]` with `token = VALUE`, optional matching quotes, `#` comment lines; whatever else is in it stays as it is.
// A file that others may open is never read or written: kBadRequest naming `chmod 600`. Tokens are in no message.
// Thread safety: none against other processes, apart from the final rename being atomic.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/result.h"

namespace omnigraph::cli {

[[nodiscard]] std::filesystem::path credentials_path(const std::filesystem::path& home);
// nullopt: no file, no section or a blank token.
[[nodiscard]] Result<std::optional<std::string>> read_token(const std::filesystem::path& home, const std::string& name);
// Creates the folder (0700) and the file (0600) where they are missing.
[[nodiscard]] Result<void> store_token(const std::filesystem::path& home, const std::string& name,
                                       const std::string& token);
// Removes the section; nothing to remove is fine.
[[nodiscard]] Result<void> remove_token(const std::filesystem::path& home, const std::string& name);

}  // namespace omnigraph::cli
