// File names of a dataset (chapter 10 section 3).
#include <algorithm>
#include <charconv>

#include "base/hash.h"
#include "base/ulid.h"
#include "lance/manifest.h"

namespace omnigraph::lance {
namespace {

constexpr std::string_view kManifestSuffix = ".manifest";
constexpr std::size_t kInvertedDigits = 20;

std::optional<std::uint64_t> parse_number(std::string_view digits) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

}  // namespace

std::string manifest_name(std::uint64_t version) {
  if (version >= kDetachedVersionMin) return std::string("d").append(std::to_string(version)).append(kManifestSuffix);
  const std::string digits = std::to_string(~version);  // 2^64-1-version
  return std::string(kInvertedDigits - digits.size(), '0') + digits + std::string(kManifestSuffix);
}

std::string plain_manifest_name(std::uint64_t version) {
  return std::to_string(version) + std::string(kManifestSuffix);
}

std::optional<std::uint64_t> version_of_name(std::string_view name) {
  if (!name.ends_with(kManifestSuffix)) return std::nullopt;
  name.remove_suffix(kManifestSuffix.size());
  const bool detached = name.starts_with('d');
  if (detached) name.remove_prefix(1);
  const auto number = parse_number(name);
  if (!number) return std::nullopt;
  if (detached) return *number >= kDetachedVersionMin ? number : std::nullopt;
  const std::uint64_t version = name.size() == kInvertedDigits ? ~*number : *number;
  return version < kDetachedVersionMin ? std::optional(version) : std::nullopt;
}

bool is_inverted_name(std::string_view name) {
  return name.size() == kInvertedDigits + kManifestSuffix.size() && !name.starts_with('d') &&
         version_of_name(name).has_value();
}

std::string deletion_file_name(std::uint64_t fragment_id, const DeletionFileEntry& entry) {
  return std::to_string(fragment_id) + "-" + std::to_string(entry.read_version) + "-" + std::to_string(entry.id) +
         (entry.type == DeletionFileType::kArrow ? ".arrow" : ".bin");
}

std::string new_data_file_name() {
  constexpr std::size_t kBinaryBytes = 3;
  constexpr std::size_t kRandomBytes = 16;
  const std::string random = base::random_bytes(kRandomBytes);
  std::string name;
  for (std::size_t i = 0; i < kBinaryBytes; ++i) {
    const auto byte = static_cast<unsigned char>(random[i]);
    for (int bit = 7; bit >= 0; --bit) name.push_back((byte >> bit & 1) != 0 ? '1' : '0');
  }
  return name + base::to_hex(std::string_view(random).substr(kBinaryBytes)) + ".lnc";
}

}  // namespace omnigraph::lance
