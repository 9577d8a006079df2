"use strict";
// A node-opcua Client walks the whole address space of a Server that has loaded companion models.
//   node nodesets.js URL PKI-FOLDER
const { makePki, check, expect, finish } = require("./common");
const { AttributeIds, BrowseDirection, MessageSecurityMode, NodeClass, OPCUAClient, SecurityPolicy, StatusCodes } = require("node-opcua");

const [url, folder] = process.argv.slice(2);
const MODELS = ["DI/", "Machinery/", "AutoID/", "Robotics/", "IA/"].map((name) => `http://opcfoundation.org/UA/${name}`);

// Every node that can be reached, by every reference in either direction, with the value of each Variable.
// What is kept from Anonymous.
const FORBIDDEN = [StatusCodes.BadUserAccessDenied, StatusCodes.BadSecurityModeInsufficient, StatusCodes.BadNotReadable];

async function crawl(session) {
    const seen = new Set(["i=84"]);
    const namespaces = new Set();
    let layer = [{ id: "i=84", nodeClass: NodeClass.Object }];
    let count = 0;
    while (layer.length > 0) {
        const next = [];
        for (let at = 0; at < layer.length; at += 100) {
            const part = layer.slice(at, at + 100);
            const values = await session.read(part.map(({ id, nodeClass }) => ({
                nodeId: id, attributeId: nodeClass === NodeClass.Variable ? AttributeIds.Value : AttributeIds.DisplayName,
            })));
            values.forEach((value, i) => expect(
                value.statusCode.isGood() || FORBIDDEN.some((status) => value.statusCode.equals(status)), `${part[i].id}: ${value.statusCode}`));
            count += part.length;
            const results = await session.browse(part.map(({ id }) => ({
                nodeId: id, browseDirection: BrowseDirection.Both, referenceTypeId: null, includeSubtypes: true, nodeClassMask: 0, resultMask: 63,
            })));
            for (let result of results) {
                expect(result.statusCode.isGood(), `Browse: ${result.statusCode}`);
                for (;;) {
                    for (const reference of result.references) {
                        const id = reference.nodeId.toString();
                        if (!seen.has(id)) {
                            seen.add(id);
                            namespaces.add(reference.nodeId.namespace);
                            next.push({ id, nodeClass: reference.nodeClass });
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
    return { count, seen: namespaces };
}

async function run() {
    const pki = await makePki(folder, "urn:interop:node-opcua:client");
    const client = OPCUAClient.create({
        applicationName: "interop", clientCertificateManager: pki.manager, securityPolicy: SecurityPolicy.None,
        securityMode: MessageSecurityMode.None, endpointMustExist: false, connectionStrategy: { maxRetry: 0 },
    });
    await client.connect(url);
    const session = await client.createSession();
    let namespaces = [];
    await check("the models' namespaces", async () => {
        namespaces = await session.readNamespaceArray();
        MODELS.forEach((uri) => expect(namespaces.includes(uri), `${uri} is not among ${namespaces}`));
    });
    await check("the whole address space can be walked and read", async () => {
        const { count, seen } = await crawl(session);
        expect(count > 3000, `only ${count} nodes`);
        MODELS.forEach((uri) => expect(seen.has(namespaces.indexOf(uri)), `nothing of ${uri} was seen`));
    });
    await session.close();
    await client.disconnect();
    finish();
}

run();
