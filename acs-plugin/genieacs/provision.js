// Runs in GenieACS in every session: gathers what it knows of the device, asks the extension, and
// declares the Download that comes back. Arguments, both optional: the path of a parameter that names
// the device's site, and of one that names its configuration's version.
const sitePath = args[0];
const configPath = args[1];
const once = { value: 1 };

const declared = {
  manufacturer: [declare("DeviceID.Manufacturer", once)],
  oui: [declare("DeviceID.OUI", once)],
  productClass: [declare("DeviceID.ProductClass", once)],
  serial: [declare("DeviceID.SerialNumber", once)],
  site: sitePath ? [declare(sitePath, once)] : [],
  configVersion: configPath ? [declare(configPath, once)] : [],
};
const paths = {
  hardwareVersion: "DeviceInfo.HardwareVersion",
  softwareVersion: "DeviceInfo.SoftwareVersion",
  connectionUrl: "ManagementServer.ConnectionRequestURL",
  gatewayOui: "GatewayInfo.ManufacturerOUI",
  gatewayClass: "GatewayInfo.ProductClass",
  gatewaySerial: "GatewayInfo.SerialNumber",
};
const roots = ["Device.", "InternetGatewayDevice."];
for (const name of Object.keys(paths))
  declared[name] = roots.map((root) => declare(root + paths[name], once));
const objects = roots.map((root) => declare(root + "X_SLUICE_PeerDownload.*", once));
const events = ["0_BOOTSTRAP", "1_BOOT"].map((event) => declare("Events." + event, once));
const slots = ["FileType", "FileName", "Download", "LastFileName", "LastDownload"].map(
  (name) => ({ name, values: declare("Downloads.*." + name, once) }));

// Reading begins here: what is declared above goes out as one question.
const device = {};
for (const name of Object.keys(declared))
  for (const one of declared[name])
    if (device[name] === undefined && one.value) device[name] = one.value[0];
device.isBoot = events.some((event) => event.value && event.value[0] >= Date.now());
device.sluice = {};
for (const object of objects)
  for (const one of object)
    if (one.value) device.sluice[one.path.slice(one.path.lastIndexOf(".") + 1)] = one.value[0];
const byNumber = {};
for (const slot of slots)
  for (const one of slot.values) {
    const number = one.path.split(".")[1];
    byNumber[number] = byNumber[number] || {};
    if (one.value) byNumber[number][slot.name] = one.value[0];
  }
device.downloads = Object.keys(byNumber).map((number) => byNumber[number]);

const order = ext("sluice", "contact", JSON.stringify(device));
if (order) {
  const slot = "Downloads.[FileType:" + order.fileType + "]";
  declare(slot, { path: 1 }, { path: 1 });
  declare(slot + ".FileName", { value: 1 }, { value: order.fileName });
  // The session's own time: newer than any Download before, and the same however often this runs.
  declare(slot + ".Download", { value: 1 }, { value: Date.now() });
  log("sluice: " + order.kind, { commandKey: order.commandKey, fileName: order.fileName });
}
