#include "objectstore/aws_secret.h"

#include <nlohmann/json.hpp>
#include <span>
#include <thread>

#include "base/hash.h"
#include "base/json_writer.h"
#include "objectstore/s3_credentials.h"
#include "objectstore/s3_signature.h"

namespace omnigraph::objectstore {
namespace {

constexpr const char* kService = "secretsmanager";
constexpr int kSecretTriesMax = 3;
constexpr auto kSecretPause = std::chrono::milliseconds(200);

// arn:aws:secretsmanager:<region>:<account>:secret:<name>; empty: a name.
std::string region_in_arn(std::string_view id) {
  if (!id.starts_with("arn:")) return {};
  std::size_t at = 0;
  for (int colons = 0; colons < 3; ++colons) {
    at = id.find(':', at);
    if (at == std::string_view::npos) return {};
    ++at;
  }
  return std::string(id.substr(at, id.find(':', at) - at));
}

struct SecretService {
  std::string region;
  std::string endpoint;  // scheme://host[:port][/path]
};

Result<SecretService> service_for(const std::string& id, const S3Environment& environment) {
  SecretService service{.region = region_in_arn(id), .endpoint = {}};
  if (service.region.empty()) {
    OG_ASSIGN_OR_RETURN(service.region, aws_region(environment));
  }
  for (const char* name : {"AWS_ENDPOINT_URL_SECRETS_MANAGER", "AWS_ENDPOINT_URL"}) {
    const auto configured = environment(name);
    if (!configured) continue;
    OG_ASSIGN_OR_RETURN(service.endpoint, checked_endpoint(name, *configured, environment));
    return service;
  }
  service.endpoint = "https://secretsmanager." + service.region +
                     (service.region.starts_with("cn-") ? ".amazonaws.com.cn" : ".amazonaws.com");
  return service;
}

base::HttpRequest secret_request(const SecretService& service, const S3Credentials& credentials,
                                 const std::string& body, const std::string& ca_bundle, const Clock& clock) {
  const std::string timestamp = amz_timestamp(clock.now_us());
  const std::size_t host_at = service.endpoint.find("://") + 3;
  const std::size_t path_at = service.endpoint.find('/', host_at);
  const std::string path = path_at == std::string::npos ? "/" : service.endpoint.substr(path_at) + "/";
  SignedRequest to_sign{.method = "POST",
                        .path = path,
                        .query = {},
                        .headers = {{"Content-Type", "application/x-amz-json-1.1"},
                                    {"X-Amz-Target", "secretsmanager.GetSecretValue"},
                                    {"x-amz-date", timestamp}},
                        .body_sha256 = base::sha256_hex(body)};
  if (!credentials.session_token.empty()) {
    to_sign.headers.emplace_back("x-amz-security-token", credentials.session_token);
  }
  base::HttpRequest request{.method = "POST",
                            .url = service.endpoint.substr(0, path_at) + path,
                            .headers = to_sign.headers,
                            .body = std::as_bytes(std::span(body)),
                            .ca_bundle = ca_bundle};
  // HTTP clients leave a scheme's own port out of the Host header, which is signed.
  std::string host = service.endpoint.substr(host_at, path_at - host_at);
  const std::string_view own_port = service.endpoint.starts_with("https") ? ":443" : ":80";
  if (host.ends_with(own_port)) host.resize(host.size() - own_port.size());
  to_sign.headers.emplace_back("host", host);
  request.headers.emplace_back(
      "Authorization", authorization(to_sign, credentials, {.region = service.region, .service = kService}, timestamp));
  return request;
}

// What a refusal says: the type's last part and the message.
std::string refusal_of(const base::HttpResponse& answer) {
  const auto json = nlohmann::json::parse(answer.body, nullptr, false);
  std::string text = "status " + std::to_string(answer.status);
  if (!json.is_object()) return text;
  const auto member = [&](const char* name) {
    const auto found = json.find(name);
    return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  const std::string type = member("__type");
  if (!type.empty()) text.append(" ").append(type.substr(type.rfind('#') + 1));
  for (const char* name : {"message", "Message"}) {
    if (const std::string message = member(name); !message.empty()) return text.append(": ").append(message);
  }
  return text;
}

Result<std::string> secret_text(const std::string& what, const base::HttpResponse& answer) {
  const auto json = nlohmann::json::parse(answer.body, nullptr, false);
  const auto found = json.is_object() ? json.find("SecretString") : json.end();
  if (!json.is_object() || found == json.end() || !found->is_string()) {
    return std::unexpected(bad_request(what + " holds no text (SecretString)"));
  }
  return found->get<std::string>();
}

}  // namespace

Result<std::string> read_aws_secret(const std::string& id, const S3Environment& environment, base::HttpClient& http,
                                    const Clock& clock) {
  OG_ASSIGN_OR_RETURN(const SecretService service, service_for(id, environment));
  S3CredentialChain chain(environment, http, clock);
  OG_ASSIGN_OR_RETURN(const S3CredentialsPtr credentials, chain.get());
  std::string body;
  base::JsonWriter(body).begin_object().key("SecretId").string(id).end_object();
  const std::string what = "secret '" + id + "' at '" + service.endpoint + "'";
  const std::string ca_bundle = environment("AWS_CA_BUNDLE").value_or("");
  std::string problem;
  for (int attempt = 0; attempt < kSecretTriesMax; ++attempt) {
    if (attempt != 0) std::this_thread::sleep_for(kSecretPause * attempt);
    const auto answer = http.send(secret_request(service, *credentials, body, ca_bundle, clock));
    if (answer && answer->status == 200) return secret_text(what, *answer);
    problem = answer ? refusal_of(*answer) : answer.error().message;
    constexpr int kServerErrors = 500;
    const bool may_pass = answer ? answer->status >= kServerErrors || answer->status == 429 : !answer.error().permanent;
    if (!may_pass) break;
  }
  return std::unexpected(Error{Code::kUnavailable, "cannot read " + what + ": " + problem});
}

}  // namespace omnigraph::objectstore
