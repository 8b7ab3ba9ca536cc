"""Envelopes by hand, as a CPE vendor writes them: text in, text out."""
import re
import time
import xml.etree.ElementTree as ElementTree
from xml.sax.saxutils import escape

NAMESPACES = {"1.0": "urn:dslforum-org:cwmp-1-0", "1.1": "urn:dslforum-org:cwmp-1-1",
              "1.2": "urn:dslforum-org:cwmp-1-2", "1.4": "urn:dslforum-org:cwmp-1-2"}
UNKNOWN_TIME = "0001-01-01T00:00:00Z"


class Writer:
    """Writes what the device says, in the dialect of its quirks."""

    def __init__(self, version, quirks):
        self.namespace = NAMESPACES[version]
        self.quirks = quirks

    def has(self, quirk):
        return quirk in self.quirks

    def envelope(self, body, message_id):
        header = (f'<soap:Header><cwmp:ID soap:mustUnderstand="1">{escape(message_id)}</cwmp:ID>'
                  "</soap:Header>")
        text = ('<?xml version="1.0" encoding="UTF-8"?>'
                '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" '
                'xmlns:enc="http://schemas.xmlsoap.org/soap/encoding/" '
                'xmlns:xsd="http://www.w3.org/2001/XMLSchema" '
                'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
                f'xmlns:cwmp="{self.namespace}">'
                f'{"" if self.has("no-header") else header}<soap:Body>{body}</soap:Body></soap:Envelope>')
        return text.encode("latin-1" if self.has("latin1") else "utf-8")

    def element(self, name, text):
        if not text and self.has("self-closing"):
            return f"<{name}/>"
        return f"<{name}>{escape(str(text))}</{name}>"

    def now(self):
        seconds = time.time()
        if self.has("time-without-zone"):
            return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
        if self.has("time-with-offset"):
            return time.strftime("%Y-%m-%dT%H:%M:%S+02:00", time.gmtime(seconds + 7200))
        if self.has("time-with-milliseconds"):
            return time.strftime("%Y-%m-%dT%H:%M:%S.123Z", time.gmtime(seconds))
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))

    def array(self, name, kind, items):
        count = len(items) + (3 if self.has("wrong-counts") else 0)
        return f'<{name} enc:arrayType="cwmp:{kind}[{count}]">{"".join(items)}</{name}>'

    def parameters(self, values):
        kind = "" if self.has("no-type") else ' xsi:type="xsd:string"'
        items = [f"<ParameterValueStruct>{self.element('Name', name)}"
                 f"<Value{kind}>{escape(str(value))}</Value></ParameterValueStruct>"
                 for name, value in values.items()]
        if self.has("no-value"):
            items.append("<ParameterValueStruct><Name>Device.X_TEST_Void</Name>"
                         "</ParameterValueStruct>")
        if self.has("control-characters"):
            items.append("<ParameterValueStruct><Name>Device.X_TEST_Noise</Name>"
                         "<Value>bell \x07 rings</Value></ParameterValueStruct>")
        if self.has("latin1"):
            items.append("<ParameterValueStruct><Name>Device.X_TEST_Place</Name>"
                         "<Value>Köln</Value></ParameterValueStruct>")
        return self.array("ParameterList", "ParameterValueStruct", items)

    def inform(self, device, events, values, retry_count):
        pairs = [f"{self.element('EventCode', code)}{self.element('CommandKey', key)}"
                 for code, key in events]
        if not self.has("no-event-struct"):
            pairs = [f"<EventStruct>{pair}</EventStruct>" for pair in pairs]
        who = "".join(self.element(name, device[name])
                      for name in ("Manufacturer", "OUI", "ProductClass", "SerialNumber"))
        return (f"<cwmp:Inform><DeviceId>{who}</DeviceId>{self.array('Event', 'EventStruct', pairs)}"
                f"<MaxEnvelopes>1</MaxEnvelopes>{self.element('CurrentTime', self.now())}"
                f"{self.element('RetryCount', 4711 if self.has('retry-thousands') else retry_count)}"
                f"{self.parameters(values)}</cwmp:Inform>")

    def transfer_complete(self, key, code, text):
        said = "" if self.has("empty-key") or self.has("key-in-event") else key
        return (f"<cwmp:TransferComplete>{self.element('CommandKey', said)}<FaultStruct>"
                f"{self.element('FaultCode', code)}{self.element('FaultString', text)}</FaultStruct>"
                f"{self.element('StartTime', UNKNOWN_TIME)}{self.element('CompleteTime', self.now())}"
                "</cwmp:TransferComplete>")

    def fault(self, code, text):
        return ("<soap:Fault><faultcode>Client</faultcode><faultstring>CWMP fault</faultstring>"
                f"<detail><cwmp:Fault>{self.element('FaultCode', code)}"
                f"{self.element('FaultString', text)}</cwmp:Fault></detail></soap:Fault>")


class Request:
    """What the ACS said: `method`, its ID, and the texts below it by local name."""

    def __init__(self, bytes_):
        root = ElementTree.fromstring(bytes_)
        self.id = next((e.text or "" for e in root.iter() if local(e) == "ID"), "")
        body = next(e for e in root if local(e) == "Body")
        self.element = body[0] if len(body) else None
        self.method = local(self.element) if len(body) else ""

    def text(self, name):
        return next((e.text or "" for e in self.element.iter() if local(e) == name), "")

    def names(self):
        wanted = [e for e in self.element.iter() if local(e) == "ParameterNames"]
        return [e.text or "" for e in (wanted[0] if wanted else [])]

    def values(self):
        return {next((c.text or "" for c in e if local(c) == "Name"), ""):
                next((c.text or "" for c in e if local(c) == "Value"), "")
                for e in self.element.iter() if local(e) == "ParameterValueStruct"}


def local(element):
    return re.sub(r"^\{.*\}", "", element.tag)
