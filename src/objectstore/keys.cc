#include "objectstore/keys.h"

#include <algorithm>
#include <ranges>

#include "base/text.h"

namespace omnigraph::objectstore {

bool is_valid_key(std::string_view key) {
  if (key.empty() || key.size() > kKeySizeMax) return false;
  if (key.find('\0') != std::string_view::npos || !base::is_valid_utf8(key)) return false;
  for (const auto segment : std::views::split(key, '/')) {
    if (segment.empty() || segment.front() == '.') return false;
  }
  return true;
}

Result<void> check_key(std::string_view key) {
  if (is_valid_key(key)) return {};
  std::string message = "invalid object key '";
  message += key.substr(0, kKeySizeMax);
  message += "': keys are UTF-8 of 1 to 1024 bytes, with no empty segment and none that starts with '.'";
  return std::unexpected(Error{.code = Code::kInvalidArgument, .message = std::move(message)});
}

Error no_such_object(std::string_view key) {
  std::string message = "no object '";
  message += key;
  message += '\'';
  return Error{.code = Code::kNotFound, .message = std::move(message)};
}

Error object_exists(std::string_view key) {
  std::string message = "object '";
  message += key;
  message += "' exists already";
  return Error{.code = Code::kConflict, .message = std::move(message)};
}

ByteRange clamp_range(const std::optional<ByteRange>& range, std::uint64_t size) {
  if (!range) return {.offset = 0, .size = size};
  const std::uint64_t offset = std::min(range->offset, size);
  return {.offset = offset, .size = std::min(range->size, size - offset)};
}

std::string_view common_prefix(std::string_view key, std::string_view prefix) {
  const std::size_t slash = key.find('/', prefix.size());
  return slash == std::string_view::npos ? std::string_view() : key.substr(0, slash + 1);
}

}  // namespace omnigraph::objectstore
