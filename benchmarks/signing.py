"""How long a signature takes, beside pyHanko's own signer, which reads its key for every document.

    python benchmarks/signing.py             # half a minute
    python benchmarks/signing.py --quick

The clock is the process's own time on the processor; every way signs the same documents in turns. The certificate is a
key's own, made here. A time stamp would add the way to its server and back.
"""

import argparse
import datetime as dt
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import kept  # the script beside this one
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from pyhanko.sign import signers

from lrp_audit import report
from lrp_audit.report.specimens import specimens
from lrp_audit.settings.signing_config import SigningSection
from lrp_audit.signing import Signer, open_signer

GOAL = 20.0  # ms a document
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def key_file(folder: Path, key: Key) -> Path:
    """A PKCS #12 file with the key and a certificate that it signed itself; the passphrase is `-`."""
    now, name = dt.datetime.now(dt.UTC), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Example Bank")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now - dt.timedelta(1)).not_valid_after(now + dt.timedelta(1))
    certificate = builder.sign(key, SHA256())
    path = folder / "key.p12"
    path.write_bytes(pkcs12.serialize_key_and_certificates(b"", key, certificate, None, BestAvailableEncryption(b"-")))
    return path


def ways(path: Path) -> dict[str, Signer]:
    own = open_signer(SigningSection(pkcs12=path.name), path.parent, lambda _: "-", now=dt.datetime.now(dt.UTC))
    simple = signers.SimpleSigner.load_pkcs12(str(path), passphrase=b"-")
    return {"lrp_audit": own, "pyHanko SimpleSigner": Signer(simple, own.certificate)}


def documents() -> dict[str, bytes]:
    letter, audit = next(iter(specimens("us-notice"))), next(iter(specimens("audit")))
    return {
        "notice": report.letter_pdf(letter.record, letter.addressee, letter.config, signable=True),
        "audit": report.audit_pdf(audit.record, audit.config, signable=True),
    }


def milliseconds(makers: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    times: dict[str, list[float]] = {name: [] for name in makers}
    for _ in range(rounds):
        for name, make in makers.items():
            start = time.process_time()
            make()
            times[name].append(1e3 * (time.process_time() - start))
    return {name: statistics.median(found[1:]) for name, found in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    rounds = 7 if quick else 41
    made = documents()
    keys: dict[str, Key] = {
        "EC P-256": ec.generate_private_key(ec.SECP256R1()),
        "RSA 3072": rsa.generate_private_key(65537, 3072),
    }
    table = []
    with tempfile.TemporaryDirectory() as folder:
        for kind, key in keys.items():
            signing = ways(key_file(Path(folder), key))
            for document, pdf in made.items():
                makers = {name: partial(way.sign, pdf) for name, way in signing.items()}
                found = milliseconds(makers, rounds)
                table += [{"key": kind, "document": document, "way": name, "ms": ms} for name, ms in found.items()]
    print(f"{'key':10}{'document':10}{'way':22}{'ms':>8}   goal {GOAL:.0f}")
    for row in table:
        print(f"{row['key']:10}{row['document']:10}{row['way']:22}{row['ms']:8.1f}")
    facts = kept.environment("lrp_audit", "pyHanko", "cryptography")
    kept.keep("signing", facts, {"goal_ms": GOAL, "rows": table}, quick=quick)


if __name__ == "__main__":
    main()
