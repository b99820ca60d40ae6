#include "objectstore/s3_credentials.h"

#include <unistd.h>

#include <array>
#include <nlohmann/json.hpp>

#include "base/date_time.h"
#include "base/file.h"
#include "base/text.h"
#include "objectstore/s3_profile.h"
#include "objectstore/s3_xml.h"

namespace omnigraph::objectstore {
namespace {

constexpr std::int64_t kRenewBeforeUs = std::int64_t{5} * 60 * 1'000'000;
// Metadata services answer at once or are not there.
constexpr std::chrono::milliseconds kLocalConnectTimeout{1000};
constexpr std::chrono::seconds kLocalStallTimeout{5};

Error unavailable(std::string message) { return Error{Code::kUnavailable, std::move(message)}; }

Result<std::int64_t> expiry_of(const std::string& what, const std::string& text) {
  if (text.empty()) return 0;
  const auto ms = base::parse_date_time(text);
  if (!ms)
    return std::unexpected(unavailable(what + " gave credentials that expire at '" + text + "', which is no time"));
  return *ms * 1000;
}

// What the container's and the instance's service answer with.
Result<S3Credentials> credentials_from_json(const std::string& what, const std::string& text) {
  try {
    const auto json = nlohmann::json::parse(text);
    S3Credentials credentials{.access_key_id = json.at("AccessKeyId").get<std::string>(),
                              .secret_access_key = json.at("SecretAccessKey").get<std::string>(),
                              .session_token = json.value("Token", std::string())};
    OG_ASSIGN_OR_RETURN(credentials.expires_us, expiry_of(what, json.value("Expiration", std::string())));
    return credentials;
  } catch (const nlohmann::json::exception&) {
    return std::unexpected(unavailable(what + " did not answer with credentials"));  // the text may hold secrets
  }
}

std::string trimmed(const std::string& text) { return std::string(base::trim_ascii(text)); }

// Plain http is for services on the machine itself.
bool may_be_plain(std::string_view url) {
  for (const std::string_view start :
       {"https://", "http://127.", "http://localhost/", "http://localhost:", "http://[::1]", "http://169.254.170.2/",
        "http://169.254.170.23/", "http://[fd00:ec2::23]"}) {
    if (url.starts_with(start)) return true;
  }
  return false;
}

}  // namespace

Result<S3CredentialsPtr> S3CredentialChain::get() {
  const std::lock_guard lock(mutex_);
  const std::int64_t now_us = clock_.now_us();
  if (current_ && (current_->expires_us == 0 || now_us < current_->expires_us - kRenewBeforeUs)) return current_;
  auto found = find();
  if (!found) {
    if (current_ && now_us < current_->expires_us) return current_;
    return std::unexpected(std::move(found).error());
  }
  current_ = std::make_shared<const S3Credentials>(*std::move(found));
  return current_;
}

void S3CredentialChain::forget(const S3CredentialsPtr& refused) {
  const std::lock_guard lock(mutex_);
  if (current_ == refused) current_.reset();
}

Result<S3Credentials> S3CredentialChain::find() {
  using Source = Result<std::optional<S3Credentials>> (S3CredentialChain::*)();
  static constexpr std::array<Source, 5> kSources = {
      &S3CredentialChain::from_environment, &S3CredentialChain::from_profile, &S3CredentialChain::from_web_identity,
      &S3CredentialChain::from_container, &S3CredentialChain::from_instance};
  for (const Source source : kSources) {
    OG_ASSIGN_OR_RETURN(auto found, (this->*source)());
    if (found) return *std::move(found);
  }
  OG_ASSIGN_OR_RETURN(const S3Profile profile, read_s3_profile(environment_));
  return std::unexpected(unavailable(
      "no AWS credentials found: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set, profile '" + profile.name +
      "' is not in '" + profile.credentials_file + "' or '" + profile.config_file +
      "', and there is no web identity token, container or instance role; set the two variables or AWS_PROFILE"));
}

Result<std::optional<S3Credentials>> S3CredentialChain::from_environment() {
  const auto id = environment_("AWS_ACCESS_KEY_ID");
  const auto secret = environment_("AWS_SECRET_ACCESS_KEY");
  if (!id && !secret) return std::nullopt;
  if (!id || !secret) {
    return std::unexpected(unavailable(std::string(id ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY") +
                                       " is set without " + (id ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID")));
  }
  return S3Credentials{.access_key_id = trimmed(*id),
                       .secret_access_key = trimmed(*secret),
                       .session_token = trimmed(environment_("AWS_SESSION_TOKEN").value_or(""))};
}

Result<std::optional<S3Credentials>> S3CredentialChain::from_profile() {
  OG_ASSIGN_OR_RETURN(const S3Profile profile, read_s3_profile(environment_));
  const auto id = profile.value("aws_access_key_id");
  const auto secret = profile.value("aws_secret_access_key");
  if (id && secret) {
    return S3Credentials{.access_key_id = *id,
                         .secret_access_key = *secret,
                         .session_token = profile.value("aws_session_token").value_or("")};
  }
  if (profile.asked_for && !profile.value("web_identity_token_file")) {
    return std::unexpected(unavailable("AWS_PROFILE='" + profile.name + "' has no aws_access_key_id and " +
                                       "aws_secret_access_key; for single sign-on and assumed roles run: " +
                                       "eval \"$(aws configure export-credentials --format env)\""));
  }
  return std::nullopt;
}

Result<std::optional<S3Credentials>> S3CredentialChain::from_web_identity() {
  auto file = environment_("AWS_WEB_IDENTITY_TOKEN_FILE");
  auto role = environment_("AWS_ROLE_ARN");
  if (!file) {
    OG_ASSIGN_OR_RETURN(const S3Profile profile, read_s3_profile(environment_));
    file = profile.value("web_identity_token_file");
    if (file) role = profile.value("role_arn");
  }
  if (!file) return std::nullopt;
  if (!role) return std::unexpected(unavailable("AWS_WEB_IDENTITY_TOKEN_FILE is set without AWS_ROLE_ARN"));
  OG_ASSIGN_OR_RETURN(const std::string token, base::read_file(*file));

  std::string endpoint = "https://sts.amazonaws.com";
  if (const auto configured = environment_("AWS_ENDPOINT_URL_STS")) {
    OG_ASSIGN_OR_RETURN(endpoint, checked_endpoint("AWS_ENDPOINT_URL_STS", *configured, environment_));
  } else if (const auto region = environment_("AWS_REGION")) {
    endpoint = "https://sts." + *region + (region->starts_with("cn-") ? ".amazonaws.com.cn" : ".amazonaws.com");
  }
  const std::string session = environment_("AWS_ROLE_SESSION_NAME").value_or("omnigraph-" + std::to_string(::getpid()));
  const std::string form = canonical_query({{"Action", "AssumeRoleWithWebIdentity"},
                                            {"Version", "2011-06-15"},
                                            {"RoleArn", *role},
                                            {"RoleSessionName", session},
                                            {"WebIdentityToken", trimmed(token)}});
  const std::string what = "the token service '" + endpoint + "' (role '" + *role + "')";
  OG_ASSIGN_OR_RETURN(
      const std::string answer,
      fetch(what, {.method = "POST",
                   .url = endpoint + "/",
                   .headers = {{"Content-Type", "application/x-www-form-urlencoded"}, {"Accept", "application/xml"}},
                   .body = std::as_bytes(std::span(form)),
                   .ca_bundle = environment_("AWS_CA_BUNDLE").value_or("")}));
  OG_ASSIGN_OR_RETURN(const XmlElement root, parse_xml(answer));
  const XmlElement* result = root.child("AssumeRoleWithWebIdentityResult");
  const XmlElement* given = result == nullptr ? nullptr : result->child("Credentials");
  if (given == nullptr) return std::unexpected(unavailable(what + " did not answer with credentials"));
  S3Credentials credentials{.access_key_id = trimmed(given->child_text("AccessKeyId")),
                            .secret_access_key = trimmed(given->child_text("SecretAccessKey")),
                            .session_token = trimmed(given->child_text("SessionToken"))};
  OG_ASSIGN_OR_RETURN(credentials.expires_us, expiry_of(what, trimmed(given->child_text("Expiration"))));
  return credentials;
}

Result<std::optional<S3Credentials>> S3CredentialChain::from_container() {
  std::string url;
  if (const auto relative = environment_("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")) {
    url = "http://169.254.170.2" + (relative->starts_with('/') ? *relative : "/" + *relative);
  } else if (const auto full = environment_("AWS_CONTAINER_CREDENTIALS_FULL_URI")) {
    if (!may_be_plain(*full)) {
      return std::unexpected(
          unavailable("AWS_CONTAINER_CREDENTIALS_FULL_URI='" + *full + "' must be https or a service of this machine"));
    }
    url = *full;
  } else {
    return std::nullopt;
  }
  base::HttpRequest request{.method = "GET",
                            .url = url,
                            .direct = true,
                            .connect_timeout = kLocalConnectTimeout,
                            .stall_timeout = kLocalStallTimeout};
  if (const auto file = environment_("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")) {
    OG_ASSIGN_OR_RETURN(const std::string token, base::read_file(*file));
    request.headers.emplace_back("Authorization", trimmed(token));
  } else if (const auto token = environment_("AWS_CONTAINER_AUTHORIZATION_TOKEN")) {
    request.headers.emplace_back("Authorization", *token);
  }
  const std::string what = "the container's credential service '" + url + "'";
  OG_ASSIGN_OR_RETURN(const std::string answer, fetch(what, std::move(request)));
  return credentials_from_json(what, answer);
}

Result<std::optional<S3Credentials>> S3CredentialChain::from_instance() {
  OG_ASSIGN_OR_RETURN(const std::optional<bool> disabled, s3_flag(environment_, "AWS_EC2_METADATA_DISABLED"));
  if (disabled.value_or(false)) return std::nullopt;
  std::string endpoint = environment_("AWS_EC2_METADATA_SERVICE_ENDPOINT").value_or("http://169.254.169.254");
  while (endpoint.ends_with('/')) endpoint.pop_back();
  const auto request = [&](const char* method, const std::string& path, const std::string& name,
                           const std::string& value) {
    return base::HttpRequest{.method = method,
                             .url = endpoint + path,
                             .headers = {{name, value}},
                             .direct = true,
                             .connect_timeout = kLocalConnectTimeout,
                             .stall_timeout = kLocalStallTimeout};
  };
  auto token = http_.send(request("PUT", "/latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds", "21600"));
  if (!token || token->status != 200) return std::nullopt;  // this machine is no instance
  const std::string what = "the instance metadata service '" + endpoint + "'";
  const std::string roles = "/latest/meta-data/iam/security-credentials/";
  const auto get = [&](const std::string& path) {
    return fetch(what, request("GET", path, "X-aws-ec2-metadata-token", trimmed(token->body)));
  };
  OG_ASSIGN_OR_RETURN(const std::string listed, get(roles));
  const std::string role = trimmed(listed.substr(0, listed.find('\n')));
  if (role.empty()) return std::nullopt;
  OG_ASSIGN_OR_RETURN(const std::string answer, get(roles + base::percent_encode(role)));
  return credentials_from_json(what, answer);
}

Result<std::string> S3CredentialChain::fetch(const std::string& what, base::HttpRequest request) {
  constexpr int kTriesMax = 3;
  std::string problem;
  for (int attempt = 0; attempt < kTriesMax; ++attempt) {
    auto answer = http_.send(request);
    if (answer && answer->status == 200) return std::move(answer->body);
    if (!answer) {
      problem = answer.error().message;
      if (answer.error().permanent) break;
      continue;
    }
    problem = "HTTP " + std::to_string(answer->status);
    if (const auto xml = parse_xml(answer->body); xml && xml->child("Error") != nullptr) {
      problem += " " + xml->child("Error")->child_text("Code") + ": " + xml->child("Error")->child_text("Message");
    }
    if (answer->status < 500 && answer->status != 429) break;
  }
  return std::unexpected(unavailable(what + " gave no AWS credentials: " + problem));
}

}  // namespace omnigraph::objectstore
