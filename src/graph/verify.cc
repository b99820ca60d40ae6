#include "graph/verify.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "base/hash.h"
#include "graph/damage.h"
#include "graph/layout.h"
#include "graph/mark_logs.h"
#include "graph/mark_objects.h"
#include "graph/parallel_io.h"
#include "graph/verify_indexes.h"
#include "graph/verify_table.h"

namespace omnigraph::graph {
namespace {

// More of them tell nothing new.
constexpr std::size_t kFindingsMax = 1'000;

class Verifier {
 public:
  Verifier(StoreParts& parts, const VerifyOptions& options) : parts_(parts), options_(options), reader_(parts) {}

  Result<VerifyReport> run() {
    std::vector<LogSurvey::Unreadable> unreadable;
    OG_ASSIGN_OR_RETURN(survey_, LogSurvey::take(*parts_.store, *reader_.log, &unreadable));
    for (const LogSurvey::Unreadable& record : unreadable) {
      find({.code = "corrupt_object", .key = record.key, .message = record.error.message});
    }
    if (const SurveyedLog* main = survey_.find_log(kMainBranch); main == nullptr || !main->live()) {
      find({.code = "missing_object",
            .key = log_prefix(kMainBranch),
            .message = "branch 'main' has no readable commit record"});
    }
    std::uint64_t done = 0, total = 0;
    for (const SurveyedLog& log : survey_.logs()) total += log.records.size();
    for (const SurveyedLog& log : survey_.logs()) {
      OG_RETURN_IF_ERROR(note_head(log));
      check_chain(log);
    }
    for (const SurveyedLog& log : survey_.logs()) {
      for (const SurveyedRecord& record : log.records) {
        OG_RETURN_IF_ERROR(check_record(record));
        if (options_.progress) options_.progress({++done, total, objects_.size()});
      }
    }
    OG_RETURN_IF_ERROR(check_blob_objects());
    report_torn();
    report_.objects = objects_.size();
    return std::move(report_);
  }

 private:
  void find(VerifyFinding finding) {
    if (!reported_.emplace(finding.code, finding.key).second || report_.findings.size() >= kFindingsMax) return;
    report_.findings.push_back(std::move(finding));
  }

  // ---- logs

  // What the head of a live branch references is whole, purged or not.
  Result<void> note_head(const SurveyedLog& log) {
    if (!log.live()) return {};
    const Result<RecordPtr> record = reader_.log->read(log.branch, log.records.front().seq);
    if (!record) return record.error().code == Code::kNotFound ? Result<void>() : std::unexpected(record.error());
    for (const auto& [key, entry] : (*record)->record.tables) head_manifests_.insert(entry.manifest);
    return {};
  }

  void inconsistent(const SurveyedRecord& record, std::string message) {
    find({.code = "record_inconsistent", .key = record_key(record.branch, record.seq), .message = std::move(message)});
  }

  // How the records of a log follow each other. Missing ones are cleanup's.
  void check_chain(const SurveyedLog& log) {
    const SurveyedRecord& head = log.records.front();
    if (!head.deleted && head.forked_from && survey_.find(head.forked_from->branch, head.forked_from->seq) == nullptr) {
      find({.code = "missing_object",
            .key = record_key(head.forked_from->branch, head.forked_from->seq),
            .message = "branch '" + log.branch + "' was created from this commit record"});
    }
    for (std::size_t i = 0; i < log.records.size(); ++i) {
      const SurveyedRecord& record = log.records[i];
      check_commits(record);
      if (i + 1 == log.records.size()) return;
      const SurveyedRecord& before = log.records[i + 1];
      if (record.incarnation < before.incarnation) inconsistent(record, "its incarnation is older than the one before");
      if (before.seq + 1 != record.seq || before.incarnation != record.incarnation) continue;
      if (before.deleted) {
        inconsistent(record, "it continues an incarnation that the record before ended");
      } else if (record.commits.empty()
                     ? record.head_id != before.head_id
                     : record.commits.front().parents.empty() || record.commits.front().parents[0] != before.head_id) {
        inconsistent(record, "it does not continue commit '" + before.head_id + "' of the record before");
      }
    }
  }

  void check_commits(const SurveyedRecord& record) {
    for (std::size_t i = 0; i < record.commits.size(); ++i) {
      const SurveyedCommit& commit = record.commits[i];
      if (i > 0 && (commit.parents.empty() || commit.parents[0] != record.commits[i - 1].id)) {
        inconsistent(record, "commit '" + commit.id + "' does not follow the one before it in its record");
      }
      for (const std::string& parent : commit.parents) {
        if (parent >= commit.id) inconsistent(record, "commit '" + commit.id + "' is not greater than its parent");
      }
      if (commit.parents.empty()) continue;
      const LogSurvey::Place parent = survey_.find_commit(commit.parents[0]);
      if (parent.record != nullptr && parent.commit().version + 1 != commit.version) {
        inconsistent(record, "commit '" + commit.id + "' does not count on from its parent's version");
      }
    }
    if (!record.commits.empty() && record.commits.back().id != record.head_id) {
      inconsistent(record, "its head is not its last commit");
    }
  }

  // ---- records

  Result<void> check_record(const SurveyedRecord& surveyed) {
    if (surveyed.deleted) return {};
    const std::string key = record_key(surveyed.branch, surveyed.seq);
    Result<RecordPtr> record = reader_.log->read(surveyed.branch, surveyed.seq);
    if (!record && record.error().code == Code::kNotFound) return {};  // cleanup was here
    if (!record) return std::unexpected(std::move(record).error());
    objects_.insert(key);
    Result<void> done = check_states(*record);
    if (!done) {
      if (done.error().code != Code::kGone && done.error().code != Code::kNotFound) return done;
      // Cleanup took the record, or what carries its bytes, meanwhile; or these were lost.
      OG_ASSIGN_OR_RETURN(const bool there, reader_.log->exists(surveyed.branch, surveyed.seq));
      if (there) {
        find({.code = "missing_object",
              .key = key,
              .message = "bytes that it references are gone: " + done.error().message});
      }
      return {};
    }
    report_.commits += surveyed.commits.size();
    return {};
  }

  Result<void> check_states(const RecordPtr& record) {
    const CommitRecord& content = record->record;
    OG_RETURN_IF_ERROR(check_attached(*record));
    if (options_.deep) OG_RETURN_IF_ERROR(check_copies(*record));
    if (!check_schema(*record)) return {};
    if (content.commits.empty()) {
      OG_ASSIGN_OR_RETURN(const SnapshotPtr state, reader_.snapshots->at_head(record));
      return check_state(record, *state);
    }
    for (std::size_t i = 0; i < content.commits.size(); ++i) {
      OG_ASSIGN_OR_RETURN(const SnapshotPtr state, reader_.snapshots->at_commit(record, i));
      OG_RETURN_IF_ERROR(check_state(record, *state));
    }
    return {};
  }

  // Attached bytes against what is at their own keys.
  Result<void> check_attached(const LoadedRecord& record) {
    for (const auto& [key, at] : record.record.attached) {
      objects_.insert(key);
      if (!attached_seen_.emplace(key, at.branch, at.seq).second) continue;
      const Result<Buffer> carried = reader_.objects->attachment(record, key, at);
      if (!carried && carried.error().code != Code::kNotFound) {
        if (!is_damage(carried.error())) return std::unexpected(carried.error());
        find({.code = "corrupt_object", .key = record_key(at.branch, at.seq), .message = carried.error().message});
        continue;
      }
      const Result<Buffer> placed = parts_.store->get(key);
      if (!placed && placed.error().code != Code::kNotFound) return std::unexpected(placed.error());
      if (!carried && !placed) {
        find({.code = "missing_object",
              .key = key,
              .message = "it is neither in place nor in the commit record that carried it, which is gone"});
      } else if (carried && placed && carried->text() != placed->text()) {
        torn_.emplace(key, record_key(at.branch, at.seq));
      }
    }
    return {};
  }

  // Copies of schemas and manifests against the objects: a cold reader of a far store takes the copy.
  Result<void> check_copies(const LoadedRecord& record) {
    const auto copies = RecordCopies::in(record.bytes);  // of its own: what it unpacks goes with it
    if (copies == nullptr) return {};
    const std::string at = record_key(record.record.branch, record.record.seq);
    if (copies->all().empty()) {
      find({.code = "torn_copy",
            .key = at,
            .message = "its copies of schema and manifests cannot be unpacked; readers ask for the objects themselves",
            .unsound = false});
    }
    for (const auto& [key, copy] : copies->all()) {
      auto known = copied_.find(key);
      if (known == copied_.end()) {
        const Result<Buffer> object = reader_.objects->get(record, key);
        // What is missing is told by those who need it, or a hard drop took it.
        if (!object && !is_damage(object.error()) && object.error().code != Code::kGone) {
          return std::unexpected(object.error());
        }
        if (!object) continue;
        known = copied_.emplace(key, base::sha256_hex(object->text())).first;
      }
      if (base::sha256_hex(copy.text()) == known->second) continue;
      find({.code = "corrupt_object", .key = at, .message = "its copy of '" + key + "' differs from the object"});
    }
    return {};
  }

  // Whether the states of the record can be looked at.
  bool check_schema(const LoadedRecord& record) {
    const std::string& digest = record.record.schema.digest;
    const std::string key = schema_key(digest);
    note_reference(record, key);
    if (const auto known = schemas_.find(digest); known != schemas_.end()) return known->second;
    bool& sound = schemas_[digest];
    const Result<Buffer> source = reader_.objects->get(record, key);
    if (!source) {
      find({.code = "missing_object", .key = key, .message = source.error().message});
      return false;
    }
    if (base::sha256_hex(source->text()) != digest) {
      find({.code = "corrupt_object", .key = key, .message = "its content does not have the digest of its name"});
      return false;
    }
    if (const auto loaded = reader_.snapshots->schema(record); !loaded) {
      find({.code = "corrupt_object", .key = key, .message = loaded.error().message});
      return false;
    }
    return sound = true;
  }

  // A key that a record uses without carrying it: it must be whole where it is.
  void note_reference(const LoadedRecord& record, const std::string& key) {
    objects_.insert(key);
    if (!record.record.attached.contains(key)) needed_in_place_.insert(key);
  }

  Result<void> check_state(const RecordPtr& record, const Snapshot& state) {
    const schema::Catalog& catalog = *state.catalog();
    std::map<std::string, bool> usable;  // by table key
    std::vector<schema::TypeRef> types;
    for (std::uint32_t i = 0; i < catalog.nodes.size(); ++i) types.push_back({schema::EntityKind::kNode, i});
    for (std::uint32_t i = 0; i < catalog.edges.size(); ++i) types.push_back({schema::EntityKind::kEdge, i});
    for (const schema::TypeRef type : types) {
      const std::string table_key = catalog.table_key(type);
      const auto entry = state.record().tables.find(table_key);
      if (entry == state.record().tables.end() || record->record.schema.find(table_key) == nullptr) {
        find({.code = "record_inconsistent",
              .key = record_key(record->record.branch, record->record.seq),
              .message = "its schema has '" + table_key + "', its tables or identities do not"});
        continue;
      }
      OG_ASSIGN_OR_RETURN(usable[table_key], check_table(record, state, type, entry->second));
    }
    for (std::uint32_t i = 0; i < catalog.edges.size(); ++i) {
      OG_RETURN_IF_ERROR(check_edge_table(record, state, i, usable));
    }
    return {};
  }

  [[nodiscard]] TableCheck check_of(const RecordPtr& record, const Snapshot& state, schema::TypeRef type,
                                    const TableEntry& entry) const {
    return {.record = record,
            .snapshot = &state,
            .type = type,
            .entry = &entry,
            .tables = reader_.tables.get(),
            .deep = options_.deep};
  }

  // Whether rows of the version can be read.
  Result<bool> check_table(const RecordPtr& record, const Snapshot& state, schema::TypeRef type,
                           const TableEntry& entry) {
    const SurveyedRecord* surveyed = survey_.find(record->record.branch, record->record.seq);
    const bool purged = surveyed != nullptr && survey_.is_purged(entry.id, *surveyed);
    if (purged && !head_manifests_.contains(entry.manifest)) return false;
    const std::string version = entry.manifest + " " + record->record.schema.digest;
    if (const auto known = versions_.find(version); known != versions_.end()) {
      if (known->second) OG_RETURN_IF_ERROR(note_objects(*record, entry));
      return known->second;
    }
    const FindingSink sink = [&](VerifyFinding finding) { find(std::move(finding)); };
    const TableCheck check = check_of(record, state, type, entry);
    bool readable = true;
    OG_RETURN_IF_ERROR(check_files(check, [&](VerifyFinding finding) {
      readable = readable && finding.code != "missing_object" && finding.code != "corrupt_object";
      find(std::move(finding));
    }));
    versions_[version] = readable;
    if (!readable) return false;
    OG_RETURN_IF_ERROR(note_objects(*record, entry));
    OG_RETURN_IF_ERROR(check_rows(check, sink));
    if (options_.deep) OG_RETURN_IF_ERROR(check_indexes(check, *parts_.store, indexes_seen_, sink));
    OG_RETURN_IF_ERROR(check_blobs(check, sink, [&](std::string_view key, std::string_view sha256, std::uint64_t size) {
      note_reference(*record, std::string(key));
      blobs_.try_emplace(std::string(key), BlobUse{record, std::string(sha256), size});
    }));
    return true;  // rows can be read; what is wrong with them was reported
  }

  Result<void> note_objects(const LoadedRecord& record, const TableEntry& entry) {
    OG_ASSIGN_OR_RETURN(const ManifestPtr manifest, reader_.tables->manifest(record, entry.manifest));
    for (const std::string& key : objects_of_version(entry.manifest, *manifest)) note_reference(record, key);
    return {};
  }

  Result<void> check_edge_table(const RecordPtr& record, const Snapshot& state, std::uint32_t edge,
                                const std::map<std::string, bool>& usable) {
    const schema::Catalog& catalog = *state.catalog();
    const schema::TypeRef type{schema::EntityKind::kEdge, edge};
    std::string versions;  // endpoints are checked once for each combination
    for (const schema::TypeRef part :
         {type, schema::TypeRef{schema::EntityKind::kNode, catalog.edges[edge].source_index},
          schema::TypeRef{schema::EntityKind::kNode, catalog.edges[edge].target_index}}) {
      const std::string table_key = catalog.table_key(part);
      const auto found = usable.find(table_key);
      if (found == usable.end() || !found->second) return {};
      versions.append(state.record().tables.at(table_key).manifest).append(" ");
    }
    if (!edges_seen_.insert(versions + record->record.schema.digest).second) return {};
    const TableEntry& entry = state.record().tables.at(catalog.table_key(type));
    return check_edges(check_of(record, state, type, entry), [&](VerifyFinding finding) { find(std::move(finding)); });
  }

  // ---- blobs

  struct BlobUse {
    RecordPtr record;  // one that references it
    std::string sha256;
    std::uint64_t size = 0;
  };

  Result<void> check_blob_objects() {
    const std::vector<std::pair<std::string, BlobUse>> blobs(blobs_.begin(), blobs_.end());
    std::mutex mutex;  // guards the findings
    return parallel_io(blobs.size(), [&](std::size_t i) -> Result<void> {
      const auto& [key, use] = blobs[i];
      OG_ASSIGN_OR_RETURN(VerifyFinding finding, check_blob_object(key, use));
      if (finding.code.empty()) return {};
      const std::lock_guard lock(mutex);
      find(std::move(finding));
      return {};
    });
  }

  // A finding without a code: all is well.
  Result<VerifyFinding> check_blob_object(const std::string& key, const BlobUse& use) const {
    const bool attached = use.record->record.attached.contains(key);
    if (!options_.deep && !attached) {
      const auto info = parts_.store->head(key);
      if (!info && info.error().code != Code::kNotFound) return std::unexpected(info.error());
      if (info && info->size == use.size) return VerifyFinding{};
      return VerifyFinding{
          .code = info ? "corrupt_object" : "missing_object",
          .key = key,
          .message = info ? "it has " + std::to_string(info->size) + " bytes, the blob " + std::to_string(use.size)
                          : "a blob cell of commit '" + use.record->record.head_id + "' needs it"};
    }
    const Result<Buffer> bytes = reader_.objects->get(*use.record, key);
    if (!bytes) {
      if (bytes.error().code == Code::kGone) return VerifyFinding{};  // with its record
      if (!is_damage(bytes.error())) return std::unexpected(bytes.error());
      return VerifyFinding{.code = "missing_object", .key = key, .message = bytes.error().message};
    }
    if (bytes->size() == use.size && (!options_.deep || base::sha256_hex(bytes->text()) == use.sha256)) {
      return VerifyFinding{};
    }
    return VerifyFinding{
        .code = "corrupt_object", .key = key, .message = "its content does not have the digest and size of the blob"};
  }

  // A file that a power loss tore is harmless while every record that uses it carries the bytes.
  void report_torn() {
    for (const auto& [key, carrier] : torn_) {
      const bool harmless = !needed_in_place_.contains(key);
      find({.code = harmless ? "torn_copy" : "corrupt_object",
            .key = key,
            .message = harmless ? "the file is torn; its bytes are read from '" + carrier +
                                      "' until a write or `omnigraph optimize` puts them in place again"
                                : "the file differs from the copy in '" + carrier + "', and newer commits rely on it",
            .unsound = !harmless});
    }
  }

  StoreParts& parts_;
  const VerifyOptions& options_;
  const FreshReader reader_;
  LogSurvey survey_;
  VerifyReport report_;
  std::set<std::pair<std::string, std::string>> reported_;  // code, key
  std::set<std::string> objects_;
  std::set<std::string> needed_in_place_;
  std::set<std::string> head_manifests_;
  std::map<std::string, bool> schemas_;   // by digest: usable
  std::map<std::string, bool> versions_;  // by manifest and schema: rows can be read
  std::set<std::string> edges_seen_;
  std::set<std::string> indexes_seen_;
  std::set<std::tuple<std::string, std::string, std::uint64_t>> attached_seen_;
  std::map<std::string, std::string> torn_;    // key -> record that carries the bytes
  std::map<std::string, std::string> copied_;  // objects that records have copies of: key -> digest
  std::map<std::string, BlobUse> blobs_;
};

}  // namespace

bool VerifyReport::ok() const {
  return std::ranges::none_of(findings, [](const VerifyFinding& finding) { return finding.unsound; });
}

Result<VerifyReport> verify(StoreParts& parts, const VerifyOptions& options) { return Verifier(parts, options).run(); }

}  // namespace omnigraph::graph
