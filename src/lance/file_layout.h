// The container of a Lance data file: footer, offset tables, descriptor, column metadata (chapter 10 section 7).
//
//   buffers .. | descriptor | column metadata .. | CMO: per column u64 position, u64 size | GBO: likewise | footer
//
// Everything returned lies inside the file. Sizes and positions are bytes.
// Thread safety: immutable.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "base/result.h"
#include "lance/file_source.h"

namespace omnigraph::lance {

// Ends data files and manifests.
inline constexpr std::string_view kMagic = "LANC";

// Section 1: row positions are 32-bit.
inline constexpr std::uint64_t kFileRowsLimit = 0xffff'ffffull;
// Levels or dictionary items of one page. The reference writer cuts pages at 8 MiB; far more would only exhaust memory.
inline constexpr std::uint64_t kPageLevelsMax = std::uint64_t{1} << 28;
// One decompressed buffer; pages hold at most 2^31-1 string bytes.
inline constexpr std::uint64_t kDecompressedMax = std::uint64_t{1} << 31;
// Nesting of encoding messages; real ones are at most 6 deep.
inline constexpr int kEncodingDepthMax = 16;

// Where a decoder is, for its errors.
struct PagePlace {
  std::string_view key;
  std::uint32_t column = 0;
  std::size_t page = 0;
  // corrupt_object: <key>: column 3, page 0: <what>
  [[nodiscard]] Error corrupt(std::string_view what) const;
  // unsupported dataset: <key>: column 3, page 0: <what>
  [[nodiscard]] Error unsupported(std::string_view what) const;
};

struct PageInfo {
  std::vector<Buffer> buffers;
  std::uint64_t length = 0;
  std::string_view encoding;  // ArrayEncoding (2.0) or PageLayout message; lives as long as the file
};

struct ColumnInfo {
  std::vector<PageInfo> pages;
  std::uint64_t length = 0;  // of all pages
};

class FileLayout {
 public:
  [[nodiscard]] static Result<FileLayout> open(Buffer file, std::string key);
  [[nodiscard]] static Result<FileLayout> open(std::shared_ptr<const FileSource> source, std::string key);

  [[nodiscard]] const std::string& key() const { return key_; }
  [[nodiscard]] std::uint32_t minor_version() const { return minor_version_; }  // 2.0, 2.1, 2.2: 0, 1, 2
  [[nodiscard]] std::uint64_t row_count() const { return row_count_; }
  [[nodiscard]] std::uint32_t column_count() const { return static_cast<std::uint32_t>(columns_.size()); }
  [[nodiscard]] std::uint32_t global_buffer_count() const { return static_cast<std::uint32_t>(globals_.size()); }
  [[nodiscard]] Result<Buffer> global_buffer(std::uint32_t index) const;
  // Fetches the pages of these columns where the file is far away; negative numbers stand for none.
  [[nodiscard]] Result<void> fetch(std::span<const std::int32_t> columns) const;
  // Parses the column's metadata. REQUIRES: fetch() of it, for the content of its buffers. Errors: kCorruptObject, also
  // for an index behind the last column.
  [[nodiscard]] Result<ColumnInfo> column(std::uint32_t index) const;

 private:
  [[nodiscard]] Result<void> parse_end();
  [[nodiscard]] Result<void> check(std::uint64_t position, std::uint64_t size, std::string_view what) const;
  [[nodiscard]] Result<std::vector<Buffer>> read_table(std::uint64_t position, std::uint32_t count,
                                                       std::string_view what) const;
  [[nodiscard]] Result<PageInfo> parse_page(std::string_view message, const PagePlace& place) const;

  Buffer file_;
  std::string key_;
  std::uint32_t minor_version_ = 0;
  std::uint64_t row_count_ = 0;
  std::vector<Buffer> columns_;  // metadata messages
  std::vector<Buffer> globals_;
  std::shared_ptr<const FileSource> source_;  // null: all of the file is in `file_`
};

}  // namespace omnigraph::lance
