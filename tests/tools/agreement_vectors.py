#!/usr/bin/env python3
"""Known answers for the SecurityPolicies that agree on keys, by another implementation: Python's `cryptography` and hmac.

Prints tests/unit/vectors/agreement.inc. Everything comes from fixed words, so that it prints the same again, but for the ECDSA signatures,
which are random; they are only verified, so any will do."""
import hashlib
import hmac
import struct

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, ed448, utils, x25519, x448
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305


def ffdhe3072():
    """RFC 7919, A.2: 2^3072 - 2^3008 + (floor(2^2942 * e) + 2625351) * 2^64 - 1, with e = 1/0! + 1/1! + 1/2! + ..."""
    guard = 64
    term = e = 1 << (2942 + guard)
    i = 1
    while term:
        term //= i
        e += term
        i += 1
    return 2**3072 - 2**3008 + ((e >> guard) + 2625351) * 2**64 - 1


FFDHE3072 = ffdhe3072()

# name, key derivation, lengths of signing key, encrypting key and IV, cipher, length of a public key
POLICIES = [
    ("ECC_nistP256", "sha256", (32, 16, 16), "cbc", 64),
    ("ECC_nistP384", "sha384", (48, 32, 16), "cbc", 96),
    ("ECC_brainpoolP256r1", "sha256", (32, 16, 16), "cbc", 64),
    ("ECC_brainpoolP384r1", "sha384", (48, 32, 16), "cbc", 96),
    ("ECC_curve25519", "sha256", (0, 32, 12), "chacha", 32),
    ("ECC_curve448", "sha256", (0, 32, 12), "chacha", 56),
    ("ECC_nistP256_AesGcm", "sha256", (0, 16, 12), "gcm", 64),
    ("ECC_nistP256_ChaChaPoly", "sha256", (0, 32, 12), "chacha", 64),
    ("ECC_nistP384_AesGcm", "sha384", (0, 32, 12), "gcm", 96),
    ("ECC_nistP384_ChaChaPoly", "sha384", (0, 32, 12), "chacha", 96),
    ("ECC_brainpoolP256r1_AesGcm", "sha256", (0, 16, 12), "gcm", 64),
    ("ECC_brainpoolP256r1_ChaChaPoly", "sha256", (0, 32, 12), "chacha", 64),
    ("ECC_brainpoolP384r1_AesGcm", "sha384", (0, 32, 12), "gcm", 96),
    ("ECC_brainpoolP384r1_ChaChaPoly", "sha384", (0, 32, 12), "chacha", 96),
    ("ECC_curve25519_AesGcm", "sha256", (0, 16, 12), "gcm", 32),
    ("ECC_curve25519_ChaChaPoly", "sha256", (0, 32, 12), "chacha", 32),
    ("ECC_curve448_AesGcm", "sha256", (0, 32, 12), "gcm", 56),
    ("ECC_curve448_ChaChaPoly", "sha256", (0, 32, 12), "chacha", 56),
    ("RSA_DH_AesGcm", "sha256", (0, 16, 12), "gcm", 384),
    ("RSA_DH_ChaChaPoly", "sha256", (0, 32, 12), "chacha", 384),
]
SECRET_LEN = {64: 32, 96: 48, 32: 32, 56: 56, 384: 384}


def noise(label, length):
    return hashlib.shake_256(label.encode()).digest(length)


def hkdf(name, secret, salt, info, length):
    key = hmac.new(salt, secret, name).digest()
    out, block, i = b"", b"", 1
    while len(out) < length:
        block = hmac.new(key, block + info + bytes([i]), name).digest()
        out += block
        i += 1
    return out[:length]


def row(*columns):
    """A NULL pointer stands for nothing."""
    print("    {" + ", ".join('"%s"' % c if isinstance(c, str) else "%d" % c if isinstance(c, int) else '"%s"' % c.hex() for c in columns)
          + "},")


def channel_keys():
    """One chunk of a client per policy and mode: HKDF, cut, mask, seal."""
    print("static const chunk_vector CHUNKS[] = {")
    for name, hash_name, (signing, encrypting, iv_len), cipher, public in POLICIES:
        secret = noise(name + " secret", SECRET_LEN[public])
        client, server = noise(name + " client", public), noise(name + " server", public)
        length = signing + encrypting + iv_len
        salt = struct.pack("<H", length) + b"opcua-client" + client + server
        keys = hkdf(hash_name, secret, salt, salt, length)
        signing_key, key, iv = keys[:signing], keys[signing:signing + encrypting], keys[signing + encrypting:]
        token, last = 0x01020304, 0x000000FE
        header = noise(name + " header", 16)
        if cipher == "cbc":
            plain = noise(name + " plain", 64)
            mac = hmac.new(signing_key, header + plain, hash_name).digest()
            encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
            row(name, secret, client, server, header, plain, encryptor.update(plain) + encryptor.finalize(), mac, mac)
            continue
        plain = noise(name + " plain", 61)
        nonce = bytes(a ^ b for a, b in zip(iv, struct.pack("<II", token, last) + bytes(4)))
        aead = AESGCM(key) if cipher == "gcm" else ChaCha20Poly1305(key)
        sealed = aead.encrypt(nonce, plain, header)
        signed = aead.encrypt(nonce, b"", header + plain)
        row(name, secret, client, server, header, plain, sealed[:-16], sealed[-16:], signed)
    print("};\n")


def pkcs8(key):
    return key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def der(tag, content):
    size = len(content)
    return bytes([tag]) + (bytes([size]) if size < 128 else b"\x82" + size.to_bytes(2, "big")) + content


def number(value):
    return der(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def pkcs3(x):
    """PKCS#8 around dhKeyAgreement of PKCS#3: the library writes the X9.42 form, which is another type of key."""
    group = der(0x30, number(FFDHE3072) + number(2))
    return der(0x30, number(0) + der(0x30, bytes.fromhex("06092a864886f70d010301") + group) + der(4, number(x)))


def point(public):
    return public.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)[1:]


def raw(public):
    return public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def agree():
    print("static const agreement_vector AGREEMENTS[] = {")
    for name, curve in (("ECC_nistP256", ec.SECP256R1()), ("ECC_nistP384", ec.SECP384R1()),
                        ("ECC_brainpoolP256r1", ec.BrainpoolP256R1()), ("ECC_brainpoolP384r1", ec.BrainpoolP384R1())):
        own = ec.derive_private_key(int.from_bytes(noise(name + " own", 30), "big"), curve)
        peer = ec.derive_private_key(int.from_bytes(noise(name + " peer", 30), "big"), curve)
        row(name, pkcs8(own), point(own.public_key()), point(peer.public_key()), own.exchange(ec.ECDH(), peer.public_key()))
    for name, make, length in (("ECC_curve25519", x25519.X25519PrivateKey, 32), ("ECC_curve448", x448.X448PrivateKey, 56)):
        own, peer = make.from_private_bytes(noise(name + " own", length)), make.from_private_bytes(noise(name + " peer", length))
        row(name, pkcs8(own), raw(own.public_key()), raw(peer.public_key()), own.exchange(peer.public_key()))
    x, peer_x = int.from_bytes(noise("dh own", 40), "big"), int.from_bytes(noise("dh peer", 40), "big")
    y, peer_y = pow(2, x, FFDHE3072), pow(2, peer_x, FFDHE3072)
    row("RSA_DH_AesGcm", pkcs3(x), y.to_bytes(384, "big"), peer_y.to_bytes(384, "big"), pow(peer_y, x, FFDHE3072).to_bytes(384, "big"))
    print("};\n")


def sign():
    """Signatures as they travel; verified only, since ECDSA is random."""
    print("static const signature_vector SIGNATURES[] = {")
    message = noise("message", 100)
    for name, curve, hash_ in (("ECC_nistP256", ec.SECP256R1(), hashes.SHA256()), ("ECC_nistP256", ec.SECP384R1(), hashes.SHA256()),
                               ("ECC_nistP384", ec.SECP384R1(), hashes.SHA384()),
                               ("ECC_brainpoolP256r1", ec.BrainpoolP256R1(), hashes.SHA256()),
                               ("ECC_brainpoolP256r1", ec.BrainpoolP384R1(), hashes.SHA256()),
                               ("ECC_brainpoolP384r1", ec.BrainpoolP384R1(), hashes.SHA384())):
        key = ec.derive_private_key(int.from_bytes(noise(name + " signer", 30), "big"), curve)
        r, s = utils.decode_dss_signature(key.sign(message, ec.ECDSA(hash_)))
        size = (curve.key_size + 7) // 8
        spki = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        row(name, spki, message, r.to_bytes(size, "big") + s.to_bytes(size, "big"))
    for name, make, size in (("ECC_curve25519", ed25519.Ed25519PrivateKey, 32), ("ECC_curve448", ed448.Ed448PrivateKey, 57)):
        key = make.from_private_bytes(noise(name + " signer", size))
        spki = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        row(name, spki, message, key.sign(message))
    print("};")


if __name__ == "__main__":
    print("/* Made by tests/tools/agreement_vectors.py. */\n/* clang-format off */")
    channel_keys()
    agree()
    sign()
    print("/* clang-format on */")
