// Commit records: the one object that publishes a change (chapter 09 section 3), and their envelope.
// Thread safety: values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "base/result.h"

namespace omnigraph::graph {

inline constexpr std::uint64_t kRecordBytesMax = std::uint64_t{16} << 20;
inline constexpr std::uint64_t kAttachBytesMax = std::uint64_t{256} << 10;  // of one record
inline constexpr std::uint64_t kAttachedBytesMax = std::uint64_t{4} << 20;  // in place nowhere else, all records
inline constexpr std::uint32_t kAttachedRecordsMax = 64;
inline constexpr std::uint32_t kTypesMax = 10'000;

struct RecordPosition {
  std::string branch;
  std::uint64_t seq = 0;
  std::string id;  // commit id; empty where the format has none
  friend bool operator==(const RecordPosition&, const RecordPosition&) = default;
};

struct TableEntry {
  std::string id;             // table id (ULID)
  std::uint64_t version = 0;  // Lance version; a decimal string in JSON
  std::string manifest;       // key
  std::uint64_t rows = 0;     // live
  std::uint64_t bytes = 0;
  std::uint64_t head_version = 0;
  std::optional<std::uint64_t> adopted;
  std::string branch;  // whose commit wrote the version
  friend bool operator==(const TableEntry&, const TableEntry&) = default;
};
using TableMap = std::map<std::string, TableEntry>;  // by table key: node:T, edge:E

struct ChangeCounts {
  std::uint64_t inserted = 0, updated = 0, deleted = 0;
};

enum class CommitKind { kInit, kLoad, kMutate, kMerge, kSchema, kOptimize, kRepair };
[[nodiscard]] std::string_view commit_kind_name(CommitKind kind);

struct Commit {
  std::string id;
  std::uint64_t version = 1;  // graph_manifest_version
  std::vector<std::string> parents;
  std::optional<RecordPosition> merged;
  std::optional<std::string> actor;
  std::int64_t at_us = 0;
  CommitKind kind = CommitKind::kMutate;
  bool content_preserving = false;
  std::map<std::string, ChangeCounts> changes;
  TableMap tables;  // entries this record changes, as of this commit
  std::vector<std::string> purged;
};

// Stable identities of types and properties, and the key order fixed at creation (chapter 01 section 6).
struct PropertyIdentity {
  std::string name;
  std::string id;
  std::vector<std::int32_t> field_ids;
};
struct TypeIdentity {
  std::string table_key;
  std::string id;  // opaque `type.id`; equals the table id
  std::vector<PropertyIdentity> properties;
  std::vector<std::string> key_order;  // member names in id order; empty = no key
};
struct RecordSchema {
  std::string digest;  // sha256 of the source; object schema/<digest>.pg
  std::vector<TypeIdentity> types;
  [[nodiscard]] const TypeIdentity* find(std::string_view table_key) const;
};

// Where the bytes of a key lie while they are only inside a record. `offset` counts from the record's first byte.
struct AttachedAt {
  std::string branch;
  std::uint64_t seq = 0, offset = 0, size = 0;
};

struct CommitRecord {
  std::string branch;
  std::string incarnation;
  std::uint64_t seq = 0;
  std::string token;
  std::optional<RecordPosition> forked_from;
  std::string head_id;
  std::uint64_t head_version = 0;
  std::vector<Commit> commits;
  RecordSchema schema;
  TableMap tables;  // complete snapshot after the last commit
  std::map<std::string, AttachedAt> attached;
  // Tables that a hard drop purged, by table id: before this record of the log they are removed history.
  std::map<std::string, std::uint64_t> purges;
  bool deleted = false;
};

struct Attachment {
  std::string key;
  std::string bytes;
};

// Fills in record.attached for the attachments (branch, seq, offset, size) and returns the object's bytes:
// u32 header length | header JSON | attachments | "OGCOMMIT" | xxhash64 of all before.
[[nodiscard]] Result<std::string> encode_record(CommitRecord& record, const std::vector<Attachment>& attachments);
// Checks magic, lengths and hash. Errors: kCorruptObject naming `key`.
[[nodiscard]] Result<CommitRecord> decode_record(const Buffer& bytes, std::string_view key);

}  // namespace omnigraph::graph
