#include "index/index_file.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "base/hash.h"

namespace omnigraph::index {
namespace {

constexpr std::string_view kMagic("OGINDEX\0", 8);
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kHeaderSize = 48;
constexpr std::size_t kEntrySize = 16;
constexpr std::size_t kAlignment = 64;
constexpr std::size_t kChecksumSize = 8;

constexpr std::size_t aligned(std::size_t offset) { return (offset + kAlignment - 1) / kAlignment * kAlignment; }

template <class T>
void store(std::vector<std::byte>& bytes, std::size_t offset, T value) {
  std::memcpy(bytes.data() + offset, &value, sizeof(T));
}

template <class T>
T load(const Buffer& bytes, std::size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

Error corrupt_index(std::string what) { return Error{Code::kCorruptObject, std::move(what)}; }

std::uint64_t checksum(const Buffer& bytes) {
  return base::hash64(bytes.text().substr(0, bytes.size() - kChecksumSize));
}

// Memory as an allocator gives it: what is read by range need not be aligned.
Buffer aligned_copy(const Buffer& bytes) {
  return Buffer::from(std::vector<std::byte>(bytes.bytes().begin(), bytes.bytes().end()));
}

}  // namespace

std::string_view index_folder(IndexKind kind) {
  switch (kind) {
    case IndexKind::kKey: return "key";
    case IndexKind::kText: return "text";
    case IndexKind::kWords: return "words";
    case IndexKind::kOut: return "out";
    case IndexKind::kIn: return "in";
    case IndexKind::kVector: return "vector";
    case IndexKind::kOrdered: return "ordered";
  }
  return "";
}

Buffer IndexFileWriter::finish() const {
  std::vector<std::size_t> offsets;
  std::size_t end = kHeaderSize + arrays_.size() * kEntrySize;
  for (const auto& array : arrays_) {
    offsets.push_back(aligned(end));
    end = offsets.back() + array.size();
  }
  end = (end + 7) / 8 * 8;
  std::vector<std::byte> bytes(end + kChecksumSize);
  std::memcpy(bytes.data(), kMagic.data(), kMagic.size());
  store(bytes, 8, kVersion);
  store(bytes, 12, static_cast<std::uint32_t>(source_.kind));
  store(bytes, 16, source_.rows);
  store(bytes, 24, source_.parameters);
  store(bytes, 32, static_cast<std::uint32_t>(arrays_.size()));
  store(bytes, 40, static_cast<std::uint64_t>(bytes.size()));
  for (std::size_t i = 0; i < arrays_.size(); ++i) {
    store(bytes, kHeaderSize + i * kEntrySize, static_cast<std::uint64_t>(offsets[i]));
    store(bytes, kHeaderSize + i * kEntrySize + 8, static_cast<std::uint64_t>(arrays_[i].size()));
    if (!arrays_[i].empty()) std::memcpy(bytes.data() + offsets[i], arrays_[i].data(), arrays_[i].size());
  }
  store(bytes, end, base::hash64({reinterpret_cast<const char*>(bytes.data()), end}));
  return Buffer::from(std::move(bytes));
}

Result<void> IndexFile::check(const Buffer& bytes, const IndexSource& source) {
  if (bytes.size() < kHeaderSize + kChecksumSize || bytes.text().substr(0, kMagic.size()) != kMagic) {
    return std::unexpected(corrupt_index("it does not begin like an index"));
  }
  if (const auto version = load<std::uint32_t>(bytes, 8); version != kVersion) {
    return std::unexpected(
        Error{Code::kUnsupportedFormat, "it has version " + std::to_string(version) + ", this build reads version 1"});
  }
  if (load<std::uint64_t>(bytes, 40) != bytes.size()) {
    return std::unexpected(corrupt_index("it has " + std::to_string(bytes.size()) + " bytes instead of " +
                                         std::to_string(load<std::uint64_t>(bytes, 40))));
  }
  if (load<std::uint64_t>(bytes, bytes.size() - kChecksumSize) != checksum(bytes)) {
    return std::unexpected(corrupt_index("its checksum does not match"));
  }
  if (load<std::uint32_t>(bytes, 12) != static_cast<std::uint32_t>(source.kind) ||
      load<std::uint64_t>(bytes, 16) != source.rows || load<std::uint64_t>(bytes, 24) != source.parameters) {
    return std::unexpected(corrupt_index("it was made of another data file or with other parameters"));
  }
  return {};
}

Result<IndexFile> IndexFile::open(Buffer bytes, const IndexSource& source, std::size_t array_count) {
  OG_RETURN_IF_ERROR(check(bytes, source));
  if (load<std::uint32_t>(bytes, 32) != array_count) {
    return std::unexpected(corrupt_index("it has another number of arrays than its kind"));
  }
  IndexFile file;
  const bool is_aligned = reinterpret_cast<std::uintptr_t>(bytes.data()) % 8 == 0;
  file.bytes_ = is_aligned ? std::move(bytes) : aligned_copy(bytes);
  const std::size_t content_end = file.bytes_.size() - kChecksumSize;
  if (kHeaderSize + array_count * kEntrySize > content_end) return std::unexpected(corrupt_index("it has no arrays"));
  for (std::size_t i = 0; i < array_count; ++i) {
    const auto offset = load<std::uint64_t>(file.bytes_, kHeaderSize + i * kEntrySize);
    const auto size = load<std::uint64_t>(file.bytes_, kHeaderSize + i * kEntrySize + 8);
    if (offset % kAlignment != 0 || offset > content_end + kAlignment || (size > 0 && offset > content_end) ||
        size > content_end - std::min<std::uint64_t>(offset, content_end)) {
      return std::unexpected(broken_array(i));
    }
    file.arrays_.push_back(size == 0 ? std::span<const std::byte>() : file.bytes_.bytes().subspan(offset, size));
  }
  return file;
}

Error IndexFile::broken_array(std::size_t i) {
  return corrupt_index("its array " + std::to_string(i) + " is not where and as large as it should be");
}

}  // namespace omnigraph::index
