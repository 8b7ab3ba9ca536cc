#!/usr/bin/env python3
"""Writes the golden vectors beside this file. A second implementation of the manifest, the tree and the
signatures, from Python's standard library: what the engine makes must equal it byte for byte, and
what it spoils on purpose the engine must refuse for the reason in the file's name."""

import base64
import hashlib
import json
import pathlib
import struct

import ed25519

HERE = pathlib.Path(__file__).resolve().parent
LEAF = 16 * 1024
KIB = 1024
MANIFEST = "application/vnd.sluice.manifest.v1+json"
TRUST = "application/vnd.sluice.trust.v1+json"
DOWNGRADE = "application/vnd.sluice.downgrade.v1+json"
# Keys for tests: their private halves are public, so nothing real may ever pin them.
SEEDS = {
    name: hashlib.sha256(b"sluice test key " + name.encode()).digest()
    for name in ("release-a", "release-b", "release-c", "stranger")
}


def sha(data):
    return hashlib.sha256(data).digest()


# --- images -------------------------------------------------------------------------------------


def image_bytes(length):
    """32-byte block i is the SHA-256 of i as eight little-endian bytes."""
    blocks = (length + 31) // 32
    return b"".join(sha(struct.pack("<Q", i)) for i in range(blocks))[:length]


def root_of(nodes, pad, width):
    nodes = nodes + [pad] * (width - len(nodes))
    while len(nodes) > 1:
        nodes = [sha(nodes[i] + nodes[i + 1]) for i in range(0, len(nodes), 2)]
    return nodes[0]


def power_of_two_from(n):
    return 1 << (n - 1).bit_length()


def tree(data, piece_length):
    """BEP 52: all leaves of the file padded to a power of two; the layer cut out of that tree."""
    leaves = [sha(data[i : i + LEAF]) for i in range(0, len(data), LEAF)]
    width = power_of_two_from(len(leaves))
    root = root_of(leaves, bytes(32), width)
    per_piece = piece_length // LEAF
    if len(leaves) <= per_piece:
        return [root], root
    leaves += [bytes(32)] * (width - len(leaves))
    layer = [
        root_of(leaves[i : i + per_piece], bytes(32), per_piece) for i in range(0, width, per_piece)
    ]
    return layer[: (len(data) + piece_length - 1) // piece_length], root


def bencode(value):
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, bytes):
        return b"%d:%s" % (len(value), value)
    return b"d%se" % b"".join(bencode(k) + bencode(v) for k, v in sorted(value.items()))


def image_id(length, piece_length, root):
    info = {
        b"file tree": {b"image": {b"": {b"length": length, b"pieces root": root}}},
        b"meta version": 2,
        b"name": b"image",
        b"piece length": piece_length,
        b"private": 1,
    }
    return sha(bencode(info))


def describe(length, piece_length):
    data = image_bytes(length)
    layer, root = tree(data, piece_length)
    return {
        "length": length,
        "piece_length": piece_length,
        "id": image_id(length, piece_length, root).hex(),
        "pieces_root": root.hex(),
        "layer_sha256": sha(b"".join(layer)).hex(),
        "sha256": sha(data).hex(),
    }


# --- envelopes ----------------------------------------------------------------------------------


def text(value):
    return json.dumps(value, indent=1)


def pae(payload_type, payload):
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def keyid(name):
    return sha(ed25519.public_key(SEEDS[name])).hex()


def signature(name, payload_type, payload):
    return ed25519.sign(SEEDS[name], pae(payload_type, payload))


def wrap(payload_type, payload, signatures):
    return (
        text(
            {
                "payload": base64.b64encode(payload).decode(),
                "payloadType": payload_type,
                "signatures": [
                    {"keyid": key, "sig": base64.b64encode(sig).decode()} for key, sig in signatures
                ],
            }
        )
        + "\n"
    )


def seal(payload_type, payload, *names):
    """The envelope with the signatures of `names`. The payload is a value, or its exact text."""
    raw = (payload if isinstance(payload, str) else text(payload)).encode()
    return wrap(
        payload_type, raw, [(keyid(n), signature(n, payload_type, raw)) for n in names]
    )


def manifest(**changes):
    made = describe(5 * 16 * KIB + 7, 16 * KIB)
    out = {
        "version": 1,
        "image": {k: made[k] for k in ("id", "length", "piece_length", "pieces_root", "sha256")},
        "name": "gw3-4.2.1",
        "software_version": "4.2.1",
        "device": {
            "manufacturer": "ACME",
            "oui": "00D09E",
            "product_class": "GW3",
            "hardware_versions": ["A", "B"],
        },
        "from_versions": ["4.1.0", "4.2.0"],
        "security_version": 7,
        "created": "2026-03-01T12:00:00Z",
        "expires": "2027-03-01T12:00:00Z",
        "vendor_verified": False,
        "critical": [],
    }
    for path, value in changes.items():
        target, *rest = path.split("__")
        if rest:
            out[target][rest[0]] = value
        else:
            out[target] = value
    return out


def without(value, key):
    return {k: v for k, v in value.items() if k != key}


def trust(version, threshold, names, **changes):
    keys = [
        {"keyid": keyid(n), "key": ed25519.public_key(SEEDS[n]).hex(), "name": n} for n in names
    ]
    return {"version": version, "threshold": threshold, "keys": keys, **changes}


def downgrade(**changes):
    out = {
        "version": 1,
        "device": {
            "manufacturer": "ACME",
            "oui": "00D09E",
            "product_class": "GW3",
            "serial_number": "S0042",
        },
        "security_version": 4,
        "expires": "2026-07-01T00:00:00Z",
        "critical": [],
    }
    for path, value in changes.items():
        target, *rest = path.split("__")
        if rest:
            out[target][rest[0]] = value
        else:
            out[target] = value
    return out


# The device that judges: see DeviceFacts in tests/image/vectors_test.cpp. Keys of trust-1.json.
BOTH = ("release-a", "release-b")


def refused_manifests():
    """File name up to '--' is the reason; one fault each in an otherwise good manifest."""
    good = seal(MANIFEST, manifest(), *BOTH)
    raw = text(manifest()).encode()
    a, b = (signature(n, MANIFEST, raw) for n in BOTH)
    yield "too_large", good + " " * (64 * KIB)
    yield "malformed--not-json", good[:-3]
    yield "malformed--empty", ""
    yield "malformed--array", "[]\n"
    yield "malformed--deep", "[" * 60000
    yield "malformed--no-signatures-key", text(without(json.loads(good), "signatures"))
    yield "malformed--base64", good.replace('"payload": "', '"payload": "*')
    yield "malformed--short-signature", wrap(MANIFEST, raw, [(keyid("release-a"), a[:63])])
    yield "malformed--many-signatures", wrap(MANIFEST, raw, [(keyid("release-a"), a)] * 17)
    yield "duplicate_key--envelope", good.replace("{", '{"payloadType": "' + MANIFEST + '",', 1)
    twice = text(manifest()).replace('"name"', '"name": "other",\n "name"', 1)
    yield "duplicate_key--payload", seal(MANIFEST, twice, *BOTH)
    nested = text(manifest()).replace('"oui"', '"oui": "000000",\n  "oui"', 1)
    yield "duplicate_key--nested", seal(MANIFEST, nested, *BOTH)
    yield "wrong_type--trust", seal(TRUST, manifest(), *BOTH)
    yield "wrong_type--relabelled", wrap(DOWNGRADE, raw, [(keyid("release-a"), a)])
    yield "unknown_key--stranger", seal(MANIFEST, manifest(), "stranger")
    yield "unknown_key--unsigned", seal(MANIFEST, manifest())
    yield "too_few_signatures--one", seal(MANIFEST, manifest(), "release-a")
    yield "too_few_signatures--twice-the-same", wrap(MANIFEST, raw, [(keyid("release-a"), a)] * 2)
    yield "too_few_signatures--with-a-stranger", seal(MANIFEST, manifest(), "release-a", "stranger")
    flipped = bytes([b[0] ^ 1]) + b[1:]
    yield "bad_signature--flipped", wrap(
        MANIFEST, raw, [(keyid("release-a"), a), (keyid("release-b"), flipped)]
    )
    yield "bad_signature--swapped", wrap(
        MANIFEST, raw, [(keyid("release-a"), b), (keyid("release-b"), a)]
    )
    other = text(manifest(security_version=8)).encode()
    yield "bad_signature--other-payload", wrap(
        MANIFEST, other, [(keyid("release-a"), a), (keyid("release-b"), b)]
    )
    bare = ed25519.sign(SEEDS["release-a"], raw)
    yield "bad_signature--without-pae", wrap(MANIFEST, raw, [(keyid("release-a"), bare)])
    yield "malleated_signature", wrap(
        MANIFEST, raw, [(keyid("release-a"), a), (keyid("release-b"), ed25519.malleate(b))]
    )
    for name, spoiled in spoiled_manifests():
        yield name, seal(MANIFEST, spoiled, *BOTH)


def spoiled_manifests():
    """Signed as they must be, and yet not for this device or not sound."""
    yield "unknown_critical", manifest(critical=["delta"], delta={"from": "4.1.0"})
    for key in ("image", "name", "device", "expires", "security_version", "vendor_verified"):
        yield f"malformed--no-{key}", without(manifest(), key)
    yield "malformed--version-2", manifest(version=2)
    yield "malformed--empty-image", manifest(image__length=0)
    yield "malformed--huge-image", manifest(image__length=2**32 + 1)
    yield "malformed--negative-length", manifest(image__length=-1)
    yield "malformed--fraction", manifest(image__length=81927.5)
    yield "malformed--piece-length", manifest(image__piece_length=3 * LEAF)
    yield "malformed--small-pieces", manifest(image__piece_length=LEAF // 2)
    yield "malformed--upper-case-digest", manifest(image__sha256="A" * 64)
    yield "malformed--short-digest", manifest(image__pieces_root="00" * 31)
    yield "malformed--name-is-a-path", manifest(name="../gw3")
    yield "malformed--name-is-hidden", manifest(name=".gw3")
    yield "malformed--long-name", manifest(name="g" * 129)
    yield "malformed--control-character", manifest(software_version="4.2\u0000.1")
    yield "malformed--c1-control-character", manifest(name="gw3", software_version="4\u009b31m")
    yield "malformed--oui", manifest(device__oui="00d09e")
    yield "malformed--no-hardware", manifest(device__hardware_versions=[])
    yield "malformed--many-versions", manifest(from_versions=["1"] * 65)
    yield "malformed--date", manifest(expires="2027-02-29T12:00:00Z")
    yield "malformed--expires-before-created", manifest(expires="2026-03-01T12:00:00Z")
    yield "bad_root--other-root", manifest(image__pieces_root="11" * 32)
    yield "bad_root--other-id", manifest(image__id="22" * 32)
    yield "bad_root--other-length", manifest(image__length=5 * 16 * KIB + 8)
    yield "wrong_device--manufacturer", manifest(device__manufacturer="Acme")
    yield "wrong_device--oui", manifest(device__oui="00D09F")
    yield "wrong_device--product-class", manifest(device__product_class="GW4")
    yield "wrong_device--hardware", manifest(device__hardware_versions=["C"])
    yield "wrong_from_version", manifest(from_versions=["4.1.0"])
    yield "older_security_version", manifest(security_version=4)
    yield "expired", manifest(created="2025-03-01T12:00:00Z", expires="2026-06-01T00:00:00Z")


def refused_trusts():
    """Judged against trust-1.json: two of release-a, -b, -c, version 1."""
    new = ("release-b", "release-c", "stranger")
    good = trust(2, 2, new)
    yield "unknown_key--not-by-the-old", seal(TRUST, good, "stranger")
    yield "too_few_signatures--of-the-old", seal(TRUST, good, "release-b", "stranger")
    yield "too_few_signatures--of-the-new", seal(
        TRUST, trust(2, 2, ("release-a", "stranger")), "release-a", "release-b"
    )
    yield "older_trust--same", seal(TRUST, trust(1, 2, new), "release-b", "release-c")
    yield "malformed--version-0", seal(TRUST, trust(0, 2, new), "release-b", "release-c")
    yield "wrong_type", seal(MANIFEST, good, "release-b", "release-c")
    yield "unknown_critical", seal(
        TRUST, trust(2, 2, new, critical=["expires"]), "release-b", "release-c"
    )
    yield "malformed--threshold-0", seal(TRUST, trust(2, 0, new), "release-b", "release-c")
    yield "malformed--threshold-4", seal(TRUST, trust(2, 4, new), "release-b", "release-c")
    yield "malformed--no-keys", seal(TRUST, trust(2, 1, ()), "release-b", "release-c")
    yield "malformed--key-twice", seal(
        TRUST, trust(2, 2, ("release-b", "release-b")), "release-b", "release-c"
    )
    lying = trust(2, 2, new)
    lying["keys"][0]["keyid"] = keyid("release-a")
    yield "malformed--keyid", seal(TRUST, lying, "release-b", "release-c")
    # The identity: R = identity and S = 0 is its "signature" of everything.
    for name, key in (("identity", b"\x01" + bytes(31)), ("not-reduced", b"\xee" + b"\xff" * 31)):
        weak = trust(2, 1, ("release-b",))
        weak["keys"].append({"keyid": sha(key).hex(), "key": key.hex(), "name": name})
        yield f"weak_key--{name}", seal(TRUST, weak, "release-b", "release-c")


def refused_downgrades():
    """Judged with downgrade/manifest.json, security version 4, for a device that committed 7."""
    yield "wrong_type", seal(MANIFEST, downgrade(), *BOTH)
    yield "too_few_signatures", seal(DOWNGRADE, downgrade(), "release-a")
    yield "unknown_key", seal(DOWNGRADE, downgrade(), "stranger")
    yield "wrong_order--serial", seal(DOWNGRADE, downgrade(device__serial_number="S0043"), *BOTH)
    yield "wrong_order--oui", seal(DOWNGRADE, downgrade(device__oui="00D09F"), *BOTH)
    yield "wrong_order--security-version", seal(DOWNGRADE, downgrade(security_version=5), *BOTH)
    yield "expired", seal(DOWNGRADE, downgrade(expires="2026-06-01T00:00:00Z"), *BOTH)
    yield "unknown_critical", seal(DOWNGRADE, downgrade(critical=["image"]), *BOTH)
    yield "malformed--no-serial", seal(
        DOWNGRADE, without(downgrade(), "device") | {"device": {"manufacturer": "ACME"}}, *BOTH
    )
    yield "malformed--not-json", "order"


def write(path, content):
    path = HERE / path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8", newline="\n")


def main():
    for name, seed in SEEDS.items():
        write(f"keys/{name}.pem", ed25519.private_pem(seed))
        write(f"keys/{name}.pub.pem", ed25519.public_pem(seed))
    sizes = [
        (1, 16 * KIB),
        (16 * KIB - 1, 16 * KIB),
        (16 * KIB, 16 * KIB),
        (16 * KIB + 1, 16 * KIB),
        (16 * KIB + 1, 64 * KIB),
        (64 * KIB - 1, 64 * KIB),
        (64 * KIB, 64 * KIB),
        (64 * KIB + 1, 64 * KIB),
        (5 * 16 * KIB + 7, 16 * KIB),
        (3 * KIB * KIB + 4321, 64 * KIB),
        (3 * KIB * KIB + 4321, 1024 * KIB),
    ]
    write("images.json", text([describe(*size) for size in sizes]) + "\n")
    write("trust-1.json", seal(TRUST, trust(1, 2, ("release-a", "release-b", "release-c")), *BOTH))
    # Signed by two old and two new keys: release-a and -b of the old, release-b and -c of the new.
    second = trust(2, 2, ("release-b", "release-c", "stranger"))
    write("trust-2.json", seal(TRUST, second, "release-a", "release-b", "release-c"))
    write("manifest.json", seal(MANIFEST, manifest(), *BOTH))
    extended = manifest(critical=["expires"], release_notes={"en": ["faster", "safer"]})
    write("manifest-with-unknown-keys.json", seal(MANIFEST, extended, *BOTH, "stranger"))
    write("downgrade/manifest.json", seal(MANIFEST, manifest(security_version=4), *BOTH))
    write("downgrade/order.json", seal(DOWNGRADE, downgrade(), *BOTH))
    for folder, made in (
        ("manifest", refused_manifests()),
        ("trust", refused_trusts()),
        ("downgrade", refused_downgrades()),
    ):
        for name, content in made:
            write(f"refused/{folder}/{name}.json", content)


if __name__ == "__main__":
    main()
