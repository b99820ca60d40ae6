#include "graph/layout.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.h"

namespace omnigraph::graph {
namespace {

constexpr std::string_view kRecordSuffix = ".commit";
constexpr std::size_t kSlotDigits = 20;
constexpr std::size_t kEncodedBranchSizeMax = 255;  // one path segment on every file system we know
constexpr std::string_view kReservedBranch = "__schema_apply_lock__";

bool is_ascii_alnum(unsigned char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Letters beyond ASCII are allowed in names; of the rest only these.
bool is_branch_byte(unsigned char c) { return is_ascii_alnum(c) || c == '.' || c == '-' || c == '_' || c >= 0x80; }

// White space, controls and invisible marks beyond ASCII are no letters.
bool has_forbidden_code_point(std::string_view name) {
  for (std::size_t at = 0; at < name.size();) {
    const char32_t c = base::next_code_point(name, at);
    if (c < 0x80) continue;
    if (c <= 0xbf && c != 0xaa && c != 0xb5 && c != 0xba) return true;
    if (c == 0xd7 || c == 0xf7 || c == 0x1680 || (c >= 0x2000 && c <= 0x206f) || c == 0x3000 || c == 0xfeff)
      return true;
    if ((c >= 0xe000 && c <= 0xf8ff) || c == 0xfffd || c >= 0xe0000) return true;
  }
  return false;
}

std::string twenty_digits(std::uint64_t value) {
  std::string digits = std::to_string(value);
  return std::string(kSlotDigits - digits.size(), '0') + digits;
}

}  // namespace

Result<std::string> checked_branch_name(std::string_view name) {
  if (!base::is_valid_utf8(name)) return std::unexpected(bad_request("branch name is not valid UTF-8"));
  const std::string_view trimmed = base::trim_unicode(name);
  if (trimmed.empty()) return std::unexpected(bad_request("branch name cannot be empty"));
  const auto bad = [&](std::string_view why) {
    return std::unexpected(bad_request("invalid branch name '" + std::string(trimmed) + "': " + std::string(why)));
  };
  if (trimmed == kReservedBranch) return bad("the name is reserved");
  std::size_t begin = 0;
  while (true) {
    const std::size_t end = std::min(trimmed.find('/', begin), trimmed.size());
    const std::string_view segment = trimmed.substr(begin, end - begin);
    if (segment.empty()) return bad("segments between '/' cannot be empty");
    for (const char c : segment) {
      if (!is_branch_byte(static_cast<unsigned char>(c))) return bad("use letters, digits, '.', '-', '_' and '/'");
    }
    if (end == trimmed.size()) break;
    begin = end + 1;
  }
  if (has_forbidden_code_point(trimmed)) return bad("use letters, digits, '.', '-', '_' and '/'");
  if (trimmed.find("..") != std::string_view::npos) return bad("it cannot contain '..'");
  if (trimmed.ends_with(".lock")) return bad("it cannot end in '.lock'");
  if (encode_branch(trimmed).size() > kEncodedBranchSizeMax) {
    return bad("it is longer than 255 bytes in percent-encoded form");
  }
  return std::string(trimmed);
}

std::string encode_branch(std::string_view branch) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (std::size_t i = 0; i < branch.size(); ++i) {
    const auto c = static_cast<unsigned char>(branch[i]);
    if (is_ascii_alnum(c) || c == '-' || c == '_' || (c == '.' && i > 0)) {
      out += static_cast<char>(c);
    } else {
      out += '%';
      out += kHex[c >> 4];
      out += kHex[c & 15];
    }
  }
  return out;
}

std::optional<std::string> decode_branch(std::string_view segment) {
  std::optional<std::string> name = base::percent_decode(segment);
  // One name, one spelling: anything else under log/ is not ours.
  if (!name || name->empty() || encode_branch(*name) != segment) return std::nullopt;
  return name;
}

std::string log_prefix(std::string_view branch) { return "log/" + encode_branch(branch) + "/"; }

std::string record_key(std::string_view branch, std::uint64_t seq) {
  return log_prefix(branch) + twenty_digits(~seq) + std::string(kRecordSuffix);
}

std::optional<std::uint64_t> seq_of_record_key(std::string_view key) {
  if (!key.ends_with(kRecordSuffix)) return std::nullopt;
  key.remove_suffix(kRecordSuffix.size());
  const std::size_t slash = key.rfind('/');
  if (slash != std::string_view::npos) key.remove_prefix(slash + 1);
  if (key.size() != kSlotDigits) return std::nullopt;
  std::uint64_t slot = 0;
  const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), slot);
  if (error != std::errc() || end != key.data() + key.size()) return std::nullopt;
  return ~slot;
}

std::string commit_pointer_key(std::string_view commit_id) { return "commits/" + std::string(commit_id); }

std::string schema_key(std::string_view digest) { return "schema/" + std::string(digest) + ".pg"; }

std::string table_root(schema::EntityKind kind, std::string_view type_name, std::string_view table_id) {
  return "tables/" + std::string(schema::kind_name(kind)) + "/" + std::string(type_name) + "-" + std::string(table_id);
}

std::string table_root_of(std::string_view manifest_key) {
  const std::size_t at = manifest_key.rfind("/_versions/");
  OG_CHECK(at != std::string_view::npos);
  return std::string(manifest_key.substr(0, at));
}

std::string data_file_key(std::string_view table_root, std::string_view path) {
  return std::string(table_root) + "/data/" + std::string(path);
}

std::string deletion_copy_key(std::string_view table_root, const lance::Fragment& fragment,
                              const lance::DeletionFileEntry& entry) {
  std::string_view stem = fragment.files.empty() ? std::string_view("empty") : std::string_view(fragment.files[0].path);
  if (const std::size_t dot = stem.rfind('.'); dot != std::string_view::npos) stem = stem.substr(0, dot);
  return std::string(table_root) + "/deletes/" + std::string(stem) + "-" + std::to_string(entry.id) + ".bin";
}

std::string deletion_file_key(std::string_view table_root, std::uint64_t fragment_id,
                              const lance::DeletionFileEntry& entry) {
  return std::string(table_root) + "/_deletions/" + lance::deletion_file_name(fragment_id, entry);
}

}  // namespace omnigraph::graph
