"use strict";
// RsaEncryptedSecret (OPC 10000-4, 7.40.2.4), made here from its table and with nothing of ours, for Basic256Sha256.
// With a signer: his Certificate in place of the receiver's hash, and after the HMAC his signature (docs/identities.md).
const crypto = require("node:crypto");

const POLICY = "http://opcfoundation.org/UA/SecurityPolicy#Basic256Sha256";
const RSA_ENCRYPTED_SECRET = 17545;

function uint(size, value) {
    const bytes = Buffer.alloc(size);
    bytes.writeUIntLE(value, 0, size);
    return bytes;
}

function byteString(bytes) {
    return bytes === null ? Buffer.from("ffffffff", "hex") : Buffer.concat([uint(4, bytes.length), bytes]);
}

function dateTime(date) {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(date.getTime()) * 10000n + 116444736000000000n);
    return bytes;
}

function payload(secret) {
    const content = Buffer.concat([byteString(crypto.randomBytes(32)), byteString(secret)]);
    let n = (16 - ((content.length + 2) % 16)) % 16;
    n += n + (secret === null ? 0 : secret.length) < 16 ? 16 : 0;
    return Buffer.concat([content, Buffer.alloc(n, n), uint(2, n)]);
}

// receiver: DER; secret: a Buffer or null; signer: { certificate: DER, key: PEM } or null
function seal(receiver, secret, signer = null, signingTime = new Date()) {
    const [signing, encrypting, iv] = [32, 32, 16].map((length) => crypto.randomBytes(length));
    const key = new crypto.X509Certificate(receiver).publicKey;
    const keyData = crypto.publicEncrypt({ key, padding: crypto.constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha1" },
        Buffer.concat([signing, encrypting, iv].map(byteString)));
    const cipher = crypto.createCipheriv("aes-256-cbc", encrypting, iv).setAutoPadding(false);
    const encrypted = Buffer.concat([cipher.update(payload(secret)), cipher.final()]);
    const certificate = signer ? signer.certificate : crypto.createHash("sha1").update(receiver).digest();
    const signatureLength = signer ? crypto.createPublicKey(signer.key).asymmetricKeyDetails.modulusLength / 8 : 0;
    const body = Buffer.concat([byteString(Buffer.from(POLICY)), byteString(certificate), dateTime(signingTime), uint(2, keyData.length), keyData, encrypted]);
    const prefix = Buffer.concat([Buffer.from([1, 0]), uint(2, RSA_ENCRYPTED_SECRET), Buffer.from([1]), uint(4, body.length + 32 + signatureLength)]);
    const covered = Buffer.concat([prefix, body]);
    const tagged = Buffer.concat([covered, crypto.createHmac("sha256", signing).update(covered).digest()]);
    return signer ? Buffer.concat([tagged, crypto.sign("sha256", tagged, signer.key)]) : tagged;
}

module.exports = { seal };
