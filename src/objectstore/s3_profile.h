// The AWS tools' profile files: `~/.aws/credentials` and `~/.aws/config` (INI). The credentials file wins.
// Thread safety: plain values. Errors: kBadRequest for a profile that was asked for and is nowhere.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "objectstore/s3_config.h"

namespace omnigraph::objectstore {

struct S3Profile {
  std::string name;                               // AWS_PROFILE, else "default"
  bool asked_for = false;                         // AWS_PROFILE is set
  std::string credentials_file{}, config_file{};  // where it was looked for; empty: no home folder
  std::map<std::string, std::string, std::less<>> values{};

  [[nodiscard]] std::optional<std::string> value(std::string_view key) const;
};

// Missing files are empty ones.
[[nodiscard]] Result<S3Profile> read_s3_profile(const S3Environment& environment);

// The settings of section `[name]` of INI text. Nested settings (indented lines below a key) are passed over.
[[nodiscard]] std::optional<std::map<std::string, std::string, std::less<>>> ini_section(std::string_view text,
                                                                                         std::string_view name);

}  // namespace omnigraph::objectstore
