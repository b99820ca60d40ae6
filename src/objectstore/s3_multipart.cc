#include "objectstore/s3_multipart.h"

#include <algorithm>
#include <charconv>
#include <system_error>

#include "objectstore/keys.h"
#include "objectstore/s3_errors.h"
#include "objectstore/s3_requests.h"
#include "objectstore/s3_xml.h"

namespace omnigraph::objectstore {
namespace {

// 24 MiB of a stream are in memory at most: two parts under way and the one that is being filled. A load has up to four
// streams at once.
constexpr std::size_t kPartsAtOnce = 2;
constexpr int kCompletionsMax = 3;

std::string completion_xml(const std::vector<std::string>& etags) {
  std::string xml = R"(<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">)";
  for (std::size_t i = 0; i < etags.size(); ++i) {
    xml.append("<Part><PartNumber>").append(std::to_string(i + 1)).append("</PartNumber><ETag>");
    xml.append(xml_escape(etags[i])).append("</ETag></Part>");
  }
  return xml + "</CompleteMultipartUpload>";
}

class S3Upload final : public Upload {
 public:
  S3Upload(std::shared_ptr<S3Client> client, std::string key, std::string shown_key)
      : client_(std::move(client)), key_(std::move(key)), shown_key_(std::move(shown_key)) {}

  Result<void> append(std::span<const std::byte> bytes) override {
    while (!bytes.empty()) {
      if (part_.capacity() < kS3PartBytes && part_.size() + bytes.size() > part_.capacity()) {
        part_.reserve(std::min(kS3PartBytes, std::max(2 * part_.capacity(), part_.size() + bytes.size())));
      }
      const std::size_t taken = std::min(bytes.size(), kS3PartBytes - part_.size());
      part_.insert(part_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(taken));
      bytes = bytes.subspan(taken);
      // A full part waits until more comes, so that an object of one part needs one request.
      if (!bytes.empty() || (parts_ && part_.size() == kS3PartBytes)) OG_RETURN_IF_ERROR(send_part());
    }
    return {};
  }

  Result<void> finish() override {
    if (parts_ && !part_.empty()) OG_RETURN_IF_ERROR(send_part());
    OG_ASSIGN_OR_RETURN(const PutOutcome outcome, parts_ ? parts_->complete(/*if_absent=*/true)
                                                         : s3_put_if_absent(*client_, key_, part_, nullptr));
    if (outcome == PutOutcome::kAlreadyExists) return std::unexpected(object_exists(shown_key_));
    return {};
  }

 private:
  Result<void> send_part() {
    if (!parts_) {
      OG_ASSIGN_OR_RETURN(parts_, S3Multipart::begin(client_, key_));
    }
    OG_RETURN_IF_ERROR(parts_->add(Buffer::from(std::move(part_))));
    part_ = {};
    return {};
  }

  const std::shared_ptr<S3Client> client_;
  const std::string key_;
  const std::string shown_key_;
  std::vector<std::byte> part_;
  std::unique_ptr<S3Multipart> parts_;
};

}  // namespace

Result<std::unique_ptr<S3Multipart>> S3Multipart::begin(std::shared_ptr<S3Client> client, std::string key) {
  const S3Request request{.method = "POST", .key = key, .query = {{"uploads", ""}}};
  OG_ASSIGN_OR_RETURN(const S3Answer answer, client->send(request));
  if (!answer.ok()) return std::unexpected(client->unexpected_answer(request, answer));
  OG_ASSIGN_OR_RETURN(const XmlElement xml, parse_xml(answer.body));
  std::string upload_id = xml.child_text("UploadId");
  if (upload_id.empty()) {
    return std::unexpected(Error{Code::kIoError, s3_message(client->config(), request, "the store began no upload")});
  }
  return std::unique_ptr<S3Multipart>(new S3Multipart(std::move(client), std::move(key), std::move(upload_id)));
}

S3Multipart::S3Multipart(std::shared_ptr<S3Client> client, std::string key, std::string upload_id)
    : client_(std::move(client)), key_(std::move(key)), upload_id_(std::move(upload_id)) {}

S3Multipart::~S3Multipart() {
  for (auto& part : under_way_) part.wait();
  if (completed_) return;
  // What cannot be aborted now is found by remove_temporaries later.
  (void)client_->send({.method = "DELETE", .key = key_, .query = {{"uploadId", upload_id_}}});
}

Result<void> S3Multipart::add(Buffer part) {
  while (under_way_.size() >= kPartsAtOnce) OG_RETURN_IF_ERROR(await_oldest());
  const std::size_t number = etags_.size() + under_way_.size() + 1;
  size_ += part.size();
  const auto send = [this, number, part = std::move(part)] { return send_part(number, part); };
  try {
    under_way_.push_back(std::async(std::launch::async, send));
  } catch (const std::system_error&) {  // no more threads
    under_way_.push_back(std::async(std::launch::deferred, send));
  }
  return {};
}

Result<void> S3Multipart::await_oldest() {
  Result<std::string> etag = under_way_.front().get();
  under_way_.pop_front();
  if (!etag) return std::unexpected(std::move(etag).error());
  etags_.push_back(*std::move(etag));
  return {};
}

Result<std::string> S3Multipart::send_part(std::size_t number, const Buffer& part) const {
  const S3Request request{.method = "PUT",
                          .key = key_,
                          .query = {{"partNumber", std::to_string(number)}, {"uploadId", upload_id_}},
                          .body = part.bytes()};
  OG_ASSIGN_OR_RETURN(const S3Answer answer, client_->send(request));
  if (!answer.ok()) return std::unexpected(client_->unexpected_answer(request, answer));
  return std::string(answer.header("etag"));
}

Result<PutOutcome> S3Multipart::complete(bool if_absent) {
  while (!under_way_.empty()) OG_RETURN_IF_ERROR(await_oldest());
  const std::string xml = completion_xml(etags_);
  S3Request request{.method = "POST",
                    .key = key_,
                    .query = {{"uploadId", upload_id_}},
                    .body = std::as_bytes(std::span(xml)),
                    .resend = Resend::kRefusedOnly};
  if (if_absent) request.headers = {{"if-none-match", "*"}};
  Error unclear;
  for (int attempt = 0; attempt < kCompletionsMax; ++attempt) {
    Result<S3Answer> answer = client_->send(request);
    if (answer && answer->ok()) {
      completed_ = true;
      return PutOutcome::kCreated;
    }
    if (!answer && answer.error().code != Code::kIoError) return std::unexpected(std::move(answer).error());
    if (answer && attempt == 0) {  // a clear word
      if (answer->status == 412) return PutOutcome::kAlreadyExists;
      return std::unexpected(client_->unexpected_answer(request, *answer));
    }
    // The store may have done it without our hearing of it; then the upload is gone and the object is there.
    OG_ASSIGN_OR_RETURN(const bool done, is_in_place());
    if (done) {
      completed_ = true;
      return PutOutcome::kCreated;
    }
    if (answer && answer->status == 412) return PutOutcome::kAlreadyExists;
    unclear = answer ? client_->unexpected_answer(request, *answer) : std::move(answer).error();
  }
  return std::unexpected(std::move(unclear));
}

Result<bool> S3Multipart::is_in_place() const {
  OG_ASSIGN_OR_RETURN(const S3Answer answer, client_->send({.method = "HEAD", .key = key_}));
  if (!answer.ok()) return false;
  const std::string_view text = answer.header("content-length");
  std::uint64_t found = 0;
  std::from_chars(text.data(), text.data() + text.size(), found);
  return found == size_;
}

std::unique_ptr<Upload> make_s3_upload(std::shared_ptr<S3Client> client, std::string key, std::string shown_key) {
  return std::make_unique<S3Upload>(std::move(client), std::move(key), std::move(shown_key));
}

}  // namespace omnigraph::objectstore
