// Shows /openapi.json and lets one try its operations. No library, nothing from another host.

const WORDS = {
  zh: {
    token: "令牌", signIn: "获取演示令牌", subject: "身份", roles: "角色", filter: "筛选",
    parameters: "参数", body: "请求内容", answers: "回答", send: "发送", schema: "结构", example: "示例",
    everybody: "公开", required: "必填", nothing: "没有匹配的接口,请换个词", file: "下载回答", waiting: "请求中…", failed: "请求未能发出", other: "English",
    kind: "内容类型",
  },
  en: {
    token: "Token", signIn: "Get a demo token", subject: "subject", roles: "roles", filter: "Filter",
    parameters: "Parameters", body: "Body", answers: "Answers", send: "Send", schema: "Schema",
    example: "Example", everybody: "public", required: "required", nothing: "Nothing matches; try another word",
    file: "Download the answer", waiting: "Waiting…",
    failed: "The request could not be sent", other: "中文", kind: "Content type",
  },
};
const DEPTH_MAX = 8; // schemas that refer to themselves end here

let language = navigator.language.startsWith("en") ? "en" : "zh";
let description;

const word = (name) => WORDS[language][name];
const told = (node) => (language === "zh" && node["x-description-zh"]) || (node.description ?? "");
const byId = (id) => document.getElementById(id);

function make(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children.filter((child) => child !== null));
  return node;
}

function resolve(schema) {
  if (!schema?.$ref) return schema ?? {};
  return schema.$ref.slice(2).split("/").reduce((node, step) => node[step], description);
}

// Replaces references by what they stand for, so that a reader sees the whole shape at once.
function expand(schema, depth = 0) {
  if (Array.isArray(schema)) return schema.map((entry) => expand(entry, depth));
  if (schema === null || typeof schema !== "object") return schema;
  if (depth > DEPTH_MAX) return "…";
  if (schema.$ref) return expand(resolve(schema), depth + 1);
  const kept = Object.entries(schema).filter(([name]) => name !== "discriminator");
  return Object.fromEntries(kept.map(([name, value]) => [name, expand(value, depth + 1)]));
}

function sample(schema, depth = 0) {
  const shape = resolve(schema);
  if (depth > DEPTH_MAX) return null;
  if ("default" in shape) return shape.default;
  if (shape.enum) return shape.enum[0];
  if (shape.anyOf) return sample(shape.anyOf[0], depth + 1);
  if (shape.type === "object") {
    const required = Object.entries(shape.properties ?? {}).filter(
      ([name, value]) => shape.required?.includes(name) || resolve(value).enum?.length === 1);
    return Object.fromEntries(required.map(([name, value]) => [name, sample(value, depth + 1)]));
  }
  if (shape.type === "array") return [];
  if (shape.type === "integer" || shape.type === "number") return shape.minimum ?? 0;
  if (shape.type === "boolean") return false;
  if (shape.format === "uuid") return crypto.randomUUID();
  if (shape.format === "date-time") return new Date().toISOString();
  return shape.type === "string" ? "" : null;
}

const pretty = (value) => JSON.stringify(value, null, 2);

function parameterRow(parameter, inputs) {
  const schema = resolve(parameter.schema);
  const input = make("input", { placeholder: schema.default ?? parameter.example ?? "" });
  input.setAttribute("aria-label", parameter.name);
  if (parameter.name === "Idempotency-Key") input.value = crypto.randomUUID();
  inputs.push([parameter, input]);
  const note = [parameter.in, schema.format ?? schema.type, parameter.required && word("required")];
  return make("tr", {},
    make("td", { className: "path", textContent: parameter.name }),
    make("td", {}, input),
    make("td", { className: "note", textContent: note.filter(Boolean).join(", ") }),
    make("td", { className: "note", textContent: told(parameter) }));
}

// One editor per content type: a row of fields for a form, text for every kind of JSON.
function bodyEditor(type, schema) {
  if (type !== "multipart/form-data") {
    const text = make("textarea", { value: pretty(sample(schema)), spellcheck: false });
    text.setAttribute("aria-label", type);
    return { node: text, read: () => ({ body: text.value, headers: { "Content-Type": type } }) };
  }
  const fields = Object.entries(resolve(schema).properties).map(([name, part]) =>
    [name, make("input", { type: part.contentMediaType ? "file" : "text", ariaLabel: name })]);
  const node = make("table", {}, ...fields.map(([name, input]) =>
    make("tr", {}, make("td", { className: "path", textContent: name }), make("td", {}, input))));
  const read = () => {
    const form = new FormData();
    for (const [name, input] of fields) {
      if (input.type === "file" ? input.files.length : input.value) form.append(name, input.files?.[0] ?? input.value);
    }
    return { body: form, headers: {} };
  };
  return { node, read };
}

function bodySection(requestBody) {
  if (!requestBody) return { node: null, read: () => ({ headers: {} }) };
  const editors = Object.entries(requestBody.content).map(([type, media]) =>
    ({ type, schema: media.schema, ...bodyEditor(type, media.schema) }));
  const choice = make("select", { ariaLabel: word("kind") },
    ...editors.map(({ type }) => make("option", { textContent: type })));
  const shown = make("div");
  const show = () => shown.replaceChildren(
    editors[choice.selectedIndex].node, schemaView(editors[choice.selectedIndex].schema));
  choice.addEventListener("change", show);
  show();
  return {
    node: make("div", {}, make("h3", { textContent: word("body") }), choice, shown),
    read: () => editors[choice.selectedIndex].read(),
  };
}

const schemaView = (schema) => make("details", {},
  make("summary", { textContent: word("schema") }), make("pre", { textContent: pretty(expand(schema)) }));

function answerView([status, answer]) {
  const resolved = resolve(answer);
  const [media] = Object.values(resolved.content ?? {});
  const example = media?.example ?? Object.values(media?.examples ?? {})[0]?.value;
  return make("tr", {}, make("td", { className: "path", textContent: status }),
    make("td", {}, told(resolved), media?.schema ? schemaView(media.schema) : null,
      example ? make("details", {}, make("summary", { textContent: word("example") }),
        make("pre", { textContent: pretty(example) })) : null));
}

function requestOf(method, path, inputs, read) {
  const { body, headers } = read();
  const query = new URLSearchParams();
  let address = path;
  for (const [parameter, input] of inputs) {
    if (parameter.in === "path") address = address.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
    else if (input.value && parameter.in === "query") query.append(parameter.name, input.value);
    else if (input.value) headers[parameter.name] = input.value;
  }
  headers["Accept-Language"] ??= language === "zh" ? "zh-CN" : "en";
  if (byId("token").value) headers.Authorization = `Bearer ${byId("token").value}`;
  return [query.size ? `${address}?${query}` : address, { method: method.toUpperCase(), headers, body }];
}

async function send(request, output) {
  output.textContent = word("waiting");
  try {
    const response = await fetch(...request);
    output.textContent = `${response.status} ${response.statusText}\n\n`;
    output.append(await shownAnswer(response));
  } catch (error) {
    output.textContent = `${word("failed")}: ${error.message}`;
  }
}

// A photo or a spreadsheet is no text.
async function shownAnswer(response) {
  const kind = response.headers.get("Content-Type") ?? "";
  if (kind.includes("json")) return pretty(await response.json());
  if (!kind || /text|svg/.test(kind)) return response.text();
  return make("a", { href: URL.createObjectURL(await response.blob()), download: "", textContent: word("file") });
}

function operationView(path, method, operation) {
  const grants = operation.security[0]?.bearer.join(" · ") ?? word("everybody");
  const summary = language === "zh" ? operation["x-summary-zh"] ?? operation.summary : operation.summary;
  const view = make("details", { className: "operation" },
    make("summary", {}, make("span", { className: "method", textContent: method.toUpperCase() }),
      make("span", { className: "path", textContent: path }), make("span", { textContent: summary }),
      make("span", { className: "open", textContent: grants })));
  // Made when it is opened: hundreds of expanded schemas take a laptop seconds.
  view.addEventListener("toggle", () => view.append(operationForm(path, method, operation)), { once: true });
  return view;
}

function operationForm(path, method, operation) {
  const inputs = [];
  const rows = operation.parameters.map(resolve).map((parameter) => parameterRow(parameter, inputs));
  const body = bodySection(operation.requestBody);
  const output = make("pre", { hidden: true, role: "status" });
  const button = make("button", { type: "button", className: "send", textContent: word("send") });
  button.addEventListener("click", () => {
    output.hidden = false;
    send(requestOf(method, path, inputs, body.read), output);
  });
  return make("div", {},
    rows.length ? make("h3", { textContent: word("parameters") }) : null, make("table", {}, ...rows), body.node,
    make("p", {}, button), output, make("h3", { textContent: word("answers") }),
    make("table", {}, ...Object.entries(operation.responses).map(answerView)));
}

function show() {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  for (const node of document.querySelectorAll("[data-word]")) node.textContent = word(node.dataset.word);
  for (const node of document.querySelectorAll("[data-hint]")) node.ariaLabel = node.placeholder = word(node.dataset.hint);
  byId("language").textContent = word("other");
  byId("about").textContent = told(description.info);
  const groups = new Map();
  for (const [path, operations] of Object.entries(description.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      const words = `${method} ${path} ${operation.summary} ${operation["x-summary-zh"]}`.toLowerCase();
      if (!words.includes(byId("filter").value.toLowerCase())) continue;
      const [tag] = operation.tags;
      groups.set(tag, [...groups.get(tag) ?? [], operationView(path, method, operation)]);
    }
  }
  const sections = [...groups].map(([tag, views]) =>
    make("section", {}, make("h2", { textContent: tag }), ...views));
  byId("operations").replaceChildren(...sections.length ? sections : [make("p", { textContent: word("nothing") })]);
}

async function getToken() {
  const asked = { subject: byId("subject").value, roles: byId("roles").value.split(/[\s,]+/).filter(Boolean) };
  const headers = { "Content-Type": "application/json", "Accept-Language": document.documentElement.lang };
  const response = await fetch("/dev-issuer/token", { method: "POST", headers, body: JSON.stringify(asked) });
  const answer = await response.json();
  byId("token").value = answer.access_token ?? "";
  byId("refused").textContent = response.ok ? "" : `${answer.title}: ${answer.next}`;
}

description = await (await fetch("/openapi.json")).json();
document.title = byId("title").textContent = `${description.info.title} API ${description.info.version}`;
byId("sign-in").hidden = !("/dev-issuer/token" in description.paths);
byId("get-token").addEventListener("click", getToken);
byId("filter").addEventListener("input", show);
byId("language").addEventListener("click", () => { language = language === "zh" ? "en" : "zh"; show(); });
show();
