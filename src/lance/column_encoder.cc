#include "lance/column_encoder.h"

#include <algorithm>
#include <cstring>

#include "columnar/bits.h"
#include "columnar/byte_sink.h"
#include "lance/bits.h"

namespace omnigraph::lance {
namespace {

using columnar::Array;
using columnar::DataType;
using columnar::TypeId;

// Which rows hold a value: the array's own bitmap and the parent's together.
class RowValidity {
 public:
  RowValidity(const Array& values, const std::byte* parent_bits) {
    const auto count = static_cast<std::uint64_t>(values.length());
    if (!values.has_nulls() && parent_bits == nullptr) return;
    std::vector<std::byte> bits(bitmap_bytes(count));
    if (values.has_nulls()) {
      columnar::copy_bits(bits.data(), 0, values.validity_buffer().data(), values.offset(), values.length());
    } else {
      std::ranges::fill(bits, std::byte{0xff});
    }
    if (parent_bits != nullptr) {
      for (std::size_t i = 0; i < bits.size(); ++i) bits[i] &= parent_bits[i];
    }
    if (columnar::count_zero_bits(bits.data(), 0, values.length()) != 0) bits_ = std::move(bits);
  }

  [[nodiscard]] const std::byte* bits() const { return bits_.empty() ? nullptr : bits_.data(); }
  [[nodiscard]] bool valid(std::int64_t i) const { return bits_.empty() || Array::bit(bits_.data(), i); }

 private:
  std::vector<std::byte> bits_;  // empty: all valid
};

// Bits behind the end are zero, so that equal rows give equal files.
Buffer finish_bits(BitBuffer& bits) {
  bits.append_run(false, (8 - bits.size() % 8) % 8);
  return bits.finish();
}

// What every kind of open page has.
class OpenPage {
 public:
  std::int64_t length = 0;

  void append_validity(const RowValidity& rows, std::int64_t begin, std::int64_t count) {
    const auto size = static_cast<std::uint64_t>(count);
    const std::int64_t nulls = rows.bits() == nullptr ? 0 : columnar::count_zero_bits(rows.bits(), begin, count);
    if (nulls == 0) {
      if (null_count_ != 0) validity_.append_run(true, size);
    } else {
      if (null_count_ == 0) validity_.append_run(true, static_cast<std::uint64_t>(length));
      validity_.append_bits(rows.bits(), static_cast<std::uint64_t>(begin), size);
      null_count_ += nulls;
    }
    length += count;
  }
  // Fills what it knows and starts a new page.
  void close_into(PageValues& page) {
    page.length = length;
    page.null_count = null_count_;
    page.validity = finish_bits(validity_);
    length = 0;
    null_count_ = 0;
  }
  [[nodiscard]] std::uint64_t bytes() const { return bitmap_bytes(validity_.size()); }

 private:
  BitBuffer validity_;  // empty before the first null
  std::int64_t null_count_ = 0;
};

std::uint64_t waiting_bytes(const PhysicalColumn& column) {
  std::uint64_t bytes = 0;
  for (const PageValues& page : column.ready) bytes += page.validity.size() + page.values.size() + page.ends.size();
  return bytes;
}

class BoolEncoder final : public ColumnEncoder {
 public:
  explicit BoolEncoder(PageForm form) { column_.form = form; }

  Result<void> append(const Array& values, const std::byte* parent_bits) override {
    const RowValidity rows(values, parent_bits);
    for (std::int64_t done = 0; done < values.length();) {
      const std::int64_t count = std::min(values.length() - done, kRows - open_.length);
      if (rows.bits() == nullptr) {
        bits_.append_bits(values.values_buffer().data(), static_cast<std::uint64_t>(values.offset() + done),
                          static_cast<std::uint64_t>(count));
      } else {
        bits_.append_each(static_cast<std::uint64_t>(count), [&](std::uint64_t i) {
          const std::int64_t at = done + static_cast<std::int64_t>(i);
          return rows.valid(at) && values.bool_value(at);
        });
      }
      open_.append_validity(rows, done, count);
      done += count;
      if (open_.length == kRows) close();
    }
    return {};
  }
  void finish() override {
    if (open_.length != 0) close();
  }
  void list_columns(std::vector<PhysicalColumn*>& out) override { out.push_back(&column_); }
  std::uint64_t buffered_bytes() const override {
    return waiting_bytes(column_) + open_.bytes() + bitmap_bytes(bits_.size());
  }

 private:
  static constexpr std::int64_t kRows = static_cast<std::int64_t>(kPageBytes * 8);

  void close() {
    PageValues page;
    page.kind = PageKind::kBool;
    open_.close_into(page);
    page.values = finish_bits(bits_);
    column_.ready.push_back(std::move(page));
  }

  PhysicalColumn column_;
  OpenPage open_;
  BitBuffer bits_;
};

// Numbers, dates, vectors.
class FixedEncoder final : public ColumnEncoder {
 public:
  FixedEncoder(PageKind kind, std::uint32_t byte_width, std::uint32_t dimension, PageForm form)
      : kind_(kind),
        byte_width_(byte_width),
        dimension_(dimension),
        slot_bytes_(std::uint64_t{byte_width} * dimension),
        rows_max_(std::max<std::int64_t>(1, static_cast<std::int64_t>(kPageBytes / slot_bytes_))) {
    column_.form = form;
  }

  Result<void> append(const Array& values, const std::byte* parent_bits) override {
    const RowValidity rows(values, parent_bits);
    OG_RETURN_IF_ERROR(check_items(values, rows));
    const std::byte* source = first_slot(values);
    for (std::int64_t done = 0; done < values.length();) {
      const std::int64_t count = std::min(values.length() - done, room());
      append_slots(source + static_cast<std::uint64_t>(done) * slot_bytes_, rows, done, count);
      open_.append_validity(rows, done, count);
      done += count;
      if (probes() && open_.length == probe_rows()) probe();
      if (open_.length == rows_max_) close({});
    }
    return {};
  }
  void finish() override {
    if (open_.length != 0) close({});
  }
  void list_columns(std::vector<PhysicalColumn*>& out) override { out.push_back(&column_); }
  std::uint64_t buffered_bytes() const override { return waiting_bytes(column_) + open_.bytes() + values_.size(); }

 private:
  // Floats compress in small pages only. The first 64 KiB tell whether to: a large page starts where they do not.
  [[nodiscard]] bool probes() const {
    return kind_ == PageKind::kFloat && column_.form != PageForm::kPlain && !probed_;
  }
  [[nodiscard]] std::int64_t probe_rows() const { return static_cast<std::int64_t>(kSmallPageBytes / slot_bytes_); }
  [[nodiscard]] std::int64_t room() const { return (probes() ? probe_rows() : rows_max_) - open_.length; }
  void probe() {
    Buffer frame = compressed_floats({values_.data(), values_.size()});
    if (frame.empty()) {
      probed_ = true;
    } else {
      close(std::move(frame));
    }
  }

  // Items of a vector are never null (chapter 10 section 8).
  Result<void> check_items(const Array& values, const RowValidity& rows) const {
    if (kind_ != PageKind::kVector || !values.child(0)->has_nulls()) return {};
    const Array& items = *values.child(0);
    for (std::int64_t i = 0; i < values.length(); ++i) {
      const auto begin = items.offset() + static_cast<std::int64_t>(values.item_begin(i));
      if (rows.valid(i) && columnar::count_zero_bits(items.validity_buffer().data(), begin, dimension_) != 0) {
        return std::unexpected(Error{Code::kInvalidArgument, "a vector with a null item cannot be written"});
      }
    }
    return {};
  }
  [[nodiscard]] const std::byte* first_slot(const Array& values) const {
    if (values.length() == 0) return nullptr;
    if (kind_ != PageKind::kVector) {
      return values.values_buffer().data() + static_cast<std::uint64_t>(values.offset()) * slot_bytes_;
    }
    const Array& items = *values.child(0);
    const std::uint64_t first = static_cast<std::uint64_t>(items.offset()) + values.item_begin(0);
    return items.values_buffer().data() + first * byte_width_;
  }
  void append_slots(const std::byte* source, const RowValidity& rows, std::int64_t begin, std::int64_t count) {
    const auto size = static_cast<std::size_t>(static_cast<std::uint64_t>(count) * slot_bytes_);
    if (values_.empty() && size * 2 >= kPageBytes) values_.reserve(kPageBytes);
    std::byte* target = values_.extend(size);
    std::memcpy(target, source, size);
    if (rows.bits() == nullptr) return;
    for (std::int64_t i = 0; i < count; ++i) {
      if (!rows.valid(begin + i)) std::memset(target + static_cast<std::uint64_t>(i) * slot_bytes_, 0, slot_bytes_);
    }
  }
  void close(Buffer frame) {
    PageValues page;
    page.kind = kind_;
    page.byte_width = byte_width_;
    page.dimension = dimension_;
    page.compression_tried = probed_ || !frame.empty();
    page.frame = std::move(frame);
    open_.close_into(page);
    page.values = values_.finish();
    column_.ready.push_back(std::move(page));
    probed_ = false;
  }

  const PageKind kind_;
  const std::uint32_t byte_width_;
  const std::uint32_t dimension_;
  const std::uint64_t slot_bytes_;
  const std::int64_t rows_max_;
  PhysicalColumn column_;
  OpenPage open_;
  columnar::ByteSink values_;
  bool probed_ = false;  // this page was found not to compress
};

class StringEncoder final : public ColumnEncoder {
 public:
  StringEncoder(PageKind kind, PageForm form)
      : kind_(kind),
        bytes_max_(form == PageForm::kPlain ? kPageBytes : kSmallPageBytes),
        rows_max_(form == PageForm::kPlain ? kPageRows : kSmallPageRows) {
    column_.form = form;
  }

  Result<void> append(const Array& values, const std::byte* parent_bits) override {
    const RowValidity rows(values, parent_bits);
    for (std::int64_t done = 0; done < values.length();) {
      const std::int64_t count = fitting_rows(values, rows, done);
      if (count == 0) {
        close();
        continue;
      }
      OG_RETURN_IF_ERROR(append_strings(values, rows, done, count));
      open_.append_validity(rows, done, count);
      done += count;
      if (open_.length == rows_max_ || bytes_.size() >= bytes_max_) close();
    }
    return {};
  }
  void finish() override {
    if (open_.length != 0) close();
  }
  void list_columns(std::vector<PhysicalColumn*>& out) override { out.push_back(&column_); }
  std::uint64_t buffered_bytes() const override {
    return waiting_bytes(column_) + open_.bytes() + bytes_.size() + ends_.size();
  }

 private:
  // Rows from `begin` on that the open page takes; at least one if it is empty, however long.
  [[nodiscard]] std::int64_t fitting_rows(const Array& values, const RowValidity& rows, std::int64_t begin) const {
    const std::int64_t rows_left = std::min(values.length() - begin, rows_max_ - open_.length);
    const std::uint64_t room = bytes_max_ - bytes_.size();
    std::int64_t count = 0;
    if (rows.bits() == nullptr) {
      const std::uint64_t limit = values.item_begin(begin) + room;
      std::int64_t high = rows_left;  // the first `count` rows fit, row `high` does not or does not exist
      while (count < high) {
        const std::int64_t middle = count + (high - count) / 2;
        if (values.item_end(begin + middle) <= limit) {
          count = middle + 1;
        } else {
          high = middle;
        }
      }
    } else {
      for (std::uint64_t used = 0; count < rows_left; ++count) {
        if (rows.valid(begin + count)) used += values.item_end(begin + count) - values.item_begin(begin + count);
        if (used > room) break;
      }
    }
    return count == 0 && open_.length == 0 ? 1 : count;
  }
  Result<void> append_strings(const Array& values, const RowValidity& rows, std::int64_t begin, std::int64_t count) {
    const std::uint64_t before = bytes_.size();
    std::byte* ends = ends_.extend(static_cast<std::size_t>(count) * 8);
    const std::uint64_t first = values.item_begin(begin);
    std::uint64_t previous = first;
    std::uint64_t end = before;
    for (std::int64_t i = 0; i < count; ++i) {
      const std::uint64_t item_end = values.item_end(begin + i);
      if (rows.valid(begin + i)) end += item_end - previous;
      previous = item_end;
      std::memcpy(ends + i * 8, &end, 8);
    }
    if (end > kPageStringBytesMax) {
      return std::unexpected(Error{Code::kInvalidArgument, "a string of " + std::to_string(end - before) +
                                                               " bytes cannot be written; the limit is 2147483647"});
    }
    const std::byte* source = values.values_buffer().data();
    if (end - before == previous - first) {  // nulls, if any, own no bytes
      bytes_.append(source + first, static_cast<std::size_t>(end - before));
      return {};
    }
    for (std::int64_t i = begin; i < begin + count; ++i) {
      if (!rows.valid(i)) continue;
      bytes_.append(source + values.item_begin(i), static_cast<std::size_t>(values.item_end(i) - values.item_begin(i)));
    }
    return {};
  }
  void close() {
    PageValues page;
    page.kind = kind_;
    open_.close_into(page);
    page.values = bytes_.finish();
    page.ends = ends_.finish();
    column_.ready.push_back(std::move(page));
  }

  const PageKind kind_;
  const std::uint64_t bytes_max_;
  const std::int64_t rows_max_;
  PhysicalColumn column_;
  OpenPage open_;
  columnar::ByteSink bytes_;
  columnar::ByteSink ends_;
};

class ListEncoder final : public ColumnEncoder {
 public:
  ListEncoder(PageForm form, std::unique_ptr<ColumnEncoder> items) : items_(std::move(items)) { column_.form = form; }

  Result<void> append(const Array& values, const std::byte* parent_bits) override {
    const RowValidity rows(values, parent_bits);
    OG_RETURN_IF_ERROR(append_items(values, rows));
    for (std::int64_t done = 0; done < values.length();) {
      const std::int64_t count = std::min(values.length() - done, kPageRows - open_.length);
      std::byte* ends = ends_.extend(static_cast<std::size_t>(count) * 8);
      for (std::int64_t i = 0; i < count; ++i) {
        if (rows.valid(done + i)) last_end_ += values.item_end(done + i) - values.item_begin(done + i);
        std::memcpy(ends + i * 8, &last_end_, 8);
      }
      open_.append_validity(rows, done, count);
      done += count;
      if (open_.length == kPageRows) close();
    }
    return {};
  }
  void finish() override {
    if (open_.length != 0) close();
    items_->finish();
  }
  void list_columns(std::vector<PhysicalColumn*>& out) override {
    out.push_back(&column_);
    items_->list_columns(out);
  }
  std::uint64_t buffered_bytes() const override {
    return waiting_bytes(column_) + open_.bytes() + ends_.size() + items_->buffered_bytes();
  }

 private:
  // Neighbouring lists go together; items of null lists are left out.
  Result<void> append_items(const Array& values, const RowValidity& rows) {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    const auto flush = [&]() -> Result<void> {
      if (begin == end) return {};
      return items_->append(
          *values.child(0)->slice(static_cast<std::int64_t>(begin), static_cast<std::int64_t>(end - begin)), nullptr);
    };
    for (std::int64_t i = 0; i < values.length(); ++i) {
      if (!rows.valid(i) || values.item_begin(i) == values.item_end(i)) continue;
      if (values.item_begin(i) != end) {
        OG_RETURN_IF_ERROR(flush());
        begin = values.item_begin(i);
      }
      end = values.item_end(i);
    }
    return flush();
  }
  void close() {
    PageValues page;
    page.kind = PageKind::kListOffsets;
    open_.close_into(page);
    page.ends = ends_.finish();
    column_.ready.push_back(std::move(page));
    last_end_ = 0;
  }

  PhysicalColumn column_;
  OpenPage open_;
  columnar::ByteSink ends_;
  std::uint64_t last_end_ = 0;  // items of the open page
  std::unique_ptr<ColumnEncoder> items_;
};

// 2.0 has no struct validity: where a struct is null its children are.
class StructEncoder final : public ColumnEncoder {
 public:
  explicit StructEncoder(std::vector<std::unique_ptr<ColumnEncoder>> children) : children_(std::move(children)) {}

  Result<void> append(const Array& values, const std::byte* parent_bits) override {
    const RowValidity rows(values, parent_bits);
    for (std::size_t i = 0; i < children_.size(); ++i) {
      OG_RETURN_IF_ERROR(children_[i]->append(*values.child(i), rows.bits()));
    }
    length_ += values.length();
    return {};
  }
  void finish() override {
    if (length_ != 0) {
      PageValues header;
      header.kind = PageKind::kStructHeader;
      header.length = length_;
      column_.ready.push_back(std::move(header));
      length_ = 0;
    }
    for (const auto& child : children_) child->finish();
  }
  void list_columns(std::vector<PhysicalColumn*>& out) override {
    out.push_back(&column_);
    for (const auto& child : children_) child->list_columns(out);
  }
  std::uint64_t buffered_bytes() const override {
    std::uint64_t bytes = 0;
    for (const auto& child : children_) bytes += child->buffered_bytes();
    return bytes;
  }

 private:
  PhysicalColumn column_;
  std::int64_t length_ = 0;
  std::vector<std::unique_ptr<ColumnEncoder>> children_;
};

PageKind number_kind(TypeId id) {
  if (id == TypeId::kFloat32 || id == TypeId::kFloat64) return PageKind::kFloat;
  return id == TypeId::kFloat16 ? PageKind::kFixed : PageKind::kInteger;
}

}  // namespace

std::unique_ptr<ColumnEncoder> make_column_encoder(const DataType& type, PageForm form) {
  switch (type.id) {
    case TypeId::kBool: return std::make_unique<BoolEncoder>(form);
    case TypeId::kUtf8: return std::make_unique<StringEncoder>(PageKind::kString, form);
    case TypeId::kBinary: return std::make_unique<StringEncoder>(PageKind::kBinary, form);
    case TypeId::kFixedSizeList: {
      const DataType& item = type.child(0).type;
      const bool number = item.is_fixed_width() && item.id != TypeId::kFixedSizeList;
      if (!number || type.list_size == 0) return nullptr;
      return std::make_unique<FixedEncoder>(PageKind::kVector, item.byte_width(), type.list_size, form);
    }
    case TypeId::kList: {
      auto items = make_column_encoder(type.child(0).type, form);
      return items ? std::make_unique<ListEncoder>(form, std::move(items)) : nullptr;
    }
    case TypeId::kStruct: {
      std::vector<std::unique_ptr<ColumnEncoder>> children;
      for (std::size_t i = 0; i < type.child_count(); ++i) {
        children.push_back(make_column_encoder(type.child(i).type, form));
        if (!children.back()) return nullptr;
      }
      return std::make_unique<StructEncoder>(std::move(children));
    }
    default: return std::make_unique<FixedEncoder>(number_kind(type.id), type.byte_width(), 1, form);
  }
}

}  // namespace omnigraph::lance
