#include "objectstore/s3_requests.h"

#include <algorithm>
#include <charconv>

#include "base/date_time.h"
#include "base/text.h"
#include "objectstore/s3_errors.h"
#include "objectstore/s3_xml.h"

namespace omnigraph::objectstore {
namespace {

// Names in lists come percent-encoded, as XML cannot carry every character; '+' is a space.
Result<std::string> decoded_name(const XmlElement& list, std::string text) {
  if (list.child_text("EncodingType") != "url") return text;
  std::ranges::replace(text, '+', ' ');
  auto name = base::percent_decode(text);
  if (!name) return std::unexpected(Error{Code::kIoError, "the store's list has the undecodable name '" + text + "'"});
  return *std::move(name);
}

Result<std::int64_t> instant_us(const std::string& text) {
  const auto ms = base::parse_date_time(text);
  if (!ms) return std::unexpected(Error{Code::kIoError, "the store's list has the date '" + text + "', which is none"});
  return *ms * 1000;
}

Result<XmlElement> parsed_answer(const S3Client& client, const S3Request& request, const S3Answer& answer) {
  auto xml = parse_xml(answer.body);
  if (!xml) return std::unexpected(Error{Code::kIoError, s3_message(client.config(), request, xml.error().message)});
  return xml;
}

}  // namespace

Result<PutOutcome> s3_put_if_absent(S3Client& client, const std::string& key, std::span<const std::byte> body,
                                    const ObjectStore::BeforeEffect* before_effect) {
  const S3Request request{.method = "PUT",
                          .key = key,
                          .headers = {{"if-none-match", "*"}},
                          .body = body,
                          .resend = Resend::kRefusedOnly,
                          .before_effect = before_effect};
  OG_ASSIGN_OR_RETURN(const S3Answer answer, client.send(request));
  if (answer.ok()) return PutOutcome::kCreated;
  if (answer.status == 412) return PutOutcome::kAlreadyExists;
  return std::unexpected(client.unexpected_answer(request, answer));
}

Result<S3ListPage> parse_list_page(std::string_view text) {
  OG_ASSIGN_OR_RETURN(const XmlElement list, parse_xml(text));
  S3ListPage page{.objects = {},
                  .prefixes = {},
                  .truncated = list.child_text("IsTruncated") == "true",
                  .next_token = list.child_text("NextContinuationToken")};
  for (const XmlElement& element : list.children) {
    if (element.name == "CommonPrefixes") {
      OG_ASSIGN_OR_RETURN(page.prefixes.emplace_back(), decoded_name(list, element.child_text("Prefix")));
    } else if (element.name == "Contents") {
      ObjectInfo& object = page.objects.emplace_back();
      OG_ASSIGN_OR_RETURN(object.key, decoded_name(list, element.child_text("Key")));
      OG_ASSIGN_OR_RETURN(object.modified_us, instant_us(element.child_text("LastModified")));
      object.etag = element.child_text("ETag");
      const std::string size = element.child_text("Size");
      std::from_chars(size.data(), size.data() + size.size(), object.size);
    }
  }
  return page;
}

Result<S3ListPage> s3_list_page(S3Client& client, const S3ListQuery& query) {
  S3Request request{.method = "GET",
                    .key = {},
                    .query = {{"list-type", "2"}, {"encoding-type", "url"}, {"max-keys", std::to_string(query.limit)}},
                    .shown_key = query.prefix};
  if (!query.prefix.empty()) request.query.emplace_back("prefix", query.prefix);
  if (query.delimited) request.query.emplace_back("delimiter", "/");
  if (!query.token.empty()) {
    request.query.emplace_back("continuation-token", query.token);
  } else if (!query.start_after.empty()) {
    request.query.emplace_back("start-after", query.start_after);
  }
  OG_ASSIGN_OR_RETURN(const S3Answer answer, client.send(request));
  if (!answer.ok()) return std::unexpected(client.unexpected_answer(request, answer));
  auto page = parse_list_page(answer.body);
  if (!page) return std::unexpected(Error{Code::kIoError, s3_message(client.config(), request, page.error().message)});
  return page;
}

Result<std::vector<S3OpenUpload>> s3_open_uploads(S3Client& client, const std::string& prefix) {
  std::vector<S3OpenUpload> uploads;
  std::string key_marker, id_marker;
  while (true) {
    S3Request request{.method = "GET",
                      .key = {},
                      .query = {{"uploads", ""}, {"encoding-type", "url"}, {"prefix", prefix}},
                      .shown_key = prefix};
    if (!key_marker.empty()) request.query.emplace_back("key-marker", key_marker);
    if (!id_marker.empty()) request.query.emplace_back("upload-id-marker", id_marker);
    OG_ASSIGN_OR_RETURN(const S3Answer answer, client.send(request));
    if (!answer.ok()) return std::unexpected(client.unexpected_answer(request, answer));
    OG_ASSIGN_OR_RETURN(const XmlElement list, parsed_answer(client, request, answer));
    for (const XmlElement& element : list.children) {
      if (element.name != "Upload") continue;
      S3OpenUpload& upload = uploads.emplace_back();
      OG_ASSIGN_OR_RETURN(upload.key, decoded_name(list, element.child_text("Key")));
      upload.upload_id = element.child_text("UploadId");
      OG_ASSIGN_OR_RETURN(upload.started_us, instant_us(element.child_text("Initiated")));
    }
    if (list.child_text("IsTruncated") != "true") return uploads;
    OG_ASSIGN_OR_RETURN(key_marker, decoded_name(list, list.child_text("NextKeyMarker")));
    id_marker = list.child_text("NextUploadIdMarker");
    if (key_marker.empty()) return uploads;
  }
}

}  // namespace omnigraph::objectstore
