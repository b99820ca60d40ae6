#include "cli/seed_spec.h"

#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/text.h"
#include "cli/yaml_json.h"

namespace omnigraph::cli {

namespace {

constexpr std::uint64_t kSeedDimensionMax = 2'147'483'647;  // as Vector(N)

Error wrong_seed_spec(const std::string& where, const std::string& what) { return bad_request(where + ": " + what); }

Result<SeedTarget> read_seed_target(const nlohmann::json& json, const std::string& type, const std::string& where) {
  const std::string place = "types." + type;
  if (!json.is_object()) return std::unexpected(wrong_seed_spec(where, "'" + place + "' must be an object"));
  const auto target = json.find("target");
  if (target == json.end() || !target->is_string() || target->get<std::string>().empty()) {
    return std::unexpected(wrong_seed_spec(where, "'" + place + ".target' must name a property"));
  }
  SeedTarget out{.target = target->get<std::string>(), .fields = {}};
  const auto fields = json.find("fields");
  if (fields == json.end() || !fields->is_array() || fields->empty()) {
    return std::unexpected(wrong_seed_spec(where, "'" + place + ".fields' must be a list of properties"));
  }
  for (const auto& field : *fields) {
    if (!field.is_string()) {
      return std::unexpected(wrong_seed_spec(where, "'" + place + ".fields' holds " + field.dump() + ", not a name"));
    }
    out.fields.push_back(field.get<std::string>());
  }
  return out;
}

// Throws YAML::Exception.
Result<SeedManifest> manifest_of(const YAML::Node& root, const std::filesystem::path& file) {
  const auto nested = [&](const char* section, const char* name) {
    const YAML::Node part = root[section];
    return yaml_present(part) && part.IsMap() ? yaml_text(part[name]) : std::nullopt;
  };
  auto input = nested("sources", "raw_seed");
  if (!input) input = nested("seed", "data");
  if (!input) return std::unexpected(bad_request("seed manifest is missing sources.raw_seed"));
  if (!yaml_present(root["embeddings"])) return std::unexpected(bad_request("seed manifest is missing embeddings"));
  SeedManifest manifest;
  OG_ASSIGN_OR_RETURN(manifest.spec, read_seed_spec(json_of(root["embeddings"]), file.string() + ": embeddings"));
  const auto beside = [&](const std::string& path) { return (file.parent_path() / path).lexically_normal().string(); };
  manifest.input = beside(*input);
  manifest.output = beside(nested("artifacts", "embedded_seed").value_or("./build/seed.embedded.jsonl"));
  if (!std::filesystem::exists(manifest.input)) {
    return std::unexpected(bad_request("seed input does not exist: " + manifest.input));
  }
  return manifest;
}

}  // namespace

Result<SeedSpec> read_seed_spec(std::string_view text, const std::string& where) {
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return std::unexpected(wrong_seed_spec(where, "expected a JSON object"));
  SeedSpec spec;
  const auto dimension = json.find("dimension");
  if (dimension == json.end() || !dimension->is_number_unsigned() || dimension->get<std::uint64_t>() == 0 ||
      dimension->get<std::uint64_t>() > kSeedDimensionMax) {
    return std::unexpected(wrong_seed_spec(where, "'dimension' must be a positive integer"));
  }
  spec.dimension = dimension->get<std::uint32_t>();
  const auto types = json.find("types");
  if (types == json.end() || !types->is_object()) {
    return std::unexpected(wrong_seed_spec(where, "'types' must be an object"));
  }
  for (const auto& [type, target] : types->items()) {
    OG_ASSIGN_OR_RETURN(SeedTarget read, read_seed_target(target, type, where));
    spec.types.emplace(type, std::move(read));
  }
  return spec;
}

Result<SeedSelector> read_seed_selector(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) {
    return std::unexpected(
        bad_request("selector must be field=value or Type:field=value, not '" + std::string(text) + "'"));
  }
  SeedSelector selector;
  selector.value = base::trim_ascii(text.substr(equals + 1));
  std::string_view field = text.substr(0, equals);
  if (const std::size_t colon = field.find(':'); colon != std::string_view::npos) {
    selector.type = std::string(base::trim_ascii(field.substr(0, colon)));
    field = field.substr(colon + 1);
  }
  selector.field = base::trim_ascii(field);
  if (selector.field.empty()) {
    return std::unexpected(bad_request("selector field cannot be empty: '" + std::string(text) + "'"));
  }
  return selector;
}

Result<SeedManifest> read_seed_manifest(const std::string& path) {
  OG_ASSIGN_OR_RETURN(const std::string text, base::read_file(path));
  try {
    const YAML::Node root = YAML::Load(text);
    if (!root.IsMap()) return std::unexpected(bad_request("seed manifest '" + path + "' must be a mapping"));
    return manifest_of(root, path);
  } catch (const YAML::Exception& wrong) {
    return std::unexpected(bad_request("seed manifest '" + path + "' cannot be read: " + wrong.what()));
  }
}

}  // namespace omnigraph::cli
