"""What real CPEs do that the standard does not say, each by a name for --quirk."""

QUIRKS = {
    # cookies
    "stale-cookie": "returns the cookie of the session before",
    "no-cookie": "returns no cookie at all",
    "comma-cookies": "returns all cookies it ever got in one field, joined by commas",
    # transfers
    "empty-key": "TransferComplete with an empty CommandKey",
    "key-in-event": "the CommandKey only in the M Download event",
    "complete-before-reboot": "TransferComplete before the reboot, then a plain 1 BOOT",
    "no-complete": "no TransferComplete at all; only its version tells",
    "fault-first": "reports fault 9017, tries again by itself and then reports success",
    "complete-twice": "says TransferComplete twice in one session",
    "boot-lost": "comes back from its upgrade without 1 BOOT",
    "loses-configuration": "an upgrade leaves it with the factory's configuration",
    "refuses-configuration": "takes no configuration file: 9018",
    "reboot-unanswered": "reboots right after TransferCompleteResponse, session not ended",
    # texts
    "time-without-zone": "2026-03-01T12:00:00",
    "time-with-offset": "2026-03-01T14:00:00+02:00",
    "time-with-milliseconds": "2026-03-01T12:00:00.123Z",
    "control-characters": "a control character in a value",
    "latin1": "ISO 8859-1 bytes under a UTF-8 label",
    # XML
    "wrong-counts": "arrayType says another count",
    "no-header": "no SOAP Header",
    "no-value": "a parameter without Value",
    "no-event-struct": "events without EventStruct around them",
    "no-type": "no xsi:type",
    "self-closing": "empty elements written <X/>",
    "empty-body": "one POST with an empty Body before the empty POST",
    # sessions
    "fewer-parameters": "answers GetParameterValues with one parameter less",
    "retry-thousands": "RetryCount 4711",
    "many-events": "0, 1, 2 and 4 in one Inform",
    "extra-posts": "two more empty POSTs after the session's end",
}
