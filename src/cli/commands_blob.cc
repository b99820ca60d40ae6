// blob get, blob stat.

#include <cerrno>
#include <cstdio>
#include <limits>

#include "base/file.h"
#include "cli/command.h"
#include "cli/commands_blob.h"
#include "client/remote_blob.h"
#include "engine/blob.h"

namespace omnigraph::cli {

namespace {

constexpr std::uint64_t kPieceBytes = std::uint64_t{4} << 20;

struct BlobArguments {
  client::BlobAddress address;
  std::string branch, snapshot, out;
  std::optional<std::uint64_t> offset, length;
  bool json = false;
};

// Where the bytes go: stdout, or a file that is touched only once there is something to put into it.
class BlobOutput {
 public:
  explicit BlobOutput(std::string path) : path_(std::move(path)) {}
  ~BlobOutput() {
    if (file_ != nullptr) std::fclose(file_);
  }
  BlobOutput(const BlobOutput&) = delete;
  BlobOutput& operator=(const BlobOutput&) = delete;

  Result<void> write(std::string_view bytes) {
    if (path_.empty()) {
      print(bytes);
      return {};
    }
    OG_RETURN_IF_ERROR(open());
    if (std::fwrite(bytes.data(), 1, bytes.size(), file_) == bytes.size()) return {};
    return std::unexpected(base::io_error("write", path_, errno));
  }

  Result<void> finish() {
    if (path_.empty()) return {};
    OG_RETURN_IF_ERROR(open());  // an empty value makes an empty file
    if (std::fclose(std::exchange(file_, nullptr)) == 0) return {};
    return std::unexpected(base::io_error("write", path_, errno));
  }

 private:
  Result<void> open() {
    if (file_ == nullptr) file_ = std::fopen(path_.c_str(), "wb");
    if (file_ != nullptr) return {};
    return std::unexpected(base::io_error("write", path_, errno));
  }

  const std::string path_;
  std::FILE* file_ = nullptr;
};

// The part asked for; nullopt: the whole value. Refused before the graph is looked at.
Result<std::optional<client::BlobPart>> part_of(const BlobArguments& arguments) {
  if (!arguments.offset && !arguments.length) return std::nullopt;
  const client::BlobPart part{arguments.offset.value_or(0), arguments.length};
  if (part.length == 0) return std::unexpected(bad_request("--length must be at least 1"));
  if (part.length && *part.length > std::numeric_limits<std::uint64_t>::max() - part.offset) {
    return std::unexpected(bad_request("--offset " + std::to_string(part.offset) + " and --length " +
                                       std::to_string(*part.length) + " reach beyond any value"));
  }
  return part;
}

// The engine's refusals in the words both lanes share.
Error in_words(Error error) {
  if (error.code == Code::kNotFound) error.message = "Blob cell not found: " + error.message;
  if (error.code == Code::kBadRequest) error.message = "invalid Blob selector: " + error.message;
  return error;
}

Result<engine::BlobCell> cell_of(const DataTarget& target, const BlobArguments& arguments) {
  const client::BlobAddress& address = arguments.address;
  const engine::BlobSelector selector{
      .kind = address.entity == "node" ? schema::EntityKind::kNode : schema::EntityKind::kEdge,
      .type = address.type,
      .id = address.id,
      .property = address.property};
  auto cell = engine::read_blob_cell(*target.graph, selector, address.target);
  if (!cell) return std::unexpected(in_words(cell.error()));
  if (cell->is_external() && cell->is_part()) {
    return std::unexpected(Error{Code::kInternal, "Blob delivery failed: the stored reference names a part of '" +
                                                      cell->uri() + "', which cannot be given out as a whole"});
  }
  return cell;
}

Result<void> write_cell(const engine::BlobCell& cell, const std::optional<client::BlobPart>& part, BlobOutput& out) {
  if (cell.is_external()) return std::unexpected(client::external_blob(cell.uri()));
  std::uint64_t at = 0, end = cell.size();
  if (part) {
    if (part->offset >= cell.size()) {
      return std::unexpected(Error{Code::kRangeNotSatisfiable, "Blob range is not satisfiable: it begins at byte " +
                                                                   std::to_string(part->offset) + " of a value of " +
                                                                   std::to_string(cell.size()) + " bytes"});
    }
    at = part->offset;
    if (part->length) end = std::min(end, at + *part->length);
  }
  while (at < end) {
    const std::uint64_t count = std::min(kPieceBytes, end - at);
    const auto piece = cell.read(at, count);
    if (!piece) return std::unexpected(Error{piece.error().code, "Blob delivery failed: " + piece.error().message});
    OG_RETURN_IF_ERROR(out.write(piece->text()));
    at += count;
  }
  return {};
}

// Opens the graph and settles the branch that is read.
Result<DataTarget> open_blob(Context& context, BlobArguments& arguments, std::string_view label) {
  OG_ASSIGN_OR_RETURN(DataTarget target, context.open_data("", {.label = label, .branch = arguments.branch}));
  engine::ReadTarget& read = arguments.address.target;
  if (!arguments.snapshot.empty()) read.snapshot = arguments.snapshot;
  if (!arguments.branch.empty()) read.branch = arguments.branch;
  if (!read.snapshot && !read.branch && target.default_branch != "main") read.branch = target.default_branch;
  return target;
}

Result<void> run_get(Context& context, BlobArguments& arguments) {
  OG_ASSIGN_OR_RETURN(const auto part, part_of(arguments));
  OG_ASSIGN_OR_RETURN(const DataTarget target, open_blob(context, arguments, "blob get"));
  BlobOutput out(arguments.out);
  if (target.remote) {
    OG_RETURN_IF_ERROR(client::blob_get(*target.remote, arguments.address, part,
                                        [&](std::string_view bytes) { return out.write(bytes); }));
  } else {
    OG_ASSIGN_OR_RETURN(const engine::BlobCell cell, cell_of(target, arguments));
    OG_RETURN_IF_ERROR(write_cell(cell, part, out));
  }
  return out.finish();
}

Result<client::BlobHead> head_of(const DataTarget& target, const BlobArguments& arguments) {
  if (target.remote) return client::blob_head(*target.remote, arguments.address);
  OG_ASSIGN_OR_RETURN(const engine::BlobCell cell, cell_of(target, arguments));
  client::BlobHead head{.snapshot = cell.snapshot()};
  if (cell.is_external()) {
    head.uri = cell.uri();
  } else {
    head.size = cell.size();
    head.etag = "\"" + cell.etag() + "\"";
  }
  return head;
}

std::string stat_json(const BlobArguments& arguments, const client::BlobHead& head) {
  const client::BlobAddress& address = arguments.address;
  std::string text;
  base::JsonWriter json(text);
  json.begin_object()
      .key("selector")
      .begin_object()
      .key("entity")
      .string(address.entity)
      .key("type")
      .string(address.type);
  json.key("id").string(address.id).key("property").string(address.property).end_object();
  json.key("kind").string(head.uri ? "external" : "managed");
  if (head.uri) {
    json.key("uri").string(*head.uri);
  } else {
    json.key("size").unsigned_integer(head.size).key("etag").string(head.etag);
  }
  json.key("target").begin_object();
  if (!arguments.branch.empty()) json.key("branch").string(arguments.branch);
  if (!arguments.snapshot.empty()) json.key("snapshot").string(arguments.snapshot);
  json.key("resolved_snapshot").string(head.snapshot).end_object().end_object();
  return text;
}

Result<void> run_stat(Context& context, BlobArguments& arguments) {
  OG_ASSIGN_OR_RETURN(const DataTarget target, open_blob(context, arguments, "blob stat"));
  OG_ASSIGN_OR_RETURN(const client::BlobHead head, head_of(target, arguments));
  if (arguments.json) {
    print_json(stat_json(arguments, head));
    return {};
  }
  std::string text = std::string("kind: ").append(head.uri ? "external" : "managed").append("\n");
  text.append(head.uri ? "uri: " + *head.uri : "size: " + std::to_string(head.size) + "\netag: " + head.etag)
      .append("\n");
  print(text.append("snapshot: ").append(head.snapshot).append("\n"));
  return {};
}

void add_cell(Command& command, BlobArguments& arguments) {
  command.text("ENTITY", arguments.address.entity, "node or edge").required().one_of({"node", "edge"});
  command.text("TYPE", arguments.address.type, "Its type").required().non_empty().completes(Values::kType);
  command.text("ID", arguments.address.id, "Its id").required().non_empty();
  command.text("PROPERTY", arguments.address.property, "The Blob property").required().non_empty();
  Option branch = command.text("--branch", arguments.branch, "Branch to read (default main)")
                      .non_empty()
                      .completes(Values::kBranch);
  command.text("--snapshot", arguments.snapshot, "Commit id to read").non_empty().excludes(branch);
}

}  // namespace

void add_blob_commands(CLI::App& app, Context& context, Run& run) {
  Command group = Command(app).group("blob", "Read the values of Blob properties");
  group.examples("omnigraph blob get node Film dry-lake poster --store films.omni --out poster.png");
  Command get = group.command("get", "Write the bytes of a value to standard output or a file");
  get.examples(
      "omnigraph blob get node Dock D1 plan --store fleet.omni --out plan.pdf\n"
      "omnigraph blob get node Dock D1 plan --store fleet.omni --offset 0 --length 16 | xxd");
  auto got = std::make_shared<BlobArguments>();
  add_cell(get, *got);
  get.number("--offset", got->offset, "First byte");
  get.number("--length", got->length, "Bytes at most");
  get.text("--out", got->out, "File to write instead of standard output").non_empty().completes(Values::kFile);
  when_chosen(get, run, [&context, got] { return run_get(context, *got); });

  Command stat = group.command("stat", "Describe a value: its size and tag, or where an external one lies");
  stat.examples("omnigraph blob stat node Dock D1 plan --store fleet.omni");
  auto described = std::make_shared<BlobArguments>();
  add_cell(stat, *described);
  stat.json(described->json);
  when_chosen(stat, run, [&context, described] { return run_stat(context, *described); });
}

}  // namespace omnigraph::cli
