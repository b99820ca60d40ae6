#include "cluster/declaration.h"

#include <algorithm>

#include "base/file.h"
#include "base/text.h"
#include "policy/bundle.h"
#include "query/compile.h"
#include "schema/parser.h"

namespace omnigraph::cluster {

namespace fs = std::filesystem;

bool is_resource_id(std::string_view id) {
  if (id.empty()) return false;
  for (std::size_t i = 0; i < id.size(); ++i) {
    const char c = id[i];
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    if (!letter && (i == 0 || ((c < '0' || c > '9') && c != '-'))) return false;
  }
  return true;
}

bool is_graph_id(std::string_view id) {
  constexpr std::size_t kGraphIdMax = 64;  // also the server's route grammar
  return is_resource_id(id) && id.size() <= kGraphIdMax && id != "policies" && id != "healthz" && id != "openapi" &&
         id != "graphs";
}

std::map<std::string, std::string> Declaration::digests() const {
  std::map<std::string, std::string> digests;
  for (const auto& [address, resource] : resources) {
    if (!resource.digest.empty()) digests.emplace(address, resource.digest);
  }
  return digests;
}

namespace {

constexpr std::string_view kProviderPrefix = "provider.embedding.";

class DeclarationReader {
 public:
  explicit DeclarationReader(const fs::path& directory) { out_.config = read_config(directory, out_.diagnostics); }

  Declaration read() {
    // A broken header leaves nothing to look up files by.
    if (!has_errors(out_.diagnostics) || !(out_.config.graphs.empty() && out_.config.policies.empty())) {
      read_providers();
      for (const auto& [id, graph] : out_.config.graphs) read_graph(id, graph);
      for (const auto& [name, policy] : out_.config.policies) read_policy(name, policy);
      if (out_.ok()) out_.config_digest = config_digest(out_.config, out_.digests());
    }
    return std::move(out_);
  }

 private:
  void error(std::string code, std::string path, std::string message) {
    add_error(out_.diagnostics, std::move(code), std::move(path), std::move(message));
  }

  fs::path resolve(const std::string& path) const {
    const fs::path given(path);
    return (given.is_absolute() ? given : out_.config.directory / given).lexically_normal();
  }

  void add_resource(std::string address, std::string kind, std::string digest, std::optional<std::string> path) {
    Resource resource{address, std::move(kind), std::move(digest), std::move(path)};
    out_.resources.emplace(std::move(address), std::move(resource));
  }

  void read_providers() {
    for (const auto& [name, profile] : out_.config.providers) {
      const std::string where = "providers.embedding." + name;
      if (!is_resource_id(name)) {
        error("invalid_resource_id", where, "'" + name + "' is not an id; use letters, digits, `_` and `-`");
        continue;
      }
      if (profile.kind != "openai-compatible" && profile.kind != "openai" && profile.kind != "gemini" &&
          profile.kind != "mock") {
        error("invalid_embedding_provider", where,
              "kind '" + profile.kind + "' is unknown; use openai-compatible, openai, gemini or mock");
      }
      check_api_key(profile, where + ".api_key");
      add_resource(std::string(kProviderPrefix) + name, "embedding_provider", profile_digest(profile), std::nullopt);
    }
  }

  void check_api_key(const EmbeddingProfile& profile, const std::string& where) {
    if (!profile.api_key) {
      if (profile.kind != "mock") error("embedding_api_key_required", where, "add `api_key: ${ENV_NAME}`");
      return;
    }
    const std::string& key = *profile.api_key;
    const bool reference =
        key.size() > 3 && key.starts_with("${") && key.ends_with("}") &&
        std::ranges::all_of(key.substr(2, key.size() - 3), [](char c) {
          return c == '_' || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        });
    if (!reference) {
      error("embedding_api_key_inline", where,
            "secrets do not belong in files; write ${ENV_NAME} and set the variable");
    }
  }

  void read_graph(const std::string& id, const GraphConfig& graph) {
    const std::string where = "graphs." + id;
    if (!is_graph_id(id)) {
      error("invalid_resource_id", where,
            "'" + id + "' is not a graph id; use at most 64 letters, digits, `_` and `-`, and no reserved word");
    }
    DeclaredGraph declared;
    read_blobs(graph, where, declared);
    read_provider(id, graph, where, declared);
    read_schema(id, graph, where, declared);
    read_queries(id, graph, where, declared);
    GraphParts parts{id, declared.schema_digest, {}, declared.provider_address, {}, declared.blobs};
    for (const auto& [name, query] : declared.queries) parts.queries.emplace(name, query.digest);
    if (declared.provider_address) {
      const auto provider = out_.resources.find(*declared.provider_address);
      if (provider != out_.resources.end()) parts.provider_digest = provider->second.digest;
    }
    add_resource("graph." + id, "graph", graph_digest(parts), std::nullopt);
    out_.graphs.emplace(id, std::move(declared));
  }

  void read_blobs(const GraphConfig& graph, const std::string& where, DeclaredGraph& declared) {
    const std::string allow = where + ".external_blobs.allow";
    for (std::size_t i = 0; i < graph.external_blobs.size(); ++i) {
      const BlobBase& base = graph.external_blobs[i];
      std::string problem;
      const auto normal = normalize_blob_base(base.base, base.scope, problem);
      if (!normal) {
        error("invalid_external_blob_base", allow + "[" + std::to_string(i) + "].base",
              "base '" + base.base + "' " + problem);
        continue;
      }
      const std::string place = blob_base_place(*normal);
      for (const auto& other : declared.blobs) {
        const std::string there = blob_base_place(other.uri);
        if (place.starts_with(there) || there.starts_with(place)) {
          error("invalid_external_blob_policy", allow, "bases '" + other.uri + "' and '" + *normal + "' overlap");
        }
      }
      declared.blobs.push_back({*normal, base.scope});
    }
    std::ranges::sort(declared.blobs, [](const auto& a, const auto& b) {
      return a.uri != b.uri ? a.uri < b.uri : a.scope > b.scope;  // server_safe sorts after embedded_only by bytes
    });
  }

  void read_provider(const std::string& id, const GraphConfig& graph, const std::string& where,
                     DeclaredGraph& declared) {
    if (!graph.embedding_provider) return;
    const std::string path = where + ".embedding_provider";
    std::string name = *graph.embedding_provider;
    if (name.starts_with(kProviderPrefix)) {
      name = name.substr(kProviderPrefix.size());
    } else if (name.find('.') != std::string::npos) {
      error("wrong_kind_reference", path, "'" + name + "' is not an embedding provider");
      return;
    }
    if (!out_.config.providers.contains(name)) {
      error("dangling_embedding_provider_reference", path, "embedding provider '" + name + "' is not declared");
      return;
    }
    declared.provider_address = std::string(kProviderPrefix) + name;
    out_.dependencies.emplace("graph." + id, *declared.provider_address);
  }

  void read_schema(const std::string& id, const GraphConfig& graph, const std::string& where, DeclaredGraph& declared) {
    declared.schema_file = resolve(graph.schema);
    const auto text = base::read_file(declared.schema_file);
    if (!text) {
      error("schema_file_missing", where + ".schema", text.error().message);
      return;
    }
    declared.schema_source = *text;
    declared.schema_digest = file_digest(*text);
    add_resource("schema." + id, "schema", declared.schema_digest, declared.schema_file.string());
    out_.dependencies.emplace("schema." + id, "graph." + id);
    const std::string shown = declared.schema_file.string();
    auto catalog = schema::parse_schema(*text, {.file = shown});
    if (catalog) {
      declared.catalog = *catalog;
      return;
    }
    const bool syntax = catalog.error().context.find(" --> ") != std::string::npos &&
                        catalog.error().message.starts_with("parse error:");
    error(syntax ? "schema_parse_error" : "schema_catalog_error", where + ".schema", catalog.error().render());
  }

  // The `.gq` files of one entry of the string or list form.
  std::vector<fs::path> query_files(const std::string& entry, const std::string& where) {
    const fs::path path = resolve(entry);
    std::error_code failed;
    if (fs::is_regular_file(path, failed)) return {path};
    if (!fs::is_directory(path, failed)) {
      const bool folder = entry.ends_with('/') || path.extension() != ".gq";
      error(folder ? "query_dir_unreadable" : "query_file_missing", where, "cannot read '" + path.string() + "'");
      return {};
    }
    std::vector<fs::path> files;
    for (fs::directory_iterator it(path, failed), end; !failed && it != end; it.increment(failed)) {
      if (it->path().extension() == ".gq") files.push_back(it->path());
    }
    if (failed) {
      error("query_dir_unreadable", where, "cannot read '" + path.string() + "': " + failed.message());
      return {};
    }
    if (files.empty()) {
      add_warning(out_.diagnostics, "query_dir_empty", where, "'" + path.string() + "' holds no .gq file");
    }
    std::ranges::sort(files);
    return files;
  }

  void read_queries(const std::string& id, const GraphConfig& graph, const std::string& where,
                    DeclaredGraph& declared) {
    const std::string path = where + ".queries";
    if (const auto* map = std::get_if<std::map<std::string, std::string>>(&graph.queries)) {
      for (const auto& [name, file] : *map) read_mapped_query(id, name, file, path, declared);
      return;
    }
    std::vector<std::string> entries;
    if (const auto* one = std::get_if<std::string>(&graph.queries)) entries = {*one};
    if (const auto* many = std::get_if<std::vector<std::string>>(&graph.queries)) entries = *many;
    for (const std::string& entry : entries) {
      for (const fs::path& file : query_files(entry, path)) read_query_file(id, file, path, declared);
    }
  }

  void read_query_file(const std::string& id, const fs::path& file, const std::string& where, DeclaredGraph& declared) {
    const auto source = base::read_file(file);
    if (!source) {
      error("query_file_missing", where, source.error().message);
      return;
    }
    const auto parsed = query::parse_file(*source, file.string());
    if (!parsed) {
      error("query_parse_error", where, parsed.error().render());
      return;
    }
    for (const auto& query : parsed->queries) {
      const std::string at = where + "." + query.name;
      if (const auto other = declared.queries.find(query.name); other != declared.queries.end()) {
        error("duplicate_query_name", at,
              "query '" + query.name + "' is declared in '" + other->second.file + "' and in '" + file.string() + "'");
        continue;
      }
      add_query(id, query, *source, file, at, declared);
    }
  }

  void read_mapped_query(const std::string& id, const std::string& name, const std::string& path,
                         const std::string& where, DeclaredGraph& declared) {
    const std::string at = where + "." + name;
    if (!is_resource_id(name)) {
      error("invalid_resource_id", at, "'" + name + "' is not an id; use letters, digits, `_` and `-`");
      return;
    }
    const fs::path file = resolve(path);
    const auto source = base::read_file(file);
    if (!source) {
      error("query_file_missing", at + ".file", source.error().message);
      return;
    }
    const auto parsed = query::parse_file(*source, file.string());
    if (!parsed) {
      error("query_parse_error", at, parsed.error().render());
      return;
    }
    const auto found = std::ranges::find(parsed->queries, name, &query::ast::Query::name);
    if (found == parsed->queries.end()) {
      error("query_key_mismatch", at,
            "no `query " + name + "` declaration found in its `.gq` file '" + file.string() + "'");
      return;
    }
    add_query(id, *found, *source, file, at, declared);
  }

  void add_query(const std::string& id, const query::ast::Query& query, const std::string& source, const fs::path& file,
                 const std::string& where, DeclaredGraph& declared) {
    const std::string address = "query." + id + "." + query.name;
    const std::string digest = file_digest(source);
    declared.queries.emplace(query.name, DeclaredQuery{file.string(), source, digest});
    add_resource(address, "query", digest, file.string());
    out_.dependencies.emplace(address, "graph." + id);
    out_.dependencies.emplace(address, "schema." + id);
    if (!declared.catalog) {
      add_warning(out_.diagnostics, "query_typecheck_skipped", where,
                  "not type-checked: the schema of graph '" + id + "' is invalid");
      return;
    }
    if (const auto bound = query::bind_query(query, source, declared.catalog, file.string()); !bound) {
      error("query_typecheck_error", where, bound.error().render());
    }
  }

  void read_policy(const std::string& name, const PolicyConfig& policy) {
    const std::string where = "policies." + name;
    if (!is_resource_id(name)) {
      error("invalid_resource_id", where, "'" + name + "' is not an id; use letters, digits, `_` and `-`");
      return;
    }
    DeclaredPolicy declared;
    const bool bindings_ok = read_bindings(name, policy, where, declared);
    const fs::path file = resolve(policy.file);
    const auto source = base::read_file(file);
    if (!source) {
      error("policy_file_missing", where + ".file", source.error().message);
      return;
    }
    declared.source = *source;
    declared.digest = file_digest(*source);
    std::optional<policy::BundleKind> kind;
    if (bindings_ok && !declared.applies_to.empty()) {
      kind = declared.applies_to.front() == "cluster" ? policy::BundleKind::kServer : policy::BundleKind::kGraph;
    }
    if (const auto bundle = policy::Bundle::parse(*source, kind); !bundle) {
      error("policy_invalid", where + ".file", "'" + file.string() + "': " + bundle.error().message);
    }
    add_resource("policy." + name, "policy", declared.digest, file.string());
    for (const std::string& scope : declared.applies_to) {
      if (scope != "cluster") out_.dependencies.emplace("policy." + name, scope);
    }
    out_.policies.emplace(name, std::move(declared));
  }

  // False when the bindings decide no kind.
  bool read_bindings(const std::string& name, const PolicyConfig& policy, const std::string& where,
                     DeclaredPolicy& declared) {
    const std::string path = where + ".applies_to";
    if (policy.applies_to.empty()) {
      error("policy_missing_applies_to", path, "list the scopes: `cluster` or graph ids");
      return false;
    }
    std::set<std::string> scopes;
    bool clean = true;
    for (std::size_t i = 0; i < policy.applies_to.size(); ++i) {
      const std::string& scope = policy.applies_to[i];
      const std::string at = path + "[" + std::to_string(i) + "]";
      std::string graph = scope;
      if (scope == "cluster") {
        scopes.insert(scope);
        continue;
      }
      if (scope.starts_with("graph.")) {
        graph = scope.substr(6);
      } else if (scope.find('.') != std::string::npos) {
        error("wrong_kind_reference", at, "'" + scope + "' is not a graph; use `cluster` or a graph id");
        clean = false;
        continue;
      }
      if (!out_.config.graphs.contains(graph)) {
        error("dangling_graph_reference", at, "graph '" + graph + "' is not declared");
        clean = false;
        continue;
      }
      scopes.insert("graph." + graph);
    }
    if (scopes.contains("cluster") && scopes.size() > 1) {
      error("policy_mixed_binding_kinds", path, "a bundle applies to `cluster` or to graphs, not to both; split it");
      clean = false;
    }
    for (const std::string& scope : scopes) {
      const auto [holder, first] = scope_holders_.emplace(scope, name);
      if (!first) {
        error("duplicate_policy_binding", path,
              "policies '" + holder->second + "' and '" + name + "' both apply to '" + scope + "'");
      }
    }
    declared.applies_to.assign(scopes.begin(), scopes.end());
    return clean;
  }

  Declaration out_;
  std::map<std::string, std::string> scope_holders_;  // scope -> policy
};

}  // namespace

Declaration read_declaration(const fs::path& directory) { return DeclarationReader(directory).read(); }

}  // namespace omnigraph::cluster
