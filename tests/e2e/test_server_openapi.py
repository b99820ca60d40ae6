"""The OpenAPI document: made from the routes that serve, and true of every answer they give (schemathesis)."""
import json
import os
import re

import pytest

from server_fixtures import SERVER_POLICY, TOKENS, TOKENS_ENV, docs_cluster

EXAMPLES = int(os.environ.get("OMNIGRAPH_SCHEMATHESIS_EXAMPLES", "4"))
SEED = int(os.environ.get("OMNIGRAPH_SCHEMATHESIS_SEED", "7"))

# The contract's route table: path below the graph, method -> operation id.
OPERATIONS = {
    "/snapshot": {"get": "getSnapshot"}, "/query": {"post": "query"}, "/read": {"post": "read"}, "/mutate": {"post": "mutate"},
    "/mutate/if-graph-commit": {"post": "mutate_if_graph_commit"}, "/change": {"post": "change"}, "/queries": {"get": "list_queries"},
    "/queries/{name}": {"post": "invoke_query"}, "/queries/{name}/if-graph-commit": {"post": "invoke_query_if_graph_commit"},
    "/schema": {"get": "getSchema"}, "/schema/apply": {"post": "applySchema"}, "/load": {"post": "load"}, "/load/ndjson": {"post": "loadNdjson"},
    "/ingest": {"post": "ingest"}, "/export": {"post": "export"}, "/blob": {"get": "getBlob", "head": "headBlob"},
    "/branches": {"get": "listBranches", "post": "createBranch"}, "/branches/{branch}": {"delete": "deleteBranch"},
    "/branches/merge": {"post": "mergeBranches"}, "/commits": {"get": "listCommits"}, "/commits/{commit_id}": {"get": "getCommit"},
    "/commits/{commit_id}/changes": {"get": "getCommitChanges"}, "/changes": {"get": "pollChanges"}, "/changes/baseline": {"post": "captureChangeBaseline"},
}
TAGS = {"query": "queries", "read": "queries", "export": "queries", "list_queries": "queries", "invoke_query": "queries", "mutate": "mutations",
        "change": "mutations", "load": "mutations", "loadNdjson": "mutations", "ingest": "mutations", "applySchema": "mutations", "getBlob": "blobs",
        "getSchema": "schema", "listBranches": "branches", "mergeBranches": "branches", "getCommit": "commits", "pollChanges": "changes", "getSnapshot": "snapshots"}
COMPONENTS = """HealthOutput GraphInfo GraphListResponse SnapshotOutput SnapshotDatasetOutput QueryRequest ReadRequest ReadTargetOutput ReadOutput
LegacyReadOutput ChangeRequest ChangeOutput InvokeStoredQueryRequest InvokeStoredQueryResponse QueriesCatalogOutput QueryCatalogEntry ParamDescriptor ParamKind
SchemaOutput SchemaApplyRequest SchemaApplyOutput IngestRequest LoadMode IngestOutput GraphBatchLoadOutput GraphBatchDeclarationOutput ExportRequest
BlobEntityKind EntityKindOutput BranchListOutput BranchCreateRequest BranchCreateOutput BranchDeleteOutput BranchMergeRequest BranchMergeOutput
BranchMergeOutcome MergeConflictOutput MergeConflictKindOutput CommitOutput CommitListOutput CommitChangesOutput ChangeBlockOutput ChangeFeedOutput
ChangeCauseOutput EntityChangeOutput ChangeOpOutput ChangeTypeOutput ChangeImageOutput ChangeEndpointsOutput ChangeBaselineRequest ChangeBaselineRecord
ChangeBaselineOutput ErrorOutput ChangeErrorOutput ErrorCode PublishedDatasetVersionConflictOutput ReadSetConflictOutput KeyConflictOutput
ResourceLimitOutput BlobRangeOutput ExternalBlobSourceOutput RecoveryRequiredOutput PreconditionFailureOutput ChangeFeedGapOutput ChangeDiffRefusalOutput
ChangeDiffRefusalReason""".split()


@pytest.fixture
def server(serve, cli, tmp_path):
    return serve(docs_cluster(cli, tmp_path / "c", server_policy=SERVER_POLICY), env={**TOKENS_ENV, "OMNIGRAPH_LOG": "error"})


def test_the_document(server):
    document = server.ok("GET", "/openapi.json")
    assert document["openapi"] == "3.1.0" and document["info"]["title"] == "Omnigraph API"
    assert document["info"]["description"] == "HTTP API for the Omnigraph graph database"
    expected = {"/healthz": {"get": "health"}, "/graphs": {"get": "listGraphs"}}
    for path, methods in OPERATIONS.items():
        expected["/graphs/{graph_id}" + path] = {method: "cluster_" + name for method, name in methods.items()}
    assert {path: {method: operation["operationId"] for method, operation in methods.items()} for path, methods in document["paths"].items()} == expected
    assert set(document["components"]["schemas"]) == set(COMPONENTS)
    operations = {operation["operationId"]: operation for methods in document["paths"].values() for operation in methods.values()}
    for name, tag in TAGS.items():
        assert operations["cluster_" + name]["tags"] == [tag]
    assert [name for name, operation in operations.items() if operation.get("deprecated")] == ["cluster_read", "cluster_change", "cluster_ingest"]
    for name, operation in operations.items():
        assert ("security" in operation) is (name != "health"), name
        if name.startswith("cluster_"):
            assert {"name": "graph_id", "in": "path", "required": True, "schema": {"type": "string"}} in operation["parameters"]
            expected = {"400", "401", "404", "500"} | (set() if name == "cluster_getCommitChanges" else {"403"})
            assert expected <= set(operation["responses"]), name
        component = "ChangeErrorOutput" if operation["tags"] == ["changes"] else "ErrorOutput"
        for status, response in operation["responses"].items():
            if status >= "400" and name != "cluster_headBlob":
                assert response["content"]["application/json"]["schema"] == {"$ref": f"#/components/schemas/{component}"}, (name, status)
    assert operations["cluster_invoke_query"]["requestBody"]["required"] is False
    assert operations["cluster_query"]["requestBody"]["required"] is True
    assert document["components"]["schemas"]["ExportRequest"]["additionalProperties"] is False
    assert document["components"]["schemas"]["QueryRequest"]["required"] == ["query"]
    assert document["components"]["securitySchemes"]["bearer_token"] == {"type": "http", "scheme": "bearer"}
    for reference in re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)):
        assert reference in COMPONENTS, reference


def test_without_tokens_nothing_asks_for_one(serve, cli, tmp_path):
    server = serve(docs_cluster(cli, tmp_path / "c", policy=None), "--unauthenticated")
    document = server.ok("GET", "/openapi.json")
    assert "securitySchemes" not in document["components"]
    assert not any("security" in operation or "401" in operation["responses"] for methods in document["paths"].values() for operation in methods.values())


def test_every_answer_is_described(server):
    """Generated requests, good and bad: no 5xx, no status, media type or shape that the document does not tell."""
    schemathesis = pytest.importorskip("schemathesis")
    import hypothesis
    from schemathesis import checks
    from schemathesis.core.failures import FailureGroup

    @schemathesis.serializer("application/x-ndjson")
    def ndjson(_, value):
        return value if isinstance(value, bytes) else json.dumps(value).encode()

    wanted = [checks.not_a_server_error]
    from schemathesis.specs.openapi import checks as openapi_checks
    wanted += [openapi_checks.status_code_conformance, openapi_checks.content_type_conformance, openapi_checks.response_schema_conformance]
    headers = {"Authorization": f"Bearer {TOKENS['amy']}"}
    failures = []
    for document in ("/openapi.json", "/console/openapi.json"):
        schema = schemathesis.openapi.from_dict({**server.ok("GET", document), "servers": [{"url": f"http://{server.address}"}]})
        for found in schema.get_all_operations():
            operation = found.ok()
            if operation.label.startswith("HEAD"):
                continue

            @hypothesis.seed(SEED)
            @hypothesis.settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(hypothesis.HealthCheck))
            @hypothesis.given(case=operation.as_strategy(), real=hypothesis.strategies.booleans())
            def probe(case, real):
                if real and "graph_id" in (case.path_parameters or {}):
                    case.path_parameters["graph_id"] = "docs"
                response = case.call(headers=headers, base_url=f"http://{server.address}", timeout=30)
                try:
                    case.validate_response(response, checks=wanted)
                except FailureGroup as group:
                    failures.append((operation.label, response.status_code, str(group)[:1500]))

            probe()
    assert server.ok("GET", "/healthz")
    assert not failures, f"seed {SEED}: " + "\n".join(map(str, failures[:5]))
