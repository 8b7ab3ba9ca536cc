// What stands here for GenieACS 1.2 and for sluice-planner: enough of each to hold every call of the
// plug-in against its contract. Written after GenieACS's documentation and how 1.2.16 behaves.
"use strict";

const assert = require("node:assert");
const fs = require("node:fs");
const http = require("node:http");
const path = require("node:path");
const vm = require("node:vm");

const PLUGIN = path.join(__dirname, "../../acs-plugin/genieacs");
const ATTRIBUTES = ["path", "value", "writable", "object"];

function read(name) {
  return fs.readFileSync(path.join(PLUGIN, name), "utf8");
}

function listen(handler) {
  return new Promise((resolve) => {
    const server = http.createServer((request, response) => {
      const parts = [];
      request.on("data", (part) => parts.push(part));
      request.on("end", () => handler(request, Buffer.concat(parts).toString(), response));
    });
    server.listen(0, "127.0.0.1", () => resolve(server));
  });
}

function urlOf(server) {
  return `http://127.0.0.1:${server.address().port}`;
}

function close(server) {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(resolve));
}

// --- sluice-planner -------------------------------------------------------------------------------

// Answers with what `decide(body)` gives; checks what it was asked.
async function planner(decide) {
  const asked = [];
  const server = await listen((request, text, response) => {
    assert.equal(request.method, "POST");
    assert.equal(request.url, "/api/v1/contacts");
    assert.equal(request.headers["content-type"], "application/json");
    const body = JSON.parse(text);
    check(body);
    asked.push(body);
    const answer = decide(body, request);
    if (answer === undefined) return; // silence
    response.writeHead(answer.status || 200, { "Content-Type": "application/json" });
    response.end(answer.text !== undefined ? answer.text : JSON.stringify(answer));
  });
  return { asked, server, url: urlOf(server), close: () => close(server) };
}

// The names and kinds that docs/openapi.yaml has for it.
const REPORT = {
  manufacturer: "string", oui: "string", product_class: "string", serial: "string",
  hardware_version: "string", software_version: "string", config_version: "string", kind: "string",
  is_boot: "boolean", site: "string", connection_url: "string", is_enabled: "boolean",
  is_gateway: "boolean", gateway: "string", protocols: "object", state: "string",
  is_healthy: "boolean", file_server: "string", cache_bytes: "number", uplink_bps: "number",
  downlink_bps: "number", peer_bytes: "number", origin_bytes: "number", fetch_ms: "number",
  cpu_percent: "number",
};

function check(body) {
  for (const key of Object.keys(body))
    assert.ok(["report", "identity", "answers", "transfers"].includes(key), key);
  assert.ok(body.report || body.identity);
  for (const [key, value] of Object.entries(body.report || {}))
    assert.equal(typeof value, REPORT[key], `report.${key}`);
  for (const word of [...(body.answers || []), ...(body.transfers || [])])
    assert.match(word.command_key, /^[A-Za-z0-9-]{1,32}$/);
}

// --- GenieACS's NBI -------------------------------------------------------------------------------

async function nbi() {
  const calls = [];
  const server = await listen((request, text, response) => {
    calls.push({ method: request.method, url: request.url, text });
    const known = /^\/(provisions|presets)\/[A-Za-z0-9_-]+$/.test(request.url);
    response.writeHead(known && ["PUT", "DELETE"].includes(request.method) ? 200 : 404);
    response.end();
  });
  return { calls, url: urlOf(server), close: () => close(server) };
}

// --- a session of genieacs-cwmp -------------------------------------------------------------------

const COMMIT = Symbol("commit");
const EXT = Symbol("ext");

// One CPE as GenieACS knows it: `values` by path, and what the provision makes of Downloads.
class Session {
  constructor(extension, values, args) {
    this.extension = extension;
    this.values = values;
    this.args = args;
    this.now = 1_780_000_000_000;
    this.logged = [];
    this.script = new vm.Script(`"use strict";(function(){\n${read("provision.js")}\n})();`);
  }

  // The provision, until nothing is left to declare or to ask; the Download that would be sent.
  async run() {
    const answers = new Map();
    for (let round = 0; round < 16; ++round) {
      const state = { isRead: false, writes: [] };
      const outcome = this.once(state, answers);
      if (outcome === EXT) {
        answers.set(state.wanted, await this.ask(state.wanted));
        continue;
      }
      return this.apply(state.writes);
    }
    throw new Error("the provision never comes to an end");
  }

  once(state, answers) {
    const clock = this.now;
    class SandboxDate extends Date {
      static now() { return clock; }
    }
    const context = vm.createContext({
      args: this.args || [],
      declare: (...given) => this.declare(state, ...given),
      ext: (...given) => {
        for (const each of given) assert.equal(typeof each, "string", "ext takes texts");
        const key = JSON.stringify(given);
        if (answers.has(key)) return answers.get(key);
        state.wanted = key;
        throw EXT;
      },
      log: (message, meta) => this.logged.push({ message, meta }),
      Date: SandboxDate,
    });
    try {
      this.script.runInContext(context, { timeout: 50 });
    } catch (thrown) {
      if (thrown === EXT || thrown === COMMIT) return thrown;
      throw thrown;
    }
    return null;
  }

  declare(state, path_, timestamps, values) {
    assert.match(path_, /^[A-Za-z][A-Za-z0-9_]*(\.(\*|[A-Za-z0-9_]+|\[[^\]]+\]))*$/, path_);
    assert.ok(timestamps && Object.keys(timestamps).length > 0, path_);
    for (const [name, at] of Object.entries(timestamps)) {
      assert.ok(ATTRIBUTES.includes(name), name);
      assert.equal(typeof at, "number");
    }
    for (const [name, value] of Object.entries(values || {})) {
      assert.ok(["path", "value"].includes(name), name);
      assert.notEqual(value, undefined, `${path_}: ${name}`);
      state.writes.push({ path: path_, name, value });
    }
    const pattern = new RegExp("^" + path_.replace(/[.[\]]/g, "\\$&").replace(/\*/g, "[^.]+") + "$");
    const found = Object.keys(this.values).filter((name) => pattern.test(name));
    const wrap = (name) => ({ path: name, value: [this.values[name], "xsd:string"] });
    return {
      get path() { return found[0]; },
      get size() { return found.length || undefined; },
      get value() { return found.length ? wrap(found[0]).value : undefined; },
      *[Symbol.iterator]() {
        for (const name of found) yield wrap(name);
      },
    };
  }

  // ext(file, function, …args): within GenieACS's 3 s, once, no error, something that JSON holds.
  ask(key) {
    const [file, name, ...args] = JSON.parse(key);
    assert.equal(file, "sluice");
    return new Promise((resolve, reject) => {
      let calls = 0;
      const timer = setTimeout(() => reject(new Error("the extension timed out")), 3000);
      this.extension[name](args, (error, value) => {
        clearTimeout(timer);
        if (++calls > 1) return reject(new Error("the extension answered twice"));
        if (error) return reject(error);
        assert.deepEqual(JSON.parse(JSON.stringify(value)), value);
        resolve(value);
      });
    });
  }

  // What GenieACS makes of the declarations: a slot for the file type, and a Download where its time
  // is newer than that of the last.
  apply(writes) {
    const paths = writes.filter((w) => w.name === "path");
    assert.ok(paths.length <= 1);
    if (!paths.length) return assert.equal(writes.length, 0), null;
    assert.equal(paths[0].value, 1);
    const type = /^Downloads\.\[FileType:([^\]]+)\]$/.exec(paths[0].path)[1];
    const number = this.slotOf(type);
    const slot = `Downloads.${number}.`;
    let at = 0;
    for (const write of writes.slice(1)) {
      const name = write.path.slice(paths[0].path.length + 1);
      assert.ok(write.path.startsWith(paths[0].path + "."));
      assert.ok(["FileName", "Download"].includes(name), name);
      if (name === "Download") at = write.value;
      else this.values[slot + name] = write.value;
    }
    if (!(at > 0 && at <= this.now && at > this.values[slot + "Download"])) return null;
    assert.match(this.values[slot + "FileName"], /^[A-Za-z0-9/_.-]{1,256}$/, "not escaped in XML");
    return { slot, fileType: type, fileName: this.values[slot + "FileName"] };
  }

  slotOf(type) {
    for (let number = 1;; ++number) {
      const held = this.values[`Downloads.${number}.FileType`];
      if (held === type) return number;
      if (held !== undefined) continue;
      Object.assign(this.values, {
        [`Downloads.${number}.FileType`]: type, [`Downloads.${number}.FileName`]: "",
        [`Downloads.${number}.Download`]: 0, [`Downloads.${number}.LastFileName`]: "",
        [`Downloads.${number}.LastDownload`]: 0,
      });
      return number;
    }
  }

  taken(download) {
    this.values[download.slot + "Download"] = this.now;
  }
  succeeded(download) {
    this.values[download.slot + "LastFileName"] = download.fileName;
    this.values[download.slot + "LastDownload"] = this.now;
  }
  failed(download) {
    this.values[download.slot + "Download"] = this.values[download.slot + "LastDownload"];
  }
  next() {
    this.now += 86_400_000;
  }
}

module.exports = { PLUGIN, Session, listen, nbi, planner, read };
