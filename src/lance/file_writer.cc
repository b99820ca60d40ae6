// The container of a 2.0 data file (chapter 10 section 7): pages as they fill, then descriptor, column metadata and
// footer. The bytes depend on the calls and options alone, not on threads; the pages not even on how the rows were
// divided among the calls.
#include "lance/file_writer.h"
#include "lance/file_layout.h"

#include <algorithm>
#include <cstring>

#include "base/task_pool.h"
#include "lance/column_encoder.h"
#include "lance/little_endian.h"
#include "lance/manifest_messages.h"

namespace omnigraph::lance {
namespace {

using columnar::Array;
using columnar::ArrayPtr;
using columnar::DataType;
using columnar::TypeId;

constexpr std::uint64_t kAlignment = 64;
// Large fixed-width buffers start on a memory page, for use in place.
constexpr std::uint64_t kLargeBufferMin = std::uint64_t{64} << 10;
constexpr std::uint64_t kLargeAlignment = 4096;
// Writes go out in pieces of this size, larger buffers directly.
constexpr std::size_t kStagingBytes = std::size_t{1} << 20;
constexpr std::uint64_t kParallelBytesMin = std::uint64_t{256} << 10;
constexpr std::uint64_t kRowsLimit = 0xffffffff;
constexpr std::uint16_t kFooterMajor = 0;  // how 2.0 files number themselves
constexpr std::uint16_t kFooterMinor = 3;

// Hands bytes to the sink in order and knows where the next one goes.
class FileOutput {
 public:
  explicit FileOutput(ByteSink sink) : sink_(std::move(sink)) {}

  [[nodiscard]] std::uint64_t position() const { return position_; }
  void align(std::uint64_t alignment) {
    const std::uint64_t padding = (alignment - position_ % alignment) % alignment;
    staging_.append(static_cast<std::size_t>(padding), '\0');
    position_ += padding;
  }
  Result<void> write(std::span<const std::byte> bytes) {
    position_ += bytes.size();
    if (staging_.size() + bytes.size() >= kStagingBytes) OG_RETURN_IF_ERROR(flush());
    if (bytes.size() >= kStagingBytes) return sink_(bytes);
    staging_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return {};
  }
  Result<void> write(std::string_view text) { return write(std::as_bytes(std::span(text))); }
  Result<void> flush() {
    if (staging_.empty()) return {};
    OG_RETURN_IF_ERROR(sink_(std::as_bytes(std::span(staging_))));
    staging_.clear();
    return {};
  }

 private:
  ByteSink sink_;
  std::string staging_;
  std::uint64_t position_ = 0;
};

// Encoding{2 direct{1 bytes = Any{1 type_url, 2 value}}}
WireWriter direct_encoding(std::string_view type, std::string_view value) {
  const WireWriter any = WireWriter().bytes(1, type).bytes(2, value);
  return WireWriter().message(2, WireWriter().message(1, any));
}

// What the metadata of every column begins with: its encoding, a column of plain values.
const std::string& column_encoding() {
  static const std::string field = [] {
    const WireWriter plain_values = WireWriter().message(1, WireWriter());
    return WireWriter().message(1, direct_encoding("/lance.encodings.ColumnEncoding", plain_values.view())).take();
  }();
  return field;
}

bool same_layout(const DataType& a, const DataType& b) {
  if (a.id != b.id || a.list_size != b.list_size || a.child_count() != b.child_count()) return false;
  for (std::size_t i = 0; i < a.child_count(); ++i) {
    if (!same_layout(a.child(i).type, b.child(i).type)) return false;
  }
  return true;
}

// About how much the rows take, nulls included.
std::uint64_t approximate_bytes(const Array& values) {
  const auto length = static_cast<std::uint64_t>(values.length());
  if (length == 0) return 0;
  const DataType& type = values.type();
  switch (type.id) {
    case TypeId::kBool: return length / 8 + 1;
    case TypeId::kUtf8:
    case TypeId::kBinary: return length * 8 + values.item_end(values.length() - 1) - values.item_begin(0);
    case TypeId::kList: {
      const std::uint64_t begin = values.item_begin(0);
      const std::uint64_t end = values.item_end(values.length() - 1);
      return length * 8 + approximate_bytes(*values.child(0)->slice(static_cast<std::int64_t>(begin),
                                                                    static_cast<std::int64_t>(end - begin)));
    }
    case TypeId::kFixedSizeList: return length * type.list_size * type.child(0).type.byte_width();
    case TypeId::kStruct: {
      std::uint64_t bytes = 0;
      for (std::size_t i = 0; i < values.child_count(); ++i) bytes += approximate_bytes(*values.child(i));
      return bytes;
    }
    default: return length * type.byte_width();
  }
}

class DataFileWriter final : public FileWriter {
 public:
  DataFileWriter(std::vector<ColumnSpec> specs, WriterOptions options, ByteSink sink)
      : specs_(std::move(specs)), out_(std::move(sink)) {
    for (const ColumnSpec& spec : specs_) {
      encoders_.push_back(make_column_encoder(spec.field.type, form_of(spec.column_class, options)));
      if (encoders_.back()) {
        encoders_.back()->list_columns(columns_);
      } else {
        status_ = std::unexpected(Error{Code::kUnsupportedFormat, "column '" + spec.field.name + "' of type " +
                                                                      columnar::type_name(spec.field.type) +
                                                                      " cannot be written to a data file"});
      }
    }
    page_messages_.resize(columns_.size());
  }

  Result<void> append(const std::vector<ArrayPtr>& columns, std::int64_t length) override {
    if (status_) status_ = append_checked(columns, length);
    return status_;
  }
  std::uint64_t bytes_so_far() const override {
    std::uint64_t bytes = out_.position();
    for (const auto& encoder : encoders_) bytes += encoder ? encoder->buffered_bytes() : 0;
    return bytes;
  }
  Result<WrittenFile> finish() override {
    OG_RETURN_IF_ERROR(status_);
    status_ = std::unexpected(Error{Code::kInvalidArgument, "the data file is finished"});
    for (const auto& encoder : encoders_) encoder->finish();
    OG_RETURN_IF_ERROR(write_ready_pages());
    return write_tail();
  }

 private:
  static PageForm form_of(ColumnClass column_class, WriterOptions options) {
    if (!options.packed || column_class == ColumnClass::kPlain) return PageForm::kPlain;
    return column_class == ColumnClass::kKey ? PageForm::kKey : PageForm::kPacked;
  }

  Result<void> check_batch(const std::vector<ArrayPtr>& columns, std::int64_t length) const {
    const auto refuse = [](std::string what) {
      return std::unexpected(Error{Code::kInvalidArgument, std::move(what)});
    };
    if (columns.size() != specs_.size()) {
      return refuse("a batch of " + std::to_string(columns.size()) + " columns for a file of " +
                    std::to_string(specs_.size()));
    }
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const auto& [name, type, nullable] = specs_[i].field;
      if (columns[i]->length() != length) {
        return refuse("column '" + name + "' has " + std::to_string(columns[i]->length()) + " of " +
                      std::to_string(length) + " rows");
      }
      if (!same_layout(columns[i]->type(), type)) {
        return refuse("column '" + name + "' is " + columnar::type_name(columns[i]->type()) + ", not " +
                      columnar::type_name(type));
      }
    }
    if (row_count_ + static_cast<std::uint64_t>(length) > kRowsLimit) {
      return refuse("a data file holds at most 4294967295 rows");
    }
    return {};
  }

  // Large batches go in slices of about a page of the widest column, which bounds what waits to be written.
  Result<void> append_checked(const std::vector<ArrayPtr>& columns, std::int64_t length) {
    OG_RETURN_IF_ERROR(check_batch(columns, length));
    std::uint64_t widest = 0;
    std::uint64_t total = 0;
    for (const ArrayPtr& column : columns) {
      const std::uint64_t bytes = approximate_bytes(*column);
      widest = std::max(widest, bytes);
      total += bytes;
    }
    const std::int64_t slices = std::clamp<std::int64_t>(static_cast<std::int64_t>(widest / kPageBytes) + 1, 1,
                                                         std::max<std::int64_t>(length, 1));
    const std::int64_t step = (length + slices - 1) / slices;
    const bool parallel = total / static_cast<std::uint64_t>(slices) >= kParallelBytesMin;
    for (std::int64_t at = 0; at < length; at += step) {
      OG_RETURN_IF_ERROR(append_slice(columns, at, std::min(step, length - at), parallel));
      OG_RETURN_IF_ERROR(write_ready_pages());
    }
    row_count_ += static_cast<std::uint64_t>(length);
    return {};
  }

  Result<void> append_slice(const std::vector<ArrayPtr>& columns, std::int64_t at, std::int64_t count, bool parallel) {
    std::vector<Result<void>> results(columns.size());
    const auto append_one = [&](std::size_t i) {
      const bool whole = count == columns[i]->length();
      results[i] = encoders_[i]->append(whole ? *columns[i] : *columns[i]->slice(at, count), nullptr);
    };
    if (parallel && columns.size() > 1) {
      base::TaskPool::shared().parallel_for(columns.size(), append_one);
    } else {
      for (std::size_t i = 0; i < columns.size(); ++i) append_one(i);
    }
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (results[i]) continue;
      Error error = results[i].error();
      error.message = "column '" + specs_[i].field.name + "': " + error.message;
      return std::unexpected(std::move(error));
    }
    return {};
  }

  struct ReadyPage {
    std::size_t column;
    PageValues values;
    EncodedPage encoded;
  };

  // Encodes in parallel, writes in column and page order.
  Result<void> write_ready_pages() {
    std::vector<ReadyPage> pages;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      for (PageValues& values : columns_[i]->ready) pages.push_back({i, std::move(values), {}});
      columns_[i]->ready.clear();
    }
    const auto encode_one = [&](std::size_t i) {
      pages[i].encoded = encode_page(pages[i].values, columns_[pages[i].column]->form);
      pages[i].values = {};
    };
    const bool plain = std::ranges::all_of(columns_, [](const auto* c) { return c->form == PageForm::kPlain; });
    if (pages.size() > 1 && !plain) {
      base::TaskPool::shared().parallel_for(pages.size(), encode_one);
    } else {
      for (std::size_t i = 0; i < pages.size(); ++i) encode_one(i);
    }
    for (ReadyPage& page : pages) OG_RETURN_IF_ERROR(write_page(page.column, std::move(page.encoded)));
    return {};
  }

  Result<void> write_page(std::size_t column, EncodedPage page) {
    std::vector<std::uint64_t> offsets;
    std::vector<std::uint64_t> sizes;
    for (const PageBuffer& buffer : page.buffers) {
      const bool large = buffer.fixed_width && buffer.bytes.size() >= kLargeBufferMin;
      out_.align(large ? kLargeAlignment : kAlignment);
      offsets.push_back(out_.position());
      sizes.push_back(buffer.bytes.size());
      OG_RETURN_IF_ERROR(out_.write(buffer.bytes.bytes()));
    }
    WireWriter message;
    message.packed(1, std::span<const std::uint64_t>(offsets))
        .packed(2, std::span<const std::uint64_t>(sizes))
        .uint(3, static_cast<std::uint64_t>(page.length))
        .message(4, direct_encoding("/lance.encodings.ArrayEncoding", page.encoding));
    page_messages_[column].message(2, message);
    return {};
  }

  // The file's own schema, with the ids that the manifest pairs with its columns.
  [[nodiscard]] std::vector<SchemaField> schema() const {
    std::vector<SchemaField> all;
    for (const ColumnSpec& spec : specs_) {
      std::vector<SchemaField> fields = schema_fields({spec.field}, spec.field_id);
      if (!spec.child_field_ids.empty()) {
        OG_CHECK(spec.child_field_ids.size() + 1 == fields.size());
        const std::int32_t first = spec.field_id;
        const auto renumbered = [&](std::int32_t id) {
          return id <= first ? id : spec.child_field_ids[static_cast<std::size_t>(id - first - 1)];
        };
        for (SchemaField& field : fields) {
          field.id = renumbered(field.id);
          if (field.parent_id != -1) field.parent_id = renumbered(field.parent_id);
        }
      }
      std::ranges::move(fields, std::back_inserter(all));
    }
    return all;
  }

  Result<WrittenFile> write_tail() {
    const std::vector<SchemaField> fields = schema();
    OG_CHECK(fields.size() == columns_.size());
    WireWriter schema_message;
    for (const SchemaField& field : fields) schema_message.message(1, field_message(field));
    const std::string descriptor = WireWriter().message(1, schema_message).uint(2, row_count_).take();
    out_.align(kAlignment);
    const std::uint64_t descriptor_position = out_.position();
    OG_RETURN_IF_ERROR(out_.write(descriptor));

    const std::uint64_t columns_position = out_.position();
    std::string column_offsets;
    for (WireWriter& pages : page_messages_) {
      append_number(column_offsets, out_.position());
      append_number(column_offsets, static_cast<std::uint64_t>(column_encoding().size() + pages.view().size()));
      OG_RETURN_IF_ERROR(out_.write(column_encoding()));
      OG_RETURN_IF_ERROR(out_.write(pages.take()));
    }
    std::string tail = column_offsets;
    append_number(tail, descriptor_position);
    append_number(tail, static_cast<std::uint64_t>(descriptor.size()));
    append_number(tail, columns_position);
    append_number(tail, out_.position());
    append_number(tail, out_.position() + column_offsets.size());
    append_number(tail, std::uint32_t{1});
    append_number(tail, static_cast<std::uint32_t>(columns_.size()));
    append_number(tail, kFooterMajor);
    append_number(tail, kFooterMinor);
    tail += kMagic;
    OG_RETURN_IF_ERROR(out_.write(tail));
    OG_RETURN_IF_ERROR(out_.flush());

    WrittenFile written{row_count_, out_.position(), {}, {}};
    for (const SchemaField& field : fields) {
      written.column_indices.push_back(static_cast<std::int32_t>(written.fields.size()));
      written.fields.push_back(field.id);
    }
    return written;
  }

  const std::vector<ColumnSpec> specs_;
  std::vector<std::unique_ptr<ColumnEncoder>> encoders_;  // one a spec
  std::vector<PhysicalColumn*> columns_;                  // all of the file, in order
  std::vector<WireWriter> page_messages_;                 // Page messages of each
  FileOutput out_;
  std::uint64_t row_count_ = 0;
  Result<void> status_;  // the first error; nothing works after it
};

}  // namespace

std::unique_ptr<FileWriter> make_file_writer(std::vector<ColumnSpec> columns, WriterOptions options, ByteSink sink) {
  return std::make_unique<DataFileWriter>(std::move(columns), options, std::move(sink));
}

}  // namespace omnigraph::lance
