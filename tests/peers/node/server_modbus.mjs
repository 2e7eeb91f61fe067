// A Modbus TCP server by the package modbus-serial, for driver tests.
// `node server_modbus.mjs PORT` prints "ready", then serves every unit until standard input closes.
//
// Holding register n of unit u holds u * 1000 + n, except: 10, 11: int32 100000 (CDAB); 12, 13: float32
// 123.456 (ABCD); 60 and above do not exist. Coil n is on where n is divisible by 3. What is written to
// register 20 to 29 is read back.
import ModbusRTU from "modbus-serial";

const END = 60;
const written = new Map();

function register(address, unit) {
  if (address >= END) {
    throw { modbusErrorCode: 2, msg: "no such register" };
  }
  const fixed = { 10: 0x86a0, 11: 0x0001, 12: 0x42f6, 13: 0xe979 };
  return written.get(`${unit}/${address}`) ?? fixed[address] ?? unit * 1000 + address;
}

const vector = {
  getInputRegister: register,
  getHoldingRegister: register,
  getCoil: (address) => address % 3 === 0,
  getDiscreteInput: (address) => address % 2 === 0,
  setRegister(address, value, unit) {
    if (address < 20 || address > 29) {
      throw { modbusErrorCode: 2, msg: "read only" };
    }
    written.set(`${unit}/${address}`, value);
  },
};

const server = new ModbusRTU.ServerTCP(vector, { host: "127.0.0.1", port: Number(process.argv[2]), unitID: 255 });
server.on("socketError", () => {});
server.on("initialized", () => console.log("ready"));
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
