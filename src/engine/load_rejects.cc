#include "engine/load_rejects.h"

#include <algorithm>

#include "base/text.h"

namespace omnigraph::engine {

Error too_many_rejects(const std::vector<RejectedRecord>& rejected, std::uint64_t max) {
  std::string text("more than ");
  text.append(std::to_string(max)).append(max == 1 ? " record is" : " records are");
  text.append(" wrong, so nothing was loaded; the first: ").append(rejected.front().message);
  return bad_request(std::move(text));
}

std::string readable_text(std::string_view bytes) {
  if (base::is_valid_utf8(bytes)) return std::string(bytes);
  constexpr std::size_t kSequenceBytesMax = 4;
  std::string out;
  for (std::size_t at = 0; at < bytes.size();) {
    std::size_t size = 1;
    while (size <= kSequenceBytesMax && !base::is_valid_utf8(bytes.substr(at, size))) ++size;
    if (size > kSequenceBytesMax) {
      base::append_utf8(out, U'\uFFFD');
      ++at;
    } else {
      out.append(bytes.substr(at, size));
      at += std::min(size, bytes.size() - at);
    }
  }
  return out;
}

}  // namespace omnigraph::engine
