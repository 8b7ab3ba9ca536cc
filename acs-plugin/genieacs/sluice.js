// GenieACS's way to sluice-planner: an extension module (Node ≥ 12, no dependencies). The provision
// beside it hands over what GenieACS knows of a device; this says it to the planner and gives back
// which file the device should be told to download, if any.
//
// Fail open: whatever goes wrong here or behind it, the answer is null, in less time than GenieACS
// gives an extension; the provision then declares nothing and the session goes on. A planner that
// does not answer is left alone for a while, so that not every session waits for it.
//
// What GenieACS cannot do is said to the planner: it sends no CancelTransfer, no URL but names below
// its own prefix, and tells a provision of a transfer only by what Downloads.{i} holds. So every order
// has a file name of its own: p/<token>/<command key>.<name>.bin.
"use strict";

const fs = require("fs");
const http = require("http");
const https = require("https");

const settings = {
  url: process.env.SLUICE_PLANNER_URL || "http://127.0.0.1:7549",
  tokenFile: process.env.SLUICE_TOKEN_FILE || "",
  timeoutMs: +(process.env.SLUICE_TIMEOUT_MS || 1500),
  pauseMs: +(process.env.SLUICE_PAUSE_MS || 10000),
  stageType: process.env.SLUICE_STAGE_TYPE || "X 00D09E Sluice Stage",
};

const FILE_TYPES = {
  stage: settings.stageType,
  upgrade: "1 Firmware Upgrade Image",
  configure: "3 Vendor Configuration File",
};
const MAX_FILE_NAME = 256; // TR-069 has 256 for the whole URL
const MAX_CANCELS = 4;
const LOG_EVERY_MS = 10000;

const transport = settings.url.startsWith("https:") ? https : http;
const agent = new transport.Agent({ keepAlive: true, maxSockets: 64 });
let pausedUntil = 0;
let loggedAt = 0;

// GenieACS writes what we print into its log.
function complain(why) {
  if (Date.now() - loggedAt < LOG_EVERY_MS) return;
  loggedAt = Date.now();
  console.error("sluice: " + why + "; devices go on without it");
}

function token() {
  return settings.tokenFile ? fs.readFileSync(settings.tokenFile, "utf8").trim() : "";
}

// POST of JSON; `done(error, answer)` once, and in time.
function post(path, body, deadline, done) {
  const left = deadline - Date.now();
  if (left <= 0) return done(new Error("no time left"));
  let isDone = false;
  const finish = (error, answer) => {
    if (isDone) return;
    isDone = true;
    clearTimeout(timer);
    done(error, answer);
  };
  const text = Buffer.from(JSON.stringify(body));
  const headers = { "Content-Type": "application/json", "Content-Length": text.length };
  const secret = token();
  if (secret) headers.Authorization = "Bearer " + secret;
  const request = transport.request(
    settings.url + path, { method: "POST", agent, headers }, (response) => {
      const parts = [];
      response.on("data", (part) => parts.push(part));
      response.on("error", finish);
      response.on("end", () => {
        let answer = null;
        try {
          answer = JSON.parse(Buffer.concat(parts).toString());
        } catch (error) {
          return finish(new Error(settings.url + " answered no JSON"));
        }
        if (response.statusCode === 200) return finish(null, answer);
        const problem = new Error(`${settings.url}${path}: ${response.statusCode} ${answer.detail}`);
        problem.isOfDevice = response.statusCode === 422;
        finish(problem);
      });
    });
  const timer = setTimeout(() => {
    request.destroy();
    finish(new Error(settings.url + " did not answer in time"));
  }, left);
  request.on("error", finish);
  request.end(text);
}

// --- what GenieACS knows, in the planner's words ----------------------------------------------

function numberOf(value) {
  const out = Number(value);
  return Number.isFinite(out) && out >= 0 ? Math.floor(out) : undefined;
}

function isOn(value) {
  return value === true || value === 1 || /^(1|true)$/i.test(String(value));
}

function textOf(value) {
  return value === undefined || value === null ? "" : String(value).slice(0, 256);
}

// `device`: as the provision gathered it (provision.js).
function reportOf(device) {
  const object = device.sluice || {}; // X_SLUICE_PeerDownload: our agent's
  const isAgent = Object.keys(object).length > 0;
  const report = {
    manufacturer: textOf(device.manufacturer),
    oui: textOf(device.oui),
    product_class: textOf(device.productClass),
    serial: textOf(device.serial),
    hardware_version: textOf(device.hardwareVersion),
    software_version: textOf(device.softwareVersion),
    config_version: textOf(device.configVersion),
    kind: isAgent ? "agent" : "plain",
    is_boot: Boolean(device.isBoot),
    site: textOf(device.site || object.Site),
    connection_url: textOf(device.connectionUrl),
    // A plain CPE cannot be told its neighbour's URL by GenieACS: it takes from the origin.
    is_enabled: isAgent && (object.Enable === undefined || isOn(object.Enable)),
    is_gateway: isOn(object.IsGateway),
  };
  if (device.gatewaySerial)
    report.gateway = gatewayOf(device);
  if (!isAgent) return report;
  report.protocols = textOf(object.Protocols).split(",").map((p) => p.trim()).filter(Boolean);
  report.state = textOf(object.State);
  if (object.Healthy !== undefined) report.is_healthy = isOn(object.Healthy);
  if (isOn(object.FileServerEnable) && object.FileServerURL)
    report.file_server = textOf(object.FileServerURL);
  const figures = {
    cache_bytes: object.CacheSize, uplink_bps: object.UplinkRate, downlink_bps: object.DownlinkRate,
    peer_bytes: object.PeerBytes, origin_bytes: object.OriginBytes,
    fetch_ms: object.FetchMilliseconds,
  };
  for (const [name, value] of Object.entries(figures))
    if (numberOf(value) !== undefined) report[name] = numberOf(value);
  const cpu = Number(object.AverageCPU);
  if (cpu >= 0 && cpu <= 100) report.cpu_percent = cpu;
  return report;
}

// The gateway's identity, as the planner writes it.
function gatewayOf(device) {
  const escaped = (text) => Array.from(Buffer.from(textOf(text)), (byte) => {
    const c = String.fromCharCode(byte);
    return /[A-Za-z0-9_.]/.test(c) ? c : "%" + byte.toString(16).toUpperCase().padStart(2, "0");
  }).join("");
  return [device.gatewayOui, device.gatewayClass, device.gatewaySerial]
    .filter(Boolean).map(escaped).join("-");
}

// "ab12-1" of "p/<token>/ab12-1.fw.bin"; empty: not one of ours.
function keyOf(fileName) {
  const parts = textOf(fileName).split("/");
  return parts.length === 3 && parts[0] === "p" ? parts[2].split(".")[0] : "";
}

function fileNameOf(order) {
  const parts = textOf(order.path).split("/");
  const out = `${parts[0]}/${parts[1]}/${order.command_key}.${parts[2]}`;
  const isSendable = parts.length === 3 && out.length <= MAX_FILE_NAME &&
    /^[A-Za-z0-9/_.-]+$/.test(out);
  return isSendable ? out : "";
}

// What Downloads.{i} says of our orders: one under way, done, or failed.
//   GenieACS sets Download when the CPE takes it, LastFileName and LastDownload when it succeeded, and
//   puts Download back when it failed.
function transfersOf(downloads) {
  const out = { answers: [], done: [], failed: [] };
  for (const slot of downloads || []) {
    const key = keyOf(slot.FileName);
    const lastKey = keyOf(slot.LastFileName);
    if (lastKey) out.done.push({ command_key: lastKey });
    if (!key || key === lastKey) continue;
    const isUnderWay = Number(slot.Download) > (Number(slot.LastDownload) || 0);
    if (isUnderWay) out.answers.push({ command_key: key });
    else out.failed.push({ command_key: key, fault: 9010, why: "GenieACS: the transfer failed" });
  }
  return out;
}

// --- a turn of the planner ------------------------------------------------------------------------

// An order that GenieACS can carry, or null. A cancel is answered for the device: it is too late.
function settle(answer, deadline, left, done) {
  const order = answer.order;
  if (!order || left === 0) return done(null, null);
  if (order.kind === "cancel") {
    const refusal = { command_key: order.command_key, fault: 9021,
                      why: "GenieACS has no CancelTransfer" };
    return post("/api/v1/contacts", { identity: answer.identity, answers: [refusal] }, deadline,
      (error, next) => (error ? done(error) : settle(next, deadline, left - 1, done)));
  }
  const fileName = fileNameOf(order);
  if (FILE_TYPES[order.kind] && fileName)
    return done(null, { fileType: FILE_TYPES[order.kind], fileName, kind: order.kind,
                        commandKey: order.command_key });
  complain(`an order of kind ${order.kind} cannot be sent as '${order.path}'`);
  done(null, null);
}

function turn(device, deadline, done) {
  const heard = transfersOf(device.downloads);
  const said = { report: reportOf(device) };
  if (heard.answers.length) said.answers = heard.answers;
  if (heard.done.length) said.transfers = heard.done;
  post("/api/v1/contacts", said, deadline, (error, answer) => {
    if (error) return done(error);
    // GenieACS has it as failed. If the planner still offers it, it never left: it leaves now. Else
    // the device had it, and the planner hears of the failure.
    const failed = heard.failed.filter((t) => !answer.order ||
      answer.order.command_key !== t.command_key);
    if (!failed.length) return settle(answer, deadline, MAX_CANCELS, done);
    post("/api/v1/contacts", { identity: answer.identity, transfers: failed }, deadline,
      (fault, next) => (fault ? done(fault) : settle(next, deadline, MAX_CANCELS, done)));
  });
}

// ext("sluice", "contact", JSON): {fileType, fileName, kind, commandKey}, or null. Never an error.
exports.contact = (args, callback) => {
  if (Date.now() < pausedUntil) return callback(null, null);
  try {
    turn(JSON.parse(args[0]), Date.now() + settings.timeoutMs, (error, order) => {
      if (!error) return callback(null, order);
      if (!error.isOfDevice) pausedUntil = Date.now() + settings.pauseMs;
      complain(error.message);
      callback(null, null);
    });
  } catch (error) {
    complain(error.message);
    callback(null, null);
  }
};
