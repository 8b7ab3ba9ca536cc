// The GenieACS plug-in against stand-ins that check every call: `node --test tests/genieacs`.
"use strict";

const assert = require("node:assert");
const { execFile } = require("node:child_process");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const test = require("node:test");
const vm = require("node:vm");
const { PLUGIN, Session, nbi, planner } = require("./stand_ins.js");

const ORDER = { kind: "upgrade", command_key: "ab12-1", path: "p/tok_en-1/fw-2.0.bin" };

// The extension as a process of its own would load it, with this environment.
function extension(environment) {
  const module_ = path.join(PLUGIN, "sluice.js");
  delete require.cache[module_];
  const kept = { ...process.env };
  Object.assign(process.env, { SLUICE_TIMEOUT_MS: "300", SLUICE_PAUSE_MS: "0" }, environment);
  try {
    return require(module_);
  } finally {
    process.env = kept;
  }
}

function plainCpe() {
  return {
    "DeviceID.Manufacturer": "ACME", "DeviceID.OUI": "00D09E", "DeviceID.ProductClass": "GW3",
    "DeviceID.SerialNumber": "7", "Device.DeviceInfo.HardwareVersion": "A",
    "Device.DeviceInfo.SoftwareVersion": "1.0",
    "Device.ManagementServer.ConnectionRequestURL": "http://192.0.2.7:7547/x",
    "Events.1_BOOT": 1_700_000_000_000,
  };
}

function agent() {
  const out = plainCpe();
  Object.assign(out, {
    "Device.GatewayInfo.ManufacturerOUI": "00D09E", "Device.GatewayInfo.ProductClass": "G-1",
    "Device.GatewayInfo.SerialNumber": "99",
  });
  const own = {
    Enable: "true", State: "Idle", AverageCPU: "12.5", CacheSize: 268435456, UplinkRate: 1000,
    DownlinkRate: -1, FileServerEnable: 1, FileServerURL: "http://192.168.0.7:7547",
    Protocols: "http/1, swarm/1", IsGateway: false, Site: "home-7", Healthy: "1",
  };
  for (const name of Object.keys(own)) out["Device.X_SLUICE_PeerDownload." + name] = own[name];
  return out;
}

function withoutWords(test_) {
  const said = [];
  test_.mock.method(console, "error", (line) => said.push(line));
  return said;
}

test("a device with nothing to do is reported, and left alone", async () => {
  const desk = await planner((body) => ({ identity: "00D09E-GW3-7", order: null }));
  const session = new Session(extension({ SLUICE_PLANNER_URL: desk.url }), plainCpe());
  assert.equal(await session.run(), null);
  assert.deepEqual(desk.asked, [{ report: {
    manufacturer: "ACME", oui: "00D09E", product_class: "GW3", serial: "7", hardware_version: "A",
    software_version: "1.0", config_version: "", kind: "plain", is_boot: false, site: "",
    connection_url: "http://192.0.2.7:7547/x", is_enabled: false, is_gateway: false } }]);
  await desk.close();
});

test("our agent's object becomes a report that the planner understands", async () => {
  const desk = await planner(() => ({ identity: "00D09E-GW3-7", order: null }));
  const session = new Session(extension({ SLUICE_PLANNER_URL: desk.url }), agent());
  session.values["Events.1_BOOT"] = session.now;
  await session.run();
  const { report } = desk.asked[0];
  assert.equal(report.kind, "agent");
  assert.equal(report.gateway, "00D09E-G%2D1-99");
  assert.deepEqual(report.protocols, ["http/1", "swarm/1"]);
  assert.equal(report.file_server, "http://192.168.0.7:7547");
  assert.equal(report.cpu_percent, 12.5);
  assert.equal(report.cache_bytes, 268435456);
  assert.equal(report.downlink_bps, undefined);
  assert.equal(report.is_boot, true);
  assert.equal(report.is_healthy, true);
  assert.equal(report.site, "home-7");
  await desk.close();
});

test("the operator says which parameter is the site", async () => {
  const desk = await planner(() => ({ identity: "x", order: null }));
  const values = { ...plainCpe(), "Device.X_ISP.Line": "L-55", "Device.X_ISP.Config": "c9" };
  await new Session(extension({ SLUICE_PLANNER_URL: desk.url }), values,
    ["Device.X_ISP.Line", "Device.X_ISP.Config"]).run();
  assert.equal(desk.asked[0].report.site, "L-55");
  assert.equal(desk.asked[0].report.config_version, "c9");
  await desk.close();
});

test("an order leaves once, is reported as taken, and as done", async () => {
  const state = { taken: false, done: false };
  const desk = await planner((body) => {
    if (body.answers) state.taken = true;
    if (body.transfers) state.done = body.transfers[0].fault === undefined;
    return { identity: "00D09E-GW3-7", order: state.taken || state.done ? null : ORDER };
  });
  const session = new Session(extension({ SLUICE_PLANNER_URL: desk.url }), plainCpe());
  const download = await session.run();
  assert.equal(download.fileType, "1 Firmware Upgrade Image");
  assert.equal(download.fileName, "p/tok_en-1/ab12-1.fw-2.0.bin");
  assert.equal(session.logged[0].meta.commandKey, "ab12-1");
  session.taken(download);
  assert.equal(await session.run(), null, "GenieACS runs it again in the same session");
  assert.deepEqual(desk.asked[1].answers, [{ command_key: "ab12-1" }]);
  session.next();
  session.succeeded(download);
  session.values["Device.DeviceInfo.SoftwareVersion"] = "2.0";
  assert.equal(await session.run(), null);
  assert.deepEqual(desk.asked[2].transfers, [{ command_key: "ab12-1" }]);
  assert.equal(desk.asked[2].report.software_version, "2.0");
  await desk.close();
});

test("an order that did not leave is sent in the next session", async () => {
  const desk = await planner(() => ({ identity: "00D09E-GW3-7", order: ORDER }));
  const session = new Session(extension({ SLUICE_PLANNER_URL: desk.url }), plainCpe());
  assert.ok(await session.run());
  session.next(); // lost before the Download
  assert.ok(await session.run());
  assert.equal(desk.asked.length, 2);
  assert.equal(desk.asked[1].transfers, undefined);
  await desk.close();
});

test("a transfer that failed is told, and its next order goes out at once", async () => {
  const next = { ...ORDER, command_key: "ab12-2" };
  const state = { taken: false, failed: false };
  const desk = await planner((body) => {
    if (body.answers) state.taken = true;
    if (body.transfers) state.failed = body.transfers[0].fault === 9010;
    const order = state.failed ? next : state.taken ? null : ORDER;
    return { identity: "00D09E-GW3-7", order };
  });
  const session = new Session(extension({ SLUICE_PLANNER_URL: desk.url }), plainCpe());
  const download = await session.run();
  session.taken(download);
  await session.run();
  session.next();
  session.failed(download);
  const again = await session.run();
  assert.equal(again.fileName, "p/tok_en-1/ab12-2.fw-2.0.bin");
  assert.equal(desk.asked[3].identity, "00D09E-GW3-7");
  assert.equal(desk.asked[3].transfers[0].command_key, "ab12-1");
  await desk.close();
});

test("a stage order has the vendor's file type and a slot of its own", async () => {
  const desk = await planner(() => ({ identity: "x", order: { ...ORDER, kind: "stage" } }));
  const session = new Session(extension({ SLUICE_PLANNER_URL: desk.url }), agent());
  assert.equal((await session.run()).fileType, "X 00D09E Sluice Stage");
  await desk.close();
});

test("what GenieACS cannot take back is said to be too late", async () => {
  const desk = await planner((body) => body.answers
    ? { identity: "x", order: ORDER }
    : { identity: "x", order: { kind: "cancel", command_key: "old-1" } });
  const session = new Session(extension({ SLUICE_PLANNER_URL: desk.url }), plainCpe());
  assert.ok(await session.run());
  assert.equal(desk.asked[1].answers[0].fault, 9021);
  await desk.close();
});

test("the token is read from its file, each time", async () => {
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "sluice-")), "token");
  const seen = [];
  const desk = await planner((body, request) => {
    seen.push(request.headers.authorization);
    return { identity: "x", order: null };
  });
  const session = new Session(extension({ SLUICE_PLANNER_URL: desk.url, SLUICE_TOKEN_FILE: file }),
    plainCpe());
  for (const token of ["first", "second"]) {
    fs.writeFileSync(file, token + "\n");
    await session.run();
  }
  assert.deepEqual(seen, ["Bearer first", "Bearer second"]);
  fs.rmSync(path.dirname(file), { recursive: true });
  await desk.close();
});

test("whatever the planner does, the session goes on", async (t) => {
  const said = withoutWords(t);
  const answers = {
    silence: undefined,
    "an error": { status: 500, text: '{"detail":"the store: disk full"}' },
    "a refusal": { status: 422, text: '{"detail":"report.serial: is missing"}' },
    "no JSON": { text: "<html>" },
    "half an answer": { text: '{"order":' },
    "an order nobody can send": { identity: "x", order: { kind: "upgrade", command_key: "a-1",
                                                          path: "p/<&>/x" } },
    "an order of a later release": { identity: "x", order: { kind: "dance", command_key: "a-1",
                                                             path: "p/t/x.bin" } },
    "a path too long": { identity: "x", order: { ...ORDER, path: "p/t/" + "x".repeat(300) } },
    "endless cancels": { identity: "x", order: { kind: "cancel", command_key: "a-1" } },
  };
  for (const [name, answer] of Object.entries(answers)) {
    const desk = await planner(() => answer);
    const began = Date.now();
    const session = new Session(extension({ SLUICE_PLANNER_URL: desk.url }), plainCpe());
    assert.equal(await session.run(), null, name);
    assert.ok(Date.now() - began < 2000, name);
    assert.ok(desk.asked.length <= 6, name);
    await desk.close();
  }
  const gone = extension({ SLUICE_PLANNER_URL: "http://127.0.0.1:1" });
  assert.equal(await new Session(gone, plainCpe()).run(), null, "nobody there");
  assert.equal(await new Session(gone, {}).ask('["sluice","contact","no JSON"]'), null);
  const noFile = extension({ SLUICE_PLANNER_URL: "http://127.0.0.1:1",
                             SLUICE_TOKEN_FILE: "/nonexistent/token" });
  assert.equal(await new Session(noFile, plainCpe()).run(), null, "no token file");
  assert.ok(said.length > 0, "and the operator reads why");
});

test("a planner that does not answer is left alone for a while", async (t) => {
  withoutWords(t);
  const desk = await planner(() => undefined);
  const own = extension({ SLUICE_PLANNER_URL: desk.url, SLUICE_PAUSE_MS: "60000" });
  await new Session(own, plainCpe()).run();
  const began = Date.now();
  for (let i = 0; i < 10; ++i) await new Session(own, plainCpe()).run();
  assert.ok(Date.now() - began < 250);
  assert.equal(desk.asked.length, 1);
  await desk.close();
});

// --- the install script -----------------------------------------------------------------------

function install(...args) {
  return new Promise((resolve) => {
    execFile(process.execPath, [path.join(PLUGIN, "install.js"), ...args],
      (error, stdout, stderr) => resolve({ code: error ? error.code : 0, stdout, stderr }));
  });
}

test("the install script puts in what GenieACS wants, in an order that never dangles", async () => {
  const acs = await nbi();
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "sluice-"));
  const done = await install("--nbi", acs.url, "--ext-dir", path.join(folder, "ext"),
    "--site-path", "Device.X_ISP.Line");
  assert.equal(done.code, 0, done.stderr);
  assert.deepEqual(acs.calls.map((c) => `${c.method} ${c.url}`),
    ["PUT /provisions/sluice", "PUT /presets/sluice"]);
  new vm.Script(`"use strict";(function(){\n${acs.calls[0].text}\n})();`); // as GenieACS does
  const preset = JSON.parse(acs.calls[1].text);
  assert.deepEqual(Object.keys(preset).sort(), ["channel", "configurations", "events",
    "precondition", "schedule", "weight"]);
  assert.equal(preset.channel, "sluice", "its own, so that its faults back off alone");
  assert.deepEqual(preset.configurations, [{ type: "provision", name: "sluice",
                                             args: ["Device.X_ISP.Line", ""] }]);
  assert.ok(fs.existsSync(path.join(folder, "ext/sluice.js")));
  const removed = await install("--remove", "--nbi", acs.url, "--ext-dir",
    path.join(folder, "ext"));
  assert.equal(removed.code, 0, removed.stderr);
  assert.deepEqual(acs.calls.slice(2).map((c) => `${c.method} ${c.url}`),
    ["DELETE /presets/sluice", "DELETE /provisions/sluice"]);
  assert.ok(!fs.existsSync(path.join(folder, "ext/sluice.js")));
  fs.rmSync(folder, { recursive: true });
  await acs.close();
});

test("the install script says what is wrong", async () => {
  for (const [args, code, why] of [
    [[], 2, /--ext-dir: is needed/],
    [["--extdir", "x"], 2, /unknown: --extdir/],
    [["--ext-dir"], 2, /its value is missing/],
    [["--remove", "--nbi", "http://127.0.0.1:1"], 1, /127\.0\.0\.1:1/],
  ]) {
    const done = await install(...args);
    assert.equal(done.code, code, args.join(" "));
    assert.match(done.stderr, why);
  }
});
