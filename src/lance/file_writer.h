// Writes Lance 2.0 data files (chapter 10 sections 7 and 8): plain, or packed per column class (section 8.2).
// Not thread safe (it may use the shared task pool inside).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "columnar/array.h"
#include "lance/manifest.h"

namespace omnigraph::lance {

// Section 8.2's classes decide the encoding of packed pages.
enum class ColumnClass : std::uint8_t {
  kAutomatic,  // by type: dictionary for few distinct strings, bit-packed ints, zstd text ..
  kKey,        // node id, key and unique strings: bit-packed offsets, bytes in place
  kPlain,      // always plain: adjacency, vectors
};

struct ColumnSpec {
  columnar::Field field;
  std::int32_t field_id = 0;  // of the field; children follow depth-first
  ColumnClass column_class = ColumnClass::kAutomatic;
  // Ids of the fields below, depth-first. Empty: field_id + 1, + 2, .. A struct that is written without some of its
  // children (section 8.1) must name those that it has.
  std::vector<std::int32_t> child_field_ids{};
};

struct WriterOptions {
  bool packed = false;  // callers pass is_worth_packing()
};
inline constexpr std::uint64_t kPackedRowsMin = 65'536;
inline constexpr std::uint64_t kPackedBytesMin = std::uint64_t{4} << 20;
// Smaller files are used where they lie. `bytes`: of the values, about; few rows may hold long texts.
[[nodiscard]] constexpr bool is_worth_packing(std::uint64_t rows, std::uint64_t bytes) {
  return rows >= kPackedRowsMin || bytes >= kPackedBytesMin;
}
inline constexpr std::uint64_t kFileRowsMax = 1'048'576;
inline constexpr std::uint64_t kFileBytesMax = std::uint64_t{512} << 20;

// Where the bytes go, in order.
using ByteSink = std::function<Result<void>(std::span<const std::byte>)>;

struct WrittenFile {
  std::uint64_t row_count = 0;
  std::uint64_t size_bytes = 0;
  // For the manifest: 2.0 lists every field, parents included.
  std::vector<std::int32_t> fields;
  std::vector<std::int32_t> column_indices;
};

class FileWriter {
 public:
  virtual ~FileWriter() = default;
  // Columns in the order of the specs. Pages are flushed as they fill, so that memory stays bounded.
  [[nodiscard]] virtual Result<void> append(const std::vector<columnar::ArrayPtr>& columns, std::int64_t length) = 0;
  [[nodiscard]] virtual std::uint64_t bytes_so_far() const = 0;  // written plus buffered
  [[nodiscard]] virtual Result<WrittenFile> finish() = 0;
};

[[nodiscard]] std::unique_ptr<FileWriter> make_file_writer(std::vector<ColumnSpec> columns, WriterOptions options,
                                                           ByteSink sink);

}  // namespace omnigraph::lance
