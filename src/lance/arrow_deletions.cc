#include "lance/arrow_deletions.h"

#include <lz4frame.h>
#include <zstd.h>

#include <cstring>
#include <optional>

namespace omnigraph::lance {
namespace {

constexpr std::string_view kArrowMagic = "ARROW1";
constexpr std::size_t kAlignmentSlack = 64;  // writers may count a buffer's padding

using Bytes = std::span<const std::byte>;

template <class T>
std::optional<T> number_at(Bytes bytes, std::uint64_t position) {
  if (position > bytes.size() || bytes.size() - position < sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, bytes.data() + position, sizeof(T));
  return value;
}

// One table of a flatbuffer; slots hold positions inside `bytes`.
class FlatTable {
 public:
  static std::optional<FlatTable> root(Bytes bytes) {
    const auto offset = number_at<std::uint32_t>(bytes, 0);
    return offset ? at(bytes, *offset) : std::nullopt;
  }

  // Position of slot `index`'s value; nullopt when it has its default.
  [[nodiscard]] std::optional<std::uint64_t> slot(unsigned index) const {
    const std::uint64_t entry = 4 + std::uint64_t{index} * 2;
    if (entry + 2 > vtable_size_) return std::nullopt;
    const auto offset = number_at<std::uint16_t>(bytes_, vtable_ + entry);
    if (!offset || *offset == 0) return std::nullopt;
    return position_ + *offset;
  }
  template <class T>
  [[nodiscard]] T number(unsigned index, T otherwise) const {
    const auto place = slot(index);
    return place ? number_at<T>(bytes_, *place).value_or(otherwise) : otherwise;
  }
  [[nodiscard]] std::optional<FlatTable> table(unsigned index) const {
    const auto place = slot(index);
    if (!place) return std::nullopt;
    const auto offset = number_at<std::uint32_t>(bytes_, *place);
    return offset ? at(bytes_, *place + *offset) : std::nullopt;
  }
  // The items of a vector of structs of `item_size` bytes.
  [[nodiscard]] std::optional<Bytes> vector(unsigned index, std::uint64_t item_size) const {
    const auto place = slot(index);
    if (!place) return std::nullopt;
    const auto offset = number_at<std::uint32_t>(bytes_, *place);
    if (!offset) return std::nullopt;
    const std::uint64_t start = *place + *offset;
    const auto count = number_at<std::uint32_t>(bytes_, start);
    if (!count || *count * item_size > bytes_.size() - start - 4) return std::nullopt;
    return bytes_.subspan(start + 4, *count * item_size);
  }

 private:
  static std::optional<FlatTable> at(Bytes bytes, std::uint64_t position) {
    const auto back = number_at<std::int32_t>(bytes, position);
    if (!back) return std::nullopt;
    const std::int64_t vtable = static_cast<std::int64_t>(position) - *back;
    if (vtable < 0) return std::nullopt;
    FlatTable table;
    table.bytes_ = bytes;
    table.position_ = position;
    table.vtable_ = static_cast<std::uint64_t>(vtable);
    const auto size = number_at<std::uint16_t>(bytes, table.vtable_);
    if (!size) return std::nullopt;
    table.vtable_size_ = *size;
    return table;
  }

  Bytes bytes_;
  std::uint64_t position_ = 0;
  std::uint64_t vtable_ = 0;
  std::uint64_t vtable_size_ = 0;
};

enum class Codec : std::int8_t { kLz4Frame = 0, kZstd = 1 };

bool decompress_lz4(Bytes from, std::span<std::byte> to) {
  LZ4F_dctx* context = nullptr;
  if (LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)) != 0) return false;
  std::size_t written = 0;
  std::size_t read = 0;
  bool done = false;
  while (!done) {
    std::size_t out_size = to.size() - written;
    std::size_t in_size = from.size() - read;
    const std::size_t hint =
        LZ4F_decompress(context, to.data() + written, &out_size, from.data() + read, &in_size, nullptr);
    if (LZ4F_isError(hint) != 0 || (out_size == 0 && in_size == 0 && hint != 0)) break;
    written += out_size;
    read += in_size;
    done = hint == 0;
  }
  LZ4F_freeDecompressionContext(context);
  return done && written == to.size();
}

bool decompress(Codec codec, Bytes from, std::span<std::byte> to) {
  if (codec == Codec::kLz4Frame) return decompress_lz4(from, to);
  const std::size_t size = ZSTD_decompress(to.data(), to.size(), from.data(), from.size());
  return ZSTD_isError(size) == 0 && size == to.size();
}

// The metadata message of the record batch, past its length prefix.
std::optional<FlatTable> batch_message(Bytes metadata) {
  constexpr std::uint32_t kContinuation = 0xffffffff;
  constexpr std::uint8_t kRecordBatchHeader = 3;
  std::uint64_t start = 4;  // before Arrow 0.15 the length came first
  if (number_at<std::uint32_t>(metadata, 0) == kContinuation) start = 8;
  if (metadata.size() < start) return std::nullopt;
  const auto message = FlatTable::root(metadata.subspan(start));
  if (!message || message->number<std::uint8_t>(1, 0) != kRecordBatchHeader) return std::nullopt;
  return message->table(2);
}

struct BatchPlace {
  Bytes metadata;
  Bytes body;
};

// The place of the only record batch, from the footer.
std::optional<BatchPlace> find_batch(Bytes file) {
  const std::uint64_t tail = 4 + kArrowMagic.size();
  if (file.size() < tail) return std::nullopt;
  if (std::memcmp(file.data() + file.size() - kArrowMagic.size(), kArrowMagic.data(), kArrowMagic.size()) != 0)
    return std::nullopt;
  const auto footer_size = number_at<std::int32_t>(file, file.size() - tail);
  if (!footer_size || *footer_size <= 0) return std::nullopt;
  const auto footer_bytes = static_cast<std::uint64_t>(*footer_size);
  if (footer_bytes > file.size() - tail) return std::nullopt;
  const auto footer = FlatTable::root(file.subspan(file.size() - tail - footer_bytes, footer_bytes));
  if (!footer) return std::nullopt;
  constexpr std::uint64_t kBlockBytes = 24;  // i64 offset, i32 metadata length, padding, i64 body length
  const auto blocks = footer->vector(3, kBlockBytes);
  if (!blocks || blocks->size() != kBlockBytes) return std::nullopt;
  const auto offset = number_at<std::int64_t>(*blocks, 0).value_or(-1);
  const auto metadata_size = number_at<std::int32_t>(*blocks, 8).value_or(-1);
  const auto body_size = number_at<std::int64_t>(*blocks, 16).value_or(-1);
  if (offset < 0 || metadata_size < 0 || body_size < 0) return std::nullopt;
  const auto begin = static_cast<std::uint64_t>(offset);
  const auto middle = static_cast<std::uint64_t>(metadata_size);
  const auto end = static_cast<std::uint64_t>(body_size);
  if (begin > file.size() || middle > file.size() - begin || end > file.size() - begin - middle) return std::nullopt;
  return BatchPlace{file.subspan(begin, middle), file.subspan(begin + middle, end)};
}

// Buffer 1 of the batch, as stored.
std::optional<Bytes> value_buffer(const FlatTable& batch, Bytes body) {
  constexpr std::uint64_t kPairBytes = 16;  // nodes: length, null count; buffers: offset, length
  const auto nodes = batch.vector(1, kPairBytes);
  const auto buffers = batch.vector(2, kPairBytes);
  if (!nodes || nodes->size() != kPairBytes || !buffers || buffers->size() != 2 * kPairBytes) return std::nullopt;
  if (number_at<std::int64_t>(*nodes, 8).value_or(-1) != 0) return std::nullopt;  // a null position
  const auto offset = number_at<std::int64_t>(*buffers, kPairBytes).value_or(-1);
  const auto size = number_at<std::int64_t>(*buffers, kPairBytes + 8).value_or(-1);
  if (offset < 0 || size < 0 || static_cast<std::uint64_t>(offset) > body.size()) return std::nullopt;
  if (static_cast<std::uint64_t>(size) > body.size() - static_cast<std::uint64_t>(offset)) return std::nullopt;
  return body.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(size));
}

}  // namespace

Result<std::vector<std::uint32_t>> read_arrow_positions(const Buffer& file, std::uint64_t expected_count,
                                                        std::string_view key) {
  const auto place = find_batch(file.bytes());
  if (!place) return std::unexpected(corrupt_object(key, "not an Arrow file with one record batch"));
  const auto batch = batch_message(place->metadata);
  if (!batch) return std::unexpected(corrupt_object(key, "no Arrow record batch"));
  const auto count = batch->number<std::int64_t>(0, 0);
  if (count < 0 || static_cast<std::uint64_t>(count) != expected_count || expected_count > 0xffffffff) {
    return std::unexpected(corrupt_object(
        key,
        "holds " + std::to_string(count) + " deleted rows where the manifest says " + std::to_string(expected_count)));
  }
  if (count == 0) return std::vector<std::uint32_t>();
  const auto stored = value_buffer(*batch, place->body);
  if (!stored) return std::unexpected(corrupt_object(key, "not one column of required uint32"));

  const std::size_t size = static_cast<std::size_t>(count) * sizeof(std::uint32_t);
  const Error bad_values = corrupt_object(key, "bad value buffer");
  Bytes values = *stored;
  std::vector<std::byte> decompressed;
  if (const auto compression = batch->table(3)) {
    const auto codec = compression->number<std::int8_t>(0, 0);
    if (codec != 0 && codec != 1) return std::unexpected(corrupt_object(key, "unknown Arrow compression"));
    const auto plain_size = number_at<std::int64_t>(values, 0);
    if (!plain_size) return std::unexpected(bad_values);
    values = values.subspan(sizeof(std::int64_t));
    if (*plain_size != -1) {  // -1: stored as it is
      if (*plain_size < 0) return std::unexpected(bad_values);
      const auto whole = static_cast<std::uint64_t>(*plain_size);
      if (whole < size || whole - size > kAlignmentSlack) return std::unexpected(bad_values);
      decompressed.resize(static_cast<std::size_t>(whole));
      if (!decompress(static_cast<Codec>(codec), values, decompressed)) return std::unexpected(bad_values);
      values = decompressed;
    }
  }
  if (values.size() < size) return std::unexpected(bad_values);
  std::vector<std::uint32_t> positions(static_cast<std::size_t>(count));
  std::memcpy(positions.data(), values.data(), size);
  return positions;
}

}  // namespace omnigraph::lance
