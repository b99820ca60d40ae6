#include "graph/mark_objects.h"

#include "graph/layout.h"

namespace omnigraph::graph {

std::set<std::string> objects_of_version(const std::string& manifest_key, const lance::Manifest& manifest) {
  const std::string root = table_root_of(manifest_key);
  std::set<std::string> keys{manifest_key};
  for (const lance::Fragment& fragment : manifest.fragments) {
    for (const lance::DataFileEntry& file : fragment.files) keys.insert(data_file_key(root, file.path));
    if (!fragment.deletion_file) continue;
    keys.insert(deletion_copy_key(root, fragment, *fragment.deletion_file));
    keys.insert(deletion_file_key(root, fragment.id, *fragment.deletion_file));
  }
  return keys;
}

std::string table_root_of_object(std::string_view key) {
  // tables/<kind>/<Type>-<table id>/..
  if (!key.starts_with("tables/")) return {};
  std::size_t end = 0;
  for (int slash = 0; slash < 3; ++slash) {
    end = key.find('/', end == 0 ? 0 : end + 1);
    if (end == std::string_view::npos) return {};
  }
  return std::string(key.substr(0, end));
}

Result<bool> with_some_record(FreshReader& reader, const std::vector<RecordAt>& records,
                              const std::function<Result<void>(const RecordPtr&)>& read) {
  for (const auto& [branch, seq] : records) {
    const Result<RecordPtr> record = reader.log->read(branch, seq);
    if (!record && record.error().code == Code::kNotFound) continue;
    if (!record) return std::unexpected(record.error());
    Result<void> done = read(*record);
    if (done) return true;
    // The record may come from the reader's memory.
    OG_ASSIGN_OR_RETURN(const bool there, reader.log->exists(branch, seq));
    if (there) return std::unexpected(std::move(done).error());
  }
  return false;
}

}  // namespace omnigraph::graph
