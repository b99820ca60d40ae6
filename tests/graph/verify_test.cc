#include "graph/verify.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/hash.h"
#include "graph/layout.h"
#include "graph/mark_logs.h"
#include "graph/mark_objects.h"
#include "tests/graph/verify_support.h"

namespace omnigraph::graph::testing {
namespace {

constexpr StoreOptions kQuiet{.clock = nullptr, .background_settle = false, .exclusive_writer = false};

struct VerifyTest : ::testing::Test {
  ~VerifyTest() override { std::filesystem::remove_all(folder); }
  std::filesystem::path folder = fresh_directory("verify");
  StorePtr store = objectstore::open_local_store(folder).value();

  // A few commits on two branches, with updates, deletions and edges. All is placed and settled, and no record of a
  // live head carries any bytes, so that every object counts.
  void seed() {
    const GraphPtr graph = init_people(store);
    People people;
    for (int i = 0; i < 40; ++i) people[numbered("p", i)] = i;
    ASSERT_TRUE(put_people(*graph, people));
    ASSERT_TRUE(insert_knows(*graph, "p1", "p2"));
    ASSERT_TRUE(remove_person(*graph, "p7"));
    ASSERT_TRUE(graph->create_branch("side", "main"));
    ASSERT_TRUE(insert_person(*graph, "Bo", 2, {.branch = "side"}));
    ASSERT_TRUE(birthday(*graph, "p3"));
    graph->drain();
    for (const char* branch : {"main", "side"}) {
      StoreParts& parts = graph->parts();
      ASSERT_TRUE(parts.keeper->settle(*parts.log->confirmed_head(branch).value().record));
    }
    ASSERT_TRUE(insert_note(*graph, "n"));
    ASSERT_TRUE(insert_note(*graph, "m", {.branch = "side"}));
    graph->drain();
  }
};

bool has(const std::vector<std::string>& codes, const std::string& code) {
  return std::ranges::find(codes, code) != codes.end();
}

std::vector<std::string> codes(const StorePtr& store) {
  const GraphPtr graph = open_people(store, kQuiet);
  std::vector<std::string> out;
  const auto report = verify(graph->parts(), {.deep = true, .progress = {}});
  if (!report) return {report.error().render()};
  for (const VerifyFinding& finding : report->findings) out.push_back(finding.code);
  EXPECT_EQ(report->ok(), std::ranges::none_of(report->findings, &VerifyFinding::unsound));
  return out;
}

TEST_F(VerifyTest, AWholeGraphIsSoundAndCounted) {
  seed();
  EXPECT_EQ(damage_in(store), "");
  EXPECT_EQ(damage_in(store, false), "");
  const GraphPtr graph = open_people(store, kQuiet);
  std::uint64_t last = 0, total = 0;
  const auto report = verify(graph->parts(), {.deep = false, .progress = [&](const VerifyProgress& progress) {
                                                EXPECT_GT(progress.records_done, last);
                                                last = progress.records_done;
                                                total = progress.records_total;
                                              }});
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->ok());
  EXPECT_TRUE(report->findings.empty());
  EXPECT_EQ(report->commits, 8u);
  EXPECT_EQ(last, total);
  EXPECT_EQ(total, 9u) << "the record that made the branch has no commit";
  EXPECT_GT(report->objects, 20u);
}

TEST_F(VerifyTest, AGraphThatIsOnlyInItsRecordsIsSound) {
  const GraphPtr graph = init_people(store, kQuiet);
  ASSERT_TRUE(put_people(*graph, {{"Ada", 1}, {"Bo", 2}}));
  ASSERT_TRUE(remove_person(*graph, "Ada"));
  EXPECT_TRUE(keys_under(store, "tables/").empty());
  EXPECT_EQ(damage_in(store), "");
}

// Goal: no referenced object can be missing unnoticed.
// Method: take every object away in turn and put it back; those that some record needs must be missed.
TEST_F(VerifyTest, EveryMissingObjectIsNoticed) {
  seed();
  const GraphPtr graph = open_people(store, kQuiet);
  std::set<std::string> needed;
  FreshReader reader(graph->parts());
  const LogSurvey survey = LogSurvey::take(*store, *reader.log).value();
  for (const SurveyedLog& log : survey.logs()) {
    for (const SurveyedRecord& surveyed : log.records) {
      const RecordPtr record = reader.log->read(log.branch, surveyed.seq).value();
      for (const auto& [key, entry] : record->record.tables) {
        for (const std::string& object :
             objects_of_version(entry.manifest, *reader.tables->manifest(*record, entry.manifest).value())) {
          if (!record->record.attached.contains(object)) needed.insert(object);
        }
      }
    }
  }
  ASSERT_GT(needed.size(), 5u);
  std::set<std::string> noticed;
  for (const std::string& key : needed) {
    const Buffer bytes = Buffer::from(std::string(store->get(key).value().text()));
    ASSERT_TRUE(store->remove(key));
    const std::vector<std::string> found = codes(store);
    EXPECT_FALSE(found.empty()) << key;
    EXPECT_TRUE(has(found, key.find("/_deletions/") == std::string::npos ? "missing_object" : "lance_copy_lost"))
        << key;
    ASSERT_TRUE(store->put(key, bytes.bytes()));
    noticed.insert(key);
  }
  EXPECT_EQ(damage_in(store), "") << "all were put back";
}

// Goal: a truncated or flipped object gives a finding, never a crash or an error.
TEST_F(VerifyTest, TruncatedObjectsAreFindings) {
  seed();
  for (const std::string& key : keys_under(store, "")) {
    if (key.starts_with("commits/") || key == kGraphFile) continue;
    const std::string bytes(store->get(key).value().text());
    if (bytes.size() < 2) continue;
    const std::string half = bytes.substr(0, bytes.size() / 2);
    ASSERT_TRUE(store->put(key, std::as_bytes(std::span(half))));
    const GraphPtr graph = open_people(store, kQuiet);
    const auto report = verify(graph->parts(), {.deep = true, .progress = {}});
    ASSERT_TRUE(report) << key << ": " << report.error().render();
    const bool vital = key.starts_with("log/") || key.starts_with("schema/");
    EXPECT_TRUE(!vital || !report->ok()) << key;
    for (const VerifyFinding& finding : report->findings) EXPECT_FALSE(finding.key.empty()) << finding.message;
    ASSERT_TRUE(store->put(key, std::as_bytes(std::span(bytes))));
  }
  EXPECT_EQ(damage_in(store), "");
}

// Goal: after a power loss a file may be torn while a record carries its bytes: said, and no damage.
TEST_F(VerifyTest, ATornFileWhoseBytesARecordCarriesIsOnlyMentioned) {
  {
    const GraphPtr graph = init_people(store);
    ASSERT_TRUE(put_people(*graph, {{"Ada", 1}}));
    graph->drain();
  }
  const auto record = open_people(store, kQuiet)->head("main").value()->record();
  ASSERT_FALSE(record.attached.empty());
  const std::string torn = record.tables.at("node:Person").manifest;
  ASSERT_TRUE(record.attached.contains(torn));
  std::filesystem::resize_file(folder / torn, 10);
  const auto report = verify(open_people(store, kQuiet)->parts(), {.deep = true, .progress = {}});
  ASSERT_TRUE(report) << report.error().render();
  ASSERT_EQ(report->findings.size(), 1u);
  EXPECT_EQ(report->findings[0].code, "torn_copy");
  EXPECT_EQ(report->findings[0].key, torn);
  EXPECT_TRUE(report->ok());
}

// Replaces the newest record of main by one that `edit` changed, as no write would. Its own attachments are at hand.
void rewrite_head(const StorePtr& store,
                  const std::function<void(CommitRecord&, std::map<std::string, std::string>&)>& edit) {
  const GraphPtr graph = open_people(store, kQuiet);
  const RecordPtr head = graph->parts().log->confirmed_head("main").value().record;
  CommitRecord record = head->record;
  std::map<std::string, std::string> own;
  for (const auto& [key, at] : head->record.attached) {
    if (at.branch != record.branch || at.seq != record.seq) continue;
    own[key] = std::string(graph->parts().objects->attachment(*head, key, at).value().text());
    record.attached.erase(key);
  }
  edit(record, own);
  std::vector<Attachment> attachments;
  for (auto& [key, bytes] : own) attachments.push_back({key, bytes});
  const std::string bytes = encode_record(record, attachments).value();
  ASSERT_TRUE(store->put(record_key(record.branch, record.seq), std::as_bytes(std::span(bytes))));
}

// The head's schema becomes `source`, which has the same types and properties under other rules.
void impose_schema(const StorePtr& store, std::string source, const std::vector<std::string>& person_key) {
  rewrite_head(store, [&](CommitRecord& record, std::map<std::string, std::string>& own) {
    record.schema.digest = base::sha256_hex(source);
    own[schema_key(record.schema.digest)] = source;
    for (TypeIdentity& type : record.schema.types) {
      if (type.table_key == "node:Person") type.key_order = person_key;
    }
  });
}

struct Imposed {
  const char* schema;
  std::vector<std::string> person_key;
  std::string code;
};

// Goal: each rule of a schema is checked on data that broke it before it was there.
TEST_F(VerifyTest, DataThatBreaksItsSchemaIsAFinding) {
  const std::string loose =
      "node Person { name: String  age: I32? }\nnode Note { text: String }\nedge Knows: Person -> Person\n";
  const std::vector<Imposed> cases{
      {"node Person { name: String  age: I32? }\nnode Note { text: String }\nedge Knows: Person -> Person "
       "@card(0..2)\n",
       {},
       ""},
      {"node Person { name: String @key  age: I32? }\nnode Note { text: String }\nedge Knows: Person -> Person\n",
       {"name"},
       "key_mismatch"},
      {"node Person { name: String  age: I32? @unique }\nnode Note { text: String }\nedge Knows: Person -> Person\n",
       {},
       "unique_violation"},
      {"node Person { name: String  age: I32? @range(age, 0..5) }\nnode Note { text: String }\nedge Knows: Person -> "
       "Person\n",
       {},
       "value_violation"},
      {"node Person { name: enum(x, y)  age: I32? }\nnode Note { text: String }\nedge Knows: Person -> Person\n",
       {},
       "value_violation"},
      {"node Person { name: String  age: I32? }\nnode Note { text: String }\nedge Knows: Person -> Person "
       "@card(0..1)\n",
       {},
       "cardinality_violation"},
      {"node Person { name: String  age: I32? }\nnode Note { text: String }\nedge Knows: Person -> Person { "
       "@unique(src) }\n",
       {},
       "unique_violation"},
      {"node Person { name: String  age: I32? }\nnode Note { text: String }\nedge Knows: Person -> Person { "
       "@unique(src, dst) }\n",
       {},
       ""},
  };
  for (const Imposed& each : cases) {
    SCOPED_TRACE(each.schema);
    std::filesystem::remove_all(folder);
    store = objectstore::create_local_store(folder).value();
    {
      const GraphPtr graph = GraphStore::init(store, loose, std::nullopt, kQuiet).value();
      const auto written = graph->write({}, [&](WriteTransaction& transaction) -> Result<void> {
        const schema::Catalog& catalog = *transaction.base()->catalog();
        auto rows = std::make_shared<StagedRows>(catalog, kPerson);
        columnar::ArrayBuilder id(columnar::utf8()), name(columnar::utf8()),
            age(columnar::primitive(columnar::TypeId::kInt32));
        for (const char* who : {"a", "b", "c"}) {
          id.append_string(who);
          name.append_string("the name");
          age.append_value(std::int32_t{7});
        }
        OG_RETURN_IF_ERROR(rows->append({rows->fields(), {id.finish(), name.finish(), age.finish()}, 3}));
        transaction.put(rows, PutMode::kAppend, false);
        transaction.put(knows_rows(catalog, {{"a", "b"}, {"a", "c"}}), PutMode::kAppend, true);
        return {};
      });
      ASSERT_TRUE(written) << written.error().render();
    }
    ASSERT_EQ(damage_in(store), "");
    impose_schema(store, each.schema, each.person_key);
    EXPECT_EQ(codes(store), each.code.empty() ? std::vector<std::string>{} : std::vector<std::string>{each.code});
  }
}

TEST_F(VerifyTest, EdgesWithoutTheirNodesAndRowsThatAreThereTwiceAreFindings) {
  {
    const GraphPtr graph = init_people(store, kQuiet);
    ASSERT_TRUE(put_people(*graph, {{"Ada", 1}, {"Bo", 2}}));
    ASSERT_TRUE(insert_knows(*graph, "Ada", "Bo"));
  }
  const std::string head(store->get(keys_under(store, "log/main/").front()).value().text());
  const auto restore = [&] {
    ASSERT_TRUE(store->put(keys_under(store, "log/main/").front(), std::as_bytes(std::span(head))));
  };
  const GraphPtr graph = open_people(store, kQuiet);
  const auto genesis = graph->at_commit(graph->commits("main").value().back().commit.id).value()->record();
  rewrite_head(store, [&](CommitRecord& record, auto&) {
    record.tables["node:Person"] = genesis.tables.at("node:Person");
    for (const auto& [key, at] : genesis.attached) record.attached.emplace(key, at);
  });
  EXPECT_EQ(codes(store), std::vector<std::string>{"orphan_edge"});
  restore();
  EXPECT_TRUE(codes(store).empty());

  // The fragment of the edges a second time, under another number.
  rewrite_head(store, [&](CommitRecord& record, std::map<std::string, std::string>& own) {
    TableEntry& entry = record.tables.at("edge:Knows");
    std::string& bytes = own.at(entry.manifest);
    lance::Manifest manifest = lance::parse_manifest(Buffer::from(std::string(bytes)), entry.manifest).value();
    ASSERT_EQ(manifest.fragments.size(), 1u);
    lance::Fragment again = manifest.fragments[0];
    again.id += 1;
    manifest.fragments.push_back(again);
    manifest.max_fragment_id = static_cast<std::uint32_t>(again.id);
    bytes = lance::serialize_manifest(manifest);
  });
  const std::vector<std::string> found = codes(store);
  EXPECT_TRUE(has(found, "duplicate_id"));
  EXPECT_TRUE(has(found, "row_id_conflict"));
  EXPECT_TRUE(has(found, "record_inconsistent")) << "the record counts one row";
  restore();
  rewrite_head(store, [](CommitRecord& record, auto&) { record.commits.back().parents[0] = record.commits.back().id; });
  EXPECT_EQ(codes(store), std::vector<std::string>{"record_inconsistent"});
}

}  // namespace
}  // namespace omnigraph::graph::testing
