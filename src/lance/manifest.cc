#include "lance/manifest.h"

#include <algorithm>
#include <cstring>
#include <unordered_set>

#include "lance/file_layout.h"
#include "lance/little_endian.h"
#include "lance/manifest_messages.h"

namespace omnigraph::lance {
namespace {

// Feature flags (section 4.5).
constexpr std::uint64_t kFlagDeletions = 1;
constexpr std::uint64_t kFlagStableRowIds = 2;
constexpr std::uint64_t kFlagObsolete = 4;
constexpr std::uint64_t kFlagConfig = 8;
constexpr std::uint64_t kFlagBasePaths = 16;
constexpr std::uint64_t kFlagInlineTransactions = 32;
constexpr std::uint64_t kFlagMixedVersions = 256;
constexpr std::uint64_t kFlagExclusiveWriter = std::uint64_t{1} << 62;
constexpr std::uint64_t kKnownFlags = kFlagDeletions | kFlagStableRowIds | kFlagObsolete | kFlagConfig |
                                      kFlagBasePaths | kFlagInlineTransactions | kFlagMixedVersions;

// u64 position of the message | u16 0 | u16 2 | magic
constexpr std::size_t kTailBytes = 16;
constexpr std::uint16_t kEnvelopeMinor = 2;

constexpr std::int64_t kMicrosPerSecond = 1'000'000;
constexpr std::int32_t kTombstone = -2;  // "ignore this column"

template <class T>
T number_at(std::string_view bytes, std::size_t position) {
  T value;
  std::memcpy(&value, bytes.data() + position, sizeof(T));
  return value;
}

// Appends `u32 length | message` and returns its offset.
std::uint64_t append_section(std::string& out, std::string_view message) {
  const std::uint64_t offset = out.size();
  append_number(out, static_cast<std::uint32_t>(message.size()));
  out += message;
  return offset;
}

Result<std::string_view> section_at(std::string_view file, std::uint64_t offset, std::string_view what,
                                    std::string_view key) {
  if (offset <= file.size() && file.size() - offset >= sizeof(std::uint32_t)) {
    const auto size = number_at<std::uint32_t>(file, static_cast<std::size_t>(offset));
    const std::string_view rest = file.substr(static_cast<std::size_t>(offset) + sizeof(std::uint32_t));
    if (size <= rest.size()) return rest.substr(0, size);
  }
  return std::unexpected(corrupt_object(key, std::string(what) + " lies outside the file"));
}

struct Flags {
  std::uint64_t reader = 0;
  std::uint64_t writer = 0;
};

Flags flags_of(const Manifest& manifest, bool inline_transaction) {
  Flags flags;
  const auto both = [&](bool set, std::uint64_t flag) {
    if (!set) return;
    flags.reader |= flag;
    flags.writer |= flag;
  };
  both(std::ranges::any_of(manifest.fragments, [](const Fragment& f) { return f.deletion_file.has_value(); }),
       kFlagDeletions);
  both(manifest.stable_row_ids, kFlagStableRowIds);
  both(!manifest.base_paths.empty(), kFlagBasePaths);
  both(manifest.mixed_file_versions, kFlagMixedVersions);
  if (!manifest.config.empty()) flags.writer |= kFlagConfig;
  if (inline_transaction && manifest.transaction_file.empty()) flags.writer |= kFlagInlineTransactions;
  if (manifest.exclusive_writer) flags.writer |= kFlagExclusiveWriter;
  return flags;
}

WireWriter timestamp_message(std::int64_t timestamp_us) {
  std::int64_t seconds = timestamp_us / kMicrosPerSecond;
  std::int64_t micros = timestamp_us % kMicrosPerSecond;
  if (micros < 0) {
    micros += kMicrosPerSecond;
    --seconds;
  }
  return WireWriter().uint(1, static_cast<std::uint64_t>(seconds)).uint(2, static_cast<std::uint64_t>(micros * 1000));
}

WireWriter base_path_message(const BasePath& base) {
  WireWriter out;
  out.uint(1, base.id);
  if (base.name) out.bytes(2, *base.name);
  out.uint(3, base.is_dataset_root ? 1 : 0).text(4, base.path);
  return out;
}

// Offsets of sections, as found in the message.
struct SectionOffsets {
  std::optional<std::uint64_t> index;
  std::optional<std::uint64_t> transaction;        // field 23
  std::optional<std::uint64_t> older_transaction;  // field 21
};

Result<std::int64_t> parse_timestamp(std::string_view message, std::string_view key) {
  std::int64_t seconds = 0;
  std::int64_t nanos = 0;
  WireReader in(message);
  while (in.next()) {
    if (in.field() == 1) seconds = in.int64();
    if (in.field() == 2) nanos = in.int32();
  }
  if (!in.ok()) return std::unexpected(corrupt_object(key, "bad timestamp"));
  constexpr std::int64_t kSecondsMax = std::int64_t{1} << 42;  // year 139,000
  return std::clamp(seconds, -kSecondsMax, kSecondsMax) * kMicrosPerSecond + nanos / 1000;
}

Result<BasePath> parse_base_path(std::string_view message, std::string_view key) {
  BasePath base;
  WireReader in(message);
  while (in.next()) {
    switch (in.field()) {
      case 1: base.id = in.uint32(); break;
      case 2: base.name = in.text(); break;
      case 3: base.is_dataset_root = in.boolean(); break;
      case 4: base.path = in.text(); break;
      default: break;
    }
  }
  if (!in.ok()) return std::unexpected(corrupt_object(key, "bad base path"));
  return base;
}

// Two text fields of a message: writer version and data format.
Result<std::pair<std::string, std::string>> parse_pair(std::string_view message, std::string_view key) {
  std::pair<std::string, std::string> pair;
  WireReader in(message);
  while (in.next()) {
    if (in.field() == 1) pair.first = in.text();
    if (in.field() == 2) pair.second = in.text();
  }
  if (!in.ok()) return std::unexpected(corrupt_object(key, "bad version message"));
  return pair;
}

Result<void> parse_body_field(WireReader& in, std::string_view key, Manifest& out, SectionOffsets& sections) {
  switch (in.field()) {
    case 1: {
      OG_ASSIGN_OR_RETURN(SchemaField field, parse_field(in.bytes(), key));
      out.fields.push_back(std::move(field));
      break;
    }
    case 2: {
      OG_ASSIGN_OR_RETURN(Fragment fragment, parse_fragment(in.bytes(), key));
      out.fragments.push_back(std::move(fragment));
      break;
    }
    case 3: out.version = in.uint(); break;
    case 5: in.map_entry(out.schema_metadata); break;
    case 6: sections.index = in.uint(); break;
    case 7: {
      OG_ASSIGN_OR_RETURN(out.timestamp_us, parse_timestamp(in.bytes(), key));
      break;
    }
    case 9: out.reader_flags = in.uint(); break;
    case 10: out.writer_flags = in.uint(); break;
    case 11: out.max_fragment_id = in.uint32(); break;
    case 12: out.transaction_file = in.text(); break;
    case 13: {
      OG_ASSIGN_OR_RETURN(const auto writer, parse_pair(in.bytes(), key));
      std::tie(out.writer_library, out.writer_version) = writer;
      break;
    }
    case 14: out.next_row_id = in.uint(); break;
    case 15: {
      OG_ASSIGN_OR_RETURN(const auto format, parse_pair(in.bytes(), key));
      if (format.first != "lance") {
        return std::unexpected(unsupported_dataset(key, "data file format '" + format.first + "'"));
      }
      out.data_format_version = format.second;
      break;
    }
    case 16: in.map_entry(out.config); break;
    case 18: {
      OG_ASSIGN_OR_RETURN(BasePath base, parse_base_path(in.bytes(), key));
      out.base_paths.push_back(std::move(base));
      break;
    }
    case 19: in.map_entry(out.table_metadata); break;
    case 20: out.branch = in.text(); break;
    case 21: sections.older_transaction = in.uint(); break;
    case 22: return std::unexpected(unsupported_dataset(key, "manifest field 22 (fragments in an external tree)"));
    case 23: sections.transaction = in.uint(); break;
    default: break;
  }
  return {};
}

Result<void> check_flags(Manifest& manifest, std::string_view key) {
  if (const std::uint64_t unknown = manifest.reader_flags & ~kKnownFlags; unknown != 0) {
    return std::unexpected(unsupported_dataset(key, "reader feature flag " + std::to_string(unknown)));
  }
  if (((manifest.reader_flags ^ manifest.writer_flags) & kFlagMixedVersions) != 0) {
    return std::unexpected(
        unsupported_dataset(key, "feature flag 256 (several data file versions) stands in one word only"));
  }
  manifest.stable_row_ids = (manifest.reader_flags & kFlagStableRowIds) != 0;
  manifest.mixed_file_versions = (manifest.reader_flags & kFlagMixedVersions) != 0;
  manifest.exclusive_writer = (manifest.writer_flags & kFlagExclusiveWriter) != 0;
  return {};
}

Result<void> check_data_file(const Manifest& manifest, const DataFileEntry& file, std::string_view key) {
  const std::string version = std::to_string(file.major_version) + "." + std::to_string(file.minor_version);
  if (file.major_version != 2 || file.minor_version > 2) {
    return std::unexpected(unsupported_dataset(key, "data file '" + file.path + "' of version " + version));
  }
  if (!manifest.mixed_file_versions && version != manifest.data_format_version) {
    return std::unexpected(unsupported_dataset(key, "data file '" + file.path + "' of version " + version +
                                                        " in a dataset of version " + manifest.data_format_version +
                                                        " without feature flag 256"));
  }
  return {};
}

Result<void> check_base(const Manifest& manifest, const std::optional<std::uint32_t>& base_id, bool needs_root,
                        std::string_view key) {
  if (!base_id) return {};
  for (const BasePath& base : manifest.base_paths) {
    if (base.id == *base_id && (base.is_dataset_root || !needs_root)) return {};
  }
  return std::unexpected(corrupt_object(key, "no usable base path " + std::to_string(*base_id)));
}

Result<void> check_fragment(const Manifest& manifest, const Fragment& fragment, std::string_view key) {
  const std::string name = "fragment " + std::to_string(fragment.id);
  if (fragment.id > 0xffffffff) return std::unexpected(corrupt_object(key, name + " is out of range"));
  if (fragment.physical_rows > 0xffffffff) {
    return std::unexpected(corrupt_object(key, name + " has " + std::to_string(fragment.physical_rows) + " rows"));
  }
  std::unordered_set<std::int32_t> seen;
  for (const DataFileEntry& file : fragment.files) {
    OG_RETURN_IF_ERROR(check_data_file(manifest, file, key));
    OG_RETURN_IF_ERROR(check_base(manifest, file.base_id, /*needs_root=*/false, key));
    for (const std::int32_t id : file.fields) {
      if (id != kTombstone && !seen.insert(id).second) {
        return std::unexpected(corrupt_object(key, name + " stores field " + std::to_string(id) + " twice"));
      }
    }
  }
  if (fragment.deletion_file) {
    OG_RETURN_IF_ERROR(check_base(manifest, fragment.deletion_file->base_id, /*needs_root=*/true, key));
    if (fragment.deletion_file->deleted_rows > fragment.physical_rows) {
      return std::unexpected(corrupt_object(key, name + " has more deleted rows than rows"));
    }
  }
  if (!manifest.stable_row_ids) return {};
  if (!fragment.row_ids) {
    return std::unexpected(corrupt_object(key, name + " has no row ids: every fragment needs row ids"));
  }
  if (fragment.row_ids->size() != fragment.physical_rows) {
    return std::unexpected(corrupt_object(key, name + " has " + std::to_string(fragment.row_ids->size()) +
                                                   " row ids for " + std::to_string(fragment.physical_rows) + " rows"));
  }
  return {};
}

Result<void> check_manifest(const Manifest& manifest, std::string_view key) {
  const std::string& format = manifest.data_format_version;
  if (format != "2.0" && format != "2.1" && format != "2.2") {
    return std::unexpected(unsupported_dataset(key, "data file version '" + format + "'"));
  }
  if (auto fields = column_fields(manifest.fields); !fields) return std::unexpected(fields.error());
  for (std::size_t i = 0; i < manifest.fragments.size(); ++i) {
    if (i != 0 && manifest.fragments[i].id <= manifest.fragments[i - 1].id) {
      return std::unexpected(
          corrupt_object(key, "fragment " + std::to_string(manifest.fragments[i].id) + " is out of order"));
    }
    OG_RETURN_IF_ERROR(check_fragment(manifest, manifest.fragments[i], key));
  }
  return {};
}

// The Manifest message inside the envelope.
Result<std::string_view> manifest_message(std::string_view file, std::string_view key) {
  if (file.size() < kTailBytes + sizeof(std::uint32_t)) {
    return std::unexpected(corrupt_object(key, "too short for a manifest"));
  }
  if (!file.ends_with(kMagic)) return std::unexpected(corrupt_object(key, "no manifest: the magic is missing"));
  const auto position = number_at<std::uint64_t>(file, file.size() - kTailBytes);
  if (position > file.size() - kTailBytes - sizeof(std::uint32_t)) {
    return std::unexpected(corrupt_object(key, "the manifest position lies outside the file"));
  }
  const auto at = static_cast<std::size_t>(position);
  const auto size = number_at<std::uint32_t>(file, at);
  if (position + sizeof(std::uint32_t) + size + kTailBytes != file.size()) {
    return std::unexpected(corrupt_object(key, "the manifest size does not fit the file"));
  }
  return file.substr(at + sizeof(std::uint32_t), size);
}

}  // namespace

std::uint64_t Manifest::live_rows() const {
  std::uint64_t rows = 0;
  for (const Fragment& fragment : fragments) {
    rows += fragment.physical_rows - (fragment.deletion_file ? fragment.deletion_file->deleted_rows : 0);
  }
  return rows;
}

std::string serialize_manifest(const Manifest& manifest) {
  std::string out;
  const bool has_transaction =
      manifest.transaction && !std::holds_alternative<std::monostate>(manifest.transaction->operation);
  const std::uint64_t index_offset = manifest.index_section.empty() ? 0 : append_section(out, manifest.index_section);
  const std::uint64_t transaction_offset =
      has_transaction ? append_section(out, transaction_message(*manifest.transaction, manifest.schema_metadata).view())
                      : 0;

  const Flags flags = flags_of(manifest, has_transaction);
  WireWriter message;
  for (const SchemaField& field : manifest.fields) message.message(1, field_message(field));
  for (const Fragment& fragment : manifest.fragments) message.message(2, fragment_message(fragment));
  message.uint(3, manifest.version).map(5, manifest.schema_metadata);
  if (!manifest.index_section.empty()) message.present_uint(6, index_offset);
  if (manifest.timestamp_us != 0) message.message(7, timestamp_message(manifest.timestamp_us));
  message.uint(9, flags.reader).uint(10, flags.writer);
  if (manifest.max_fragment_id) message.present_uint(11, *manifest.max_fragment_id);
  message.text(12, manifest.transaction_file);
  if (!manifest.writer_library.empty() || !manifest.writer_version.empty()) {
    message.message(13, WireWriter().text(1, manifest.writer_library).text(2, manifest.writer_version));
  }
  if (manifest.stable_row_ids) message.uint(14, manifest.next_row_id);
  message.message(15, WireWriter().text(1, "lance").text(2, manifest.data_format_version));
  message.map(16, manifest.config);
  for (const BasePath& base : manifest.base_paths) message.message(18, base_path_message(base));
  message.map(19, manifest.table_metadata);
  message.text(20, manifest.branch);
  if (has_transaction) message.present_uint(21, transaction_offset).present_uint(23, transaction_offset);

  const std::uint64_t position = append_section(out, message.view());
  append_number(out, position);
  append_number(out, std::uint16_t{0});
  append_number(out, kEnvelopeMinor);
  out += kMagic;
  return out;
}

Result<Manifest> parse_manifest(const Buffer& bytes, std::string_view key) {
  const std::string_view file = bytes.text();
  OG_ASSIGN_OR_RETURN(const std::string_view message, manifest_message(file, key));
  Manifest manifest;
  manifest.version = 0;
  manifest.data_format_version.clear();
  SectionOffsets sections;
  WireReader in(message);
  while (in.next()) OG_RETURN_IF_ERROR(parse_body_field(in, key, manifest, sections));
  if (!in.ok()) return std::unexpected(corrupt_object(key, "malformed manifest"));
  OG_RETURN_IF_ERROR(check_flags(manifest, key));
  OG_RETURN_IF_ERROR(check_manifest(manifest, key));

  if (sections.index) {
    OG_ASSIGN_OR_RETURN(const auto section, section_at(file, *sections.index, "the index section", key));
    manifest.index_section = std::string(section);
  }
  if (const auto offset = sections.transaction ? sections.transaction : sections.older_transaction) {
    OG_ASSIGN_OR_RETURN(const auto section, section_at(file, *offset, "the inline transaction", key));
    OG_ASSIGN_OR_RETURN(manifest.transaction, parse_transaction(section, key));
  }
  return manifest;
}

Result<void> check_writable(const Manifest& manifest, std::string_view key) {
  if (const std::uint64_t unknown = manifest.writer_flags & ~(kKnownFlags | kFlagExclusiveWriter); unknown != 0) {
    return std::unexpected(unsupported_dataset(key, "writer feature flag " + std::to_string(unknown)));
  }
  return {};
}

}  // namespace omnigraph::lance
