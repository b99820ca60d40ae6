// lance_digest DATASET [--version N] [--row-ids] [--take i,j]   prints what check_with_pylance.py prints for it
// lance_digest --batch                                           the same for each line
// "DATASET<tab>VERSION[<tab>row-ids
//                                                                or take list]" of standard input, as one line:
//                                                                rows, digest, set_digest, or "error <message>"
// lance_digest --write-samples DIR                               writes sample datasets (samples.h)
//
// Exit status: 0 fine, 2 bad usage, 3 a dataset cannot be read or written.
#include <charconv>
#include <filesystem>
#include <iostream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "objectstore/object_store.h"
#include "tests/lance/canonical_digest.h"
#include "tests/lance_digest/samples.h"

namespace omnigraph::lance {
namespace {

struct Request {
  std::string dataset;
  std::optional<std::uint64_t> version;
  bool row_ids = false;
  std::optional<std::vector<std::uint64_t>> take;
};

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool parse_take(const std::string& text, Request& request) {
  request.take.emplace();
  std::istringstream list(text);
  for (std::string part; std::getline(list, part, ',');) {
    const auto value = parse_number(part);
    if (!value) return false;
    request.take->push_back(*value);
  }
  return true;
}

Result<DatasetRows> open(const Request& request) {
  // "a/b.lance/" names the same folder; the store is the folder above.
  std::filesystem::path path = std::filesystem::absolute(request.dataset).lexically_normal();
  if (path.filename().empty()) path = path.parent_path();
  OG_ASSIGN_OR_RETURN(const auto store, objectstore::open_local_store(path.parent_path()));
  return read_dataset(*store, path.filename().string(), request.version);
}

int fail(const Error& error) {
  std::cerr << "lance_digest: " << error.render() << "\n";
  return 3;
}

int print_dataset(const Request& request) {
  const auto rows = open(request);
  if (!rows) return fail(rows.error());
  const auto digest = digest_rows(*rows, request.row_ids, request.take);
  if (!digest) return fail(digest.error());
  std::cout << "lance-check 1\nversion " << rows->manifest.version << "\nformat " << rows->manifest.data_format_version
            << "\n";
  for (const columnar::Field& field : rows->fields) {
    std::cout << "field " << field.name << " " << columnar::type_name(field.type) << " "
              << (field.nullable ? "nullable" : "required") << "\n";
  }
  std::cout << "rows " << digest->rows << "\ndigest " << digest->digest << "\nset_digest " << digest->set_digest
            << "\n";
  return 0;
}

int answer_batch() {
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream parts(line);
    Request request;
    std::string version;
    std::string extra;
    std::getline(parts, request.dataset, '\t');
    std::getline(parts, version, '\t');
    std::getline(parts, extra, '\t');
    request.version = parse_number(version);
    request.row_ids = extra == "row-ids";
    if (!extra.empty() && !request.row_ids && !parse_take(extra, request)) return 2;
    const auto rows = open(request);
    const auto digest = rows ? digest_rows(*rows, request.row_ids, request.take)
                             : Result<RowDigest::Result>(std::unexpected(rows.error()));
    if (digest) {
      std::cout << digest->rows << " " << digest->digest << " " << digest->set_digest;
      for (const columnar::Field& field : rows->fields) {
        std::cout << "\t" << field.name << " " << columnar::type_name(field.type) << " "
                  << (field.nullable ? "nullable" : "required");
      }
      std::cout << "\n";
    } else {
      std::cout << "error " << digest.error().message << "\n";
    }
  }
  return 0;
}

int usage() {
  std::cerr << "usage: lance_digest DATASET [--version N] [--row-ids] [--take i,j]\n"
               "       lance_digest --batch < REQUESTS\n"
               "       lance_digest --write-samples DIR\n";
  return 2;
}

int run(const std::vector<std::string>& arguments) {
  if (arguments.empty()) return usage();
  if (arguments[0] == "--batch") return answer_batch();
  if (arguments[0] == "--write-samples") {
    if (arguments.size() != 2) return usage();
    const auto written = write_samples(arguments[1]);
    return written ? 0 : fail(written.error());
  }
  Request request;
  request.dataset = arguments[0];
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    if (arguments[i] == "--row-ids") {
      request.row_ids = true;
    } else if (arguments[i] == "--version" && i + 1 < arguments.size()) {
      request.version = parse_number(arguments[++i]);
      if (!request.version) return usage();
    } else if (arguments[i] == "--take" && i + 1 < arguments.size()) {
      if (!parse_take(arguments[++i], request)) return usage();
    } else {
      return usage();
    }
  }
  return print_dataset(request);
}

}  // namespace
}  // namespace omnigraph::lance

int main(int argc, char** argv) { return omnigraph::lance::run(std::vector<std::string>(argv + 1, argv + argc)); }
