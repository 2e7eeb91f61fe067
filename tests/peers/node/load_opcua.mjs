// An OPC UA server by the package node-opcua-server whose variables change as fast as one asks.
// `node load_opcua.mjs OPTIONS` (one JSON object) prints "ready PORT", then answers one JSON line to
// each JSON line on standard input, until that closes.
//
// OPTIONS: port, folder (keys and certificates), variables (how many; a quarter each are UInt32,
// Float, Double and String).
// Command: {"rounds": n, "every": ms, "first": number}: every variable takes the numbers first to
// first + n - 1, one a round; the answer says how many values that were and how long it took (ms).
import path from "node:path";
import readline from "node:readline";
import { OPCUACertificateManager } from "node-opcua-certificate-manager";
import { SecurityPolicy } from "node-opcua-secure-channel";
import { MonitoredItem, OPCUAServer } from "node-opcua-server";
import { StatusCodes } from "node-opcua-status-code";
import { MessageSecurityMode } from "node-opcua-types";
import { DataType, Variant } from "node-opcua-variant";

const TYPES = [DataType.UInt32, DataType.Float, DataType.Double, DataType.String];
const options = JSON.parse(process.argv[2]);
MonitoredItem.minimumSamplingInterval = 0;

const manager = new OPCUACertificateManager({
  rootFolder: path.join(options.folder, "pki"),
  automaticallyAcceptUnknownCertificate: true,
});
await manager.initialize();
const server = new OPCUAServer({
  port: options.port,
  host: "127.0.0.1",
  hostname: "127.0.0.1",
  alternateHostname: ["127.0.0.1"],
  resourcePath: "/UA/Load",
  serverInfo: { applicationUri: "urn:lineside:load:node-opcua" },
  serverCertificateManager: manager,
  securityPolicies: [SecurityPolicy.None],
  securityModes: [MessageSecurityMode.None],
  allowAnonymous: true,
});
await server.initialize();
const space = server.engine.addressSpace;
const namespace = space.registerNamespace("urn:lineside:load");
const folder = namespace.addObject({
  organizedBy: space.rootFolder.objects,
  browseName: "Load",
  nodeId: "s=Load",
});
const nodes = [];
for (let number = 0; number < options.variables; number += 1) {
  const dataType = TYPES[number % TYPES.length];
  const node = namespace.addVariable({
    componentOf: folder,
    browseName: `V${number}`,
    nodeId: `s=V${number}`,
    dataType,
    minimumSamplingInterval: 0,
    accessLevel: "CurrentRead",
    userAccessLevel: "CurrentRead",
  });
  nodes.push([node, dataType]);
}

function show(number) {
  const now = new Date();
  for (const [node, dataType] of nodes) {
    const value = dataType === DataType.String ? `P-${number}` : number;
    node.setValueFromSource(new Variant({ dataType, value }), StatusCodes.Good, now);
  }
}

async function run(ask) {
  const began = performance.now();
  for (let round = 0; round < ask.rounds; round += 1) {
    show(ask.first + round);
    const left = began + (round + 1) * ask.every - performance.now();
    await new Promise((done) => (left > 0 ? setTimeout(done, left) : setImmediate(done)));
  }
  return { sent: ask.rounds * nodes.length, ms: performance.now() - began };
}

show(0);
await server.start();
console.log(`ready ${options.port}`);
for await (const line of readline.createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await run(JSON.parse(line))));
}
await server.shutdown(0);
process.exit(0);
