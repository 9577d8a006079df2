"use strict";
// A node-opcua server for `keyway` as Client.   node server.js PKI-FOLDER   prints "ready URL"
const { DataType, OPCUAServer, MessageSecurityMode, SecurityPolicy, StatusCodes, Variant, makeRoles, WellKnownRoles } = require("node-opcua");
const { makePki } = require("./common");

const folder = process.argv[2];
const APPLICATION_URI = "urn:interop:node-opcua:server";

async function main() {
    const pki = await makePki(folder, APPLICATION_URI);
    const server = new OPCUAServer({
        port: 0,
        hostname: "localhost",
        serverInfo: { applicationUri: APPLICATION_URI },
        serverCertificateManager: pki.manager,
        certificateFile: pki.certificateFile,
        privateKeyFile: pki.privateKeyFile,
        securityPolicies: [SecurityPolicy.None, SecurityPolicy.Basic256Sha256, SecurityPolicy.Aes128_Sha256_RsaOaep, SecurityPolicy.Aes256_Sha256_RsaPss],
        securityModes: [MessageSecurityMode.None, MessageSecurityMode.Sign, MessageSecurityMode.SignAndEncrypt],
        allowAnonymous: true,
        userManager: {
            isValidUser: (name, password) => name === "alice" && password === "alice-password",
            getUserRoles: () => makeRoles([WellKnownRoles.AuthenticatedUser, WellKnownRoles.Operator]),
        },
    });
    await server.initialize();
    const space = server.engine.addressSpace;
    const namespace = space.getOwnNamespace();
    const machine = namespace.addObject({ organizedBy: space.rootFolder.objects, browseName: "Machine", nodeId: "s=Machine" });
    let speed = 7.5;
    namespace.addVariable({
        componentOf: machine, browseName: "Speed", nodeId: "s=Machine.Speed", dataType: DataType.Double,
        value: {
            get: () => new Variant({ dataType: DataType.Double, value: speed }),
            set: (variant) => {
                speed = variant.value;
                return StatusCodes.Good;
            },
        },
    });
    const method = namespace.addMethod(machine, {
        browseName: "Double", nodeId: "s=Machine.Double",
        inputArguments: [{ name: "Value", dataType: DataType.Double }],
        outputArguments: [{ name: "Result", dataType: DataType.Double }],
    });
    method.bindMethod((inputs, context, callback) =>
        callback(null, {
            statusCode: StatusCodes.Good,
            outputArguments: [new Variant({ dataType: DataType.Double, value: 2 * inputs[0].value })],
        }),
    );
    await server.start();
    console.log(`ready ${server.getEndpointUrl()} ${pki.certificateFile}`);
    const sockets = new Set();
    for (const endpoint of server.endpoints) {
        endpoint._server.on("connection", (socket) => {
            sockets.add(socket);
            socket.on("close", () => sockets.delete(socket));
        });
    }
    const cut = () => sockets.forEach((socket) => socket.destroy());
    process.on("SIGUSR1", cut); // every connection breaks
    process.on("SIGUSR2", () => { // and the Sessions end, of which only their Subscriptions are left
        cut();
        for (const session of Object.values(server.engine._sessions)) {
            server.engine.closeSession(session.authenticationToken, false, "Timeout");
        }
    });
    process.on("SIGTERM", () => server.shutdown(0).then(() => process.exit(0)));
}

main().catch((error) => {
    console.error(error);
    process.exit(1);
});
