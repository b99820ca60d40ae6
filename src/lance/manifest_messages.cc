#include "lance/manifest_messages.h"

namespace omnigraph::lance {
namespace {

// Values of Field.type, which readers ignore.
std::uint64_t field_kind(std::string_view logical_type) {
  constexpr std::uint64_t kStruct = 0;
  constexpr std::uint64_t kList = 1;
  constexpr std::uint64_t kLeaf = 2;
  if (logical_type == "struct") return kStruct;
  return logical_type.starts_with("list") || logical_type.starts_with("large_list") ? kList : kLeaf;
}

WireWriter data_file_message(const DataFileEntry& file) {
  WireWriter out;
  out.text(1, file.path)
      .packed(2, std::span<const std::int32_t>(file.fields))
      .packed(3, std::span<const std::int32_t>(file.column_indices))
      .uint(4, file.major_version)
      .uint(5, file.minor_version)
      .uint(6, file.file_size_bytes);
  if (file.base_id) out.present_uint(7, *file.base_id);
  return out;
}

WireWriter deletion_message(const DeletionFileEntry& entry) {
  WireWriter out;
  out.uint(1, static_cast<std::uint64_t>(entry.type))
      .uint(2, entry.read_version)
      .uint(3, entry.id)
      .uint(4, entry.deleted_rows);
  if (entry.base_id) out.present_uint(7, *entry.base_id);
  return out;
}

Result<DataFileEntry> parse_data_file(std::string_view message, std::string_view key) {
  DataFileEntry file;
  file.major_version = 0;
  WireReader in(message);
  while (in.next()) {
    switch (in.field()) {
      case 1: file.path = in.text(); break;
      case 2: in.each_uint([&](std::uint64_t v) { file.fields.push_back(static_cast<std::int32_t>(v)); }); break;
      case 3:
        in.each_uint([&](std::uint64_t v) { file.column_indices.push_back(static_cast<std::int32_t>(v)); });
        break;
      case 4: file.major_version = in.uint32(); break;
      case 5: file.minor_version = in.uint32(); break;
      case 6: file.file_size_bytes = in.uint(); break;
      case 7: file.base_id = in.uint32(); break;
      default: break;
    }
  }
  if (!in.ok()) return std::unexpected(corrupt_object(key, "bad data file entry"));
  if (file.path.empty()) return std::unexpected(corrupt_object(key, "a data file without a name"));
  if (file.fields.size() != file.column_indices.size()) {
    return std::unexpected(corrupt_object(key, "data file '" + file.path + "' pairs " +
                                                   std::to_string(file.fields.size()) + " fields with " +
                                                   std::to_string(file.column_indices.size()) + " columns"));
  }
  return file;
}

Result<DeletionFileEntry> parse_deletion_file(std::string_view message, std::string_view key) {
  DeletionFileEntry entry;
  entry.type = DeletionFileType::kArrow;
  WireReader in(message);
  while (in.next()) {
    switch (in.field()) {
      case 1: {
        const std::uint64_t type = in.uint();
        if (type > 1) {
          return std::unexpected(unsupported_dataset(key, "deletion file type " + std::to_string(type)));
        }
        entry.type = static_cast<DeletionFileType>(type);
        break;
      }
      case 2: entry.read_version = in.uint(); break;
      case 3: entry.id = in.uint(); break;
      case 4: entry.deleted_rows = in.uint(); break;
      case 7: entry.base_id = in.uint32(); break;
      default: break;
    }
  }
  if (!in.ok()) return std::unexpected(corrupt_object(key, "bad deletion file entry"));
  return entry;
}

void append_fragments(WireWriter& out, std::uint32_t field, const std::vector<Fragment>& fragments) {
  for (const Fragment& fragment : fragments) out.message(field, fragment_message(fragment));
}

void append_fields(WireWriter& out, std::uint32_t field, const std::vector<SchemaField>& schema) {
  for (const SchemaField& entry : schema) out.message(field, field_message(entry));
}

using SchemaMetadata = std::map<std::string, std::string>;

// Number and body of each operation.
struct OperationWriter {
  WireWriter& out;
  const SchemaMetadata& schema_metadata;

  void operator()(std::monostate) const {}
  void operator()(const Transaction::Append& append) const {
    WireWriter body;
    append_fragments(body, 1, append.fragments);
    out.message(100, body);
  }
  void operator()(const Transaction::Overwrite& overwrite) const {
    WireWriter body;
    append_fragments(body, 1, overwrite.fragments);
    append_fields(body, 2, overwrite.schema);
    out.message(102, body.map(3, schema_metadata));
  }
  void operator()(const Transaction::Rewrite& rewrite) const {
    WireWriter body;
    for (const auto& [before, after] : rewrite.groups) {
      WireWriter group;
      append_fragments(group, 1, before);
      append_fragments(group, 2, after);
      body.message(3, group);
    }
    out.message(104, body);
  }
  void operator()(const Transaction::Merge& merge) const {
    WireWriter body;
    append_fragments(body, 1, merge.fragments);
    append_fields(body, 2, merge.schema);
    out.message(105, body.map(3, schema_metadata));
  }
  void operator()(const Transaction::Update& update) const {
    WireWriter body;
    body.packed(1, std::span<const std::uint64_t>(update.removed_fragment_ids));
    append_fragments(body, 2, update.updated);
    append_fragments(body, 3, update.added);
    out.message(108, body);
  }
  void operator()(const Transaction::Project& project) const {
    WireWriter body;
    append_fields(body, 1, project.schema);
    out.message(109, body);
  }
};

// Walks the body of an operation: fragments and fields by their numbers (0: has none).
struct OperationParts {
  std::vector<Fragment> first;
  std::vector<Fragment> second;
  std::vector<SchemaField> schema;
  std::vector<std::uint64_t> numbers;
};

struct PartNumbers {
  std::uint32_t first = 0;
  std::uint32_t second = 0;
  std::uint32_t schema = 0;
  std::uint32_t numbers = 0;
};

Result<OperationParts> parse_parts(std::string_view message, PartNumbers at, std::string_view key) {
  OperationParts parts;
  WireReader in(message);
  while (in.next()) {
    if (in.field() == at.first || in.field() == at.second) {
      OG_ASSIGN_OR_RETURN(Fragment fragment, parse_fragment(in.bytes(), key, /*recorded=*/true));
      (in.field() == at.first ? parts.first : parts.second).push_back(std::move(fragment));
    } else if (in.field() == at.schema) {
      OG_ASSIGN_OR_RETURN(SchemaField field, parse_field(in.bytes(), key));
      parts.schema.push_back(std::move(field));
    } else if (in.field() == at.numbers) {
      in.each_uint([&](std::uint64_t v) { parts.numbers.push_back(v); });
    }
  }
  if (!in.ok()) return std::unexpected(corrupt_object(key, "bad transaction"));
  return parts;
}

Result<Transaction::Rewrite> parse_rewrite(std::string_view message, std::string_view key) {
  Transaction::Rewrite rewrite;
  WireReader in(message);
  while (in.next()) {
    if (in.field() != 3) continue;
    OG_ASSIGN_OR_RETURN(OperationParts parts, parse_parts(in.bytes(), {.first = 1, .second = 2}, key));
    rewrite.groups.emplace_back(std::move(parts.first), std::move(parts.second));
  }
  if (!in.ok()) return std::unexpected(corrupt_object(key, "bad transaction"));
  return rewrite;
}

Result<void> parse_operation(std::uint32_t number, std::string_view body, std::string_view key, Transaction& into) {
  switch (number) {
    case 100: {
      OG_ASSIGN_OR_RETURN(OperationParts parts, parse_parts(body, {.first = 1}, key));
      into.operation = Transaction::Append{std::move(parts.first)};
      return {};
    }
    case 102: {
      OG_ASSIGN_OR_RETURN(OperationParts parts, parse_parts(body, {.first = 1, .schema = 2}, key));
      into.operation = Transaction::Overwrite{std::move(parts.first), std::move(parts.schema)};
      return {};
    }
    case 104: {
      OG_ASSIGN_OR_RETURN(Transaction::Rewrite rewrite, parse_rewrite(body, key));
      into.operation = std::move(rewrite);
      return {};
    }
    case 105: {
      OG_ASSIGN_OR_RETURN(OperationParts parts, parse_parts(body, {.first = 1, .schema = 2}, key));
      into.operation = Transaction::Merge{std::move(parts.first), std::move(parts.schema)};
      return {};
    }
    case 108: {
      OG_ASSIGN_OR_RETURN(OperationParts parts, parse_parts(body, {.first = 2, .second = 3, .numbers = 1}, key));
      into.operation = Transaction::Update{std::move(parts.numbers), std::move(parts.first), std::move(parts.second)};
      return {};
    }
    case 109: {
      OG_ASSIGN_OR_RETURN(OperationParts parts, parse_parts(body, {.schema = 1}, key));
      into.operation = Transaction::Project{std::move(parts.schema)};
      return {};
    }
    default: return {};
  }
}

}  // namespace

Error unsupported_dataset(std::string_view key, std::string_view what) {
  return Error{Code::kUnsupportedFormat, "unsupported dataset: " + std::string(key) + ": " + std::string(what)};
}

WireWriter field_message(const SchemaField& field) {
  WireWriter out;
  out.uint(1, field_kind(field.logical_type))
      .text(2, field.name)
      .int32(3, field.id)
      .int32(4, field.parent_id)
      .text(5, field.logical_type)
      .uint(6, field.nullable ? 1 : 0)
      .map(10, field.metadata);
  return out;
}

WireWriter fragment_message(const Fragment& fragment) {
  WireWriter out;
  out.uint(1, fragment.id);
  for (const DataFileEntry& file : fragment.files) out.message(2, data_file_message(file));
  if (fragment.deletion_file) out.message(3, deletion_message(*fragment.deletion_file));
  out.uint(4, fragment.physical_rows);
  if (fragment.row_ids) out.bytes(5, fragment.row_ids->serialize());
  return out;
}

WireWriter transaction_message(const Transaction& transaction, const SchemaMetadata& schema_metadata) {
  WireWriter out;
  out.uint(1, transaction.read_version).text(2, transaction.uuid);
  std::visit(OperationWriter{out, schema_metadata}, transaction.operation);
  return out;
}

Result<SchemaField> parse_field(std::string_view message, std::string_view key) {
  SchemaField field;
  field.parent_id = 0;
  field.nullable = false;
  WireReader in(message);
  while (in.next()) {
    switch (in.field()) {
      case 2: field.name = in.text(); break;
      case 3: field.id = in.int32(); break;
      case 4: field.parent_id = in.int32(); break;
      case 5: field.logical_type = in.text(); break;
      case 6: field.nullable = in.boolean(); break;
      case 10: in.map_entry(field.metadata); break;
      default: break;
    }
  }
  if (!in.ok()) return std::unexpected(corrupt_object(key, "bad schema field"));
  return field;
}

Result<Fragment> parse_fragment(std::string_view message, std::string_view key, bool recorded) {
  Fragment fragment;
  WireReader in(message);
  while (in.next()) {
    switch (in.field()) {
      case 1: fragment.id = in.uint(); break;
      case 2: {
        OG_ASSIGN_OR_RETURN(DataFileEntry file, parse_data_file(in.bytes(), key));
        fragment.files.push_back(std::move(file));
        break;
      }
      case 3: {
        OG_ASSIGN_OR_RETURN(fragment.deletion_file, parse_deletion_file(in.bytes(), key));
        break;
      }
      case 4: fragment.physical_rows = in.uint(); break;
      case 5: {
        OG_ASSIGN_OR_RETURN(fragment.row_ids, RowIdSequence::parse(in.bytes(), key));
        break;
      }
      case 6:
      case 8:
      case 10:
        if (recorded) break;
        return std::unexpected(unsupported_dataset(
            key, "fragment field " + std::to_string(in.field()) + " (row metadata in external files)"));
      default: break;
    }
  }
  if (!in.ok()) return std::unexpected(corrupt_object(key, "bad fragment"));
  return fragment;
}

Result<Transaction> parse_transaction(std::string_view message, std::string_view key) {
  Transaction transaction;
  WireReader in(message);
  while (in.next()) {
    if (in.field() == 1) transaction.read_version = in.uint();
    if (in.field() == 2) transaction.uuid = in.text();
    if (in.field() >= 100) OG_RETURN_IF_ERROR(parse_operation(in.field(), in.bytes(), key, transaction));
  }
  if (!in.ok()) return std::unexpected(corrupt_object(key, "bad transaction"));
  return transaction;
}

}  // namespace omnigraph::lance
