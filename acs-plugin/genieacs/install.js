#!/usr/bin/env node
// Puts the plug-in into a GenieACS: the extension's file into its folder, provision and preset over
// the NBI. Again: brings them up to date. Node ≥ 12, no dependencies.
"use strict";

const fs = require("fs");
const http = require("http");
const https = require("https");
const path = require("path");

const USAGE = `usage: install.js --ext-dir DIR [options]
       install.js --remove [--ext-dir DIR] [options]

  --nbi URL            GenieACS's NBI (default http://127.0.0.1:7557)
  --ext-dir DIR        its GENIEACS_EXT_DIR; sluice.js is copied there
  --site-path PATH     the parameter that names a device's site
  --config-path PATH   the parameter that names its configuration's version
  --precondition EXPR  for which devices (default: all)
  --remove             take provision, preset and extension out again
`;
const TIMEOUT_MS = 10000;
const VALUES = ["nbi", "ext-dir", "site-path", "config-path", "precondition"];

function wrongUse(why) {
  process.stderr.write(`install.js: ${why}\n${USAGE}`);
  process.exit(2);
}

function readOptions(args) {
  const out = { nbi: "http://127.0.0.1:7557" };
  for (let i = 0; i < args.length; ++i) {
    const name = args[i].replace(/^--/, "");
    if (name === "help") {
      process.stdout.write(USAGE);
      process.exit(0);
    }
    if (args[i] === "--remove") out.remove = true;
    else if (!VALUES.includes(name) || !args[i].startsWith("--")) wrongUse(`unknown: ${args[i]}`);
    else if (i + 1 === args.length) wrongUse(`${args[i]}: its value is missing`);
    else out[name] = args[++i];
  }
  if (!out.remove && !out["ext-dir"]) wrongUse("--ext-dir: is needed");
  return out;
}

function send(method, url, body) {
  return new Promise((resolve, reject) => {
    const transport = url.startsWith("https:") ? https : http;
    const request = transport.request(url, { method, timeout: TIMEOUT_MS }, (response) => {
      const parts = [];
      response.on("data", (part) => parts.push(part));
      response.on("end", () => {
        if (response.statusCode === 200) return resolve();
        reject(new Error(`${method} ${url}: ${response.statusCode} ${Buffer.concat(parts)}`));
      });
    });
    request.on("timeout", () => request.destroy(new Error(`${url}: no answer`)));
    request.on("error", reject);
    request.end(body);
  });
}

function own(name) {
  return fs.readFileSync(path.join(__dirname, name), "utf8");
}

// The extension first: a preset must not call what is not there.
async function install(options) {
  fs.mkdirSync(options["ext-dir"], { recursive: true });
  const target = path.join(options["ext-dir"], "sluice.js");
  fs.writeFileSync(target + ".new", own("sluice.js"));
  fs.renameSync(target + ".new", target);
  await send("PUT", options.nbi + "/provisions/sluice", own("provision.js"));
  const preset = JSON.parse(own("preset.json"));
  preset.precondition = options.precondition || "";
  const paths = [options["site-path"] || "", options["config-path"] || ""];
  preset.configurations[0].args = paths[0] || paths[1] ? paths : null;
  await send("PUT", options.nbi + "/presets/sluice", JSON.stringify(preset));
  process.stdout.write(`installed: ${target}, provision and preset 'sluice' at ${options.nbi}\n` +
    "restart genieacs-cwmp if an older sluice.js was in use\n");
}

// And the other way round.
async function remove(options) {
  await send("DELETE", options.nbi + "/presets/sluice");
  await send("DELETE", options.nbi + "/provisions/sluice");
  if (options["ext-dir"]) {
    const target = path.join(options["ext-dir"], "sluice.js");
    if (fs.existsSync(target)) fs.unlinkSync(target);
  }
  process.stdout.write("removed\n");
}

const options = readOptions(process.argv.slice(2));
(options.remove ? remove : install)(options).catch((error) => {
  process.stderr.write(`install.js: ${error.message}\n`);
  process.exit(1);
});
