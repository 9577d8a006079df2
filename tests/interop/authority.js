"use strict";
// A node-opcua Client asks the Authorization Service for tokens.   node authority.js URL PKI-FOLDER RESOURCE PASSWORD
const { DataType, MessageSecurityMode, OPCUAClient, SecurityPolicy, UserTokenType, Variant } = require("node-opcua");
const { check, expect, finish, makePki } = require("./common");

const [url, folder, resource, password] = process.argv.slice(2);
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
