#include "graph/graph_file.h"

#include <nlohmann/json.hpp>

#include "base/date_time.h"
#include "base/json_writer.h"
#include "base/version.h"
#include "graph/layout.h"
#include "graph/rfc3339.h"

namespace omnigraph::graph {

std::string graph_file_json(const GraphFile& file) {
  std::string out;
  base::JsonWriter json(out);
  json.begin_object().key("format").integer(base::kStorageFormat).key("graph_id").string(file.graph_id);
  json.key("created_at").string(base::format_micros(file.created_at_us));
  if (file.exclusive_writer) json.key("exclusive_writer").boolean(true);
  json.end_object();
  return out;
}

Result<GraphFile> read_graph_file(objectstore::ObjectStore& store) {
  OG_ASSIGN_OR_RETURN(const Buffer bytes, store.get(kGraphFile));
  try {
    const nlohmann::json json = nlohmann::json::parse(bytes.text());
    if (const int format = json.at("format").get<int>(); format != base::kStorageFormat) {
      return std::unexpected(Error{Code::kUnsupportedFormat, "graph.json: storage format " + std::to_string(format) +
                                                                 " is not the one this build reads (" +
                                                                 std::to_string(base::kStorageFormat) + ")"});
    }
    GraphFile file{.graph_id = json.at("graph_id").get<std::string>(),
                   .created_at_us = 0,
                   .exclusive_writer = json.value("exclusive_writer", false)};
    const std::optional<std::int64_t> created = micros_of(json.at("created_at").get_ref<const std::string&>());
    if (!created || *created < 0) return std::unexpected(corrupt_object(kGraphFile, "created_at is not a time"));
    file.created_at_us = *created;
    return file;
  } catch (const nlohmann::json::exception& bad) {
    return std::unexpected(corrupt_object(kGraphFile, bad.what()));
  }
}

Result<GraphFile> create_graph_file(objectstore::ObjectStore& store, const GraphFile& wanted) {
  using objectstore::PutOutcome;
  const std::string json = graph_file_json(wanted);
  const auto bytes = std::as_bytes(std::span(json));
  // The effect of a failed put is unknown; the file that is there afterwards, whosever it is, is the graph's.
  Result<PutOutcome> first = store.put_if_absent(kGraphFile, bytes);
  if (!first && first.error().code == Code::kUnavailable) return std::unexpected(std::move(first).error());  // refused
  if (!first) first = store.put_if_absent(kGraphFile, bytes);
  Result<PutOutcome> second = store.put_if_absent(kGraphFile, bytes);
  if (!second) return std::unexpected(std::move(second).error());
  if (first && *second == PutOutcome::kCreated) {
    return std::unexpected(Error{Code::kUnavailable,
                                 "this object store creates an object twice although it was asked to create only an "
                                 "absent one; commits would be lost here, so no graph is created"});
  }
  return read_graph_file(store);
}

}  // namespace omnigraph::graph
