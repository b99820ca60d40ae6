#include "graph/memory_cost.h"

#include <algorithm>
#include <map>
#include <string>
#include <variant>
#include <vector>

namespace omnigraph::graph {
namespace {

// The allocator's part of a block, and a node of a map beside key and value with it.
constexpr std::uint64_t kBlockBytes = 16;
constexpr std::uint64_t kNodeBytes = 48;

// Of a value beside itself. Declared ahead for the templates.
std::uint64_t heap_of(const lance::SchemaField& field);
std::uint64_t heap_of(const lance::DataFileEntry& file);
std::uint64_t heap_of(const lance::Fragment& fragment);
std::uint64_t heap_of(const TableEntry& entry);
std::uint64_t heap_of(const AttachedAt& at);
std::uint64_t heap_of(const Commit& commit);
std::uint64_t heap_of(const PropertyIdentity& property);
std::uint64_t heap_of(const TypeIdentity& type);

std::uint64_t heap_of(const std::string& text) {
  constexpr std::size_t kInPlace = 15;
  return text.capacity() <= kInPlace ? 0 : text.capacity() + kBlockBytes;
}

template <class T>
std::uint64_t block_of(const std::vector<T>& values) {
  return values.capacity() == 0 ? 0 : values.capacity() * sizeof(T) + kBlockBytes;
}

template <class T>
std::uint64_t heap_of_all(const std::vector<T>& values) {
  std::uint64_t bytes = block_of(values);
  for (const T& value : values) bytes += heap_of(value);
  return bytes;
}

template <class Key, class Value>
std::uint64_t heap_of_all(const std::map<Key, Value>& entries) {
  std::uint64_t bytes = 0;
  for (const auto& [key, value] : entries) {
    bytes += kNodeBytes + sizeof(Key) + sizeof(Value) + heap_of(key);
    if constexpr (requires { heap_of(value); }) bytes += heap_of(value);
  }
  return bytes;
}

std::uint64_t heap_of(const lance::SchemaField& field) {
  return heap_of(field.name) + heap_of(field.logical_type) + heap_of_all(field.metadata);
}

std::uint64_t heap_of(const lance::DataFileEntry& file) {
  return heap_of(file.path) + block_of(file.fields) + block_of(file.column_indices);
}

std::uint64_t heap_of(const lance::RowIdSequence& rows) {
  std::uint64_t bytes = 2 * kNodeBytes;
  for (const lance::RowIdSequence::Segment& segment : rows.segments()) {
    bytes += sizeof(segment) + sizeof(std::uint64_t) + block_of(segment.values);
  }
  return bytes;
}

std::uint64_t heap_of(const lance::Fragment& fragment) {
  return heap_of_all(fragment.files) + (fragment.row_ids ? heap_of(*fragment.row_ids) : 0);
}

std::uint64_t heap_of(const lance::Transaction& transaction) {
  struct Visitor {
    std::uint64_t operator()(const std::monostate&) const { return 0; }
    std::uint64_t operator()(const lance::Transaction::Append& append) const { return heap_of_all(append.fragments); }
    std::uint64_t operator()(const lance::Transaction::Overwrite& overwrite) const {
      return heap_of_all(overwrite.fragments) + heap_of_all(overwrite.schema);
    }
    std::uint64_t operator()(const lance::Transaction::Update& update) const {
      return block_of(update.removed_fragment_ids) + heap_of_all(update.updated) + heap_of_all(update.added);
    }
    std::uint64_t operator()(const lance::Transaction::Rewrite& rewrite) const {
      std::uint64_t bytes = block_of(rewrite.groups);
      for (const auto& [before, after] : rewrite.groups) bytes += heap_of_all(before) + heap_of_all(after);
      return bytes;
    }
    std::uint64_t operator()(const lance::Transaction::Merge& merge) const {
      return heap_of_all(merge.fragments) + heap_of_all(merge.schema);
    }
    std::uint64_t operator()(const lance::Transaction::Project& project) const { return heap_of_all(project.schema); }
  };
  return heap_of(transaction.uuid) + std::visit(Visitor(), transaction.operation);
}

std::uint64_t heap_of(const TableEntry& entry) {
  return heap_of(entry.id) + heap_of(entry.manifest) + heap_of(entry.branch);
}

std::uint64_t heap_of(const AttachedAt& at) { return heap_of(at.branch); }

std::uint64_t heap_of(const RecordPosition& position) { return heap_of(position.branch) + heap_of(position.id); }

std::uint64_t heap_of(const Commit& commit) {
  return heap_of(commit.id) + heap_of_all(commit.parents) + (commit.merged ? heap_of(*commit.merged) : 0) +
         (commit.actor ? heap_of(*commit.actor) : 0) + heap_of_all(commit.changes) + heap_of_all(commit.tables) +
         heap_of_all(commit.purged);
}

std::uint64_t heap_of(const PropertyIdentity& property) {
  return heap_of(property.name) + heap_of(property.id) + block_of(property.field_ids);
}

std::uint64_t heap_of(const TypeIdentity& type) {
  return heap_of(type.table_key) + heap_of(type.id) + heap_of_all(type.properties) + heap_of_all(type.key_order);
}

std::uint64_t memory_of(const Buffer& buffer, const void* counted) {
  const void* owner = buffer.owner().get();
  return owner == nullptr || owner == counted ? 0 : buffer.size() + kNodeBytes;
}

}  // namespace

std::uint64_t memory_of(const lance::Manifest& manifest) {
  return sizeof(manifest) + heap_of_all(manifest.fields) + heap_of_all(manifest.fragments) +
         heap_of_all(manifest.schema_metadata) + heap_of_all(manifest.table_metadata) + heap_of_all(manifest.config) +
         heap_of(manifest.index_section) + heap_of(manifest.transaction_file) + block_of(manifest.base_paths) +
         (manifest.transaction ? heap_of(*manifest.transaction) : 0);
}

std::uint64_t memory_of(const CommitRecord& record) {
  return sizeof(record) + heap_of(record.branch) + heap_of(record.incarnation) + heap_of(record.token) +
         (record.forked_from ? heap_of(*record.forked_from) : 0) + heap_of(record.head_id) +
         heap_of_all(record.commits) + heap_of(record.schema.digest) + heap_of_all(record.schema.types) +
         heap_of_all(record.tables) + heap_of_all(record.attached) + heap_of_all(record.purges);
}

std::uint64_t memory_of(const LoadedRecord& record) {
  constexpr std::uint64_t kUnpackedFactor = 8;  // schemas and manifests; about
  std::uint64_t bytes = memory_of(record.record) + record.bytes.size() + 2 * kNodeBytes;
  if (record.copies != nullptr) bytes += std::min(kCopiesBytesMax, kUnpackedFactor * record.copies->packed_bytes());
  return bytes;
}

std::uint64_t memory_of(const columnar::Array& values, const void* counted) {
  std::uint64_t bytes = sizeof(values) + kBlockBytes + memory_of(values.validity_buffer(), counted) +
                        memory_of(values.values_buffer(), counted) + memory_of(values.ends_buffer(), counted);
  for (std::size_t i = 0; i < values.child_count(); ++i) bytes += memory_of(*values.child(i), counted);
  return bytes;
}

std::uint64_t memory_of(const columnar::ChunkedArray& values, const void* counted) {
  std::uint64_t bytes = sizeof(values) + 3 * kBlockBytes;
  for (std::size_t i = 0; i < values.chunk_count(); ++i) {
    bytes += sizeof(columnar::ArrayPtr) + sizeof(std::int64_t) + memory_of(*values.chunk(i), counted);
  }
  return bytes;
}

}  // namespace omnigraph::graph
