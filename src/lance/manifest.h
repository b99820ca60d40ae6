// Lance table manifests: the message, its envelope, file names and feature flags (chapter 10 sections 3 and 4).
// parse_manifest refuses what section 2 names; unknown protobuf fields are dropped (none of ours).
// Thread safety: values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/buffer.h"
#include "base/result.h"
#include "columnar/data_type.h"
#include "lance/row_ids.h"

namespace omnigraph::lance {

// One entry of the depth-first schema list.
struct SchemaField {
  std::string name;
  std::int32_t id = 0;
  std::int32_t parent_id = -1;
  std::string logical_type;
  bool nullable = true;
  std::map<std::string, std::string> metadata;
  friend bool operator==(const SchemaField&, const SchemaField&) = default;
};

struct DataFileEntry {
  std::string path;  // below data/
  std::vector<std::int32_t> fields;
  std::vector<std::int32_t> column_indices;
  std::uint32_t major_version = 2;
  std::uint32_t minor_version = 0;
  std::uint64_t file_size_bytes = 0;
  std::optional<std::uint32_t> base_id;
  friend bool operator==(const DataFileEntry&, const DataFileEntry&) = default;
};

enum class DeletionFileType : std::uint8_t { kArrow = 0, kBitmap = 1 };

struct DeletionFileEntry {
  DeletionFileType type = DeletionFileType::kBitmap;
  std::uint64_t read_version = 0;
  std::uint64_t id = 0;
  std::uint64_t deleted_rows = 0;
  std::optional<std::uint32_t> base_id;
  friend bool operator==(const DeletionFileEntry&, const DeletionFileEntry&) = default;
};

struct Fragment {
  std::uint64_t id = 0;
  std::vector<DataFileEntry> files;
  std::optional<DeletionFileEntry> deletion_file;
  std::uint64_t physical_rows = 0;
  std::optional<RowIdSequence> row_ids;
};

struct BasePath {
  std::uint32_t id = 0;
  std::optional<std::string> name;
  bool is_dataset_root = false;
  std::string path;
};

// The operation recorded for foreign writers (section 4.7). Fragments of append and update carry id 0.
struct Transaction {
  struct Append {
    std::vector<Fragment> fragments;
  };
  struct Overwrite {
    std::vector<Fragment> fragments;
    std::vector<SchemaField> schema;
  };
  struct Update {
    std::vector<std::uint64_t> removed_fragment_ids;
    std::vector<Fragment> updated, added;
  };
  struct Rewrite {
    std::vector<std::pair<std::vector<Fragment>, std::vector<Fragment>>> groups;
  };
  struct Merge {
    std::vector<Fragment> fragments;
    std::vector<SchemaField> schema;
  };
  struct Project {
    std::vector<SchemaField> schema;
  };
  std::uint64_t read_version = 0;
  std::string uuid;  // lower-case, with dashes
  std::variant<std::monostate, Append, Overwrite, Update, Rewrite, Merge, Project> operation;  // monostate: another one
};

struct Manifest {
  std::vector<SchemaField> fields;
  std::vector<Fragment> fragments;  // ascending ids
  std::uint64_t version = 1;
  std::map<std::string, std::string> schema_metadata, table_metadata, config;
  std::string index_section;  // the bytes of the IndexSection message; empty = none
  std::int64_t timestamp_us = 0;
  std::optional<std::uint32_t> max_fragment_id;
  std::string transaction_file;
  std::string writer_library, writer_version;
  std::uint64_t next_row_id = 0;
  bool stable_row_ids = false;
  bool exclusive_writer = false;     // private writer flag 2^62
  bool mixed_file_versions = false;  // flag 256
  std::string data_format_version = "2.0";
  std::vector<BasePath> base_paths;
  std::string branch;
  std::optional<Transaction> transaction;  // inline
  // As stored, for checks and display; serialize_manifest recomputes them.
  std::uint64_t reader_flags = 0, writer_flags = 0;

  [[nodiscard]] std::uint64_t live_rows() const;  // physical rows less deleted ones
};

[[nodiscard]] std::string serialize_manifest(const Manifest& manifest);
// `key` names the object in errors. Errors: kCorruptObject, kUnsupportedFormat ("unsupported dataset: ..").
[[nodiscard]] Result<Manifest> parse_manifest(const Buffer& bytes, std::string_view key);
// Refuses unknown writer flags: reading such a dataset is fine, committing on top of it is not.
[[nodiscard]] Result<void> check_writable(const Manifest& manifest, std::string_view key);

// Names inside _versions/ (section 3).
inline constexpr std::uint64_t kDetachedVersionMin = std::uint64_t{1} << 63;
[[nodiscard]] std::string manifest_name(std::uint64_t version);        // inverted, or d<version> for detached ones
[[nodiscard]] std::string plain_manifest_name(std::uint64_t version);  // of older tables
// Version of a file name of either scheme; nullopt: not a manifest name.
[[nodiscard]] std::optional<std::uint64_t> version_of_name(std::string_view name);
// Of inverted names the first in listing order is the latest version.
[[nodiscard]] bool is_inverted_name(std::string_view name);
// Deletion file name inside _deletions/ for a fragment.
[[nodiscard]] std::string deletion_file_name(std::uint64_t fragment_id, const DeletionFileEntry& entry);
// A fresh data file name ending in ".lnc" (section 3).
[[nodiscard]] std::string new_data_file_name();

// Schema lists to nested column types and back. Errors: kUnsupportedFormat naming the logical type.
[[nodiscard]] Result<std::vector<columnar::Field>> column_fields(const std::vector<SchemaField>& schema);
// Numbers the fields depth-first from `first_id`.
[[nodiscard]] std::vector<SchemaField> schema_fields(const std::vector<columnar::Field>& fields,
                                                     std::int32_t first_id = 0);

}  // namespace omnigraph::lance
