#include "cli/reject_file.h"

#include <unistd.h>

#include <algorithm>
#include <map>
#include <span>
#include <system_error>

#include "api/answers.h"
#include "base/file.h"
#include "base/text.h"

namespace omnigraph::cli {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kRecordsShown = 10;
constexpr std::size_t kKindsShown = 10;
constexpr std::size_t kTextBytesShown = 160;
constexpr unsigned kRejectFileMode = 0600;  // rows may be confidential

// At most so many bytes, not cutting a character.
std::string shortened(const std::string& text) {
  if (text.size() <= kTextBytesShown) return text;
  std::size_t end = kTextBytesShown;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0u) == 0x80u) --end;
  return text.substr(0, end).append("\xe2\x80\xa6");
}

// Where messages of bad records name the value at fault (engine/load_record.cc, load_rows.cc, load_values.cc and
// schema/value_rules.cc): what stands between `before` and `after` (empty: the end) becomes `instead`.
// tests/e2e/test_cli_rejects.py has a case for each.
struct ValuePlace {
  std::string_view before, after, instead;
};
constexpr ValuePlace kValuePlaces[] = {
    {"line ", ": ", ""},
    {", got ", "", ""},
    {" literal '", "'", " literal"},
    {" enum value '", "'", " enum value"},
    {" explicit id '", "'", " explicit id"},
    {" canonical @key id '", "'", " canonical @key id"},
    {" blob URI '", "'", " blob URI"},
    {" value out of range: ", "", " value out of range"},
    {" value ", " exceeds ", " value exceeds "},
    {"invalid base64 blob data: ", "", "invalid base64 blob data"},
};

// A message without its place and the value at fault, so that equal mistakes count together.
std::string kind_of_reject(const std::string& message) {
  constexpr std::string_view kInvalidJson = "invalid strict JSON";
  if (message.starts_with(kInvalidJson)) return std::string(kInvalidJson);
  std::string kind = message;
  for (const ValuePlace& place : kValuePlaces) {
    const std::size_t begin = kind.find(place.before);
    if (begin == std::string::npos) continue;
    const std::size_t from = begin + place.before.size();
    const std::size_t end = place.after.empty() ? kind.size() : kind.find(place.after, from);
    if (end != std::string::npos) kind.replace(begin, end - begin + place.after.size(), place.instead);
  }
  return kind;
}

}  // namespace

Result<void> check_reject_file(const std::string& file, const std::string& data) {
  std::error_code failed;
  if (fs::is_directory(file, failed)) {
    return std::unexpected(bad_request("--rejects '" + file + "' is a folder; name a file"));
  }
  if (data != "-" && fs::equivalent(file, data, failed)) {
    return std::unexpected(bad_request("--rejects '" + file + "' is the data itself; name another file"));
  }
  const fs::path named = fs::path(file).parent_path();
  const fs::path folder = named.empty() ? fs::path(".") : named;
  if (::access(folder.c_str(), W_OK | X_OK) != 0) return std::unexpected(base::io_error("write into", folder, errno));
  return {};
}

std::string reject_lines(const std::vector<engine::RejectedRecord>& rejected) {
  std::string lines;
  for (const engine::RejectedRecord& record : rejected) {
    base::JsonWriter json(lines);
    api::write_rejected_record(json, record);
    lines += '\n';
  }
  return lines;
}

Result<void> write_reject_file(const std::string& file, const std::vector<engine::RejectedRecord>& rejected) {
  const std::string lines = reject_lines(rejected);
  return base::replace_file_durably(file, std::as_bytes(std::span(lines)), kRejectFileMode);
}

std::string reject_summary(const std::string& file, const std::vector<engine::RejectedRecord>& rejected) {
  if (rejected.empty()) return {};
  std::string out = std::to_string(rejected.size());
  out.append(rejected.size() == 1 ? " record" : " records").append(" rejected, see ").append(file);
  for (std::size_t i = 0; i < std::min(rejected.size(), kRecordsShown); ++i) {
    out.append("\n  ").append(rejected[i].message).append("\n    ").append(shortened(rejected[i].text));
  }
  if (rejected.size() <= kRecordsShown) return out;
  std::map<std::string, std::size_t> kinds;
  for (const engine::RejectedRecord& record : rejected) ++kinds[kind_of_reject(record.message)];
  std::vector<std::pair<std::string, std::size_t>> counts(kinds.begin(), kinds.end());
  std::ranges::stable_sort(counts, std::ranges::greater(), &std::pair<std::string, std::size_t>::second);
  out += "\nin all";
  for (std::size_t i = 0; i < std::min(counts.size(), kKindsShown); ++i) {
    out.append("\n  ").append(std::to_string(counts[i].second)).append(" ").append(counts[i].first);
  }
  if (counts.size() > kKindsShown) {
    out.append("\n  and ").append(std::to_string(counts.size() - kKindsShown)).append(" kinds more");
  }
  return out;
}

}  // namespace omnigraph::cli
