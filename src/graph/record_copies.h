// Copies of small immutable objects that a record's snapshot references: its schema, its table manifests and the files
// of few rows. On a far store a cold reader gets them with the record instead of asking for them in a further round
// trip, or each by itself. Every object also has its own durable place, so copies are never needed, may be missing, and
// readers that do not know them lose nothing. graph/copied_objects.h chooses them.
//
// They lie behind the attachments, and the header begins with their place:
// {"format":1,"copies":{"offset":n,"size":n},..
//   one zstd frame of: (u32 key size | u32 object size | key | object)*
// Thread safety: const methods may be called concurrently.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "base/result.h"
#include "graph/record.h"

namespace omnigraph::graph {

// Of one record, before compression; what does not fit is left out. Usual schemas and manifests take a few KiB a type.
inline constexpr std::uint64_t kCopiesBytesMax = std::uint64_t{256} << 10;

// A data file or deletion bitmap up to this size counts as one of few rows.
inline constexpr std::uint64_t kCopiedFileBytesMax = std::uint64_t{8} << 10;

using ObjectCopies = std::map<std::string, Buffer, std::less<>>;  // by key

[[nodiscard]] Buffer pack_copies(const ObjectCopies& objects);
// The size that an object of at least so many bytes should have.
using SizeRule = std::uint64_t (*)(std::uint64_t);
// As encode_record of graph/record.h, with packed copies ("" for none) and, where a rule wants it, zeros before the
// trailer.
[[nodiscard]] Result<std::string> encode_record(CommitRecord& record, const std::vector<Attachment>& attachments,
                                                std::string_view copies, SizeRule size_rule = nullptr);

class RecordCopies {
 public:
  // Those of a whole record; null: it has none.
  [[nodiscard]] static std::shared_ptr<const RecordCopies> in(const Buffer& record_bytes);
  explicit RecordCopies(Buffer packed) : packed_(std::move(packed)) {}

  // Both unpack at their first use. No frame: there are none.
  [[nodiscard]] std::optional<Buffer> find(std::string_view key) const;
  [[nodiscard]] const ObjectCopies& all() const;
  [[nodiscard]] std::uint64_t packed_bytes() const { return packed_.size(); }

 private:
  const Buffer packed_;
  mutable std::once_flag once_;
  mutable ObjectCopies objects_;
};

}  // namespace omnigraph::graph
