#include "lance/transaction_name.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <string_view>
#include <utility>

#include "lance/wire.h"

namespace omnigraph::lance {
namespace {

constexpr std::size_t kTailBytes = 16;  // u64 position of the message, version, magic
constexpr std::uint32_t kFirstOperation = 100;
constexpr std::pair<std::uint32_t, std::string_view> kNames[] = {
    {100, "append"}, {101, "delete"},  {102, "overwrite"}, {103, "create_index"}, {104, "rewrite"},
    {105, "merge"},  {106, "restore"}, {108, "update"},    {109, "project"},      {110, "update_config"}};

std::string name_in(std::string_view transaction) {
  WireReader in(transaction);
  while (in.next()) {
    if (in.field() < kFirstOperation) continue;
    const auto found = std::ranges::find(kNames, in.field(), &std::pair<std::uint32_t, std::string_view>::first);
    return found == std::end(kNames) ? std::string("other") : std::string(found->second);
  }
  return {};
}

// `u32 length | message`; empty when it does not lie inside.
std::string_view section_at(std::string_view file, std::uint64_t offset) {
  std::uint32_t size = 0;
  if (offset > file.size() || file.size() - offset < sizeof(size)) return {};
  std::memcpy(&size, file.data() + offset, sizeof(size));
  const std::string_view rest = file.substr(static_cast<std::size_t>(offset) + sizeof(size));
  return size <= rest.size() ? rest.substr(0, size) : std::string_view();
}

}  // namespace

TransactionName transaction_name(const Buffer& manifest) {
  const std::string_view file = manifest.text();
  if (file.size() < kTailBytes) return {};
  std::uint64_t position = 0;
  std::memcpy(&position, file.data() + file.size() - kTailBytes, sizeof(position));
  TransactionName out;
  std::uint64_t inside = 0;
  WireReader in(section_at(file, position));
  while (in.next()) {
    if (in.field() == 12) out.file = in.text();
    if (in.field() == 21 || in.field() == 23) inside = in.uint();
  }
  if (inside > 0) out.operation = name_in(section_at(file, inside));
  return out;
}

std::string transaction_name_of_file(const Buffer& file) { return name_in(file.text()); }

}  // namespace omnigraph::lance
