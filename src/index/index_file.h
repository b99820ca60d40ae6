// The object that keeps one piece of derived data (chapter 09 section 7): flat arrays that are used where they lie,
// mapped or fetched, without being parsed. All numbers are little-endian.
//
//    0  8 bytes  "OGINDEX" and a zero
//    8  u32      version of this layout
//   12  u32      kind
//   16  u64      rows of the data file it was made of
//   24  u64      digest of the parameters it was made with
//   32  u32      number of arrays
//   36  u32      0
//   40  u64      size of the object
//   48           u64 offset and u64 size in bytes of each array
//   ..           the arrays, each at a multiple of 64, zeros between them
//   end - 8      XXH3 of everything before, 64 bits
//
// Every byte is decided by the data file and the parameters, so that two builders make the same object. The checksum
// is looked at when an object is opened: what was damaged is never searched.
// Thread safety: a writer belongs to one thread; an opened file is immutable.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/buffer.h"
#include "base/result.h"

namespace omnigraph::index {

static_assert(std::endian::native == std::endian::little, "arrays are used where they lie");

enum class IndexKind : std::uint32_t { kKey = 1, kText = 2, kWords = 3, kOut = 4, kIn = 5, kVector = 6, kOrdered = 7 };
// Folder of the kind below index/.
[[nodiscard]] std::string_view index_folder(IndexKind kind);

// What an object is made of, besides the content of the data file.
struct IndexSource {
  IndexKind kind = IndexKind::kKey;
  std::uint64_t rows = 0;
  std::uint64_t parameters = 0;  // digest
};

class IndexFileWriter {
 public:
  explicit IndexFileWriter(const IndexSource& source) : source_(source) {}

  // The next array; borrowed until finish().
  template <class T>
  void add(std::span<const T> items) {
    static_assert(std::has_unique_object_representations_v<T> || std::is_floating_point_v<T>,
                  "padding would make two builders differ");
    arrays_.push_back(std::as_bytes(items));
  }
  [[nodiscard]] Buffer finish() const;

 private:
  const IndexSource source_;
  std::vector<std::span<const std::byte>> arrays_;
};

class IndexFile {
 public:
  // Errors: kCorruptObject for what is not, or not whole, an object of this source; kUnsupportedFormat for another
  // version of the layout. Messages say what is wrong, not where.
  [[nodiscard]] static Result<IndexFile> open(Buffer bytes, const IndexSource& source, std::size_t array_count);
  // Whether `bytes` are a whole object of this source; the same errors.
  [[nodiscard]] static Result<void> check(const Buffer& bytes, const IndexSource& source);

  // kCorruptObject if the array is not made of whole items.
  template <class T>
  [[nodiscard]] Result<std::span<const T>> array(std::size_t i) const {
    if (arrays_[i].size() % sizeof(T) != 0) return std::unexpected(broken_array(i));
    return std::span<const T>(reinterpret_cast<const T*>(arrays_[i].data()), arrays_[i].size() / sizeof(T));
  }
  [[nodiscard]] const Buffer& bytes() const { return bytes_; }
  [[nodiscard]] static Error broken_array(std::size_t i);

 private:
  Buffer bytes_;
  std::vector<std::span<const std::byte>> arrays_;
};

// Whether values that are used as positions can be.
[[nodiscard]] inline bool all_below(std::span<const std::uint32_t> positions, std::uint64_t limit) {
  bool outside = false;
  for (const std::uint32_t position : positions) outside |= position >= limit;
  return !outside;
}

}  // namespace omnigraph::index
