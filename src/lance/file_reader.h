// Reads Lance data files 2.0, 2.1 and 2.2 (chapter 10 sections 7 to 9). Columns are decoded on demand; plain 2.0
// fixed-width values, string bytes, end offsets and bitmaps are used in place from the file's buffer.
// Every offset, length and index is checked: bad bytes give kCorruptObject naming the key, never a crash.
// Thread safety: const methods may be called concurrently.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "base/result.h"
#include "columnar/array.h"
#include "lance/file_source.h"

namespace omnigraph::lance {

class FileReader {
 public:
  // `file` is the whole object. Errors: kCorruptObject, kUnsupportedFormat.
  [[nodiscard]] static Result<std::shared_ptr<const FileReader>> open(Buffer file, std::string key);
  // A file that is read range by range: the end of it now, columns when they are read.
  [[nodiscard]] static Result<std::shared_ptr<const FileReader>> open(std::shared_ptr<const FileSource> source,
                                                                      std::string key);
  virtual ~FileReader() = default;

  [[nodiscard]] virtual std::uint32_t major_version() const = 0;
  [[nodiscard]] virtual std::uint32_t minor_version() const = 0;  // 0, 1, 2
  [[nodiscard]] virtual std::uint64_t row_count() const = 0;
  [[nodiscard]] virtual std::uint32_t column_count() const = 0;

  // Reads one top-level field of type `type`: row_count() slots in chunks of any length. `columns` are the file columns
  // of the field and its children, depth-first as section 4.3 says (2.0: lists and structs have a column of their own;
  // 2.1, 2.2: leaves only). A negative number = the file has no such column: null there. A struct slot whose children
  // are all null is null (section 8.1). Nothing is cached. Errors: kCorruptObject, kUnsupportedFormat.
  [[nodiscard]] virtual Result<columnar::ChunkedArray> read(const columnar::DataType& type,
                                                            std::span<const std::int32_t> columns) const = 0;
  // Fetches what read() of these columns will need, in one round trip; read() does so itself.
  [[nodiscard]] virtual Result<void> fetch(std::span<const std::int32_t> columns) const = 0;
  // Extra global buffers of ours (index >= 1).
  [[nodiscard]] virtual std::uint32_t global_buffer_count() const = 0;
  [[nodiscard]] virtual Result<Buffer> global_buffer(std::uint32_t index) const = 0;
};

}  // namespace omnigraph::lance
