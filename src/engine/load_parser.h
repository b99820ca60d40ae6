// NDJSON to staged rows (chapter 03 sections 2.1 to 2.3, chapter 01 sections 3 and 6). Streams: memory stays bounded
// whatever the size of the input, rows beyond the budget lie in a temporary local file.
//
// What needs the rest of the graph is left to the write itself (graph/prepare.h): missing values, enum members,
// @range, @check, uniqueness, endpoints, cardinality.
// Errors: kBadRequest naming the line (strict) or record (permissive) in its text; the first one in input order.
// kResourceLimit with detail `resource_limit {resource, limit, actual}` for the two line limits of section 2.1.
// Thread safety: free functions; `source` is called from the calling thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/external_blobs.h"
#include "engine/graph.h"
#include "engine/load_rejects.h"
#include "graph/record.h"
#include "graph/staged_rows.h"
#include "schema/catalog.h"

namespace omnigraph::engine {

inline constexpr std::uint64_t kLoadLineBytesMax = std::uint64_t{32} << 20;
inline constexpr std::uint64_t kLoadStructuralSlotsMax = 131'072;  // 1 + count of { } [ ] , : outside strings
inline constexpr std::size_t kInlineBlobBytesMax = 64 * 1024;      // larger payloads are objects of their own
inline constexpr std::uint64_t kStagingMemoryBytes = std::uint64_t{192} << 20;  // all types of one load together

// Members of each keyed node type's @key in id order (chapter 01 section 6), by type name. A type that is missing
// uses the names sorted bytewise.
using KeyOrders = std::map<std::string, std::vector<std::string>, std::less<>>;
[[nodiscard]] KeyOrders key_orders_of(const graph::RecordSchema& schema);

// Rows of one type. Records that brought an id (or whose id derives from their key) and records that were given a new
// one are kept apart, since the latter need no look-up.
struct ParsedRows {
  std::shared_ptr<const graph::StagedRows> rows;
  bool generated_ids = false;
};

struct ParsedType {
  std::vector<ParsedRows> parts;   // one or two, none of them empty
  std::uint64_t entity_count = 0;  // records in the input
};

struct ParsedLoad {
  std::map<schema::TypeRef, ParsedType> types;  // only types the input names
  std::uint64_t record_count = 0;
  std::uint64_t byte_count = 0;
  std::vector<RejectedRecord> rejected;  // in input order
};

struct LoadParseOptions {
  LoadParser parser = LoadParser::kStrict;
  KeyOrders key_orders{};
  // Stores the payload of a Blob above kInlineBlobBytesMax under `key`, durably. Called from one thread at a time.
  std::function<Result<void>(std::string_view key, std::span<const std::byte> bytes)> put_blob{};
  // Blobs that may be named by URI; such a cell has its `uri` and nothing else (engine/load_external.h).
  ExternalBlobs external_blobs{};
  std::function<void(std::uint64_t bytes_read, std::uint64_t records)> progress{};
  std::optional<LoadRejects> rejects{};  // bad records are put aside
  std::uint64_t staging_memory_bytes = kStagingMemoryBytes;
  std::size_t block_bytes = std::size_t{4} << 20;  // input parsed as one task
};

[[nodiscard]] Result<ParsedLoad> parse_load(const ByteSource& source, const schema::Catalog& catalog,
                                            const LoadParseOptions& options);

}  // namespace omnigraph::engine
