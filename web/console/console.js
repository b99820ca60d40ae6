// The console: pages over the server's own routes, with the rights of the token that was given. No page holds state that
// the address does not hold; the token lives in the session's storage alone.
"use strict";

const {parseJson, writeJson, cell, changedFields, readPlace, writePlace, parameter, count, time} = consoleText;
const root = new URL("..", document.baseURI).pathname;  // where the server's routes begin
const shownRows = 500;                                   // in the page at once; "more" adds as many
const pages = {overview: "Overview", query: "Query", branches: "Branches", history: "History"};
const byId = id => document.getElementById(id);
let drawing = 0;  // an answer that comes after the reader went on is dropped

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.flat().filter(child => child !== null));
  return made;
}

class Refused extends Error {
  constructor(status, answer) {
    super(answer.error || `the server answered ${status}`);
    this.status = status;
    this.answer = answer;
  }
}

async function call(method, path, body) {
  const headers = {};
  const token = sessionStorage.getItem("token");
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const response = await fetch(root + path, {method, headers, body: body === undefined ? undefined : writeJson(body), cache: "no-store"});
  const answer = await response.text().then(parseJson).catch(() => ({}));
  if (!response.ok) throw new Refused(response.status, answer);
  return answer;
}

const place = () => {
  const here = readPlace(location.hash);
  return {...here, page: Object.hasOwn(pages, here.page) ? here.page : "overview"};
};
const of = (graph, rest) => `graphs/${encodeURIComponent(graph)}/${rest}`;
const link = (changes, text) => element("a", {href: writePlace({...place(), ...changes})}, text);

function failure(error) {
  return element("p", {class: "error", role: "alert", "data-testid": "error"}, error.message);
}

function table(columns, rows, numeric = []) {
  return element("div", {class: "scroll"}, element("table", {},
    element("thead", {}, element("tr", {}, columns.map(column => element("th", {scope: "col"}, column)))),
    element("tbody", {}, rows.map(row => element("tr", {}, row.map((value, i) =>
      element("td", {class: numeric.includes(i) ? "number" : value instanceof Node ? null : "value"}, value)))))));
}

// --- overview: counts first, then the schema

async function overview({graph, branch, at}) {
  if (at) return [element("p", {}, "Counts belong to a branch's newest state; query this commit, or look at what it changed."), ...await commit(graph, at)];
  const [snapshot, schema] = await Promise.all([
    call("GET", of(graph, `snapshot?branch=${encodeURIComponent(branch)}`)), call("GET", of(graph, "schema")).catch(error => error)]);
  const rows = snapshot.datasets.map(set => [set.entity_kind, set.type_name, count(set.entity_count)]);
  return [
    element("h2", {}, `Types on ${snapshot.graph_branch}`), table(["kind", "type", "entities"], rows, [2]),
    element("p", {class: "quiet"}, `version ${snapshot.graph_manifest_version}`),
    element("h2", {}, "Schema of main"), schema instanceof Error ? failure(schema) : element("pre", {"data-testid": "schema"}, schema.schema_source)];
}

// --- query: stored ones with a form for their parameters, or a text of one's own

function resultTable(answer) {
  const shown = element("div", {"data-testid": "result"});
  let until = shownRows;
  const draw = () => {
    const columns = answer.columns || Object.keys(answer.rows[0] || {});
    const rows = answer.rows.slice(0, until).map(row => columns.map(column => cell(row[column])));
    shown.replaceChildren(element("p", {class: "quiet"}, `${count(answer.row_count)} rows at commit `, link({page: "history", at: answer.graph_commit_id}, answer.graph_commit_id)),
      table(columns, rows));
    if (answer.rows.length > until) {
      shown.append(element("button", {onclick: () => { until += shownRows; draw(); }}, `Show more (${count(answer.rows.length - until)} are not shown)`));
    }
  };
  draw();
  return shown;
}

async function query({graph, branch, at}) {
  const stored = await call("GET", of(graph, "queries")).then(answer => answer.queries, error => error);
  const result = element("div");
  const target = at ? {snapshot: at} : {branch};
  const run = async (path, body) => {
    result.replaceChildren(element("p", {role: "status"}, "running…"));
    try {
      const answer = await call("POST", of(graph, path), {...body, ...target});
      result.replaceChildren(answer.rows ? resultTable(answer)
        : element("p", {"data-testid": "result"}, `changed ${answer.branch}: ${count(answer.affected_nodes)} nodes, ${count(answer.affected_edges)} edges`));
    } catch (error) {
      result.replaceChildren(failure(error));
    }
  };
  const text = element("textarea", {id: "source", "data-testid": "source", spellcheck: "false", "aria-label": "Query text"});
  text.value = sessionStorage.getItem("source") || "query q() {\n  match { $n: Type }\n  return { $n }\n  limit 100\n}";
  const params = element("input", {"aria-label": "Parameters as JSON", placeholder: '{"name": "value"}', size: 40});
  const own = element("form", {onsubmit: event => {
    event.preventDefault();
    sessionStorage.setItem("source", text.value);
    let given;
    try {
      given = params.value.trim() ? parseJson(params.value) : {};
    } catch {
      return result.replaceChildren(failure(new Error("the parameters are not a JSON object")));
    }
    run("query", {query: text.value, params: given});
  }}, text, element("label", {}, "Parameters ", params), element("button", {"data-testid": "run"}, "Run"),
    element("span", {class: "quiet"}, "reads only; put a limit into the text"));
  return [element("h2", {}, "Stored queries"), storedQueries(stored, run, Boolean(at)), element("h2", {}, "A query of your own"), own, result];
}

function storedQueries(stored, run, pinned) {
  if (stored instanceof Error) return failure(stored);
  if (stored.length === 0) return element("p", {class: "quiet"}, "none");
  return element("div", {}, stored.map(entry => {
    const inputs = entry.params.map(descriptor => [descriptor, element("input", {placeholder: descriptor.nullable ? "null" : descriptor.kind})]);
    const message = element("span");
    const refused = pinned && entry.mutation;
    return element("form", {"data-testid": `stored-${entry.name}`, onsubmit: event => {
      event.preventDefault();
      message.replaceChildren();
      try {
        const params = Object.fromEntries(inputs.map(([descriptor, input]) => [descriptor.name, parameter(descriptor, input.value)]));
        run(`queries/${encodeURIComponent(entry.name)}`, {params, expect_mutation: entry.mutation});
      } catch (error) {
        message.replaceChildren(failure(error));
      }
    }}, element("code", {title: entry.description}, entry.name), inputs.map(([descriptor, input]) => element("label", {}, `$${descriptor.name} `, input)),
      element("button", {disabled: refused, title: refused ? "a commit cannot be changed" : null}, entry.mutation ? "Change" : "Read"), message);
  }));
}

// --- branches: what merging would do, and merging exactly what was looked at

async function branches({graph}) {
  const {branches: names} = await call("GET", of(graph, "branches"));
  const detail = element("div");
  const others = names.filter(name => name !== "main");
  return [element("h2", {}, "Branches"),
    table(["branch", ""], names.map(name => [link({page: "overview", branch: name, at: ""}, name),
      name === "main" ? "" : element("button", {"data-testid": `review-${name}`, onclick: () => review(graph, name, detail)}, "Compare with main")])),
    others.length === 0 ? element("p", {class: "quiet"}, "No other branches.") : null, detail];
}

function changeList(changes) {
  return table(["", "type", "id", "fields"], changes.map(change => [
    element("span", {class: change.op}, change.op), change.type.name, change.id, change.fields ? fieldTable(change) : ""]));
}

function fieldTable(change) {
  const side = (image, field) => image && field in image.properties ? cell(image.properties[field]) : "";
  return element("span", {}, change.fields.map(field => element("div", {}, `${field}: ${side(change.before, field)} → ${side(change.after, field)}`)));
}

async function review(graph, source, detail) {
  detail.replaceChildren(element("p", {role: "status"}, "comparing…"));
  try {
    const diff = await call("GET", of(graph, `x/diff?source=${encodeURIComponent(source)}&limit=200`));
    const message = element("span");
    const merge = async () => {
      try {
        const expect = {source: diff.source.graph_commit_id, target: diff.target.graph_commit_id};
        const answer = await call("POST", of(graph, "branches/merge"), {source, expect});
        message.replaceChildren(element("span", {role: "status", "data-testid": "merged"}, answer.outcome));
      } catch (error) {
        message.replaceChildren(failure(error.status === 412 ? new Error(`${error.message}\nOne of the branches has moved: compare again.`) : error));
      }
    };
    const mergeable = diff.outcome === "merged" || diff.outcome === "fast_forward";
    detail.replaceChildren(element("h2", {}, `${source} into main: ${diff.outcome.replaceAll("_", " ")}`),
      table(["type", "inserted", "updated", "deleted"], Object.entries(diff.counts).map(([type, c]) => [type, count(c.inserted), count(c.updated), count(c.deleted)]), [1, 2, 3]),
      diff.conflicts.length ? table(["conflict", "type", "id", "message"], diff.conflicts.map(c => [c.kind, c.type_name, c.entity_id || "", c.message])) : "",
      diff.changes.length ? changeList(diff.changes) : "",
      diff.next_page_token ? element("p", {class: "quiet"}, "Only the first 200 changes are shown; the counts are complete.") : "",
      element("button", {disabled: !mergeable, "data-testid": "merge", title: mergeable ? null : `nothing to merge: ${diff.outcome}`, onclick: merge}, "Merge what is shown"), " ", message);
  } catch (error) {
    detail.replaceChildren(failure(error));
  }
}

// --- history: commits, and what each changed

async function commit(graph, id) {
  const [made, changed] = await Promise.all([
    call("GET", of(graph, `commits/${encodeURIComponent(id)}`)), call("GET", of(graph, `commits/${encodeURIComponent(id)}/changes?limit=200`)).catch(error => error)]);
  return [element("h2", {}, `Commit ${made.graph_commit_id}`),
    element("p", {}, `version ${made.graph_manifest_version} of ${made.graph_branch || "main"}, ${time(made.created_at)}, by ${made.actor_id || "nobody named"}`),
    changed instanceof Error ? failure(changed)
      : changed.changes.length ? changeList(changed.changes.map(withFields)) : element("p", {class: "quiet"}, "It changed no entity."),
    !(changed instanceof Error) && changed.next_page_token ? element("p", {class: "quiet"}, "Only the first 200 changes are shown.") : ""];
}

function withFields(change) {
  if (!change.before || !change.after) return change;
  return {...change, fields: changedFields(change.before, change.after)};
}

async function history({graph, branch, at}) {
  if (at) return [...await commit(graph, at), element("p", {}, link({at: ""}, "all commits"))];
  const {commits} = await call("GET", of(graph, `commits?branch=${encodeURIComponent(branch)}`));
  const rows = commits.slice(0, shownRows).map(c => [link({at: c.graph_commit_id}, c.graph_commit_id), String(c.graph_manifest_version), time(c.created_at), c.actor_id || ""]);
  return [element("h2", {}, `Commits of ${branch}`), table(["commit", "version", "time", "actor"], rows, [1]),
    commits.length > shownRows ? element("p", {class: "quiet"}, `The newest ${shownRows} of ${count(commits.length)}.`) : null];
}

// --- the frame

const views = {overview, query, branches, history};

async function fillFrame(here, mine) {
  byId("graph").value = here.graph;
  byId("pages").replaceChildren(...Object.entries(pages).map(([page, title]) =>
    element("a", {href: writePlace({...here, page}), "aria-current": page === here.page ? "page" : false, "data-testid": `page-${page}`}, title)));
  byId("pinned").hidden = !here.at;
  byId("pinned").replaceChildren(`Everything is as of commit ${here.at}. `, here.at ? link({at: ""}, "Back to the newest state") : "");
  const names = await call("GET", of(here.graph, "branches")).then(answer => answer.branches, () => [here.branch]);
  if (mine === drawing) byId("branch").replaceChildren(...names.map(name => element("option", {value: name, selected: name === here.branch}, name)));
}

async function draw() {
  const mine = ++drawing;
  const here = place();
  const main = byId("main");
  if (!here.graph) {
    main.replaceChildren(element("p", {}, "Choose a graph."));
    return;
  }
  document.title = `${here.graph} · ${pages[here.page]}`;
  main.replaceChildren(element("p", {role: "status"}, "loading…"));
  fillFrame(here, mine);
  let shown;
  try {
    shown = await views[here.page](here);
  } catch (error) {
    shown = [failure(error)];
  }
  if (mine === drawing) main.replaceChildren(...shown.filter(child => child !== null));
}

async function listGraphs() {
  const graphs = await call("GET", "graphs").then(answer => answer.graphs, () => []);  // who may not list types the id
  byId("graphs").replaceChildren(...graphs.map(graph => element("option", {value: graph.graph_id})));
  if (graphs.length > 0 && !place().graph) location.hash = writePlace({...place(), graph: graphs[0].graph_id});
}

byId("place").addEventListener("submit", event => {
  event.preventDefault();
  const graph = byId("graph").value.trim();
  const other = graph !== place().graph;
  location.hash = writePlace({...place(), graph, branch: other ? "main" : byId("branch").value, at: ""});
});
byId("branch").addEventListener("change", () => { location.hash = writePlace({...place(), branch: byId("branch").value, at: ""}); });
byId("sign-in").addEventListener("submit", event => {
  event.preventDefault();
  if (byId("token").value) sessionStorage.setItem("token", byId("token").value);
  else sessionStorage.removeItem("token");
  byId("token").value = "";
  byId("token").placeholder = sessionStorage.getItem("token") ? "in use" : "none";
  listGraphs();
  draw();
});
window.addEventListener("hashchange", draw);
if (sessionStorage.getItem("token")) byId("token").placeholder = "in use";
listGraphs();
draw();
