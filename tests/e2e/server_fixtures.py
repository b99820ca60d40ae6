"""Clusters and raw HTTP for the server's tests."""
import base64
import json
import socket
import ssl

DOCS = "node Doc { slug: String @key  title: String?  body: Blob? }\nedge Cites: Doc -> Doc { note: String? }\n"
FORTY = bytes(range(40))
LARGE = bytes(i * 7 % 251 for i in range(200_000))  # above what lies in a row
QUERIES = ("query find_doc() { match { $d: Doc } return { $d.slug, $d.title } order { $d.slug } }\n"
           "query doc($s: String) { match { $d: Doc { slug: $s } } return { $d.title } }\n"
           "query add_doc($s: String) { insert Doc { slug: $s } }\n")
POLICY = """version: 1
groups: {all: [amy, raj], admins: [amy]}
protected_branches: [main]
rules:
  - {id: read, allow: {actors: {group: all}, actions: [read], branch_scope: any}}
  - {id: everything, allow: {actors: {group: admins}, actions: [export, change, schema_apply, branch_create, branch_delete, branch_merge, invoke_query]}}
"""
SERVER_POLICY = "version: 1\ngroups: {admins: [amy]}\nrules:\n  - {id: list, allow: {actors: {group: admins}, actions: [graph_list]}}\n"
TOKENS = {"amy": "amy-token", "raj": "raj-token", "zed": "zed-token"}
TOKENS_ENV = {"OMNIGRAPH_SERVER_BEARER_TOKENS_JSON": json.dumps(TOKENS)}


def blob(data):
    return "base64:" + base64.b64encode(data).decode()


def docs_cluster(cli, folder, policy=POLICY, server_policy=None, graphs=("docs",)):
    """A cluster folder with loaded graphs of the documents' schema and, unless None, a policy for the first one."""
    (folder / "queries").mkdir(parents=True)
    config = "version: 1\ngraphs:\n"
    for graph in graphs:
        config += f"  {graph}:\n    schema: docs.pg\n    queries: queries/\n"
    if policy or server_policy:
        config += "policies:\n"
    if policy:
        (folder / "docs.policy.yaml").write_text(policy)
        config += f"  docs:\n    file: docs.policy.yaml\n    applies_to: [{graphs[0]}]\n"
    if server_policy:
        (folder / "server.policy.yaml").write_text(server_policy)
        config += "  fleet:\n    file: server.policy.yaml\n    applies_to: [cluster]\n"
    (folder / "cluster.yaml").write_text(config)
    (folder / "docs.pg").write_text(DOCS)
    (folder / "queries/docs.gq").write_text(QUERIES)
    rows = [{"type": "Doc", "data": {"slug": "a", "title": "A", "body": blob(FORTY)}},
            {"type": "Doc", "data": {"slug": "empty", "body": blob(b"")}},
            {"type": "Doc", "data": {"slug": "large", "body": blob(LARGE)}},
            {"type": "Doc", "data": {"slug": "none"}},
            {"edge": "Cites", "from": "a", "to": "empty"}]
    (folder / "docs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    cli("cluster", "import", "--config", folder)
    cli("cluster", "apply", "--config", folder)
    for graph in graphs:
        cli("load", "--data", folder / "docs.jsonl", "--mode", "merge", folder / f"graphs/{graph}.omni", "--quiet")
    return folder


def connect(server, tls=None, timeout=20):
    host, port = server.address.rsplit(":", 1)
    sock = socket.create_connection((host, int(port)), timeout=timeout)
    return tls.wrap_socket(sock, server_hostname="localhost") if tls else sock


def read_all(sock):
    out = b""
    try:
        while piece := sock.recv(65536):
            out += piece
    except (ConnectionResetError, ssl.SSLError):
        pass
    return out


def exchange(server, payload, half_close=False):
    """Sends raw bytes and reads until the server closes the connection."""
    with connect(server) as sock:
        sock.sendall(payload)
        if half_close:
            sock.shutdown(socket.SHUT_WR)
        return read_all(sock)


def parse(raw):
    """(status, headers, body) of the first response in raw bytes."""
    head, _, body = raw.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    return int(lines[0].split()[1]), headers, body[:int(headers.get("content-length", len(body)))]


def error_of(raw):
    """The status and body of an error answer; asserts the contract's shape."""
    status, headers, body = parse(raw)
    answer = json.loads(body)
    codes = {"unauthorized", "forbidden", "bad_request", "not_found", "method_not_allowed", "conflict", "too_many_requests", "internal"}
    assert headers["content-type"] == "application/json" and headers["x-request-id"], headers
    assert isinstance(answer["error"], str) and answer.get("code", "internal") in codes, answer
    return status, answer


def ndjson_body(slugs):
    return "".join(json.dumps({"type": "Doc", "data": {"slug": slug}}) + "\n" for slug in slugs).encode()
