#include "engine/external_blobs.h"

#include <algorithm>

#include "base/json_writer.h"
#include "engine/load_limits.h"
#include "objectstore/s3_store.h"

namespace omnigraph::engine {
namespace {

using objectstore::BlobUri;

Error refused_uri(const std::string& shown, std::string_view why) {
  return bad_request(std::string("external blob URI '").append(shown).append("' is not allowed: ").append(why));
}

Error unreadable_source(const BlobUri& uri, const Error& error) {
  const std::string reason = error.code == Code::kNotFound ? std::string("there is no such object") : error.message;
  const std::string shown = uri.text();
  std::string detail;
  base::JsonWriter json(detail);
  json.begin_object().key("uri").string(shown).key("reason").string(reason).end_object();
  Error unreadable{Code::kFailedDependency, "external blob source '" + shown + "' cannot be read: " + reason};
  return with_detail(std::move(unreadable), "external_blob_source", std::move(detail));
}

}  // namespace

ExternalBlobs::ExternalBlobs(const std::vector<std::string>& bases) {
  for (const std::string& base : bases) {
    if (auto uri = objectstore::parse_blob_uri(base, objectstore::BlobUriKind::kBase))
      bases_.push_back(*std::move(uri));
  }
}

Result<BlobUri> ExternalBlobs::admit(std::string_view text) const {
  if (text.size() > objectstore::kBlobUriBytesMax) {
    return std::unexpected(resource_limit("external Blob URI bytes", text.size(), objectstore::kBlobUriBytesMax));
  }
  Result<BlobUri> uri = objectstore::parse_blob_uri(text, objectstore::BlobUriKind::kObject);
  if (!uri) {
    return std::unexpected(refused_uri(objectstore::redacted_blob_uri(text), "it " + uri.error().message));
  }
  if (bases_.empty()) {
    return std::unexpected(refused_uri(uri->text(), "new external Blob URI ingress is denied for this graph"));
  }
  if (!std::ranges::any_of(bases_, [&](const BlobUri& base) { return uri->is_below(base); })) {
    return std::unexpected(refused_uri(uri->text(), "URI is outside every configured external Blob base"));
  }
  return uri;
}

Result<Buffer> ExternalBlobReader::read(const BlobUri& uri) {
  if (++cells_ > kExternalBlobCellsMax) {
    return std::unexpected(resource_limit("external Blob reference cells", cells_, kExternalBlobCellsMax));
  }
  const std::string text = uri.text();
  if (const auto known = payloads_.find(text); known != payloads_.end()) return known->second;
  auto& bucket = buckets_[uri.authority];
  if (bucket == nullptr) {
    auto opened = objectstore::open_s3_store(std::string("s3://").append(uri.authority));
    if (!opened) return std::unexpected(unreadable_source(uri, opened.error()));
    bucket = *std::move(opened);
  }
  const std::string key = uri.key();
  const auto info = bucket->head(key);
  if (!info) return std::unexpected(unreadable_source(uri, info.error()));
  if (bytes_ + info->size > kExternalBlobPayloadMax) {
    return std::unexpected(
        resource_limit("materialized external blob payload bytes", bytes_ + info->size, kExternalBlobPayloadMax));
  }
  // No more than was looked at, should it have grown since.
  auto payload = info->size == 0 ? Result<Buffer>(Buffer())
                                 : bucket->get(key, objectstore::ByteRange{.offset = 0, .size = info->size});
  if (!payload) return std::unexpected(unreadable_source(uri, payload.error()));
  if (payload->size() != info->size) {
    return std::unexpected(unreadable_source(uri, internal_error("it changed while it was read")));
  }
  bytes_ += payload->size();
  payloads_.emplace(text, *payload);
  return payload;
}

}  // namespace omnigraph::engine
