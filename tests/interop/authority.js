"use strict";
// A node-opcua Client asks the Authorization Service for tokens.   node authority.js URL PKI-FOLDER RESOURCE PASSWORD USER
// USER: the files USER.crt and USER.key are a user's that the service trusts.
const { DataType, MessageSecurityMode, OPCUAClient, SecurityPolicy, UserTokenType, Variant, VariantArrayType } = require("node-opcua");
const { SignatureData, UserNameIdentityToken, X509IdentityToken } = require("node-opcua");
const crypto = require("node:crypto");
const fs = require("node:fs");
const { check, expect, finish, makePki } = require("./common");
const { seal } = require("./secrets");

const [url, folder, resource, password, user] = process.argv.slice(2);
const APPLICATION_URI = "urn:interop:node-opcua:client";
const GDS = "http://opcfoundation.org/UA/GDS/";

async function withSession(pki, policy, mode, user, run) {
    const client = OPCUAClient.create({
        applicationUri: APPLICATION_URI,
        certificateFile: pki.certificateFile,
        privateKeyFile: pki.privateKeyFile,
        clientCertificateManager: pki.manager,
        securityPolicy: policy,
        securityMode: mode,
        connectionStrategy: { maxRetry: 0 },
    });
    await client.connect(url);
    try {
        const session = await client.createSession(user);
        try {
            const namespaces = await session.readNamespaceArray();
            const gds = namespaces.indexOf(GDS);
            const found = await session.browse({
                nodeId: `ns=${gds};i=959`, referenceTypeId: "i=33", includeSubtypes: true, browseDirection: 0, resultMask: 63,
            });
            await run(session, gds, found.references[0].nodeId);
        } finally {
            await session.close();
        }
    } finally {
        await client.disconnect();
    }
}

async function request(session, gds, object, token, resourceId) {
    return await session.call({
        objectId: object,
        methodId: `ns=${gds};i=969`, // the Method of the type stands for the instance's
        inputArguments: [new Variant({ dataType: DataType.ExtensionObject, value: token }), new Variant({ dataType: DataType.String, value: resourceId })],
    });
}

// --- the Methods of 1.05.07, by the ids that they have in the type ---
const START_REQUEST_TOKEN = 95, FINISH_REQUEST_TOKEN = 98, REFRESH_TOKEN = 64;

async function call(session, gds, object, method, inputArguments) {
    return await session.call({ objectId: object, methodId: `ns=${gds};i=${method}`, inputArguments: inputArguments.map((v) => new Variant(v)) });
}

async function policyOf(session, gds, object, tokenType) {
    const description = await session.call({ objectId: object, methodId: `ns=${gds};i=1004`, inputArguments: [] });
    return description.outputArguments[2].value.find((policy) => policy.tokenType === tokenType);
}

async function start(session, gds, object, requestorData) {
    const policy = await policyOf(session, gds, object, UserTokenType.Certificate);
    const result = await call(session, gds, object, START_REQUEST_TOKEN, [
        { dataType: DataType.String, value: resource },
        { dataType: DataType.String, value: policy.policyId },
        { dataType: DataType.ByteString, value: requestorData },
    ]);
    expect(result.statusCode.isGood(), `StartRequestToken: ${result.statusCode}`);
    return { policy, serviceData: result.outputArguments[0].value, requestId: result.outputArguments[1].value };
}

// ServerNonce | H(ServerCert) | H(ServerChannelCert) | H(ClientCert) | H(ClientChannelCert) | ClientNonce, by the user's key
function signForChannel(serverCertificate, clientCertificate, serviceData, requestorData) {
    const hash = (der) => crypto.createHash("sha256").update(der).digest();
    const [server, client] = [hash(serverCertificate), hash(clientCertificate)];
    const parts = Buffer.concat([serviceData, server, server, client, client, requestorData]);
    return crypto.sign("sha256", parts, fs.readFileSync(`${user}.key`));
}

const derOf = (pem) => new crypto.X509Certificate(pem).raw;

async function finishAs(session, gds, object, started, signature, roles) {
    return await call(session, gds, object, FINISH_REQUEST_TOKEN, [
        { dataType: DataType.Guid, value: started.requestId },
        { dataType: DataType.String, arrayType: VariantArrayType.Array, value: roles },
        { dataType: DataType.ExtensionObject, value: new X509IdentityToken({ policyId: started.policy.policyId, certificateData: derOf(fs.readFileSync(`${user}.crt`)) }) },
        { dataType: DataType.ExtensionObject, value: new SignatureData({ algorithm: null, signature }) },
    ]);
}

async function refresh(session, gds, object, token) {
    return await call(session, gds, object, REFRESH_TOKEN, [{ dataType: DataType.String, value: resource }, { dataType: DataType.String, value: token }]);
}

function claimsOf(token) {
    return JSON.parse(Buffer.from(token.split(".")[1], "base64url").toString());
}

async function main() {
    const pki = await makePki(folder, APPLICATION_URI);
    const alice = { type: UserTokenType.UserName, userName: "alice", password };
    const anonymous = { type: UserTokenType.Anonymous };
    const { Basic256Sha256, None } = SecurityPolicy;
    const { Sign, SignAndEncrypt } = MessageSecurityMode;
    await check("RequestAccessToken, implicit identity", () => withSession(pki, Basic256Sha256, SignAndEncrypt, alice, async (session, gds, object) => {
        const result = await request(session, gds, object, null, resource);
        expect(result.statusCode.isGood(), `${result.statusCode}`);
        const claims = claimsOf(result.outputArguments[0].value);
        expect(claims.sub === "alice" && claims.aud === resource && claims.exp > claims.iat, JSON.stringify(claims));
        expect(claims.roles.includes("Operator"), `roles are ${claims.roles}`);
    }));
    await check("GetServiceDescription", () => withSession(pki, Basic256Sha256, SignAndEncrypt, alice, async (session, gds, object) => {
        const result = await session.call({ objectId: object, methodId: `ns=${gds};i=1004`, inputArguments: [] });
        expect(result.statusCode.isGood(), `${result.statusCode}`);
        const [uri, certificate, policies] = result.outputArguments.map((argument) => argument.value);
        expect(uri.length > 0 && certificate.length > 500 && policies.some((policy) => policy.tokenType === UserTokenType.UserName), "the description is not complete");
    }));
    // RT-02, RT-07 … RT-12, RT-16, RT-17, RT-26: secrets by somebody else's hands
    await check("RequestAccessToken, explicit identity", () => withSession(pki, Basic256Sha256, SignAndEncrypt, anonymous, async (session, gds, object) => {
        const server = session.serverCertificate;
        const application = { certificate: derOf(fs.readFileSync(pki.certificateFile)), key: fs.readFileSync(pki.privateKeyFile) };
        const erin = { certificate: derOf(fs.readFileSync(`${user}.crt`)), key: fs.readFileSync(`${user}.key`) };
        const names = await policyOf(session, gds, object, UserTokenType.UserName), certificates = await policyOf(session, gds, object, UserTokenType.Certificate);
        const ask = async (what, token, expected) => {
            const result = await request(session, gds, object, token, resource);
            expect(result.statusCode.name === expected, `${what}: ${result.statusCode}`);
            return expected === "Good" ? claimsOf(result.outputArguments[0].value) : null;
        };
        const named = (sealed) => new UserNameIdentityToken({ policyId: names.policyId, userName: "alice", password: sealed, encryptionAlgorithm: null });
        const certified = (sealed) => new X509IdentityToken({ policyId: certificates.policyId, certificateData: sealed });
        const secret = Buffer.from(password), minutes = (count) => new Date(Date.now() + count * 60000);
        const plain = named(seal(server, secret));
        expect((await ask("a password", plain, "Good")).sub === "alice", "somebody else's token");
        await ask("the same secret again", plain, "BadIdentityTokenRejected");
        await ask("signed by the application", named(seal(server, secret, application)), "Good");
        await ask("signed by somebody else", named(seal(server, secret, erin)), "BadIdentityTokenInvalid");
        await ask("signed with a wrong key", named(seal(server, secret, { certificate: application.certificate, key: erin.key })), "BadIdentityTokenInvalid");
        await ask("a wrong password", named(seal(server, Buffer.from("guessed"), application)), "BadIdentityTokenRejected");
        await ask("four minutes old", named(seal(server, secret, application, minutes(-4))), "Good");
        await ask("six minutes old", named(seal(server, secret, application, minutes(-6))), "BadIdentityTokenRejected");
        await ask("in clear", named(secret), "BadIdentityTokenInvalid");
        expect((await ask("a user certificate", certified(seal(server, null, erin)), "Good")).sub.includes("erin"), "somebody else's token");
        await ask("a bare certificate", certified(erin.certificate), "BadIdentityTokenInvalid");
        await ask("a certificate without its key", certified(seal(server, null, { certificate: erin.certificate, key: application.key })), "BadIdentityTokenRejected");
    }));
    // AZ-06, AZ-11, AZ-13, AZ-14, AZ-15: a user's certificate, by somebody else's hands
    await check("StartRequestToken, FinishRequestToken, RefreshToken", () => withSession(pki, Basic256Sha256, SignAndEncrypt, anonymous, async (session, gds, object) => {
        const requestorData = crypto.randomBytes(32);
        const server = session.serverCertificate, client = derOf(fs.readFileSync(pki.certificateFile));
        let started = await start(session, gds, object, requestorData);
        let result = await finishAs(session, gds, object, started, signForChannel(server, client, requestorData, started.serviceData), []);
        expect(result.statusCode.name === "BadUserSignatureInvalid", `the nonces the wrong way round: ${result.statusCode}`);
        started = await start(session, gds, object, requestorData);
        const signature = signForChannel(server, client, started.serviceData, requestorData);
        result = await finishAs(session, gds, object, started, signature, ["Observer"]);
        expect(result.statusCode.isGood(), `FinishRequestToken: ${result.statusCode}`);
        const [access, accessExpiry, first, firstExpiry] = result.outputArguments.map((argument) => argument.value);
        const claims = claimsOf(access);
        expect(claims.roles.length === 1 && claims.roles[0] === "Observer", `roles are ${claims.roles}`);
        expect(accessExpiry.getTime() === claims.exp * 1000 && firstExpiry > accessExpiry, `${accessExpiry}, ${firstExpiry}`);
        result = await finishAs(session, gds, object, started, signature, []);
        expect(result.statusCode.name === "BadNotFound", `the same RequestId again: ${result.statusCode}`);
        result = await refresh(session, gds, object, first);
        expect(result.statusCode.isGood(), `RefreshToken: ${result.statusCode}`);
        const second = result.outputArguments[2].value;
        expect(claimsOf(result.outputArguments[0].value).sub === claims.sub, "somebody else's token");
        result = await refresh(session, gds, object, first);
        expect(result.statusCode.name === "BadIdentityTokenRejected", `a refresh token again: ${result.statusCode}`);
        result = await refresh(session, gds, object, second);
        expect(result.statusCode.name === "BadIdentityTokenRejected", `what came from it: ${result.statusCode}`);
    }));
    const refusals = [
        ["a resource that is not registered", Basic256Sha256, SignAndEncrypt, alice, "urn:unknown", "BadNotFound"],
        ["a channel that is only signed", Basic256Sha256, Sign, alice, resource, "BadSecurityModeInsufficient"],
        ["a channel without security", None, MessageSecurityMode.None, alice, resource, "BadSecurityModeInsufficient"],
        ["nobody in particular", Basic256Sha256, SignAndEncrypt, anonymous, resource, "BadUserAccessDenied"],
    ];
    for (const [name, policy, mode, user, resourceId, expected] of refusals) {
        await check(`RequestAccessToken, ${name}`, () => withSession(pki, policy, mode, user, async (session, gds, object) => {
            const result = await request(session, gds, object, null, resourceId);
            expect(result.statusCode.name === expected, `${result.statusCode}`);
        }));
    }
    finish();
}

main();
