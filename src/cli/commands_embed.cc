// embed: a file to a file, with vectors (chapter 04 section 7). No graph and no server is touched.

#include <filesystem>

#include "base/file.h"
#include "base/json_writer.h"
#include "cli/command.h"
#include "cli/input_file.h"
#include "cli/replacement_file.h"
#include "cli/seed_rows.h"

namespace omnigraph::cli {

namespace {

namespace fs = std::filesystem;

struct EmbedArguments {
  std::string seed, input, output, spec;
  std::vector<std::string> types, selectors;
  bool reembed_all = false, clean = false, json = false;
};

Result<SeedChoice> choice_of(const EmbedArguments& arguments) {
  SeedChoice choice;
  for (const std::string& text : arguments.selectors) {
    OG_ASSIGN_OR_RETURN(SeedSelector selector, read_seed_selector(text));
    choice.selectors.push_back(std::move(selector));
  }
  choice.types.insert(arguments.types.begin(), arguments.types.end());
  choice.mode = arguments.clean             ? SeedMode::kClean
                : arguments.reembed_all     ? SeedMode::kReembedAll
                : !choice.selectors.empty() ? SeedMode::kReembedSelected
                                            : SeedMode::kFillMissing;
  return choice;
}

Result<SeedManifest> sources_of(const EmbedArguments& arguments) {
  if (!arguments.seed.empty()) {
    OG_ASSIGN_OR_RETURN(SeedManifest manifest, read_seed_manifest(arguments.seed));
    if (!arguments.output.empty()) manifest.output = arguments.output;
    return manifest;
  }
  for (const auto& [name, value] : {std::pair("--input", &arguments.input), std::pair("--output", &arguments.output),
                                    std::pair("--spec", &arguments.spec)}) {
    if (!value->empty()) continue;
    return std::unexpected(bad_request(std::string(name) + " is required when --seed is not provided"));
  }
  SeedManifest sources{.input = arguments.input, .output = arguments.output, .spec = {}};
  OG_ASSIGN_OR_RETURN(const std::string text, base::read_file(arguments.spec));
  OG_ASSIGN_OR_RETURN(sources.spec, read_seed_spec(text, arguments.spec));
  return sources;
}

Result<void> read_seed_lines(const InputFile& file, SeedRows& rows) {
  std::string rest;
  std::vector<std::byte> piece(std::size_t{256} << 10);
  while (true) {
    OG_ASSIGN_OR_RETURN(const std::size_t got, file.read(piece));
    if (got == 0) break;
    const std::size_t searched = rest.size();
    rest.append(reinterpret_cast<const char*>(piece.data()), got);
    std::size_t begin = 0;
    for (std::size_t end = rest.find('\n', searched); end != std::string::npos; end = rest.find('\n', begin)) {
      OG_RETURN_IF_ERROR(rows.add(std::string_view(rest).substr(begin, end - begin)));
      begin = end + 1;
    }
    rest.erase(0, begin);
  }
  if (!rest.empty()) OG_RETURN_IF_ERROR(rows.add(rest));
  return rows.flush();
}

Result<SeedCounts> rewrite(const SeedManifest& sources, const SeedChoice& choice,
                           const SeedRows::MakeEmbedder& make_embedder) {
  OG_ASSIGN_OR_RETURN(const InputFile input, InputFile::open(sources.input));
  const fs::path target = sources.output;
  const fs::path folder = target.has_parent_path() ? target.parent_path() : fs::path(".");
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed) return std::unexpected(base::io_error("create", folder, failed.value()));
  OG_ASSIGN_OR_RETURN(ReplacementFile file, ReplacementFile::begin(target));
  SeedRows rows(sources.spec, choice, make_embedder,
                [&](std::string_view text) { return file.append(std::as_bytes(std::span(text))); });
  OG_RETURN_IF_ERROR(read_seed_lines(input, rows));
  OG_RETURN_IF_ERROR(file.commit());
  return rows.counts();
}

Result<void> run_embed(const EmbedArguments& arguments) {
  if (arguments.clean && arguments.reembed_all) return std::unexpected(usage_error("--clean excludes --reembed-all"));
  OG_ASSIGN_OR_RETURN(const SeedChoice choice, choice_of(arguments));
  OG_ASSIGN_OR_RETURN(const SeedManifest sources, sources_of(arguments));
  embed::ProviderConfig config;
  config.kind = "mock";  // `clean` asks nobody and has no model
  if (choice.mode != SeedMode::kClean) {
    OG_ASSIGN_OR_RETURN(config, embed::config_from_environment(embed::process_environment()));
  }
  OG_ASSIGN_OR_RETURN(const SeedCounts counts, rewrite(sources, choice, [&config] {
                        return embed::make_text_embedder(config, embed::call_settings(embed::process_environment()));
                      }));
  const std::string_view mode = seed_mode_name(choice.mode);
  if (!arguments.json) {
    print("embedded " + std::to_string(counts.embedded) + " records (selected " + std::to_string(counts.selected) +
          ", cleaned " + std::to_string(counts.cleaned) + ") from " + sources.input + " -> " + sources.output + " [" +
          std::string(mode) + " " + std::to_string(sources.spec.dimension) + "d]\n");
    return {};
  }
  std::string compact;
  base::JsonWriter json(compact);
  json.begin_object().key("input").string(sources.input).key("output").string(sources.output);
  json.key("records").unsigned_integer(counts.records).key("selected_records").unsigned_integer(counts.selected);
  json.key("embedded_records").unsigned_integer(counts.embedded);
  json.key("cleaned_records").unsigned_integer(counts.cleaned).key("mode").string(mode);
  json.key("dimension").unsigned_integer(sources.spec.dimension).key("model").string(config.model).end_object();
  print_json(compact);
  return {};
}

}  // namespace

void add_embed_command(CLI::App& app, Run& run) {
  Command command = Command(app).command("embed", "Fill the vectors of a file of rows, offline from any graph");
  command.examples(
      "omnigraph embed --input notes.jsonl --output notes.embedded.jsonl --spec embed.json\n"
      "omnigraph embed --seed seed.yaml --select Note:slug=n1");
  auto arguments = std::make_shared<EmbedArguments>();
  EmbedArguments& a = *arguments;
  Option seed = command.text("--seed", a.seed, "YAML that names input, output and what to embed");
  Option input = command.text("--input", a.input, "NDJSON rows");
  Option output = command.text("--output", a.output, "The rows with vectors; may be the input");
  Option spec = command.text("--spec", a.spec, "JSON: {\"dimension\":N,\"types\":{\"T\":{\"target\",\"fields\"}}}");
  for (Option option : {seed, input, output, spec}) option.completes(Values::kFile);
  seed.excludes(input).excludes(spec);
  input.needs(spec).needs(output);
  spec.needs(input).needs(output);
  command.flag("--reembed-all", a.reembed_all, "Embed rows that have a vector, too");
  command.flag("--reembed_all", a.reembed_all, "The older spelling").hidden();
  command.flag("--clean", a.clean, "Remove vectors instead; needs no provider");
  command.texts("--type", a.types, "Only rows of this type; repeatable");
  command.texts("--select", a.selectors, "Only rows with [T:]field=value; repeatable; embeds them again");
  command.json(a.json);
  when_chosen(command, run, [arguments] { return run_embed(*arguments); });
}

}  // namespace omnigraph::cli
