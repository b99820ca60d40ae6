// Reading Blob cells of a served graph: GET and HEAD `blob` (chapter 07 section 7). What the server answers is checked
// before a byte is handed on: the status that was asked for, a strong ETag, the length, and for a part its place.
//
// Errors: kNotFound `Blob cell not found`, kBadRequest `invalid Blob selector`, kUnauthorized `Blob read requires
// authentication`, kForbidden `Blob read is forbidden`, kRangeNotSatisfiable `Blob range is not satisfiable`, kConflict
// `Blob read target changed; retry the command`; all else is `Blob delivery failed`. Thread safety: as RemoteGraph.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "client/remote_graph.h"

namespace omnigraph::client {

struct BlobAddress {
  std::string entity, type, id, property;  // entity: node or edge
  engine::ReadTarget target{};
};

struct BlobPart {
  std::uint64_t offset = 0;
  std::optional<std::uint64_t> length{};  // > 0; unset: to the end
};

struct BlobHead {
  std::string snapshot;              // id of the commit that was read
  std::optional<std::string> uri{};  // external: where it lies; then nothing else counts
  std::uint64_t size = 0;
  std::string etag{};  // with its quotes
};

[[nodiscard]] Result<BlobHead> blob_head(RemoteGraph& remote, const BlobAddress& address);
// The bytes, piece by piece; none is an empty value. An external one is kBadRequest naming its URI.
[[nodiscard]] Result<void> blob_get(RemoteGraph& remote, const BlobAddress& address,
                                    const std::optional<BlobPart>& part, const TextSink& sink);

// `the Blob lies outside the graph, at URI; ..`
[[nodiscard]] Error external_blob(const std::string& uri);

}  // namespace omnigraph::client
