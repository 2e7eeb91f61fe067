// An OPC UA server by the package node-opcua-server, for driver tests.
// `node server_opcua.mjs OPTIONS` (one JSON object) prints "ready PORT", then answers one JSON line to
// each JSON line on standard input, until that closes.
//
// OPTIONS: port, folder (keys and certificates), uri (namespace), namespaces (others before it),
// trusted (DER file of the client), users ({name: password}), hidden (no
// discovery). No queue is longer than 5000 here.
// Commands: {"set": name, "value": v, "at": ms, "status": name}, {"burst": name, "values": [...]},
// {"get": name}, {"forget": true} (end all sessions, subscriptions too).
import { copyFileSync, mkdirSync } from "node:fs";
import path from "node:path";
import readline from "node:readline";
import { OPCUACertificateManager } from "node-opcua-certificate-manager";
import { SecurityPolicy } from "node-opcua-secure-channel";
import { MonitoredItem, OPCUAServer } from "node-opcua-server";
import { StatusCodes } from "node-opcua-status-code";
import { MessageSecurityMode } from "node-opcua-types";
import { DataType, Variant, VariantArrayType } from "node-opcua-variant";

MonitoredItem.minimumSamplingInterval = 5; // ms; 50 would swallow what the tests send

const options = JSON.parse(process.argv[2]);
const VARIABLES = {
  "M1.State": ["Int32", 4],
  "M1.Counter": ["UInt32", 0],
  "M1.Sequence": ["UInt32", 0],
  "M1.Ack": ["UInt32", 0],
  "M1.Good": ["Boolean", true],
  "M1.Torque": ["Float", 0.1],
  "M1.Energy": ["Double", 1.5],
  "M1.Program": ["String", "A-1"],
  "M1.Big": ["UInt64", [1, 2]],
  "M1.Text": ["LocalizedText", { locale: "en", text: "Hallo" }],
};

const pki = path.join(options.folder, "pki");
const manager = new OPCUACertificateManager({
  rootFolder: pki,
  automaticallyAcceptUnknownCertificate: false,
});
await manager.initialize();
if (options.trusted) {
  const target = path.join(pki, "trusted", "certs");
  mkdirSync(target, { recursive: true });
  copyFileSync(options.trusted, path.join(target, "client.der"));
}

function scalar(dataType, value) {
  return new Variant({ dataType, arrayType: VariantArrayType.Scalar, value });
}

const server = new OPCUAServer({
  port: options.port,
  host: "127.0.0.1",
  hostname: "127.0.0.1",
  alternateHostname: ["127.0.0.1"],
  resourcePath: "/UA/Peer",
  serverInfo: { applicationUri: "urn:lineside:test:node-opcua" },
  serverCertificateManager: manager,
  securityPolicies: [
    SecurityPolicy.Basic256Sha256,
    SecurityPolicy.Aes128_Sha256_RsaOaep,
    SecurityPolicy.Aes256_Sha256_RsaPss,
  ],
  securityModes: [MessageSecurityMode.SignAndEncrypt],
  allowAnonymous: !options.users,
  userManager: { isValidUser: (name, password) => options.users?.[name] === password },
  disableDiscovery: options.hidden ?? false,
  serverCapabilities: {
    operationLimits: { maxNodesPerRead: 7, maxMonitoredItemsPerCall: 6 },
  },
});
await server.initialize();
const space = server.engine.addressSpace;
for (const uri of options.namespaces ?? []) {
  space.registerNamespace(uri);
}
const namespace = space.registerNamespace(options.uri);
const folder = namespace.addObject({
  organizedBy: space.rootFolder.objects,
  browseName: "M1",
  nodeId: "s=M1",
});
const nodes = new Map();
for (const [name, [type, value]] of Object.entries(VARIABLES)) {
  const node = namespace.addVariable({
    componentOf: folder,
    browseName: name.split(".")[1],
    nodeId: `s=${name}`,
    dataType: type,
    minimumSamplingInterval: name === "M1.Sequence" ? 0 : 10,
    accessLevel: name === "M1.Ack" ? "CurrentRead | CurrentWrite" : "CurrentRead",
    userAccessLevel: name === "M1.Ack" ? "CurrentRead | CurrentWrite" : "CurrentRead",
  });
  node.setValueFromSource(scalar(DataType[type], value));
  nodes.set(name, [node, DataType[type]]);
}
await server.start();

function set(name, value, at, status) {
  const [node, dataType] = nodes.get(name);
  node.setValueFromSource(
    scalar(dataType, value),
    StatusCodes[status ?? "Good"],
    at ? new Date(at) : new Date(),
  );
}

const commands = {
  set: (ask) => set(ask.set, ask.value, ask.at, ask.status),
  async burst(ask) {
    for (const value of ask.values) {
      set(ask.burst, value);
      await new Promise((done) => setTimeout(done, ask.every ?? 0));
    }
  },
  get: (ask) => nodes.get(ask.get)[0].readValue().value.value,
  forget: () => server.engine._sessions && closeSessions(),
};

function closeSessions() {
  for (const session of Object.values(server.engine._sessions)) {
    server.engine.closeSession(session.authenticationToken, true, "Terminated");
  }
}

console.log(`ready ${options.port}`);
for await (const line of readline.createInterface({ input: process.stdin })) {
  const ask = JSON.parse(line);
  const [verb] = Object.keys(commands).filter((name) => name in ask);
  console.log(JSON.stringify({ answer: (await commands[verb](ask)) ?? null }));
}
await server.shutdown(0);
process.exit(0);
