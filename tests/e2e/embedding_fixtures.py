"""An embeddings server on loopback for tests: both wires, injected faults, counted requests."""
import json
import subprocess
import sys
import urllib.request

import pytest

NO_KEYS = {"OPENROUTER_API_KEY": "", "OPENAI_API_KEY": "", "GEMINI_API_KEY": ""}  # none of the person who runs the tests
MOCK = {"OMNIGRAPH_EMBEDDINGS_MOCK": "1"}


class EmbeddingServer:
    """`url` is its base URL; faults() changes how it answers, stats() tells what it was asked."""

    def __init__(self, process, url):
        self.process, self.url = process, url

    def _call(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url.removesuffix("/v1") + path, data=data, method="GET" if body is None else "POST")
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.loads(response.read() or b"{}")

    @property
    def stats(self):
        return self._call("/stats")

    @property
    def requests(self):
        return self.stats["requests"]

    def reset(self):
        self._call("/reset", {})

    def faults(self, **faults):
        self._call("/faults", faults)

    def environment(self, provider="openai-compatible", model="test-lexical", **more):
        return {"OMNIGRAPH_EMBED_PROVIDER": provider, "OMNIGRAPH_EMBED_BASE_URL": self.url, "OMNIGRAPH_EMBED_MODEL": model,
                "OMNIGRAPH_EMBED_RETRY_BACKOFF_MS": "10", **more}


@pytest.fixture
def embedding_server(shared):
    process = subprocess.Popen([sys.executable, str(shared / "tools/embedding_server.py")], stdout=subprocess.PIPE, text=True)
    yield EmbeddingServer(process, process.stdout.readline().strip())
    process.kill()
    process.wait()
    process.stdout.close()


def applied_cluster(cli, folder, providers, graphs, schema, queries):
    """A cluster folder whose graphs share the schema a.pg and the queries of q/a.gq, applied. `providers` and `graphs` are the
    lines of those two mappings."""
    (folder / "q").mkdir(parents=True)
    (folder / "cluster.yaml").write_text("\n".join(
        ["version: 1", "providers:", "  embedding:", *(f"    {line}" for line in providers), "graphs:", *(f"  {line}" for line in graphs), ""]))
    (folder / "a.pg").write_text(schema)
    (folder / "q/a.gq").write_text(queries)
    cli("cluster", "import", "--config", folder)
    cli("cluster", "apply", "--config", folder)
    return folder
