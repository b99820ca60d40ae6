// Keys under a graph root (chapter 09 section 2).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "lance/manifest.h"
#include "schema/catalog.h"

namespace omnigraph::graph {

inline constexpr std::string_view kMainBranch = "main";

// Trims, checks the grammar of chapter 03 section 5.1 and returns the name. kBadRequest.
[[nodiscard]] Result<std::string> checked_branch_name(std::string_view name);
[[nodiscard]] std::string encode_branch(std::string_view branch);
[[nodiscard]] std::optional<std::string> decode_branch(std::string_view segment);
[[nodiscard]] std::string log_prefix(std::string_view branch);                     // log/<branch>/
[[nodiscard]] std::string record_key(std::string_view branch, std::uint64_t seq);  // log/<branch>/<slot>.commit
[[nodiscard]] std::optional<std::uint64_t> seq_of_record_key(std::string_view key);
[[nodiscard]] std::string commit_pointer_key(std::string_view commit_id);
[[nodiscard]] std::string schema_key(std::string_view digest);
[[nodiscard]] std::string table_root(schema::EntityKind kind, std::string_view type_name, std::string_view table_id);
// The dataset's folder, from any of its manifest keys: a renamed type keeps the folder it was created with, so a
// table's root is always taken from TableEntry::manifest.
[[nodiscard]] std::string table_root_of(std::string_view manifest_key);
[[nodiscard]] std::string data_file_key(std::string_view table_root, std::string_view path);  // <root>/data/<path>
// The engine's copy of a deletion bitmap (chapter 09 section 5) and the one Lance readers use.
[[nodiscard]] std::string deletion_copy_key(std::string_view table_root, const lance::Fragment& fragment,
                                            const lance::DeletionFileEntry& entry);
[[nodiscard]] std::string deletion_file_key(std::string_view table_root, std::uint64_t fragment_id,
                                            const lance::DeletionFileEntry& entry);
inline constexpr std::string_view kGraphFile = "graph.json";

}  // namespace omnigraph::graph
