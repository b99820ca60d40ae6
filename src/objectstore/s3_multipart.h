// Objects that travel in parts: several at a time, in place all at once when completed.
// Thread safety: none, one thread drives an upload. Errors: those of S3Client::send.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "base/buffer.h"
#include "base/result.h"
#include "objectstore/object_store.h"
#include "objectstore/s3_client.h"

namespace omnigraph::objectstore {

inline constexpr std::size_t kS3PartBytes = std::size_t{8} << 20;
// Objects up to here are put in one request.
inline constexpr std::size_t kS3SinglePutMax = std::size_t{64} << 20;

// Aborted when dropped before complete() succeeded.
class S3Multipart {
 public:
  [[nodiscard]] static Result<std::unique_ptr<S3Multipart>> begin(std::shared_ptr<S3Client> client, std::string key);
  ~S3Multipart();
  S3Multipart(const S3Multipart&) = delete;
  S3Multipart& operator=(const S3Multipart&) = delete;

  // Sends the next part, all but the last of the same size. Returns while it is under way; waits when enough are.
  [[nodiscard]] Result<void> add(Buffer part);
  // Puts the parts in place. With `if_absent` an existing object is kAlreadyExists.
  [[nodiscard]] Result<PutOutcome> complete(bool if_absent);

 private:
  S3Multipart(std::shared_ptr<S3Client> client, std::string key, std::string upload_id);

  Result<void> await_oldest();
  Result<std::string> send_part(std::size_t number, const Buffer& part) const;  // its etag
  // The object at the key is what this upload makes.
  Result<bool> is_in_place() const;

  const std::shared_ptr<S3Client> client_;
  const std::string key_;
  const std::string upload_id_;
  std::vector<std::string> etags_;
  std::deque<std::future<Result<std::string>>> under_way_;
  std::uint64_t size_ = 0;
  bool completed_ = false;
};

// The streaming form behind ObjectStore::open_upload: an object that fits one part is put in one request at the end.
[[nodiscard]] std::unique_ptr<Upload> make_s3_upload(std::shared_ptr<S3Client> client, std::string key,
                                                     std::string shown_key);

}  // namespace omnigraph::objectstore
