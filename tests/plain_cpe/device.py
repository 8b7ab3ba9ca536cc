"""The device: its parameters, its sessions, its downloads, its reboot."""
import json
import queue
import random
import threading
import time
from pathlib import Path

from . import transfers
from .configuration import Configuration
from .soap import Request, Writer
from .web import Client


class Device:
    def __init__(self, options):
        self.options = options
        self.quirks = set(options.quirk)
        self.writer = Writer(options.cwmp, self.quirks)
        self.version = options.software_version
        self.work = queue.Queue()  # events that want a session: (code, key)
        self.pending = []          # TransferCompletes to deliver: (key, fault, text)
        self.downloads = []        # orders taken, not begun
        self.calls = None          # where the ACS may call (listener.py)
        self.old_cookies = []
        self.sessions = 0
        self.parameter_key = ""
        self.configuration = Configuration(options.state, options.serial)
        self.reboots_now = False   # leaves the session as it is

    # --- what it knows of itself ---------------------------------------------------------------

    def identity(self):
        o = self.options
        return {"Manufacturer": o.manufacturer, "OUI": o.oui, "ProductClass": o.product_class,
                "SerialNumber": o.serial}

    def parameters(self):
        o, root = self.options, self.options.root
        values = {
            "DeviceSummary" if root == "InternetGatewayDevice." else "RootDataModelVersion": "2.11",
            "DeviceInfo.Manufacturer": o.manufacturer,
            "DeviceInfo.ManufacturerOUI": o.oui,
            "DeviceInfo.ProductClass": o.product_class,
            "DeviceInfo.SerialNumber": o.serial,
            "DeviceInfo.HardwareVersion": o.hardware_version,
            "DeviceInfo.SoftwareVersion": self.version,
            "DeviceInfo.ProvisioningCode": "",
            "DeviceInfo.VendorConfigFile.1.Name": self.configuration.name,
            "DeviceInfo.VendorConfigFile.1.Version": self.configuration.version(),
            "ManagementServer.ParameterKey": self.parameter_key,
            "ManagementServer.ConnectionRequestURL": self.calls.url if self.calls else "",
        }
        if o.gateway:
            oui, product_class, serial = o.gateway
            values |= {"GatewayInfo.ManufacturerOUI": oui, "GatewayInfo.ProductClass": product_class,
                       "GatewayInfo.SerialNumber": serial}
        return {root + name: value for name, value in values.items()}

    def log(self, event, **more):
        line = json.dumps({"t": round(time.monotonic(), 3), "device": self.options.serial,
                           "event": event, **more})
        if self.options.report:
            with open(self.options.report, "a", encoding="utf-8") as report:
                report.write(line + "\n")

    # --- life ----------------------------------------------------------------------------------

    def run(self):
        self.wake("1 BOOT")
        if "many-events" in self.quirks:
            for code in ("0 BOOTSTRAP", "2 PERIODIC", "4 VALUE CHANGE"):
                self.wake(code)
        while True:
            events = self.wait_for_events()
            retry = 0
            while not self.try_session(events, retry):
                retry += 1
                time.sleep(min(60, random.uniform(0.5, 1.0) * self.options.retry_wait
                               * 2 ** min(retry, 6)))
            while self.downloads:
                self.perform(self.downloads.pop(0))

    def wake(self, code, key=""):
        self.work.put((code, key))

    def wait_for_events(self):
        try:
            events = [self.work.get(timeout=self.options.periodic_interval)]
        except queue.Empty:
            return [("2 PERIODIC", "")]
        while not self.work.empty():
            events.append(self.work.get())
        return list(dict.fromkeys(events))

    # --- a session -----------------------------------------------------------------------------

    def try_session(self, events, retry):
        try:
            self.session(events, retry)
            return True
        except (OSError, ValueError, EOFError) as error:
            self.log("session_failed", why=str(error))
            return False

    def session(self, events, retry):
        o = self.options
        self.sessions += 1
        client = Client(o.acs, o.username, o.password, o.local_address, o.ca_file)
        cookies = []
        try:
            told = self.post(client, cookies, self.writer.inform(
                self.identity(), events, self.parameters(), retry))
            if told is None or told.method != "InformResponse":
                raise ValueError(f"no InformResponse, but {told.method if told else 'nothing'}")
            self.log("inform", events=[code for code, _ in events], version=self.version)
            self.deliver(client, cookies)
            if self.reboots_now:
                return
            if "empty-body" in self.quirks:
                self.follow(client, cookies, self.post(client, cookies, ""))
            self.follow(client, cookies, self.post(client, cookies, None))
            for _ in range(2 if "extra-posts" in self.quirks else 0):
                self.post(client, cookies, None)
        finally:
            self.old_cookies = list(cookies)
            client.close()

    def deliver(self, client, cookies):
        while self.pending:
            key, fault, text = self.pending[0]
            answer = self.post(client, cookies, self.writer.transfer_complete(key, fault, text))
            if answer is None or answer.method != "TransferCompleteResponse":
                raise ValueError("no TransferCompleteResponse")
            self.pending.pop(0)
            self.log("delivered", key=key, fault=fault)
            if "reboot-unanswered" in self.quirks:
                self.reboots_now = True
                self.wake("1 BOOT")
                return
        self.reboots_now = False

    def follow(self, client, cookies, request):
        """Does what the ACS asks until it has nothing more."""
        while request is not None and request.method:
            request = self.post(client, cookies, self.answer(request), request.id)

    def post(self, client, cookies, body, message_id=None):
        headers = {"Content-Type": 'text/xml; charset="utf-8"', "SOAPAction": '""'}
        said = self.cookie_field(cookies)
        if said:
            headers["Cookie"] = said
        data = b""
        if body is not None:
            data = self.writer.envelope(body, message_id or f"{self.sessions}.{random.random():.6f}")
        response = client.exchange("POST", data, headers)
        text = response.read()
        for value in response.headers.get_all("Set-Cookie") or []:
            name = value.split("=", 1)[0]
            cookies[:] = [c for c in cookies if not c.startswith(name + "=")]
            cookies.append(value.split(";", 1)[0])
        if response.status not in (200, 204):
            raise ValueError(f"HTTP {response.status}")
        return Request(text) if text.strip() else None

    def cookie_field(self, cookies):
        if "no-cookie" in self.quirks:
            return ""
        if "stale-cookie" in self.quirks and not cookies:
            return "; ".join(self.old_cookies)
        if "comma-cookies" in self.quirks:
            return ", ".join(self.old_cookies + cookies)
        return "; ".join(cookies)

    # --- what the ACS asks ---------------------------------------------------------------------

    def answer(self, request):
        handler = getattr(self, "on_" + request.method, None)
        self.log("asked", method=request.method)
        if handler is None:
            return self.writer.fault(9000, "Method not supported")
        return handler(request)

    def on_GetParameterValues(self, request):
        known, found = self.parameters(), {}
        for name in request.names():
            matching = {k: v for k, v in known.items()
                        if k == name or (name.endswith(".") and k.startswith(name)) or not name}
            if not matching and "fewer-parameters" not in self.quirks:
                return self.writer.fault(9005, f"Invalid parameter name {name}")
            found |= matching
        if "fewer-parameters" in self.quirks and found:
            found.popitem()
        return ("<cwmp:GetParameterValuesResponse>" + self.writer.parameters(found)
                + "</cwmp:GetParameterValuesResponse>")

    def on_GetParameterNames(self, request):
        path = request.text("ParameterPath")
        is_one_level = request.text("NextLevel").lower() in ("1", "true")
        names = set()
        for name in self.parameters():
            for end in [i + 1 for i, c in enumerate(name) if c == "."] + [len(name)]:
                part = name[:end]
                depth = part[len(path):].rstrip(".").count(".")
                if part.startswith(path) and part != path and not (is_one_level and depth):
                    names.add(part)
        if not names:
            return self.writer.fault(9005, f"Invalid parameter name {path}")
        items = [f"<ParameterInfoStruct>{self.writer.element('Name', name)}"
                 "<Writable>0</Writable></ParameterInfoStruct>" for name in sorted(names)]
        return ("<cwmp:GetParameterNamesResponse>"
                + self.writer.array("ParameterList", "ParameterInfoStruct", items)
                + "</cwmp:GetParameterNamesResponse>")

    def on_SetParameterValues(self, request):
        unknown = [name for name in request.values() if name not in self.parameters()]
        if unknown:
            return self.writer.fault(9003, f"Invalid arguments: {unknown[0]}")
        self.parameter_key = request.text("ParameterKey")
        return ("<cwmp:SetParameterValuesResponse><Status>0</Status>"
                "</cwmp:SetParameterValuesResponse>")

    def on_GetRPCMethods(self, _request):
        methods = [f"<string>{name[3:]}</string>" for name in dir(self) if name.startswith("on_")]
        return ("<cwmp:GetRPCMethodsResponse>" + self.writer.array("MethodList", "string", methods)
                + "</cwmp:GetRPCMethodsResponse>")

    def on_Reboot(self, request):
        self.downloads.append({"reboot": request.text("CommandKey")})
        return "<cwmp:RebootResponse></cwmp:RebootResponse>"

    def on_Download(self, request):
        return self.take(request, "Download", ("1 ", "3 "))

    def on_Upload(self, request):
        return self.take(request, "Upload",
                         ("1 Vendor Configuration File", "3 Vendor Configuration File"))

    def take(self, request, rpc, file_types):
        order = {name: request.text(name) for name in
                 ("CommandKey", "FileType", "URL", "Username", "Password", "FileSize",
                  "TargetFileName")}
        order["RPC"] = rpc
        if not order["FileType"].startswith(file_types):
            return self.writer.fault(9003, f"FileType {order['FileType']} is not known here")
        if not order["URL"].startswith(("http://", "https://")):
            return self.writer.fault(9003, "URL is not one")
        self.downloads.append(order)
        self.log(rpc.lower(), url=order["URL"], key=order["CommandKey"], type=order["FileType"])
        return (f"<cwmp:{rpc}Response><Status>1</Status>"
                "<StartTime>0001-01-01T00:00:00Z</StartTime>"
                f"<CompleteTime>0001-01-01T00:00:00Z</CompleteTime></cwmp:{rpc}Response>")

    # --- what it does with it ------------------------------------------------------------------

    def perform(self, order):
        if "reboot" in order:
            self.wake("1 BOOT")
            self.wake("M Reboot", order["reboot"])
        elif order["RPC"] == "Upload":
            self.tell(order, *transfers.upload(order, self.options, self.configuration.read()))
        elif order["FileType"].startswith("3 "):
            self.tell(order, *self.configure(order))
        else:
            self.upgrade(order)

    def configure(self, order):
        path = Path(self.options.state) / f"download-{self.options.serial}.cfg"
        fault, text = transfers.download(order, self.options, path)
        if fault:
            return fault, text
        body = path.read_bytes()
        if "refuses-configuration" in self.quirks:
            return 9018, "line 1: not of this release"
        self.configuration.write(body, order["TargetFileName"] or order["URL"].rsplit("/", 1)[-1])
        self.log("configured", version=self.configuration.version())
        self.wake("4 VALUE CHANGE")
        return 0, ""

    def upgrade(self, order):
        fault, text = transfers.download(order, self.options,
                                         Path(self.options.state) / "download.bin")
        if not fault:
            self.log("downloaded", url=order["URL"])
        key = order["CommandKey"]
        if "fault-first" in self.quirks and not fault:
            self.complete(key, 9017, "connection lost")
            while not self.try_session([("7 TRANSFER COMPLETE", ""), ("M Download", key)], 0):
                time.sleep(self.options.retry_wait)
        if fault:
            return self.tell(order, fault, text)
        self.reboot(order)

    def reboot(self, order):
        key = order["CommandKey"]
        if "complete-before-reboot" in self.quirks:
            self.complete(key, 0, "")
            while not self.try_session([("7 TRANSFER COMPLETE", ""), ("M Download", key)], 0):
                time.sleep(self.options.retry_wait)
        time.sleep(self.options.reboot_seconds)
        self.version = self.options.next_version
        if "loses-configuration" in self.quirks:
            self.configuration.reset()
        self.log("rebooted", version=self.version)
        if "boot-lost" not in self.quirks:
            self.wake("1 BOOT")
        if self.quirks & {"complete-before-reboot", "no-complete"}:
            return
        self.wake("4 VALUE CHANGE")
        self.tell(order, 0, "")
        if "complete-twice" in self.quirks:
            self.complete(key, 0, "")

    def tell(self, order, fault, text):
        self.complete(order["CommandKey"], fault, text)
        self.wake("7 TRANSFER COMPLETE")
        self.wake("M " + order["RPC"], order["CommandKey"])

    def complete(self, key, fault, text):
        self.pending.append((key, fault, text))


def start_thread(target):
    thread = threading.Thread(target=target, daemon=True)
    thread.start()
    return thread
