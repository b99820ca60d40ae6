// Table manifests of the graph's own making: the first one of a type, the next one after a write, the regular copy for
// tools that open a dataset without a version (chapter 09 section 5, chapter 10 sections 4.7 and 4.9).
// Thread safety: free functions on values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "graph/prepare.h"
#include "graph/record.h"
#include "lance/manifest.h"
#include "schema/catalog.h"

namespace omnigraph::graph {

// Table metadata of ours. A regular version that does not name its own number is foreign.
inline constexpr std::string_view kVersionMetadata = "omnigraph.version";
inline constexpr std::string_view kCommitMetadata = "omnigraph.commit";
inline constexpr std::string_view kTableMetadata =
    "omnigraph.table";  // node:T, edge:E at the last commit that wrote it

// Who makes a manifest and for what.
struct ManifestOrigin {
  std::string table_key;
  std::string commit_id;
  std::int64_t at_us = 0;
};

// 2^63 plus 63 random bits (chapter 10 section 4.10).
[[nodiscard]] std::uint64_t new_detached_version();

// Columns of a type's table in order: id; edges also src, dst, SrcRow, DstRow; then the properties.
[[nodiscard]] std::vector<columnar::Field> table_fields(const schema::Catalog& catalog, schema::TypeRef type);
// A table without rows, version `version`.
[[nodiscard]] lance::Manifest first_manifest(const schema::Catalog& catalog, schema::TypeRef type,
                                             std::uint64_t version, bool exclusive_writer,
                                             const ManifestOrigin& origin);
// Stable identities of a type's properties, numbered as `manifest` has its fields.
[[nodiscard]] TypeIdentity first_identity(const schema::Catalog& catalog, schema::TypeRef type, std::string table_id,
                                          const lance::Manifest& manifest);

struct NextManifest {
  lance::Manifest manifest;
  std::vector<NewObject> deletions;  // both copies of each new bitmap
};
// `base` with the changes of `prepared`. Errors: kResourceLimit when the fragment numbers are used up.
[[nodiscard]] Result<NextManifest> next_manifest(const lance::Manifest& base, const PreparedTable& prepared,
                                                 std::string_view table_root, std::uint64_t version,
                                                 const ManifestOrigin& origin);

// `changed`, a copy of `base` with other fields or files, as version `version`.
[[nodiscard]] lance::Manifest restamped(lance::Manifest changed, const lance::Manifest& base, std::uint64_t version,
                                        const ManifestOrigin& origin);
// Whether every field of `manifest` is among `fields` with its type: indexes that foreign tools registered stay valid.
[[nodiscard]] bool keeps_fields(const lance::Manifest& manifest, const std::vector<lance::SchemaField>& fields);

// The content of `manifest` as version `version` on top of `previous` (null: first of its chain).
[[nodiscard]] lance::Manifest regular_copy(const lance::Manifest& manifest, const lance::Manifest* previous,
                                           std::uint64_t version, const ManifestOrigin& origin);

// What leads from one manifest to another, for foreign writers that started from the former.
[[nodiscard]] lance::Transaction transaction_between(const lance::Manifest& from, const lance::Manifest& to);

[[nodiscard]] std::uint64_t data_bytes(const lance::Manifest& manifest);  // of the data files it lists

}  // namespace omnigraph::graph
