"use strict";
// What both directions share: a PKI folder with a certificate of this test's own, and a count of what held.
globalThis.crypto ??= require("node:crypto").webcrypto; // Node.js 18 has it, but not there
const { OPCUACertificateManager } = require("node-opcua");
const fs = require("fs");
const os = require("os");
const path = require("path");

let passed = 0;
let failed = 0;

async function check(name, run) {
    try {
        await run();
        passed += 1;
        console.log(`ok      ${name}`);
    } catch (error) {
        failed += 1;
        console.log(`FAILED  ${name}: ${error.message}`);
    }
}

function expect(condition, what) {
    if (!condition) {
        throw new Error(what);
    }
}

function finish() {
    console.log(`${passed} passed, ${failed} failed`);
    process.exit(failed === 0 ? 0 : 1);
}

// A certificate manager that trusts whoever comes, and a self-signed certificate in it, made once.
async function makePki(folder, applicationUri) {
    const manager = new OPCUACertificateManager({ rootFolder: folder, automaticallyAcceptUnknownCertificate: true });
    await manager.initialize();
    const certificateFile = path.join(folder, "own/certs/certificate.pem");
    if (!fs.existsSync(certificateFile)) {
        await manager.createSelfSignedCertificate({
            applicationUri,
            dns: ["localhost", os.hostname()],
            ip: ["127.0.0.1"],
            outputFile: certificateFile,
            subject: "/CN=interop",
            startDate: new Date(Date.now() - 3600 * 1000),
            validity: 30,
        });
    }
    return { manager, certificateFile, privateKeyFile: manager.privateKey };
}

module.exports = { check, expect, finish, makePki };
