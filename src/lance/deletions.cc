// Roaring bitmaps of deleted positions. Source: github.com/RoaringBitmap/RoaringFormatSpec, chapter 10 section 5.
#include "lance/deletions.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "lance/arrow_deletions.h"
#include "lance/little_endian.h"

namespace omnigraph::lance {
namespace {

constexpr std::uint32_t kCookie = 12346;
constexpr std::uint32_t kCookieWithRuns = 12347;  // low half; the high half holds the container count less one
constexpr std::size_t kArrayMax = 4096;           // more values than this: a bitmap container
constexpr std::size_t kBitmapBytes = 8192;
constexpr std::uint32_t kOffsetsFrom = 4;  // with runs, offsets exist from this many containers on

// Reads numbers front to back; a read past the end gives 0 and ok() == false.
class ByteCursor {
 public:
  explicit ByteCursor(std::span<const std::byte> bytes) : bytes_(bytes) {}

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] std::size_t position() const { return position_; }
  void seek(std::size_t position) {
    ok_ = ok_ && position <= bytes_.size();
    if (ok_) position_ = position;
  }
  [[nodiscard]] const std::byte* take(std::size_t size) {
    ok_ = ok_ && size <= bytes_.size() - position_;
    if (!ok_) return nullptr;
    position_ += size;
    return bytes_.data() + position_ - size;
  }
  template <class T>
  [[nodiscard]] T number() {
    T value = 0;
    if (const std::byte* at = take(sizeof(T)); at != nullptr) std::memcpy(&value, at, sizeof(T));
    return value;
  }

 private:
  std::span<const std::byte> bytes_;
  std::size_t position_ = 0;
  bool ok_ = true;
};

struct Container {
  std::uint32_t key = 0;
  std::uint32_t cardinality = 0;
  bool has_runs = false;
};

bool read_runs(ByteCursor& in, std::uint32_t high, std::vector<std::uint32_t>& out) {
  std::uint32_t least = 0;  // runs ascend and do not touch what came before
  for (std::uint32_t runs = in.number<std::uint16_t>(); runs != 0; --runs) {
    const std::uint32_t start = in.number<std::uint16_t>();
    const std::uint32_t last = start + in.number<std::uint16_t>();
    if (!in.ok() || start < least || last > 0xffff) return false;
    for (std::uint32_t low = start; low <= last; ++low) out.push_back(high | low);
    least = last + 1;
  }
  return in.ok();
}

bool read_array(ByteCursor& in, std::uint32_t high, std::uint32_t count, std::vector<std::uint32_t>& out) {
  const std::byte* at = in.take(std::size_t{count} * 2);
  if (at == nullptr) return false;
  for (std::uint32_t i = 0; i < count; ++i) {
    std::uint16_t low;
    std::memcpy(&low, at + std::size_t{i} * 2, 2);
    if (i != 0 && (high | low) <= out.back()) return false;
    out.push_back(high | low);
  }
  return true;
}

bool read_bitmap(ByteCursor& in, std::uint32_t high, std::vector<std::uint32_t>& out) {
  const std::byte* at = in.take(kBitmapBytes);
  if (at == nullptr) return false;
  for (std::uint32_t word = 0; word < kBitmapBytes / 8; ++word) {
    std::uint64_t bits;
    std::memcpy(&bits, at + std::size_t{word} * 8, 8);
    for (; bits != 0; bits &= bits - 1) {
      out.push_back(high | (word * 64 + static_cast<std::uint32_t>(std::countr_zero(bits))));
    }
  }
  return true;
}

// `rows_max`: more are a mistake, found before they fill the memory.
bool read_roaring(std::span<const std::byte> bytes, std::uint64_t rows_max, std::vector<std::uint32_t>& out) {
  ByteCursor in(bytes);
  const auto cookie = in.number<std::uint32_t>();
  const bool with_runs = (cookie & 0xffff) == kCookieWithRuns;
  if (!with_runs && cookie != kCookie) return false;
  const std::uint32_t count = with_runs ? (cookie >> 16) + 1 : in.number<std::uint32_t>();
  if (!in.ok() || count > 0x10000) return false;
  const std::byte* run_flags = with_runs ? in.take((count + 7) / 8) : nullptr;
  if (!in.ok()) return false;

  std::vector<Container> containers(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    containers[i].key = in.number<std::uint16_t>();
    containers[i].cardinality = std::uint32_t{in.number<std::uint16_t>()} + 1;
    containers[i].has_runs = run_flags != nullptr && (static_cast<unsigned>(run_flags[i / 8]) >> (i % 8) & 1) != 0;
    if (i != 0 && containers[i].key <= containers[i - 1].key) return false;
  }
  const bool has_offsets = !with_runs || count >= kOffsetsFrom;
  std::vector<std::uint32_t> offsets(has_offsets ? count : 0);
  for (std::uint32_t& offset : offsets) offset = in.number<std::uint32_t>();

  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    const Container& container = containers[i];
    if (has_offsets) in.seek(offsets[i]);
    const std::uint32_t high = container.key << 16;
    const std::size_t before = out.size();
    const bool fits = container.has_runs                   ? read_runs(in, high, out)
                      : container.cardinality <= kArrayMax ? read_array(in, high, container.cardinality, out)
                                                           : read_bitmap(in, high, out);
    if (!fits || out.size() - before != container.cardinality || out.size() > rows_max) return false;
  }
  return in.ok();
}

}  // namespace

std::string write_deletion_bitmap(std::span<const std::uint32_t> positions) {
  struct Slice {
    std::size_t begin;
    std::size_t end;
  };
  std::vector<Slice> slices;
  for (std::size_t i = 0; i < positions.size(); ++i) {
    OG_CHECK(i == 0 || positions[i - 1] < positions[i]);
    if (i == 0 || positions[i - 1] >> 16 != positions[i] >> 16) slices.push_back({i, i});
    slices.back().end = i + 1;
  }
  std::string out;
  append_number(out, kCookie);
  append_number(out, static_cast<std::uint32_t>(slices.size()));
  for (const Slice& slice : slices) {
    append_number(out, static_cast<std::uint16_t>(positions[slice.begin] >> 16));
    append_number(out, static_cast<std::uint16_t>(slice.end - slice.begin - 1));
  }
  std::size_t offset = out.size() + slices.size() * 4;
  for (const Slice& slice : slices) {
    append_number(out, static_cast<std::uint32_t>(offset));
    const std::size_t count = slice.end - slice.begin;
    offset += count <= kArrayMax ? count * 2 : kBitmapBytes;
  }
  for (const Slice& slice : slices) {
    if (slice.end - slice.begin <= kArrayMax) {
      for (std::size_t i = slice.begin; i < slice.end; ++i) {
        append_number(out, static_cast<std::uint16_t>(positions[i] & 0xffff));
      }
      continue;
    }
    std::string bits(kBitmapBytes, '\0');
    for (std::size_t i = slice.begin; i < slice.end; ++i) {
      const std::uint32_t low = positions[i] & 0xffff;
      bits[low / 8] = static_cast<char>(static_cast<unsigned char>(bits[low / 8]) | 1u << (low % 8));
    }
    out += bits;
  }
  return out;
}

Result<std::vector<std::uint32_t>> read_deletions(const Buffer& bytes, const DeletionFileEntry& entry,
                                                  std::uint64_t physical_rows, std::string_view key) {
  std::vector<std::uint32_t> positions;
  if (entry.type == DeletionFileType::kArrow) {
    OG_ASSIGN_OR_RETURN(positions, read_arrow_positions(bytes, entry.deleted_rows, key));
    std::ranges::sort(positions);
    if (std::ranges::adjacent_find(positions) != positions.end()) {
      return std::unexpected(corrupt_object(key, "a row is deleted twice"));
    }
  } else if (!read_roaring(bytes.bytes(), physical_rows, positions)) {
    return std::unexpected(corrupt_object(key, "not a roaring bitmap"));
  }
  if (positions.size() != entry.deleted_rows) {
    return std::unexpected(corrupt_object(key, "holds " + std::to_string(positions.size()) +
                                                   " deleted rows where the manifest says " +
                                                   std::to_string(entry.deleted_rows)));
  }
  if (!positions.empty() && positions.back() >= physical_rows) {
    return std::unexpected(corrupt_object(
        key, "deletes row " + std::to_string(positions.back()) + " of " + std::to_string(physical_rows)));
  }
  return positions;
}

}  // namespace omnigraph::lance
