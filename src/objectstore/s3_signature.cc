#include "objectstore/s3_signature.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <map>

#include "base/date_time.h"
#include "base/hash.h"
#include "base/result.h"
#include "base/text.h"

namespace omnigraph::objectstore {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

std::string hmac_sha256(std::string_view key, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  const unsigned char* done =
      HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes, text.size(), digest.data(), &size);
  OG_CHECK(done != nullptr);
  return {reinterpret_cast<const char*>(digest.data()), size};
}

// Lower-case names in order; runs of spaces in values become one; values of one name are joined.
std::map<std::string, std::string> canonical_headers(const NameValues& headers) {
  std::map<std::string, std::string> canonical;
  for (const auto& [name, value] : headers) {
    std::string text;
    for (const char c : base::trim_ascii(value)) {
      if (c != ' ' || !text.ends_with(' ')) text.push_back(c);
    }
    const auto [at, added] = canonical.try_emplace(base::to_lower_ascii(name), text);
    if (!added) at->second += "," + text;
  }
  return canonical;
}

std::string joined_names(const std::map<std::string, std::string>& headers) {
  std::string names;
  for (const auto& [name, value] : headers) {
    if (!names.empty()) names += ';';
    names += name;
  }
  return names;
}

}  // namespace

std::string encode_path(std::string_view path) { return base::percent_encode(path, "-_.~/"); }

std::string canonical_query(const NameValues& query) {
  NameValues encoded;
  for (const auto& [name, value] : query) encoded.emplace_back(base::percent_encode(name), base::percent_encode(value));
  std::ranges::sort(encoded);
  std::string text;
  for (const auto& [name, value] : encoded) {
    if (!text.empty()) text += '&';
    text.append(name).append("=").append(value);
  }
  return text;
}

std::string canonical_request(const SignedRequest& request) {
  const auto headers = canonical_headers(request.headers);
  std::string text = request.method + "\n" + (request.path.empty() ? "/" : request.path) + "\n" + request.query + "\n";
  for (const auto& [name, value] : headers) text.append(name).append(":").append(value).append("\n");
  text.append("\n").append(joined_names(headers)).append("\n").append(request.body_sha256);
  return text;
}

std::string authorization(const SignedRequest& request, const S3Credentials& credentials, const SignatureScope& scope,
                          std::string_view timestamp) {
  const std::string date(timestamp.substr(0, 8));
  const std::string scope_text = date + "/" + scope.region + "/" + scope.service + "/aws4_request";
  std::string to_sign(kAlgorithm);
  to_sign.append("\n").append(timestamp).append("\n").append(scope_text).append("\n");
  to_sign += base::sha256_hex(canonical_request(request));

  std::string key = hmac_sha256("AWS4" + credentials.secret_access_key, date);
  for (const std::string_view part :
       {std::string_view(scope.region), std::string_view(scope.service), std::string_view("aws4_request")}) {
    key = hmac_sha256(key, part);
  }
  std::string value(kAlgorithm);
  value.append(" Credential=").append(credentials.access_key_id).append("/").append(scope_text);
  value.append(", SignedHeaders=").append(joined_names(canonical_headers(request.headers)));
  value.append(", Signature=").append(base::to_hex(hmac_sha256(key, to_sign)));
  return value;
}

std::string amz_timestamp(std::int64_t unix_us) {
  std::string text = base::format_seconds(unix_us);  // 2026-01-02T03:04:05Z
  std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
  return text;
}

}  // namespace omnigraph::objectstore
