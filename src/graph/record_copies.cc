#include "graph/record_copies.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "lance/compression.h"
#include "lance/page_packing.h"

namespace omnigraph::graph {
namespace {

constexpr std::size_t kHeaderLengthSize = 4;  // of the header's length, before it
constexpr std::string_view kCopiesOffset = R"({"format":1,"copies":{"offset":)";
constexpr std::string_view kCopiesSize = R"(,"size":)";

bool skip_text(std::string_view& text, std::string_view wanted) {
  if (!text.starts_with(wanted)) return false;
  text.remove_prefix(wanted.size());
  return true;
}

bool skip_number(std::string_view& text, std::uint64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));  // its place may be wider
  return true;
}

constexpr std::size_t kSizesSize = 8;  // of the two sizes before each object

void append_u32(std::string& out, std::size_t value) {
  const auto word = static_cast<std::uint32_t>(value);
  char bytes[sizeof(word)];
  std::memcpy(bytes, &word, sizeof(word));
  out.append(bytes, sizeof(word));
}

std::uint32_t load_u32(const std::byte* at) {
  std::uint32_t value = 0;
  std::memcpy(&value, at, sizeof(value));
  return value;
}

// Empty for what is no such frame: the objects' own places serve.
ObjectCopies unpack_copies(const Buffer& packed) {
  const lance::PagePlace place{.key = "copies"};
  const Result<std::uint64_t> size = lance::decompressed_size(lance::Compression::kZstd, packed.bytes(), place);
  if (!size || *size > 2 * kCopiesBytesMax) return {};
  const Result<Buffer> unpacked = lance::decompress(lance::Compression::kZstd, packed, place);
  if (!unpacked) return {};
  ObjectCopies objects;
  for (std::size_t at = 0; at < unpacked->size();) {
    if (unpacked->size() - at < kSizesSize) return {};
    const std::size_t key_size = load_u32(unpacked->data() + at), object_size = load_u32(unpacked->data() + at + 4);
    at += kSizesSize;
    if (key_size + object_size > unpacked->size() - at) return {};
    objects.emplace(std::string(unpacked->slice(at, key_size).text()), unpacked->slice(at + key_size, object_size));
    at += key_size + object_size;
  }
  return objects;
}

}  // namespace

Buffer pack_copies(const ObjectCopies& objects) {
  std::string raw;
  for (const auto& [key, bytes] : objects) {
    append_u32(raw, key.size());
    append_u32(raw, bytes.size());
    raw.append(key).append(bytes.text());
  }
  return lance::zstd_frame(std::as_bytes(std::span(raw)));
}

std::shared_ptr<const RecordCopies> RecordCopies::in(const Buffer& record_bytes) {
  std::string_view header = record_bytes.text().substr(std::min(kHeaderLengthSize, record_bytes.size()));
  std::uint64_t offset = 0, size = 0;
  const bool found = skip_text(header, kCopiesOffset) && skip_number(header, offset) &&
                     skip_text(header, kCopiesSize) && skip_number(header, size);
  if (!found || offset > record_bytes.size() || size > record_bytes.size() - offset) return nullptr;
  return std::make_shared<const RecordCopies>(record_bytes.slice(offset, size));
}

std::optional<Buffer> RecordCopies::find(std::string_view key) const {
  const ObjectCopies& objects = all();
  const auto found = objects.find(key);
  return found == objects.end() ? std::nullopt : std::optional(found->second);
}

const ObjectCopies& RecordCopies::all() const {
  std::call_once(once_, [this] { objects_ = unpack_copies(packed_); });
  return objects_;
}

}  // namespace omnigraph::graph
