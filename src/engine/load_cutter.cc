#include <algorithm>
#include <cstring>

#include "engine/load_block.h"
#include "engine/load_limits.h"

namespace omnigraph::engine {
namespace {

constexpr std::size_t kFirstReadBytes = 64 * 1024;

}  // namespace

Result<void> LoadCutter::fill() {
  const std::size_t before = pending_.size();
  std::size_t got = 0;
  while (got < block_bytes_) {
    // A small input does not pay for the memory of a whole block.
    if (got >= kFirstReadBytes) pending_.reserve(before + block_bytes_ + kJsonPadding);
    const std::size_t wanted = std::min(std::max(got, kFirstReadBytes), block_bytes_ - got);
    pending_.resize(before + got + wanted);
    const std::span<char> free(pending_.data() + before + got, wanted);
    OG_ASSIGN_OR_RETURN(const std::size_t count, (*source_)(std::as_writable_bytes(free)));
    if (count == 0) {
      ended_ = true;
      break;
    }
    got += count;
  }
  pending_.resize(before + got);
  bytes_read_ += got;
  return {};
}

// Bytes up to and with the last line end; all of them at the end of the input.
std::size_t LoadCutter::scan_lines() const {
  if (ended_) return pending_.size();
  const void* last = pending_.empty() ? nullptr : ::memrchr(pending_.data(), '\n', pending_.size());
  return last == nullptr ? 0 : static_cast<std::size_t>(static_cast<const char*>(last) - pending_.data()) + 1;
}

// Bytes up to the end of the last whole record; all of them at the end of the input.
std::size_t LoadCutter::scan_records() {
  const auto close = [&](std::size_t end) {
    records_.emplace_back(record_start_, end - record_start_);
    in_record_ = false;
  };
  for (; scanned_ < pending_.size(); ++scanned_) {
    const char c = pending_[scanned_];
    if (in_string_) {
      if (escaped_) {
        escaped_ = false;
      } else if (c == '\\') {
        escaped_ = true;
      } else if (c == '"') {
        in_string_ = false;
        if (depth_ == 0) close(scanned_ + 1);
      }
      continue;
    }
    const bool space = c == ' ' || c == '\n' || c == '\t' || c == '\r';
    if (!in_record_) {
      if (space) continue;
      in_record_ = true;
      record_start_ = scanned_;
    }
    if (c == '"') {
      in_string_ = true;
    } else if (c == '{' || c == '[') {
      ++depth_;
    } else if (c == '}' || c == ']') {
      if (depth_ > 0) --depth_;
      if (depth_ == 0) close(scanned_ + 1);
    } else if (space && depth_ == 0) {
      close(scanned_);
    }
  }
  if (ended_ && in_record_) close(pending_.size());
  if (ended_) return pending_.size();
  return records_.empty() ? 0 : records_.back().first + records_.back().second;
}

Result<std::optional<LoadBlock>> LoadCutter::next() {
  std::size_t cut = 0;
  while (cut == 0) {
    if (ended_ && pending_.empty()) return std::nullopt;
    if (!ended_) OG_RETURN_IF_ERROR(fill());
    cut = strict_ ? scan_lines() : scan_records();
    if (ended_ && pending_.empty()) return std::nullopt;
    // Long enough to know the size of a line that is a little too long, short enough to stop at one without end.
    if (cut == 0 && pending_.size() > kLoadLineBytesMax + block_bytes_)
      return std::unexpected(line_too_long(pending_.size()));
  }
  LoadBlock block;
  block.size = cut;
  std::string rest(pending_, cut);
  pending_.resize(cut);
  pending_.append(kJsonPadding, '\0');
  block.bytes = std::move(pending_);
  pending_ = std::move(rest);
  block.records = std::move(records_);
  records_.clear();
  scanned_ -= strict_ ? 0 : cut;
  record_start_ -= strict_ || !in_record_ ? 0 : cut;
  return block;
}

}  // namespace omnigraph::engine
