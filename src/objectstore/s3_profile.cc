#include "objectstore/s3_profile.h"

#include "base/file.h"
#include "base/text.h"

namespace omnigraph::objectstore {
namespace {

using Settings = std::map<std::string, std::string, std::less<>>;

// "[ profile  x ]" -> "profile x"
std::string section_name(std::string_view line) {
  const std::string_view inner = line.substr(1, std::min(line.find(']'), line.size()) - 1);
  std::string name;
  for (const char c : base::trim_ascii(inner)) {
    const bool space = c == ' ' || c == '\t';
    if (space && name.ends_with(' ')) continue;
    name.push_back(space ? ' ' : c);
  }
  return name;
}

Result<std::string> content_of_file(const std::string& path) {
  if (path.empty()) return std::string();
  auto content = base::read_file(path);
  if (!content && content.error().code == Code::kNotFound) return std::string();
  return content;
}

}  // namespace

std::optional<std::string> S3Profile::value(std::string_view key) const {
  const auto found = values.find(key);
  return found == values.end() || found->second.empty() ? std::nullopt : std::optional(found->second);
}

std::optional<Settings> ini_section(std::string_view text, std::string_view name) {
  std::optional<Settings> settings;
  bool inside = false;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view raw = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::string_view line = base::trim_ascii(raw);
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    if (line.front() == '[') {
      inside = section_name(line) == name;
      if (inside && !settings) settings.emplace();
      continue;
    }
    const std::size_t equals = line.find('=');
    const bool nested = raw.front() == ' ' || raw.front() == '\t';
    if (!inside || nested || equals == std::string_view::npos) continue;
    std::string_view value = base::trim_ascii(line.substr(equals + 1));
    // A comment behind a value needs a space before it; secrets may contain '#'.
    for (const std::string_view mark : {" #", " ;", "\t#", "\t;"}) value = value.substr(0, value.find(mark));
    (*settings)[base::to_lower_ascii(base::trim_ascii(line.substr(0, equals)))] = base::trim_ascii(value);
  }
  return settings;
}

Result<S3Profile> read_s3_profile(const S3Environment& environment) {
  const auto asked = environment("AWS_PROFILE");
  S3Profile profile{.name = asked.value_or("default"), .asked_for = asked.has_value()};
  const auto home = environment("HOME");
  const auto path_of = [&](const char* variable, const char* in_home) {
    if (auto path = environment(variable)) return *std::move(path);
    return home ? *home + in_home : std::string();
  };
  profile.credentials_file = path_of("AWS_SHARED_CREDENTIALS_FILE", "/.aws/credentials");
  profile.config_file = path_of("AWS_CONFIG_FILE", "/.aws/config");

  OG_ASSIGN_OR_RETURN(const std::string credentials, content_of_file(profile.credentials_file));
  OG_ASSIGN_OR_RETURN(const std::string config, content_of_file(profile.config_file));
  auto from_credentials = ini_section(credentials, profile.name);
  auto from_config = ini_section(config, "profile " + profile.name);
  if (!from_config && profile.name == "default") from_config = ini_section(config, "default");
  if (profile.asked_for && !from_credentials && !from_config) {
    return std::unexpected(bad_request("AWS_PROFILE='" + profile.name + "' is neither in '" + profile.credentials_file +
                                       "' nor in '" + profile.config_file + "'"));
  }
  if (from_credentials) profile.values = *std::move(from_credentials);
  if (from_config) profile.values.merge(*from_config);
  return profile;
}

}  // namespace omnigraph::objectstore
