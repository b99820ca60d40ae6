#include "objectstore/s3_store.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include "base/text.h"
#include "objectstore/keys.h"
#include "objectstore/s3_client.h"
#include "objectstore/s3_errors.h"
#include "objectstore/s3_multipart.h"
#include "objectstore/s3_requests.h"

namespace omnigraph::objectstore {
namespace {

constexpr std::size_t kPageMax = 1000;
// The last character there is: behind it no key of the same folder is left, practically.
constexpr std::string_view kLastCharacter = "\xF4\x8F\xBF\xBF";

std::string range_header(const ByteRange& range) {
  const std::uint64_t most = std::numeric_limits<std::uint64_t>::max() - range.offset;
  const std::uint64_t last = range.offset + std::min(range.size - 1, most);
  return "bytes=" + std::to_string(range.offset) + "-" + std::to_string(last);
}

// Some key can start like this.
bool may_have_keys(std::string_view prefix) {
  return prefix.empty() || is_valid_key(prefix) || is_valid_key(std::string(prefix) + "x");
}

class S3Store final : public ObjectStore {
 public:
  explicit S3Store(std::shared_ptr<S3Client> client)
      : client_(std::move(client)),
        prefix_(client_->config().location.prefix.empty() ? "" : client_->config().location.prefix + "/") {}

  Result<Buffer> get(std::string_view key, std::optional<ByteRange> range) override {
    if (range && range->size == 0) {  // no Range header says this
      OG_RETURN_IF_ERROR(head(key));
      return Buffer();
    }
    OG_ASSIGN_OR_RETURN(S3Request request, object_request("GET", key));
    if (range) request.headers = {{"range", range_header(*range)}};
    OG_ASSIGN_OR_RETURN(S3Answer answer, client_->send(request));
    if (answer.status == 416) return Buffer();  // begins behind the end
    if (answer.status == 404) return std::unexpected(no_such_object(key));
    if (!answer.ok()) return std::unexpected(client_->unexpected_answer(request, answer));
    Buffer bytes = Buffer::from(std::move(answer.body));
    if (!range || answer.status == 206) return bytes;
    const ByteRange part = clamp_range(range, bytes.size());  // a store that ignores ranges
    return bytes.slice(part.offset, part.size);
  }

  Result<ObjectInfo> head(std::string_view key) override {
    OG_ASSIGN_OR_RETURN(const S3Request request, object_request("HEAD", key));
    OG_ASSIGN_OR_RETURN(const S3Answer answer, client_->send(request));
    if (answer.status == 404) {
      // Answers to HEAD have no words: it could be the bucket that is missing.
      if (!client_->bucket_seen()) OG_RETURN_IF_ERROR(s3_list_page(*client_, {.prefix = request.key, .limit = 1}));
      return std::unexpected(no_such_object(key));
    }
    if (!answer.ok()) return std::unexpected(client_->unexpected_answer(request, answer));
    ObjectInfo info{.key = std::string(key), .size = 0, .modified_us = 0, .etag = std::string(answer.header("etag"))};
    const std::string_view size = answer.header("content-length");
    std::from_chars(size.data(), size.data() + size.size(), info.size);
    info.modified_us = parse_http_date(std::string(answer.header("last-modified"))).value_or(0) * 1'000'000;
    return info;
  }

  Result<void> put(std::string_view key, std::span<const std::byte> body, Durability) override {
    OG_ASSIGN_OR_RETURN(S3Request request, object_request("PUT", key));
    if (body.size() > kS3SinglePutMax) {
      OG_RETURN_IF_ERROR(put_parts(request.key, body, /*if_absent=*/false));
      return {};
    }
    request.body = body;
    OG_ASSIGN_OR_RETURN(const S3Answer answer, client_->send(request));
    if (!answer.ok()) return std::unexpected(client_->unexpected_answer(request, answer));
    return {};
  }

  Result<PutOutcome> put_if_absent(std::string_view key, std::span<const std::byte> body, Durability) override {
    OG_ASSIGN_OR_RETURN(const std::string full, full_key(key));
    if (body.size() > kS3SinglePutMax) return put_parts(full, body, /*if_absent=*/true);
    return s3_put_if_absent(*client_, full, body, nullptr);
  }

  Result<PutOutcome> publish(std::string_view key, std::span<const std::byte> body,
                             const BeforeEffect& before_effect) override {
    OG_ASSIGN_OR_RETURN(const std::string full, full_key(key));
    return s3_put_if_absent(*client_, full, body, &before_effect);
  }

  Result<MatchOutcome> put_if_match(std::string_view key, std::span<const std::byte> body,
                                    std::string_view etag) override {
    OG_ASSIGN_OR_RETURN(S3Request request, object_request("PUT", key));
    request.body = body;
    request.resend = Resend::kRefusedOnly;
    if (etag.empty()) {
      request.headers = {{"if-none-match", "*"}};
    } else {
      request.headers = {{"if-match", std::string(etag)}};
    }
    OG_ASSIGN_OR_RETURN(const S3Answer answer, client_->send(request));
    if (answer.ok()) return MatchOutcome::kReplaced;
    const bool gone = answer.status == 404 && !etag.empty();
    if (answer.status == 412 || gone) return MatchOutcome::kChanged;
    return std::unexpected(client_->unexpected_answer(request, answer));
  }

  Result<Listing> list(std::string_view prefix, const ListOptions& options) override;

  Result<void> remove(std::string_view key) override {
    OG_ASSIGN_OR_RETURN(const S3Request request, object_request("DELETE", key));
    OG_ASSIGN_OR_RETURN(const S3Answer answer, client_->send(request));
    if (answer.ok() || answer.status == 404) return {};
    return std::unexpected(client_->unexpected_answer(request, answer));
  }

  Result<std::unique_ptr<Upload>> open_upload(std::string_view key) override {
    OG_ASSIGN_OR_RETURN(std::string full, full_key(key));
    return make_s3_upload(client_, std::move(full), std::string(key));
  }

  // An acknowledged request is durable already.
  Result<void> sync(std::string_view key) override { return check_key(key); }

  Result<std::uint64_t> remove_temporaries(std::string_view folder, std::int64_t before_us) override {
    while (folder.ends_with('/')) folder.remove_suffix(1);
    if (!folder.empty()) OG_RETURN_IF_ERROR(check_key(folder));
    const std::string below = prefix_ + std::string(folder) + (folder.empty() ? "" : "/");
    OG_ASSIGN_OR_RETURN(const std::vector<S3OpenUpload> uploads, s3_open_uploads(*client_, below));
    std::uint64_t removed = 0;
    for (const S3OpenUpload& upload : uploads) {
      if (!upload.key.starts_with(below) || upload.started_us >= before_us) continue;
      const S3Request abort{.method = "DELETE", .key = upload.key, .query = {{"uploadId", upload.upload_id}}};
      OG_ASSIGN_OR_RETURN(const S3Answer answer, client_->send(abort));
      if (answer.ok()) {
        ++removed;
      } else if (answer.status != 404) {  // completed or aborted meanwhile
        return std::unexpected(client_->unexpected_answer(abort, answer));
      }
    }
    return removed;
  }

 private:
  Result<std::string> full_key(std::string_view key) const {
    OG_RETURN_IF_ERROR(check_key(key));
    std::string full = prefix_ + std::string(key);
    if (full.size() <= kKeySizeMax) return full;
    return std::unexpected(Error{Code::kInvalidArgument, "key '" + full + "' is longer than the " +
                                                             std::to_string(kKeySizeMax) + " bytes S3 allows"});
  }

  Result<S3Request> object_request(const char* method, std::string_view key) const {
    S3Request request{.method = method, .key = {}};
    OG_ASSIGN_OR_RETURN(request.key, full_key(key));
    return request;
  }

  Result<PutOutcome> put_parts(const std::string& key, std::span<const std::byte> body, bool if_absent) {
    OG_ASSIGN_OR_RETURN(const auto parts, S3Multipart::begin(client_, key));
    while (!body.empty()) {
      const std::size_t size = std::min(body.size(), kS3PartBytes);
      OG_RETURN_IF_ERROR(parts->add(Buffer(body.first(size), nullptr)));
      body = body.subspan(size);
    }
    return parts->complete(if_absent);
  }

  const std::shared_ptr<S3Client> client_;
  const std::string prefix_;  // "" or ends in '/'
};

// Merges the pages of one list into its listing.
class ListCollector {
 public:
  ListCollector(std::string_view prefix, const ListOptions& options, std::size_t root_size)
      : prefix_(prefix), options_(options), root_size_(root_size) {}

  // One more than is shown tells whether the limit cut something; some stores say "truncated" when nothing is left.
  [[nodiscard]] std::size_t wanted() const {
    const std::size_t left = options_.limit - std::min(options_.limit, count());
    return std::min(left, kPageMax - 1) + 1;
  }

  // True: the listing is complete.
  bool add(S3ListPage page) {
    auto object = page.objects.begin();
    auto group = page.prefixes.begin();
    while (object != page.objects.end() || group != page.prefixes.end()) {
      // Both ascend; the limit cuts what comes last in the order of both.
      const bool object_next = group == page.prefixes.end() || (object != page.objects.end() && object->key < *group);
      std::string& name = object_next ? object->key : *group;
      name.erase(0, root_size_);
      const bool shown = is_shown(name, object_next);
      if (shown && is_full()) return cut();
      if (shown && object_next) listing_.objects.push_back(std::move(*object));
      if (shown && !object_next) listing_.prefixes.push_back(std::move(name));
      object_next ? static_cast<void>(++object) : static_cast<void>(++group);
    }
    if (!page.truncated) return true;
    return is_full() && options_.limit >= kPageMax && cut();  // not worth another request
  }

  Listing take() { return std::move(listing_); }

 private:
  [[nodiscard]] std::size_t count() const { return listing_.objects.size() + listing_.prefixes.size(); }
  [[nodiscard]] bool is_full() const { return count() >= options_.limit; }
  // Folder markers of other tools and their hidden files are no objects of ours.
  [[nodiscard]] bool is_shown(std::string_view name, bool is_object) const {
    if (name <= options_.start_after || !name.starts_with(prefix_)) return false;
    if (!is_object && name.ends_with('/')) name.remove_suffix(1);
    return is_valid_key(name);
  }
  bool cut() { return listing_.truncated = true; }

  const std::string_view prefix_;
  const ListOptions& options_;
  const std::size_t root_size_;
  Listing listing_;
};

Result<Listing> S3Store::list(std::string_view prefix, const ListOptions& options) {
  if (!may_have_keys(prefix)) return Listing();
  S3ListQuery query{.prefix = prefix_ + std::string(prefix), .delimited = options.delimited};
  if (!options.start_after.empty()) {
    std::string after = options.start_after;
    // From inside a group, or from its name: the whole group has been shown.
    if (options.delimited && after.starts_with(prefix)) {
      const std::string_view group = common_prefix(after, prefix);
      if (!group.empty()) after = std::string(group).append(kLastCharacter);
    }
    query.start_after = prefix_ + after;
  }
  ListCollector collector(prefix, options, prefix_.size());
  while (true) {
    query.limit = collector.wanted();
    OG_ASSIGN_OR_RETURN(S3ListPage page, s3_list_page(*client_, query));
    query.token = page.next_token;
    const bool endless = page.truncated && page.next_token.empty();
    if (collector.add(std::move(page))) return collector.take();
    if (endless) {
      return std::unexpected(Error{Code::kIoError, "cannot list '" + client_->config().location.uri() + "/" +
                                                       std::string(prefix) +
                                                       "': the store says that there is more but not where"});
    }
  }
}

std::shared_ptr<S3CredentialChain> process_credentials() {
  static const auto chain =
      std::make_shared<S3CredentialChain>(s3_process_environment(), base::HttpClient::shared(), system_clock());
  return chain;
}

}  // namespace

Result<std::shared_ptr<ObjectStore>> open_s3_store(std::string_view uri, const S3Options& options) {
  OG_ASSIGN_OR_RETURN(const S3Location location, parse_s3_uri(uri));
  const S3Environment environment = options.environment ? options.environment : s3_process_environment();
  const Clock& clock = options.clock != nullptr ? *options.clock : system_clock();
  OG_ASSIGN_OR_RETURN(S3Config config, s3_config(location, environment));
  const bool shared = !options.environment && options.clock == nullptr;
  const auto credentials = shared ? process_credentials()
                                  : std::make_shared<S3CredentialChain>(environment, base::HttpClient::shared(), clock);
  return std::make_shared<S3Store>(
      std::make_shared<S3Client>(std::move(config), credentials, base::HttpClient::shared(), clock));
}

}  // namespace omnigraph::objectstore
