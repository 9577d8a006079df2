#!/usr/bin/env python3
"""EccEncryptedSecrets for fixed EphemeralKeys, by another implementation: Python's `cryptography`. OPC 10000-4, 7.40.2.5.

Prints tests/unit/vectors/secrets.inc. Keys come from fixed words, but for those of RSA; Certificates and signatures are random anyway:
they are only verified, so any will do."""
import datetime
import struct

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, ed448, padding, rsa, utils, x25519, x448
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.x509.oid import NameOID

from agreement_vectors import FFDHE3072, POLICIES, hkdf, noise, pkcs3, pkcs8, point, raw, row

URI = "http://opcfoundation.org/UA/SecurityPolicy#"
SIGNING_TIME = 134000000000000000
WEIERSTRASS = {"nistP256": ec.SECP256R1(), "nistP384": ec.SECP384R1(), "brainpoolP256r1": ec.BrainpoolP256R1(),
               "brainpoolP384r1": ec.BrainpoolP384R1()}
EDWARDS = {"curve25519": (x25519.X25519PrivateKey, 32, ed25519.Ed25519PrivateKey, 32),
           "curve448": (x448.X448PrivateKey, 56, ed448.Ed448PrivateKey, 57)}


class Curve:
    def __init__(self, name, curve):
        self.curve, self.hash = curve, hashes.SHA384() if "384" in name else hashes.SHA256()
        self.receiver = ec.derive_private_key(int.from_bytes(noise(name + " receiver", 30), "big"), curve)
        self.sender = ec.derive_private_key(int.from_bytes(noise(name + " sender", 30), "big"), curve)
        self.signer = ec.derive_private_key(int.from_bytes(noise(name + " user", 30), "big"), curve)
        self.private = pkcs8(self.receiver)
        self.sender_public, self.receiver_public = point(self.sender.public_key()), point(self.receiver.public_key())
        self.shared = self.sender.exchange(ec.ECDH(), self.receiver.public_key())
        self.signature_len = 2 * ((curve.key_size + 7) // 8)

    def sign(self, data):
        r, s = utils.decode_dss_signature(self.signer.sign(data, ec.ECDSA(self.hash)))
        half = self.signature_len // 2
        return r.to_bytes(half, "big") + s.to_bytes(half, "big")


class Edwards:
    hash = None

    def __init__(self, name, agree, length, sign, sign_length):
        self.receiver = agree.from_private_bytes(noise(name + " receiver", length))
        self.sender = agree.from_private_bytes(noise(name + " sender", length))
        self.signer = sign.from_private_bytes(noise(name + " user", sign_length))
        self.private = pkcs8(self.receiver)
        self.sender_public, self.receiver_public = raw(self.sender.public_key()), raw(self.receiver.public_key())
        self.shared = self.sender.exchange(self.receiver.public_key())
        self.signature_len = 64 if sign_length == 32 else 114

    def sign(self, data):
        return self.signer.sign(data)


class FiniteField:
    hash = hashes.SHA256()
    signature_len = 256

    def __init__(self, name):
        x, y = (int.from_bytes(noise(name + who, 40), "big") for who in (" receiver", " sender"))
        self.signer = rsa.generate_private_key(65537, 2048)
        self.private = pkcs3(x)
        self.receiver_public, self.sender_public = (pow(2, e, FFDHE3072).to_bytes(384, "big") for e in (x, y))
        self.shared = pow(2, x * y, FFDHE3072).to_bytes(384, "big")

    def sign(self, data):
        return self.signer.sign(data, RSA_PADDING, hashes.SHA256())


RSA_PADDING = padding.PKCS1v15()


def keys_of(name):
    family = name.split("_")[1]
    if family in WEIERSTRASS:
        return Curve(name, WEIERSTRASS[family])
    if family in EDWARDS:
        return Edwards(name, *EDWARDS[family])
    return FiniteField(name)


def certificate(keys):
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sender")])
    builder = x509.CertificateBuilder(name, name, keys.signer.public_key(), 1, datetime.datetime(2020, 1, 1), datetime.datetime(2050, 1, 1))
    return builder.sign(keys.signer, keys.hash).public_bytes(serialization.Encoding.DER)


def text(value):
    return struct.pack("<i", -1) if value is None else struct.pack("<i", len(value)) + value


def pad(content, secret, is_dotnet):
    n = -(len(content) + 2) % 16
    n += 16 if n + len(secret or b"") < 16 else 0
    return content + bytes([n]) * n + struct.pack("<H", n) + (b"\x0f" * 16 if is_dotnet else b"")


def seal(name, hash_name, lengths, cipher, secret, has_certificate, is_dotnet):
    keys = keys_of(name)
    _, key_len, iv_len = lengths
    nonce, der_ = noise(name + " nonce", 32), certificate(keys)
    salt = struct.pack("<H", key_len + iv_len) + b"opcua-secret" + keys.sender_public + keys.receiver_public
    derived = hkdf(hash_name, keys.shared, salt, salt, key_len + iv_len)
    key, iv = derived[:key_len], derived[key_len:]
    payload = pad(text(nonce) + text(secret), secret, is_dotnet)
    key_data = text(keys.sender_public) + text(keys.receiver_public)
    rest = (text((URI + name).encode()) + text(der_ if has_certificate else None) + struct.pack("<q", SIGNING_TIME)
            + struct.pack("<H", len(key_data)) + key_data)
    tag_len = 0 if cipher == "cbc" else 16
    head = b"\x01\x00" + struct.pack("<H", 17546) + b"\x01"
    head += struct.pack("<I", len(rest) + len(payload) + tag_len + keys.signature_len) + rest
    if cipher == "cbc":
        encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
        sealed = encryptor.update(payload) + encryptor.finalize()
    else:
        sealed = (AESGCM(key) if cipher == "gcm" else ChaCha20Poly1305(key)).encrypt(iv, payload, head)
    content = head + sealed
    row(name, keys.private, der_, nonce, secret or b"", content + keys.sign(content))


if __name__ == "__main__":
    print("/* Made by tests/tools/secret_vectors.py. */\n/* clang-format off */")
    print("#define SIGNING_TIME %d" % SIGNING_TIME)
    print("static const secret_vector SECRETS[] = {")
    for name, hash_name, lengths, cipher, _ in POLICIES:
        seal(name, hash_name, lengths, cipher, noise(name + " password", 21), True, False)
    for name, hash_name, lengths, cipher, _ in POLICIES[:7]:
        seal(name, hash_name, lengths, cipher, b"", False, False)
        seal(name, hash_name, lengths, cipher, noise(name + " token", 120), False, cipher == "cbc")
    print("};\n/* clang-format on */")
