// Codes and details of errors: chapter 07 section 5, chapter 03.

#include "cli/explanations.h"

namespace omnigraph::cli {

namespace {

using enum Family;
using enum Written;
using enum Retry;

constexpr Explanation kErrorRows[] = {
    {"bad_request", kErrorCode, kNothing, kAfterMending,
     "The request itself is wrong: its syntax, a type, a parameter, a constraint of the schema, or its size (413).",
     "Mend what the message names; its place is file, line and column.",
     "omnigraph query --store g.omni -e 'query q() { match { $s: Shp } return { $s } }'"},
    {"unauthorized", kErrorCode, kNothing, kAfterMending, "The server wants a bearer token and got none it knows.",
     "`omnigraph login NAME`, or set OMNIGRAPH_TOKEN_<NAME>.", "curl http://HOST/graphs/g/schema"},
    {"forbidden", kErrorCode, kNothing, kAfterMending, "The policy does not allow the token's actor to do this.",
     "`omnigraph policy explain --actor A --action X --branch B` shows the rule; change the bundle, apply, restart.",
     "omnigraph mutate .. --server lab --graph g, as an actor who may only read"},
    {"not_found", kErrorCode, kNothing, kAfterMending,
     "No such graph, branch, commit, stored query, entity or route, or it is hidden from you.",
     "List what there is: `graphs list`, `branch list`, `commit list`, `queries list`.",
     "omnigraph snapshot g.omni --branch nope"},
    {"method_not_allowed", kErrorCode, kNothing, kAfterMending, "The route exists, but not for this HTTP method.",
     "Use the method that the Allow header or /openapi.json names.", "curl -X DELETE http://HOST/healthz"},
    {"conflict", kErrorCode, kNothing, kAfterMending,
     "What is there stands against it: an id that exists, a branch of that name, a merge conflict, a lost race.",
     "Look at the detail beside the code; a lost race (read_set_conflict) can simply be run again.",
     "omnigraph load --mode append of an id that exists"},
    {"too_many_requests", kErrorCode, kNothing, kLater, "The actor has as many requests or bytes in flight as allowed.",
     "Wait as long as Retry-After says; an operator may raise the caps.", "many loads of one token at once"},
    {"internal", kErrorCode, kUnknown, kLater,
     "Storage, an embedding provider or the policy check failed, or stored bytes cannot be right.",
     "Read before you repeat a write: it may have been committed. `omnigraph verify` finds damage.",
     "a disk that is full while a commit is written"},
    {"history_expired", kErrorCode, kNothing, kAfterMending, "Cleanup removed the history that the id names.",
     "Use the oldest commit that the message says is still readable.",
     "omnigraph query --snapshot OLD_COMMIT, after `cleanup --keep 3 --confirm`"},
    {"corrupt_object", kErrorCode, kUnknown, kAfterMending, "Bytes in storage are not what was written there.",
     "`omnigraph verify` lists all damage; restore the object, or `repair --confirm --restore`.",
     "a data file that was cut off"},
    {"key_conflict", kErrorDetail, kNothing, kAfterMending, "An append meets an id that exists already.",
     "Load with --mode merge to replace entities, or leave the record out.",
     "omnigraph load --data ships.jsonl --mode append, twice"},
    {"read_set_conflict", kErrorDetail, kNothing, kAtOnce, "Other commits kept changing what this write had read.",
     "Run it again; if it goes on, let fewer writers change the same rows.",
     "many processes that update one row without pause"},
    {"merge_conflicts", kErrorDetail, kNothing, kAfterMending,
     "Both branches changed the same entities, or their sum breaks a constraint.",
     "`omnigraph branch diff S --into T` shows each; merge the target into the source, choose, merge back.",
     "omnigraph branch merge draft, where main has changed the same ship"},
    {"published_dataset_version_conflict", kErrorDetail, kNothing, kAtOnce, "Reserved; this build never sends it.",
     "Run it again.", "none"},
    {"change_diff_refusal", kErrorDetail, kNothing, kAfterMending,
     "A commit cannot be told as changes: it has no parent, or its schema differs from its parent's.",
     "Take a new baseline (`omnigraph changes baseline`) and go on from its cursor.",
     "omnigraph commit changes FIRST_COMMIT"},
    {"change_feed_gap", kErrorDetail, kNothing, kAfterMending,
     "The cursor points before the history that cleanup has kept, or to a branch that is gone.",
     "Take a new baseline (`omnigraph changes baseline`) and go on from its cursor.",
     "omnigraph changes poll --cursor OLD"},
    {"precondition_failure", kErrorDetail, kNothing, kAfterMending,
     "The branch is no longer at the commit that the command expected (exit code 4).",
     "Read again, decide again, and send the new id.", "omnigraph mutate .. --if-commit STALE_ID"},
    {"resource_limit", kErrorDetail, kNothing, kAfterMending,
     "A limit is exceeded; the detail names it, with both numbers.",
     "Split the input or the answer; operators may raise some limits.", "a load whose one line is longer than 32 MiB"},
    {"blob_range", kErrorDetail, kNothing, kAfterMending, "The range of a Blob begins behind its end.",
     "`omnigraph blob stat` says how long it is.", "omnigraph blob get node Doc a body --offset 999999"},
    {"external_blob_source", kErrorDetail, kNothing, kLater, "An allowed external Blob cannot be read just now.",
     "Make the source readable, then load again.", "a load that names s3://pics/gone.png"},
    {"recovery_required", kErrorDetail, kNothing, kLater, "Reserved; this build never sends it.", "Wait and try again.",
     "none"},
    {"divergent_insert", kMergeConflict, kNothing, kAfterMending, "Both branches inserted this entity, differently.",
     "Make one of them equal to the other, or delete one, then merge.", "the same ship added on both branches"},
    {"divergent_update", kMergeConflict, kNothing, kAfterMending, "Both branches updated this entity, differently.",
     "Set the values you want on the source to those of the target, merge the target in, choose, merge back.",
     "one ship's tons changed on both branches"},
    {"delete_vs_update", kMergeConflict, kNothing, kAfterMending,
     "One branch deleted the entity that the other updated.", "Delete it on both, or restore it, then merge.",
     "a ship scrapped on main and renamed on draft"},
    {"orphan_edge", kMergeConflict, kNothing, kAfterMending,
     "An edge of one branch leads to a node that the other deleted.",
     "Delete the edge, or put the node back, then merge.", "a new edge to a port that main closed"},
    {"unique_violation", kMergeConflict, kNothing, kAfterMending,
     "After the merge two entities would hold one @unique value.", "Change one of the two, then merge.",
     "two ships that took one call sign, each on its branch"},
    {"cardinality_violation", kMergeConflict, kNothing, kAfterMending,
     "After the merge a node would have too many or too few edges (@card).", "Remove or add edges, then merge.",
     "each branch added an edge where two are the most"},
    {"value_constraint_violation", kMergeConflict, kNothing, kAfterMending,
     "A merged value would break @range, @check, an enum or a required property.",
     "Mend the value on the source, then merge.", "a fieldwise merge whose fields do not fit each other"},
};

}  // namespace

std::span<const Explanation> error_explanations() { return kErrorRows; }

}  // namespace omnigraph::cli
