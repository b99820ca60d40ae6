#include "graph/record.h"

#include <gtest/gtest.h>

#include <cstring>

#include "base/hash.h"
#include "graph/record_copies.h"

namespace omnigraph::graph {
namespace {

CommitRecord sample() {
  CommitRecord record;
  record.branch = "feature/é";
  record.incarnation = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
  record.seq = std::uint64_t{1'790'000'000} << 20;
  record.token = "0011";
  record.forked_from = RecordPosition{"main", 41, "01ARZ3NDEKTSV4RRFFQ69G5FAA"};
  record.head_id = "01ARZ3NDEKTSV4RRFFQ69G5FAW";
  record.head_version = 7;
  Commit commit;
  commit.id = record.head_id;
  commit.version = 7;
  commit.parents = {"01ARZ3NDEKTSV4RRFFQ69G5FAA", "01ARZ3NDEKTSV4RRFFQ69G5FAB"};
  commit.merged = RecordPosition{"side", 3, "01ARZ3NDEKTSV4RRFFQ69G5FAB"};
  commit.actor = "ada \"quoted\"";
  commit.at_us = 1'767'323'045'678'901;
  commit.kind = CommitKind::kMerge;
  commit.content_preserving = true;
  commit.changes["node:Person"] = {1, 2, 3};
  const TableEntry entry{.id = "T1",
                         .version = (std::uint64_t{1} << 63) + 5,
                         .manifest = "tables/node/Person-T1/_versions/d9223372036854775813.manifest",
                         .rows = 10,
                         .bytes = 2000,
                         .head_version = 4,
                         .adopted = 9,
                         .branch = "main"};
  commit.tables["node:Person"] = entry;
  commit.purged = {"T0"};
  record.commits.push_back(commit);
  record.schema.digest = "abc";
  record.schema.types.push_back({"node:Person", "T1", {{"name", "P1", {1}}, {"cover", "P2", {2, 3, 4}}}, {"name"}});
  record.tables["node:Person"] = entry;
  record.attached["old"] = {"main", 40, 123, 45};
  return record;
}

void expect_equal(const CommitRecord& a, const CommitRecord& b) {
  EXPECT_EQ(a.branch, b.branch);
  EXPECT_EQ(a.incarnation, b.incarnation);
  EXPECT_EQ(a.seq, b.seq);
  EXPECT_EQ(a.token, b.token);
  EXPECT_EQ(a.forked_from, b.forked_from);
  EXPECT_EQ(a.head_id, b.head_id);
  EXPECT_EQ(a.head_version, b.head_version);
  EXPECT_EQ(a.tables, b.tables);
  EXPECT_EQ(a.deleted, b.deleted);
  ASSERT_EQ(a.commits.size(), b.commits.size());
  for (std::size_t i = 0; i < a.commits.size(); ++i) {
    const Commit &x = a.commits[i], &y = b.commits[i];
    EXPECT_EQ(x.id, y.id);
    EXPECT_EQ(x.version, y.version);
    EXPECT_EQ(x.parents, y.parents);
    EXPECT_EQ(x.merged, y.merged);
    EXPECT_EQ(x.actor, y.actor);
    EXPECT_EQ(x.at_us, y.at_us);
    EXPECT_EQ(x.kind, y.kind);
    EXPECT_EQ(x.content_preserving, y.content_preserving);
    EXPECT_EQ(x.tables, y.tables);
    EXPECT_EQ(x.purged, y.purged);
    ASSERT_EQ(x.changes.size(), y.changes.size());
    EXPECT_EQ(x.changes.at("node:Person").deleted, y.changes.at("node:Person").deleted);
  }
  ASSERT_EQ(a.schema.types.size(), b.schema.types.size());
  EXPECT_EQ(a.schema.digest, b.schema.digest);
  EXPECT_EQ(a.schema.types[0].properties[1].field_ids, b.schema.types[0].properties[1].field_ids);
  EXPECT_EQ(a.schema.types[0].key_order, b.schema.types[0].key_order);
}

TEST(Record, RoundTripsWithAttachmentsAtTheirOffsets) {
  CommitRecord record = sample();
  const std::vector<Attachment> attachments{{"a", "first"}, {"b", ""}, {"c", std::string(10'000, 'x')}};
  const auto bytes = encode_record(record, attachments);
  ASSERT_TRUE(bytes) << bytes.error().message;
  const auto decoded = decode_record(Buffer::from(*bytes), "log/x");
  ASSERT_TRUE(decoded) << decoded.error().message;
  expect_equal(record, *decoded);
  for (const Attachment& attachment : attachments) {
    const AttachedAt& at = decoded->attached.at(attachment.key);
    EXPECT_EQ(at.branch, record.branch);
    EXPECT_EQ(at.seq, record.seq);
    EXPECT_EQ(bytes->substr(at.offset, at.size), attachment.bytes) << attachment.key;
  }
  EXPECT_EQ(decoded->attached.at("old").offset, 123u);
}

TEST(Record, ZerosMakeItAsLongAsARuleWants) {
  CommitRecord record = sample();
  const auto rule = [](std::uint64_t size) { return (size + 4095) / 4096 * 4096; };
  const std::vector<Attachment> attachments{{"a", "first"}, {"b", std::string(3'000, 'x')}};
  const std::string bytes = encode_record(record, attachments, {}, rule).value();
  EXPECT_EQ(bytes.size() % 4096, 0u);
  EXPECT_LT(bytes.size(), encode_record(record, attachments).value().size() + 4096);
  const auto decoded = decode_record(Buffer::from(bytes), "log/x");
  ASSERT_TRUE(decoded) << decoded.error().message;
  for (const Attachment& attachment : attachments) {
    const AttachedAt& at = decoded->attached.at(attachment.key);
    EXPECT_EQ(bytes.substr(at.offset, at.size), attachment.bytes) << attachment.key;
  }
  std::string flipped = bytes;
  flipped[bytes.size() - 17] = 'x';
  EXPECT_FALSE(decode_record(Buffer::from(flipped), "log/x")) << "the zeros count as well";
  const auto huge = encode_record(record, {}, {}, [](std::uint64_t) { return kRecordBytesMax + 1; });
  EXPECT_EQ(huge.value().size(), kRecordBytesMax) << "a rule makes no record too large";
}

TEST(Record, VersionsAreDecimalStringsAndTimesHaveMicroseconds) {
  CommitRecord record = sample();
  const std::string bytes = encode_record(record, {}).value();
  EXPECT_NE(bytes.find(R"("version":"9223372036854775813")"), std::string::npos);
  EXPECT_NE(bytes.find(R"("at":"2026-01-02T03:04:05.678901Z")"), std::string::npos);
  EXPECT_NE(bytes.find(R"("kind":"merge")"), std::string::npos);
}

TEST(Record, EveryFlippedOrMissingByteIsFound) {
  CommitRecord record = sample();
  const std::string good = encode_record(record, {{"a", "payload"}}).value();
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x20);
    const auto decoded = decode_record(Buffer::from(bad), "log/main/1.commit");
    ASSERT_FALSE(decoded) << "byte " << i;
    EXPECT_EQ(decoded.error().code, Code::kCorruptObject);
    EXPECT_NE(decoded.error().message.find("log/main/1.commit"), std::string::npos);
  }
  for (std::size_t size = 0; size < good.size(); ++size) {
    ASSERT_FALSE(decode_record(Buffer::from(good.substr(0, size)), "k")) << size;
  }
}

// A well-formed envelope around a header that makes no sense, as a broken writer would leave it.
std::string enveloped(std::string header) {
  std::string bytes(4, '\0');
  const auto size = static_cast<std::uint32_t>(header.size());
  std::memcpy(bytes.data(), &size, 4);
  bytes += header + "OGCOMMIT";
  const std::uint64_t hash = base::xxhash64(std::as_bytes(std::span(bytes)));
  bytes.append(reinterpret_cast<const char*>(&hash), 8);
  return bytes;
}

TEST(Record, HeadersThatMakeNoSenseAreCorruptNotFatal) {
  for (const char* header :
       {"", "{", "[]", "{}", R"({"format":1})", R"({"format":"x"})", R"({"format":1,"branch":3})"}) {
    const auto decoded = decode_record(Buffer::from(enveloped(header)), "k");
    ASSERT_FALSE(decoded) << header;
    EXPECT_EQ(decoded.error().code, Code::kCorruptObject) << header;
  }
  const auto newer = decode_record(Buffer::from(enveloped(R"({"format":2})")), "k");
  ASSERT_FALSE(newer);
  EXPECT_EQ(newer.error().code, Code::kUnsupportedFormat);
}

TEST(Record, TombstoneStaysBelowOneKibibyte) {
  CommitRecord record;
  record.branch = std::string(200, 'b');
  record.incarnation = record.head_id = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
  record.seq = std::uint64_t{1'790'000'000} << 20;
  record.token = std::string(32, '0');
  record.forked_from = RecordPosition{std::string(200, 'm'), record.seq, record.head_id};
  record.deleted = true;
  EXPECT_LT(encode_record(record, {}).value().size(), 1024u);
}

TEST(Record, RefusesMoreThanSixteenMebibytes) {
  CommitRecord record = sample();
  const auto bytes = encode_record(record, {{"a", std::string(kRecordBytesMax, 'x')}});
  ASSERT_FALSE(bytes);
  EXPECT_EQ(bytes.error().code, Code::kResourceLimit);
}

}  // namespace
}  // namespace omnigraph::graph
