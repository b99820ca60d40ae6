// Blob delivery (chapter 07 section 7): validators, ranges, redirects.

#include <algorithm>

#include "base/text.h"
#include "engine/blob.h"
#include "server/blob_conditions.h"
#include "server/handlers.h"
#include "server/log.h"
#include "server/masked_error.h"

namespace omnigraph::server {

using policy::Action;

namespace {

constexpr std::uint64_t kReadBytes = std::uint64_t{4} << 20;

Result<engine::BlobSelector> selector_of(const HttpRequest& request) {
  const auto refuse = [](const std::string& why) {
    return std::unexpected(bad_request("invalid Blob selector query parameters: " + why));
  };
  engine::BlobSelector selector;
  std::string entity;
  const std::pair<std::string_view, std::string*> kParts[] = {
      {"entity", &entity}, {"type", &selector.type}, {"id", &selector.id}, {"property", &selector.property}};
  for (const auto& [name, to] : kParts) {
    const auto value = query_value(request, name);
    if (!value) return refuse(value.error().message);
    if (!*value) return refuse("'" + std::string(name) + "' is missing");
    *to = **value;
  }
  if (entity != "node" && entity != "edge") return refuse("'entity' must be node or edge, not '" + entity + "'");
  selector.kind = entity == "node" ? schema::EntityKind::kNode : schema::EntityKind::kEdge;
  return selector;
}

// What happens inside stays in the log.
constexpr const char* kDeliveryFailed = "Blob delivery failed before response headers";

HttpResponse redirect(const engine::BlobCell& cell) {
  HttpResponse response;
  response.status = 302;
  response.content_type.clear();
  response.compressible = false;
  response.headers = {
      {"Location", cell.uri()}, {"Cache-Control", "no-store"}, {"Omnigraph-Snapshot-Id", cell.snapshot()}};
  return response;
}

HttpResponse range_refusal(const BlobRange& range, std::uint64_t size) {
  Error error{Code::kRangeNotSatisfiable, "blob range [" + std::to_string(range.begin) + ", " +
                                              std::to_string(range.end) +
                                              ") is not satisfiable for a value of length " + std::to_string(size)};
  HttpResponse response =
      error_response(with_detail(std::move(error), "blob_range",
                                 "{\"start\":" + std::to_string(range.begin) + ",\"end\":" + std::to_string(range.end) +
                                     ",\"length\":" + std::to_string(size) + "}"));
  response.headers.emplace_back("Content-Range", "bytes */" + std::to_string(size));
  return response;
}

// The bytes [begin, end) in pieces. The first is read before the headers go out, so that a value that cannot be read is
// an error and not half an answer.
Result<HttpResponse> content(const std::shared_ptr<engine::Graph>& graph, const engine::BlobCell& cell,
                             std::uint64_t begin, std::uint64_t end) {
  OG_ASSIGN_OR_RETURN(Buffer first, cell.read(begin, std::min(kReadBytes, end - begin)));
  HttpResponse response;
  if (end - begin <= first.size()) {
    response.body = first.text();
    return response;
  }
  response.stream_length = end - begin;
  response.stream = [graph, cell, begin, end, first = std::move(first)](const TextSink& sink) mutable -> Result<void> {
    OG_RETURN_IF_ERROR(sink(first.text()));
    begin += first.size();
    for (first = Buffer(); begin < end;) {
      OG_ASSIGN_OR_RETURN(const Buffer piece, cell.read(begin, std::min(kReadBytes, end - begin)));
      OG_RETURN_IF_ERROR(sink(piece.text()));
      begin += piece.size();
    }
    return {};
  };
  return response;
}

Result<HttpResponse> managed(const Call& call, const engine::BlobCell& cell) {
  const BlobVerdict verdict = judge_conditions(call.request, cell.etag(), cell.size());
  const std::uint64_t size = cell.size();
  HttpResponse response;
  switch (verdict.kind) {
    case BlobVerdict::Kind::kPreconditionFailed:
      response = error_response(conflict("If-Match does not hold: the current ETag is \"" + cell.etag() + "\""));
      response.status = 412;
      break;
    case BlobVerdict::Kind::kNotModified:
      response.status = 304;
      response.content_type.clear();
      response.content_length = size;
      break;
    case BlobVerdict::Kind::kHeadOnly: response.content_length = size; break;
    case BlobVerdict::Kind::kUnsatisfiable: response = range_refusal(verdict.range, size); break;
    case BlobVerdict::Kind::kWhole: {
      OG_ASSIGN_OR_RETURN(response, content(call.graph->graph, cell, 0, size));
      break;
    }
    case BlobVerdict::Kind::kPart: {
      OG_ASSIGN_OR_RETURN(response, content(call.graph->graph, cell, verdict.range.begin, verdict.range.end));
      response.status = 206;
      response.headers.emplace_back("Content-Range", "bytes " + std::to_string(verdict.range.begin) + "-" +
                                                         std::to_string(verdict.range.end - 1) + "/" +
                                                         std::to_string(size));
      break;
    }
  }
  if (response.status == 200 || response.status == 206) response.content_type = "application/octet-stream";
  response.compressible = false;
  response.headers.emplace_back("Accept-Ranges", "bytes");
  response.headers.emplace_back("ETag", "\"" + cell.etag() + "\"");
  response.headers.emplace_back("Omnigraph-Snapshot-Id", cell.snapshot());
  return response;
}

}  // namespace

Result<HttpResponse> handle_blob(Call& call) {
  OG_ASSIGN_OR_RETURN(const engine::BlobSelector selector, selector_of(call.request));
  OG_ASSIGN_OR_RETURN(const auto branch, query_value(call.request, "branch"));
  OG_ASSIGN_OR_RETURN(const auto snapshot, query_value(call.request, "snapshot"));
  OG_ASSIGN_OR_RETURN(const AuthorizedTarget target, read_target(call, branch, snapshot));
  OG_RETURN_IF_ERROR(authorize(call, Action::kRead, target.branch));
  const auto cell = engine::read_blob_cell(*call.graph->graph, selector, target.read);
  if (!cell) return std::unexpected(masked_error(cell.error(), kDeliveryFailed));
  if (!cell->is_external()) {
    auto response = managed(call, *cell);
    if (!response) return std::unexpected(masked_error(response.error(), kDeliveryFailed));
    return response;
  }
  // A part of an object is never widened to the whole of it.
  if (cell->is_part()) {
    return std::unexpected(
        masked_error(internal_error("the Blob refers to a part of '" + cell->uri() + "', which cannot be delivered"),
                     kDeliveryFailed));
  }
  return redirect(*cell);
}

}  // namespace omnigraph::server
