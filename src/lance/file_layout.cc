#include "lance/file_layout.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "lance/wire.h"

namespace omnigraph::lance {
namespace {

constexpr std::size_t kFooterSize = 40;
constexpr std::uint64_t kFileTailBytes = std::uint64_t{64} << 10;
constexpr std::string_view kColumnEncodingUrl = "/lance.encodings.ColumnEncoding";
constexpr std::string_view kArrayEncodingUrl = "/lance.encodings.ArrayEncoding";
constexpr std::string_view kPageLayoutUrl = "/lance.encodings21.PageLayout";
constexpr std::string_view kPlainColumn("\x0a\x00", 2);

template <class T>
T load(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  return value;
}

Error unsupported(std::string_view key, const std::string& what) {
  return Error{Code::kUnsupportedFormat, "unsupported dataset: " + std::string(key) + ": " + what};
}

// 2.0 files say 0.3; minor 0, 1 or 2, or -1 for what we do not read.
int minor_of_footer(std::uint16_t major, std::uint16_t minor) {
  if (major == 0 && minor == 3) return 0;
  return major == 2 && minor <= 2 ? minor : -1;
}

struct Any {
  std::string_view type_url;
  std::string_view value;
};

// Encoding{2 direct{1 bytes of an Any}}. False: malformed or stored elsewhere.
bool parse_encoding(std::string_view message, Any& any) {
  std::string_view direct;
  std::string_view packed;
  WireReader outer(message);
  while (outer.next()) {
    if (outer.field() == 2) direct = outer.bytes();
  }
  WireReader middle(direct);
  while (middle.next()) {
    if (middle.field() == 1) packed = middle.bytes();
  }
  WireReader inner(packed);
  while (inner.next()) {
    if (inner.field() == 1) any.type_url = inner.bytes();
    if (inner.field() == 2) any.value = inner.bytes();
  }
  return outer.ok() && middle.ok() && inner.ok();
}

std::string place_text(const PagePlace& place, std::string_view what) {
  return "column " + std::to_string(place.column) + ", page " + std::to_string(place.page) + ": " + std::string(what);
}

}  // namespace

Error PagePlace::corrupt(std::string_view what) const { return corrupt_object(key, place_text(*this, what)); }
Error PagePlace::unsupported(std::string_view what) const {
  return lance::unsupported(key, place_text(*this, what) + "; rewrite the table with default settings");
}

Result<FileLayout> FileLayout::open(Buffer file, std::string key) {
  FileLayout layout;
  layout.file_ = std::move(file);
  layout.key_ = std::move(key);
  OG_RETURN_IF_ERROR(layout.parse_end());
  return layout;
}

Result<FileLayout> FileLayout::open(std::shared_ptr<const FileSource> source, std::string key) {
  FileLayout layout;
  layout.file_ = source->bytes();
  layout.source_ = std::move(source);
  layout.key_ = std::move(key);
  // Most often all that describes the pages.
  const std::uint64_t tail = std::min<std::uint64_t>(layout.file_.size(), kFileTailBytes);
  const FileRange range{.offset = layout.file_.size() - tail, .size = tail};
  OG_RETURN_IF_ERROR(layout.source_->fetch(std::span(&range, 1)));
  OG_RETURN_IF_ERROR(layout.parse_end());
  return layout;
}

Result<void> FileLayout::parse_end() {
  const std::size_t size = file_.size();
  if (size < kFooterSize) return std::unexpected(corrupt_object(key_, "shorter than a footer"));
  const std::byte* footer = file_.data() + size - kFooterSize;
  if (std::memcmp(footer + 36, kMagic.data(), kMagic.size()) != 0) {
    return std::unexpected(corrupt_object(key_, "no LANC at the end of the file"));
  }
  const auto major = load<std::uint16_t>(footer + 32);
  const auto minor = load<std::uint16_t>(footer + 34);
  const int known = minor_of_footer(major, minor);
  if (known < 0) {
    return std::unexpected(lance::unsupported(key_, "data file version " + std::to_string(major) + "." +
                                                        std::to_string(minor) + "; 2.0, 2.1 and 2.2 are read"));
  }
  minor_version_ = static_cast<std::uint32_t>(known);
  OG_ASSIGN_OR_RETURN(columns_,
                      read_table(load<std::uint64_t>(footer + 8), load<std::uint32_t>(footer + 28), "column metadata"));
  OG_ASSIGN_OR_RETURN(globals_,
                      read_table(load<std::uint64_t>(footer + 16), load<std::uint32_t>(footer + 24), "global buffer"));
  if (globals_.empty()) return std::unexpected(corrupt_object(key_, "no file descriptor"));

  WireReader descriptor(globals_[0].text());
  while (descriptor.next()) {
    if (descriptor.field() == 2) row_count_ = descriptor.uint();
  }
  if (!descriptor.ok()) return std::unexpected(corrupt_object(key_, "malformed file descriptor"));
  if (row_count_ > kFileRowsLimit) {
    return std::unexpected(corrupt_object(key_, "claims " + std::to_string(row_count_) + " rows"));
  }
  return {};
}

Result<void> FileLayout::check(std::uint64_t position, std::uint64_t size, std::string_view what) const {
  if (position > file_.size() || size > file_.size() - position) {
    return std::unexpected(corrupt_object(key_, std::string(what) + " at " + std::to_string(position) + ", " +
                                                    std::to_string(size) + " bytes, lies beyond the file end " +
                                                    std::to_string(file_.size())));
  }
  return {};
}

Result<std::vector<Buffer>> FileLayout::read_table(std::uint64_t position, std::uint32_t count,
                                                   std::string_view what) const {
  const FileRange whole{.offset = position, .size = std::uint64_t{count} * 16};
  OG_RETURN_IF_ERROR(check(whole.offset, whole.size, what));
  if (source_ != nullptr) OG_RETURN_IF_ERROR(source_->fetch(std::span(&whole, 1)));
  const Buffer table = file_.slice(whole.offset, whole.size);
  std::vector<FileRange> ranges(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::byte* entry = table.data() + i * 16;
    ranges[i] = {.offset = load<std::uint64_t>(entry), .size = load<std::uint64_t>(entry + 8)};
    OG_RETURN_IF_ERROR(check(ranges[i].offset, ranges[i].size, what));
  }
  if (source_ != nullptr) OG_RETURN_IF_ERROR(source_->fetch(ranges));
  std::vector<Buffer> entries;
  entries.reserve(count);
  for (const FileRange& range : ranges) entries.push_back(file_.slice(range.offset, range.size));
  return entries;
}

Result<void> FileLayout::fetch(std::span<const std::int32_t> columns) const {
  if (source_ == nullptr) return {};
  std::vector<FileRange> ranges;
  for (const std::int32_t index : columns) {
    if (index < 0) continue;
    OG_ASSIGN_OR_RETURN(const ColumnInfo info, column(static_cast<std::uint32_t>(index)));
    for (const PageInfo& page : info.pages) {
      for (const Buffer& buffer : page.buffers) {
        ranges.push_back({.offset = static_cast<std::uint64_t>(buffer.data() - file_.data()), .size = buffer.size()});
      }
    }
  }
  return source_->fetch(ranges);
}

Result<Buffer> FileLayout::global_buffer(std::uint32_t index) const {
  if (index >= globals_.size()) {
    return std::unexpected(corrupt_object(key_, "no global buffer " + std::to_string(index)));
  }
  return globals_[index];
}

Result<ColumnInfo> FileLayout::column(std::uint32_t index) const {
  if (index >= columns_.size()) {
    return std::unexpected(corrupt_object(
        key_, "no column " + std::to_string(index) + "; the file has " + std::to_string(columns_.size())));
  }
  ColumnInfo info;
  PagePlace place{key_, index, 0};
  WireReader in(columns_[index].text());
  while (in.next()) {
    if (in.field() == 1) {
      Any any;
      if (!parse_encoding(in.bytes(), any)) return std::unexpected(place.corrupt("malformed column encoding"));
      if (any.type_url != kColumnEncodingUrl || any.value != kPlainColumn) {
        return std::unexpected(place.unsupported("column encoding other than plain values"));
      }
    } else if (in.field() == 2) {
      place.page = info.pages.size();
      OG_ASSIGN_OR_RETURN(PageInfo page, parse_page(in.bytes(), place));
      info.length += page.length;
      info.pages.push_back(std::move(page));
    }
  }
  if (!in.ok()) return std::unexpected(place.corrupt("malformed column metadata"));
  return info;
}

Result<PageInfo> FileLayout::parse_page(std::string_view message, const PagePlace& place) const {
  PageInfo page;
  std::vector<std::uint64_t> offsets;
  std::vector<std::uint64_t> sizes;
  Any any;
  WireReader in(message);
  while (in.next()) {
    switch (in.field()) {
      case 1: in.each_uint([&](std::uint64_t v) { offsets.push_back(v); }); break;
      case 2: in.each_uint([&](std::uint64_t v) { sizes.push_back(v); }); break;
      case 3: page.length = in.uint(); break;
      case 4:
        if (!parse_encoding(in.bytes(), any)) in.fail();
        break;
      default: break;
    }
  }
  if (!in.ok() || offsets.size() != sizes.size()) return std::unexpected(place.corrupt("malformed page metadata"));
  if (page.length > kFileRowsLimit) return std::unexpected(place.corrupt("page length beyond the row limit"));
  if (any.type_url != (minor_version_ == 0 ? kArrayEncodingUrl : kPageLayoutUrl)) {
    return std::unexpected(place.unsupported("page encoding '" + std::string(any.type_url) + "'"));
  }
  page.encoding = any.value;
  for (std::size_t i = 0; i < offsets.size(); ++i) {
    if (offsets[i] > file_.size() || sizes[i] > file_.size() - offsets[i]) {
      return std::unexpected(place.corrupt("buffer " + std::to_string(i) + " at " + std::to_string(offsets[i]) + ", " +
                                           std::to_string(sizes[i]) + " bytes, lies beyond the file end " +
                                           std::to_string(file_.size())));
    }
    page.buffers.push_back(file_.slice(offsets[i], sizes[i]));
  }
  return page;
}

}  // namespace omnigraph::lance
