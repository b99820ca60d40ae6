#include "cli/credentials.h"

#include <sys/stat.h>

#include <cerrno>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/text.h"

namespace omnigraph::cli {

namespace fs = std::filesystem;

namespace {

// Section of a header line `[name]`; nullopt: another line.
std::optional<std::string> header_of(std::string_view line) {
  const std::string_view text = base::trim_ascii(line);
  if (!text.starts_with('[') || !text.ends_with(']')) return std::nullopt;
  return std::string(base::trim_ascii(text.substr(1, text.size() - 2)));
}

// Value of a line `token = VALUE`; nullopt: another line.
std::optional<std::string> token_of(std::string_view line) {
  const std::string_view text = base::trim_ascii(line);
  const auto equals = text.find('=');
  if (text.starts_with('#') || equals == std::string_view::npos) return std::nullopt;
  if (base::trim_ascii(text.substr(0, equals)) != "token") return std::nullopt;
  std::string_view value = base::trim_ascii(text.substr(equals + 1));
  if (value.size() >= 2 && value.front() == value.back() && (value.front() == '"' || value.front() == '\'')) {
    value = value.substr(1, value.size() - 2);
  }
  return std::string(value);
}

std::string token_line(const std::string& token) {
  const bool quoted =
      token.size() >= 2 && token.front() == token.back() && (token.front() == '"' || token.front() == '\'');
  const char* quote = !quoted ? "" : token.front() == '"' ? "'" : "\"";
  return std::string("token = ").append(quote).append(token).append(quote);
}

// The file as lines without their line feeds; no file: none.
Result<std::vector<std::string>> read_lines(const fs::path& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return std::vector<std::string>{};
    return std::unexpected(base::io_error("read", path, errno));
  }
  if ((status.st_mode & 077U) != 0) {
    return std::unexpected(bad_request(
        "'" + path.string() + "' holds tokens and may be opened by others; run `chmod 600 " + path.string() + "`"));
  }
  OG_ASSIGN_OR_RETURN(const std::string text, base::read_file(path));
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

Result<void> write_lines(const fs::path& path, const std::vector<std::string>& lines) {
  std::error_code failed;
  if (!fs::exists(path.parent_path(), failed)) {
    fs::create_directories(path.parent_path(), failed);
    if (failed) return std::unexpected(base::io_error("create", path.parent_path(), failed.value()));
    fs::permissions(path.parent_path(), fs::perms::owner_all, failed);
  }
  std::string text;
  for (const std::string& line : lines) text.append(line).append("\n");
  return base::replace_file_durably(path, std::as_bytes(std::span(text)), 0600);
}

// Lines [begin, end) of section `name`, its header included; begin = end = size where there is none.
std::pair<std::size_t, std::size_t> section_of(const std::vector<std::string>& lines, const std::string& name) {
  std::size_t begin = 0;
  while (begin < lines.size() && header_of(lines[begin]) != name) ++begin;
  std::size_t end = std::min(begin + 1, lines.size());
  while (end < lines.size() && !header_of(lines[end])) ++end;
  return {begin, end};
}

}  // namespace

fs::path credentials_path(const fs::path& home) { return home / "credentials"; }

Result<std::optional<std::string>> read_token(const fs::path& home, const std::string& name) {
  OG_ASSIGN_OR_RETURN(const auto lines, read_lines(credentials_path(home)));
  const auto [begin, end] = section_of(lines, name);
  for (std::size_t i = begin; i < end; ++i) {
    if (auto token = token_of(lines[i]); token && !base::trim_ascii(*token).empty()) return token;
  }
  return std::nullopt;
}

Result<void> store_token(const fs::path& home, const std::string& name, const std::string& token) {
  OG_ASSIGN_OR_RETURN(auto lines, read_lines(credentials_path(home)));
  const auto [begin, end] = section_of(lines, name);
  if (begin == end) {
    if (!lines.empty() && !base::trim_ascii(lines.back()).empty()) lines.emplace_back();
    lines.push_back(std::string("[").append(name).append("]"));
    lines.push_back(token_line(token));
    return write_lines(credentials_path(home), lines);
  }
  std::size_t at = begin + 1;
  while (at < end && !token_of(lines[at])) ++at;
  if (at < end) {
    lines[at] = token_line(token);
  } else {
    lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(begin) + 1, token_line(token));
  }
  return write_lines(credentials_path(home), lines);
}

Result<void> remove_token(const fs::path& home, const std::string& name) {
  OG_ASSIGN_OR_RETURN(auto lines, read_lines(credentials_path(home)));
  const auto [begin, end] = section_of(lines, name);
  if (begin == end) return {};
  lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(begin), lines.begin() + static_cast<std::ptrdiff_t>(end));
  return write_lines(credentials_path(home), lines);
}

}  // namespace omnigraph::cli
