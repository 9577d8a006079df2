"use strict";
// A node-opcua Client against `keyway serve`.
//   node client.js URL PKI-FOLDER prepare            makes the certificate
//   node client.js URL PKI-FOLDER run PASSWORD       every policy, mode and user
const {
    AttributeIds, BrowseDirection, DataType, MessageSecurityMode, NodeClass, OPCUAClient, SecurityPolicy, StatusCodes,
    TimestampsToReturn, UserTokenType, Variant,
} = require("node-opcua");
const { check, expect, finish, makePki } = require("./common");

const [url, folder, verb, password] = process.argv.slice(2);
const APPLICATION_URI = "urn:interop:node-opcua:client";
const SPEED = "ns=1;s=Machine.Speed";

const ENDPOINTS = [[SecurityPolicy.None, MessageSecurityMode.None]];
for (const policy of [SecurityPolicy.Basic256Sha256, SecurityPolicy.Aes128_Sha256_RsaOaep, SecurityPolicy.Aes256_Sha256_RsaPss]) {
    ENDPOINTS.push([policy, MessageSecurityMode.Sign], [policy, MessageSecurityMode.SignAndEncrypt]);
}

function newClient(pki, policy, mode, connectionStrategy = { maxRetry: 0, initialDelay: 100 }) {
    return OPCUAClient.create({
        applicationName: "interop",
        applicationUri: APPLICATION_URI,
        certificateFile: pki.certificateFile,
        privateKeyFile: pki.privateKeyFile,
        clientCertificateManager: pki.manager,
        securityPolicy: policy,
        securityMode: mode,
        endpointMustExist: true,
        connectionStrategy,
    });
}

async function withSession(pki, [policy, mode], user, run) {
    const client = newClient(pki, policy, mode);
    await client.connect(url);
    try {
        const session = await client.createSession(user);
        try {
            await run(session);
        } finally {
            await session.close();
        }
    } finally {
        await client.disconnect();
    }
}

async function readStatus(session) {
    const value = await session.read({ nodeId: "i=2256", attributeId: AttributeIds.Value });
    expect(value.statusCode.isGood(), `ServerStatus: ${value.statusCode}`);
    expect(value.value.value.state === 0, `State is ${value.value.value.state}`);
}

// Everything below Objects, each node once.
async function browseObjects(session) {
    const seen = new Set(["i=85"]);
    let layer = ["i=85"];
    while (layer.length > 0) {
        const next = [];
        for (let at = 0; at < layer.length; at += 100) {
            const results = await session.browse(
                layer.slice(at, at + 100).map((nodeId) => ({
                    nodeId, browseDirection: BrowseDirection.Forward, referenceTypeId: "i=33", includeSubtypes: true, nodeClassMask: 0, resultMask: 63,
                })),
            );
            for (let result of results) {
                expect(result.statusCode.isGood(), `Browse: ${result.statusCode}`);
                for (;;) {
                    for (const reference of result.references) {
                        const id = reference.nodeId.toString();
                        if (!seen.has(id)) {
                            seen.add(id);
                            next.push(id);
                        }
                    }
                    if (!result.continuationPoint || result.continuationPoint.length === 0) {
                        break;
                    }
                    result = await session.browseNext(result.continuationPoint, false);
                }
            }
        }
        layer = next;
    }
    expect(seen.size > 300, `only ${seen.size} nodes below Objects`);
    expect(seen.has(SPEED), `${SPEED} is not among them`);
}

// The Object of the own Session, and everything below it; no other Session is to be seen.
async function readOwnDiagnostics(session) {
    const childrenOf = async (nodeId) => {
        const result = await session.browse({
            nodeId, browseDirection: BrowseDirection.Forward, referenceTypeId: "i=33", includeSubtypes: true, nodeClassMask: 0, resultMask: 63,
        });
        expect(result.statusCode.isGood(), `Browse ${nodeId}: ${result.statusCode}`);
        return result.references;
    };
    const objects = (await childrenOf("i=3706")).filter((reference) => reference.nodeClass === NodeClass.Object);
    expect(objects.length === 1, `${objects.length} Sessions`);
    expect(objects[0].nodeId.toString() === session.sessionId.toString(), `${objects[0].nodeId} is not ${session.sessionId}`);
    const variables = [];
    for (const part of await childrenOf(objects[0].nodeId)) {
        variables.push(part, ...(await childrenOf(part.nodeId)));
    }
    expect(variables.length === 56, `${variables.length} Variables`);
    const values = await session.read(variables.map(({ nodeId }) => ({ nodeId, attributeId: AttributeIds.Value })));
    values.forEach((value, i) => {
        const isSecret = /^Security|^SessionSecurity|^Client(UserId|Certificate)|^Authentication|^Encoding|^Transport/.test(variables[i].browseName.name);
        const isGood = value.statusCode.isGood() || value.statusCode.equals(StatusCodes.BadUserAccessDenied) ||
            value.statusCode.equals(StatusCodes.BadSecurityModeInsufficient);
        expect(isSecret || variables[i].browseName.name === "SessionId" ? isGood : value.statusCode.isGood(),
            `${variables[i].browseName.name}: ${value.statusCode}`);
    });
    const whole = values[variables.findIndex(({ browseName }) => browseName.name === "SessionDiagnostics")].value.value;
    expect(whole.sessionId.toString() === session.sessionId.toString(), `${whole.sessionId} is not ${session.sessionId}`);
}

async function useMachineAsOperator(session) {
    const before = await session.read({ nodeId: SPEED, attributeId: AttributeIds.Value });
    expect(before.statusCode.isGood(), `Read: ${before.statusCode}`);
    const written = await session.write({ nodeId: SPEED, attributeId: AttributeIds.Value, value: { value: { dataType: DataType.Double, value: 900 } } });
    expect(written.isGood(), `Write: ${written}`);
    const called = await session.call({
        objectId: "ns=1;s=Machine", methodId: "ns=1;s=Machine.SetSpeed", inputArguments: [new Variant({ dataType: DataType.Double, value: 1200 })],
    });
    expect(called.statusCode.isGood(), `Call: ${called.statusCode}`);
    expect(called.outputArguments[0].value === 900, `Call returned ${called.outputArguments[0].value}`);
}

async function useMachineAsAnonymous(session) {
    const value = await session.read({ nodeId: SPEED, attributeId: AttributeIds.Value });
    expect(value.statusCode.equals(StatusCodes.BadUserAccessDenied), `Read: ${value.statusCode}`);
    const called = await session.call({
        objectId: "ns=1;s=Machine", methodId: "ns=1;s=Machine.SetSpeed", inputArguments: [new Variant({ dataType: DataType.Double, value: 1 })],
    });
    expect(called.statusCode.equals(StatusCodes.BadUserAccessDenied), `Call: ${called.statusCode}`);
    const public_ = await session.call({
        objectId: "i=2253", methodId: "i=11492", inputArguments: [new Variant({ dataType: DataType.UInt32, value: 7 })],
    });
    expect(public_.statusCode.equals(StatusCodes.BadSubscriptionIdInvalid), `GetMonitoredItems: ${public_.statusCode}`);
}

/* Two values of CurrentTime, the second later than the first. */
async function watchTime(session) {
    const subscription = await session.createSubscription2({
        requestedPublishingInterval: 100, requestedLifetimeCount: 300, requestedMaxKeepAliveCount: 10,
        maxNotificationsPerPublish: 0, publishingEnabled: true, priority: 1,
    });
    const item = await subscription.monitor(
        { nodeId: "i=2258", attributeId: AttributeIds.Value }, { samplingInterval: 100, queueSize: 10, discardOldest: true }, TimestampsToReturn.Both,
    );
    const times = await new Promise((resolve, reject) => {
        const seen = [];
        const deadline = setTimeout(() => reject(new Error("no notification came")), 30000);
        item.on("changed", (value) => {
            seen.push(value.value.value.getTime());
            if (seen.length === 2) {
                clearTimeout(deadline);
                resolve(seen);
            }
        });
    });
    expect(times[0] < times[1], `CurrentTime went from ${times[0]} to ${times[1]}`);
    await subscription.terminate();
}

function next(emitter, event, what) {
    return new Promise((resolve, reject) => {
        const deadline = setTimeout(() => reject(new Error(`${what} did not come`)), 30000);
        emitter.once(event, (value) => {
            clearTimeout(deadline);
            resolve(value);
        });
    });
}

// AS-10, AS-13: the socket is lost; the same Session goes on over a new channel, and so does its Subscription.
async function surviveLostSocket(pki, [policy, mode], user) {
    const client = newClient(pki, policy, mode, { maxRetry: 20, initialDelay: 50, maxDelay: 200 });
    await client.connect(url);
    try {
        const session = await client.createSession(user);
        const subscription = await session.createSubscription2({
            requestedPublishingInterval: 100, requestedLifetimeCount: 600, requestedMaxKeepAliveCount: 10,
            maxNotificationsPerPublish: 0, publishingEnabled: true, priority: 1,
        });
        const item = await subscription.monitor(
            { nodeId: "i=2258", attributeId: AttributeIds.Value }, { samplingInterval: 100, queueSize: 10, discardOldest: true }, TimestampsToReturn.Both,
        );
        await next(item, "changed", "a first value");
        const before = [session.sessionId.toString(), subscription.subscriptionId];
        const back = next(client, "connection_reestablished", "a new connection");
        client._secureChannel.forceConnectionBreak();
        await back;
        await next(item, "changed", "a value after the reconnect");
        const after = [session.sessionId.toString(), subscription.subscriptionId];
        expect(before.join() === after.join(), `${before} became ${after}`);
        await useMachineAsOperator(session);
        await subscription.terminate();
        await session.close();
    } finally {
        await client.disconnect();
    }
}

// AS-37, AS-49: texts in the languages of the Session. This Client has no call for it: the wish is put into its ActivateSession.
async function readInItsLanguage(pki, [policy, mode], user) {
    const client = newClient(pki, policy, mode);
    await client.connect(url);
    try {
        const channel = client._secureChannel;
        const send = channel.performMessageTransaction;
        channel.performMessageTransaction = (request, done) => {
            if (request.schema.name === "ActivateSessionRequest") {
                request.localeIds = ["ja", "fr-CA", "de"];
            }
            return send.call(channel, request, done);
        };
        const session = await client.createSession(user);
        const name = (await session.read({ nodeId: SPEED, attributeId: AttributeIds.DisplayName })).value.value;
        expect(name.text === "Drehzahl" && name.locale === "de", `DisplayName is ${name.text} (${name.locale})`);
        const state = (await session.read({ nodeId: "ns=1;s=Machine.Status", attributeId: AttributeIds.Value })).value.value;
        expect(state.text === "Die Maschine läuft", `Status is ${state.text}`);
        await session.close();
    } finally {
        await client.disconnect();
    }
}

async function run() {
    const pki = await makePki(folder, APPLICATION_URI);
    const alice = { type: UserTokenType.UserName, userName: "alice", password };
    const anonymous = { type: UserTokenType.Anonymous };
    for (const endpoint of ENDPOINTS) {
        const name = `${endpoint[0].split("#")[1]} ${MessageSecurityMode[endpoint[1]]}`;
        await check(`${name}, Anonymous`, () => withSession(pki, endpoint, anonymous, async (session) => {
            await readStatus(session);
            await browseObjects(session);
            await readOwnDiagnostics(session);
            await useMachineAsAnonymous(session);
            await watchTime(session);
        }));
        await check(`${name}, UserName`, () => withSession(pki, endpoint, alice, async (session) => {
            await readStatus(session);
            await useMachineAsOperator(session);
        }));
        await check(`${name}, change of user on a live Session`, () => withSession(pki, endpoint, anonymous, async (session) => {
            await useMachineAsAnonymous(session);
            const changed = await session.changeUser(alice);
            expect(changed.isGood(), `ActivateSession: ${changed}`);
            await useMachineAsOperator(session);
        }));
        await check(`${name}, wrong password`, async () => {
            let refusal = "";
            try {
                await withSession(pki, endpoint, { ...alice, password: "wrong" }, async () => {});
            } catch (error) {
                refusal = error.message;
            }
            expect(/BadUserAccessDenied/.test(refusal), `it was let in, or: ${refusal}`);
        });
    }
    for (const policy of [SecurityPolicy.Basic256Sha256, SecurityPolicy.Aes256_Sha256_RsaPss]) {
        const endpoint = [policy, MessageSecurityMode.SignAndEncrypt];
        await check(`${policy.split("#")[1]}, texts in its language`, () => readInItsLanguage(pki, endpoint, alice));
        await check(`${policy.split("#")[1]}, a lost socket`, () => surviveLostSocket(pki, endpoint, alice));
    }
    finish();
}

if (verb === "prepare") {
    makePki(folder, APPLICATION_URI).then((pki) => console.log(`certificate ${pki.certificateFile}`));
} else {
    run();
}
