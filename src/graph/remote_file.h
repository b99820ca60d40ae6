// A large data file in a far store, held as far as it was read (lance/file_source.h). The file's length in address
// space is set aside at once; memory is taken only by what was fetched, and stays with the file.
// Thread safety: all methods may be called concurrently. Errors: those of ObjectReader; kCorruptObject for an object
// that ends before the size its manifest gives.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "graph/object_reader.h"
#include "lance/file_source.h"

namespace omnigraph::graph {

// Up to here a file is fetched whole: at usual transfer rates a further round trip costs more than its bytes.
inline constexpr std::uint64_t kWholeFileBytes = std::uint64_t{4} << 20;

class RemoteFile final : public lance::FileSource {
 public:
  // kIoError: the address space is used up.
  [[nodiscard]] static Result<std::shared_ptr<const RemoteFile>> open(std::string key, std::uint64_t size_bytes,
                                                                      RecordPtr record,
                                                                      std::shared_ptr<const ObjectReader> objects);

  const Buffer& bytes() const override { return bytes_; }
  Result<void> fetch(std::span<const lance::FileRange> ranges) const override;

 private:
  RemoteFile(std::string key, Buffer bytes, std::byte* memory, RecordPtr record,
             std::shared_ptr<const ObjectReader> objects)
      : key_(std::move(key)),
        bytes_(std::move(bytes)),
        memory_(memory),
        record_(std::move(record)),
        objects_(std::move(objects)) {}

  // What of [begin, end) is not there, appended to `missing`.
  void add_missing(std::uint64_t begin, std::uint64_t end, std::vector<lance::FileRange>& missing) const;
  [[nodiscard]] bool none_between(std::uint64_t begin, std::uint64_t end) const;
  [[nodiscard]] Result<void> read(const lance::FileRange& range) const;

  const std::string key_;
  const Buffer bytes_;
  std::byte* const memory_;  // that of bytes_
  const RecordPtr record_;
  const std::shared_ptr<const ObjectReader> objects_;

  mutable std::mutex mutex_;                              // held while fetching, so that nothing is fetched twice
  mutable std::map<std::uint64_t, std::uint64_t> there_;  // begin -> end of what was fetched, apart from each other
};

}  // namespace omnigraph::graph
