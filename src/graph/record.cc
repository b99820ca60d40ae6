// Envelope: u32 header length | header JSON | attachments | copies | zeros | "OGCOMMIT" | u64 xxhash64 of all before,
// little endian.
#include "graph/record.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "base/date_time.h"
#include "base/hash.h"
#include "base/json_writer.h"
#include "graph/record_copies.h"
#include "graph/rfc3339.h"

namespace omnigraph::graph {
namespace {

using Json = nlohmann::json;
using base::JsonWriter;

constexpr std::string_view kMagic = "OGCOMMIT";
constexpr std::size_t kLengthSize = 4;
constexpr std::size_t kTrailerSize = 16;  // magic and hash
constexpr int kRecordFormat = 1;
// Stands in the header for an offset that is not known before the header's size is; as wide as any.
constexpr std::uint64_t kUnknownOffset = 99'999'999;
constexpr std::size_t kOffsetWidth = 8;
static_assert(kMagic.size() == 8 && kRecordBytesMax <= kUnknownOffset);

constexpr std::string_view kKindNames[] = {"init", "load", "mutate", "merge", "schema", "optimize", "repair"};

void write_position(JsonWriter& json, std::string_view name, const std::optional<RecordPosition>& position) {
  if (!position) return;
  json.key(name).begin_object();
  json.key("branch").string(position->branch).key("seq").unsigned_integer(position->seq);
  if (!position->id.empty()) json.key("id").string(position->id);
  json.end_object();
}

void write_tables(JsonWriter& json, const TableMap& tables) {
  json.key("tables").begin_object();
  for (const auto& [key, entry] : tables) {
    json.key(key).begin_object();
    json.key("id").string(entry.id).key("version").string(std::to_string(entry.version));
    json.key("manifest").string(entry.manifest).key("rows").unsigned_integer(entry.rows);
    json.key("bytes").unsigned_integer(entry.bytes).key("head_version").unsigned_integer(entry.head_version);
    if (entry.adopted) json.key("adopted").unsigned_integer(*entry.adopted);
    json.key("branch").string(entry.branch).end_object();
  }
  json.end_object();
}

void write_commit(JsonWriter& json, const Commit& commit) {
  json.begin_object().key("id").string(commit.id).key("version").unsigned_integer(commit.version);
  json.key("parents").begin_array();
  for (const std::string& parent : commit.parents) json.string(parent);
  json.end_array();
  write_position(json, "merged", commit.merged);
  if (commit.actor) json.key("actor").string(*commit.actor);
  json.key("at").string(base::format_micros(commit.at_us)).key("kind").string(commit_kind_name(commit.kind));
  json.key("content_preserving").boolean(commit.content_preserving);
  json.key("changes").begin_object();
  for (const auto& [table, counts] : commit.changes) {
    json.key(table).begin_object().key("inserted").unsigned_integer(counts.inserted);
    json.key("updated").unsigned_integer(counts.updated).key("deleted").unsigned_integer(counts.deleted).end_object();
  }
  json.end_object();
  write_tables(json, commit.tables);
  if (!commit.purged.empty()) {
    json.key("purged").begin_array();
    for (const std::string& table : commit.purged) json.string(table);
    json.end_array();
  }
  json.end_object();
}

std::string schema_json(const RecordSchema& schema) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("digest").string(schema.digest).key("types").begin_array();
  for (const TypeIdentity& type : schema.types) {
    json.begin_object().key("table").string(type.table_key).key("id").string(type.id);
    json.key("properties").begin_array();
    for (const PropertyIdentity& property : type.properties) {
      json.begin_object().key("name").string(property.name).key("id").string(property.id);
      json.key("fields").begin_array();
      for (const std::int32_t id : property.field_ids) json.integer(id);
      json.end_array().end_object();
    }
    json.end_array().key("key_order").begin_array();
    for (const std::string& member : type.key_order) json.string(member);
    json.end_array().end_object();
  }
  json.end_array().end_object();
  return out;
}

bool same_identities(const RecordSchema& a, const RecordSchema& b) {
  const auto same_property = [](const PropertyIdentity& x, const PropertyIdentity& y) {
    return x.id == y.id && x.name == y.name && x.field_ids == y.field_ids;
  };
  return a.digest == b.digest &&
         std::ranges::equal(a.types, b.types, [&](const TypeIdentity& x, const TypeIdentity& y) {
           return x.id == y.id && x.table_key == y.table_key && x.key_order == y.key_order &&
                  std::ranges::equal(x.properties, y.properties, same_property);
         });
}

// The schema is the longest part of most headers and the same from one record to the next: the last text is kept.
class SchemaText {
 public:
  std::shared_ptr<const std::string> of(const RecordSchema& schema) {
    {
      const std::lock_guard lock(mutex_);
      if (text_ != nullptr && same_identities(schema, schema_)) return text_;
    }
    auto text = std::make_shared<const std::string>(schema_json(schema));
    const std::lock_guard lock(mutex_);
    schema_ = schema;
    return text_ = std::move(text);
  }

 private:
  std::mutex mutex_;  // guards both below
  RecordSchema schema_;
  std::shared_ptr<const std::string> text_;
};

SchemaText& last_schema_text() {
  static SchemaText text;
  return text;
}

// Where the numbers stand in the header that are known only when its size is.
struct OffsetPlaces {
  std::unordered_map<std::string_view, std::size_t> attached;  // by key
  std::size_t copies = 0;
};

// `copies_size`: of the copies of objects that the record holds (graph/record_copies.h); 0: none.
std::string header_json(const CommitRecord& record, std::uint64_t copies_size, OffsetPlaces& places) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("format").integer(kRecordFormat);
  if (copies_size > 0) {
    json.key("copies").begin_object().key("offset");
    places.copies = out.size();
    json.unsigned_integer(kUnknownOffset).key("size").unsigned_integer(copies_size).end_object();
  }
  json.key("branch").string(record.branch).key("incarnation").string(record.incarnation);
  json.key("seq").unsigned_integer(record.seq).key("token").string(record.token);
  write_position(json, "forked_from", record.forked_from);
  json.key("head").begin_object().key("id").string(record.head_id);
  json.key("version").unsigned_integer(record.head_version).end_object();
  json.key("commits").begin_array();
  for (const Commit& commit : record.commits) write_commit(json, commit);
  json.end_array();
  json.key("schema").raw(*last_schema_text().of(record.schema));
  write_tables(json, record.tables);
  json.key("attached").begin_object();
  for (const auto& [key, at] : record.attached) {
    json.key(key).begin_object().key("branch").string(at.branch).key("seq").unsigned_integer(at.seq);
    json.key("offset");
    if (at.offset == kUnknownOffset) places.attached.emplace(key, out.size());
    json.unsigned_integer(at.offset).key("size").unsigned_integer(at.size).end_object();
  }
  json.end_object();
  if (!record.purges.empty()) {
    json.key("purges").begin_object();
    for (const auto& [table, seq] : record.purges) json.key(table).unsigned_integer(seq);
    json.end_object();
  }
  json.key("deleted").boolean(record.deleted).end_object();
  return out;
}

// An offset too large for its place belongs to a record too large to be written.
void write_offset(std::string& header, std::size_t place, std::uint64_t offset) {
  std::string digits = std::to_string(offset);
  if (digits.size() < kOffsetWidth) digits.resize(kOffsetWidth, ' ');  // blanks after a number are as good as none
  if (digits.size() == kOffsetWidth) header.replace(place, kOffsetWidth, digits);
}

template <class T>
void append_raw(std::string& out, T value) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));  // all our targets are little endian
  out.append(bytes, sizeof(T));
}

// ---- decoding. The readers below throw nlohmann's exceptions or BadHeader; decode_record catches them.

struct BadHeader {
  std::string what;
};

std::uint64_t decimal(const std::string& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) throw BadHeader{"'" + text + "' is not a version"};
  return value;
}

std::int64_t time_of(const std::string& text) {
  const std::optional<std::int64_t> micros = micros_of(text);
  if (!micros) throw BadHeader{"'" + text + "' is not a time"};
  return *micros;
}

std::optional<RecordPosition> read_position(const Json& parent, const char* name) {
  const auto found = parent.find(name);
  if (found == parent.end()) return std::nullopt;
  return RecordPosition{.branch = found->at("branch").get<std::string>(),
                        .seq = found->at("seq").get<std::uint64_t>(),
                        .id = found->value("id", std::string())};
}

TableMap read_tables(const Json& json) {
  TableMap tables;
  for (const auto& [key, value] : json.items()) {
    TableEntry entry;
    entry.id = value.at("id").get<std::string>();
    entry.version = decimal(value.at("version").get_ref<const std::string&>());
    entry.manifest = value.at("manifest").get<std::string>();
    if (entry.manifest.find("/_versions/") == std::string::npos) throw BadHeader{"table without a manifest key"};
    entry.rows = value.at("rows").get<std::uint64_t>();
    entry.bytes = value.at("bytes").get<std::uint64_t>();
    entry.head_version = value.at("head_version").get<std::uint64_t>();
    if (const auto adopted = value.find("adopted"); adopted != value.end()) {
      entry.adopted = adopted->get<std::uint64_t>();
    }
    entry.branch = value.at("branch").get<std::string>();
    tables.emplace(key, std::move(entry));
  }
  return tables;
}

Commit read_commit(const Json& json) {
  Commit commit;
  commit.id = json.at("id").get<std::string>();
  commit.version = json.at("version").get<std::uint64_t>();
  commit.parents = json.at("parents").get<std::vector<std::string>>();
  commit.merged = read_position(json, "merged");
  if (const auto actor = json.find("actor"); actor != json.end() && !actor->is_null()) {
    commit.actor = actor->get<std::string>();
  }
  commit.at_us = time_of(json.at("at").get_ref<const std::string&>());
  const std::string& kind = json.at("kind").get_ref<const std::string&>();
  const auto* name = std::find(std::begin(kKindNames), std::end(kKindNames), kind);
  if (name == std::end(kKindNames)) throw BadHeader{"unknown commit kind '" + kind + "'"};
  commit.kind = static_cast<CommitKind>(name - std::begin(kKindNames));
  commit.content_preserving = json.at("content_preserving").get<bool>();
  for (const auto& [table, counts] : json.at("changes").items()) {
    commit.changes[table] = {.inserted = counts.at("inserted").get<std::uint64_t>(),
                             .updated = counts.at("updated").get<std::uint64_t>(),
                             .deleted = counts.at("deleted").get<std::uint64_t>()};
  }
  commit.tables = read_tables(json.at("tables"));
  if (const auto purged = json.find("purged"); purged != json.end()) {
    commit.purged = purged->get<std::vector<std::string>>();
  }
  return commit;
}

RecordSchema read_schema(const Json& json) {
  RecordSchema schema;
  schema.digest = json.at("digest").get<std::string>();
  for (const Json& value : json.at("types")) {
    TypeIdentity type;
    type.table_key = value.at("table").get<std::string>();
    type.id = value.at("id").get<std::string>();
    for (const Json& property : value.at("properties")) {
      type.properties.push_back({.name = property.at("name").get<std::string>(),
                                 .id = property.at("id").get<std::string>(),
                                 .field_ids = property.at("fields").get<std::vector<std::int32_t>>()});
    }
    type.key_order = value.at("key_order").get<std::vector<std::string>>();
    schema.types.push_back(std::move(type));
  }
  return schema;
}

CommitRecord read_header(const Json& json) {
  CommitRecord record;
  record.branch = json.at("branch").get<std::string>();
  record.incarnation = json.at("incarnation").get<std::string>();
  record.seq = json.at("seq").get<std::uint64_t>();
  record.token = json.at("token").get<std::string>();
  record.forked_from = read_position(json, "forked_from");
  record.head_id = json.at("head").at("id").get<std::string>();
  record.head_version = json.at("head").at("version").get<std::uint64_t>();
  for (const Json& commit : json.at("commits")) record.commits.push_back(read_commit(commit));
  record.schema = read_schema(json.at("schema"));
  record.tables = read_tables(json.at("tables"));
  for (const auto& [key, at] : json.at("attached").items()) {
    record.attached[key] = {.branch = at.at("branch").get<std::string>(),
                            .seq = at.at("seq").get<std::uint64_t>(),
                            .offset = at.at("offset").get<std::uint64_t>(),
                            .size = at.at("size").get<std::uint64_t>()};
  }
  if (const auto purges = json.find("purges"); purges != json.end()) {
    record.purges = purges->get<std::map<std::string, std::uint64_t>>();
  }
  record.deleted = json.at("deleted").get<bool>();
  return record;
}

// Attachments a record claims to hold itself lie between its header and its trailer.
bool own_attachments_fit(const CommitRecord& record, std::uint64_t begin, std::uint64_t end) {
  for (const auto& [key, at] : record.attached) {
    if (at.branch != record.branch || at.seq != record.seq) continue;
    if (at.offset < begin || at.size > end || at.offset > end - at.size) return false;
  }
  return true;
}

}  // namespace

std::string_view commit_kind_name(CommitKind kind) { return kKindNames[static_cast<std::size_t>(kind)]; }

const TypeIdentity* RecordSchema::find(std::string_view table_key) const {
  for (const TypeIdentity& type : types) {
    if (type.table_key == table_key) return &type;
  }
  return nullptr;
}

Result<std::string> encode_record(CommitRecord& record, const std::vector<Attachment>& attachments) {
  return encode_record(record, attachments, {});
}

Result<std::string> encode_record(CommitRecord& record, const std::vector<Attachment>& attachments,
                                  std::string_view copies, SizeRule size_rule) {
  if (record.schema.types.size() > kTypesMax) {
    return std::unexpected(bad_request("the schema has " + std::to_string(record.schema.types.size()) +
                                       " types; at most " + std::to_string(kTypesMax) + " fit into a graph"));
  }
  for (const Attachment& attachment : attachments) {
    record.attached[attachment.key] = {record.branch, record.seq, kUnknownOffset, attachment.bytes.size()};
  }
  OffsetPlaces places;
  std::string header = header_json(record, copies.size(), places);
  std::uint64_t offset = kLengthSize + header.size();
  for (const Attachment& attachment : attachments) {
    record.attached[attachment.key].offset = offset;
    write_offset(header, places.attached.at(attachment.key), offset);
    offset += attachment.bytes.size();
  }
  if (!copies.empty()) write_offset(header, places.copies, offset);
  offset += copies.size();
  if (offset + kTrailerSize > kRecordBytesMax) {
    return std::unexpected(Error{Code::kResourceLimit, "the commit record of branch '" + record.branch +
                                                           "' would take " + std::to_string(offset + kTrailerSize) +
                                                           " bytes; the limit is 16 MiB"});
  }
  std::uint64_t size = offset + kTrailerSize;
  if (size_rule != nullptr) size = std::max(size, std::min(size_rule(size), kRecordBytesMax));
  std::string out;
  out.reserve(size);
  append_raw(out, static_cast<std::uint32_t>(header.size()));
  out += header;
  for (const Attachment& attachment : attachments) out += attachment.bytes;
  out += copies;
  out.resize(size - kTrailerSize);
  out += kMagic;
  append_raw(out, base::xxhash64(std::as_bytes(std::span(out))));
  return out;
}

Result<CommitRecord> decode_record(const Buffer& bytes, std::string_view key) {
  if (bytes.size() < kLengthSize + kTrailerSize)
    return std::unexpected(corrupt_object(key, "too short for a commit record"));
  const std::size_t body = bytes.size() - kTrailerSize;
  if (bytes.text().substr(body, kMagic.size()) != kMagic) {
    return std::unexpected(corrupt_object(key, "no commit record magic at its end"));
  }
  std::uint64_t hash = 0;
  std::memcpy(&hash, bytes.data() + body + kMagic.size(), sizeof(hash));
  if (hash != base::xxhash64(bytes.bytes().first(body + kMagic.size()))) {
    return std::unexpected(corrupt_object(key, "the checksum does not match"));
  }
  std::uint32_t header_size = 0;
  std::memcpy(&header_size, bytes.data(), sizeof(header_size));
  if (header_size > body - kLengthSize)
    return std::unexpected(corrupt_object(key, "the header is longer than the record"));
  try {
    const Json json = Json::parse(bytes.text().substr(kLengthSize, header_size));
    if (const int format = json.at("format").get<int>(); format != kRecordFormat) {
      return std::unexpected(Error{Code::kUnsupportedFormat, std::string(key) + ": commit record format " +
                                                                 std::to_string(format) +
                                                                 " is newer than this build reads; upgrade omnigraph"});
    }
    CommitRecord record = read_header(json);
    if (!own_attachments_fit(record, kLengthSize + header_size, body)) {
      return std::unexpected(corrupt_object(key, "an attachment lies outside the record"));
    }
    return record;
  } catch (const Json::exception& bad) {
    return std::unexpected(corrupt_object(key, bad.what()));
  } catch (const BadHeader& bad) {
    return std::unexpected(corrupt_object(key, bad.what));
  }
}

}  // namespace omnigraph::graph
