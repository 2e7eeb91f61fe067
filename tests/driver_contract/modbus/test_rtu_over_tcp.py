"""A serial server without protocol of its own: RTU frames in a TCP stream, two units behind it."""

import asyncio
import struct

from lineside.contracts.samples import Quality
from lineside.drivers.modbus import frames


class SerialServer:
    """Units 1 and 2; a unit's answer to address 90 comes 0.3 s late, unit 3 does not exist."""

    def __init__(self):
        self.asked = []

    async def serve(self, reader, writer):
        try:
            while data := await reader.read(256):
                unit, function, first, count = struct.unpack(">BBHH", data[:6])
                self.asked.append((unit, function, first, count))
                if unit == 3:
                    continue
                values = struct.pack(f">{count}H", *(unit * 1000 + first + n for n in range(count)))
                answer = frames.rtu_frame(unit, bytes((function, len(values))) + values)
                if first == 90:
                    await asyncio.sleep(0.3)
                writer.write(answer[:3])
                await writer.drain()
                writer.write(answer[3:])
        finally:
            writer.close()


async def test_units_behind_a_serial_server(connect, latest):
    fake = SerialServer()
    async with await asyncio.start_server(fake.serve, "127.0.0.1", 0) as server:
        driver = await connect(
            {"name": "a", "unit": 1, "address": 5},
            {"name": "late", "unit": 2, "address": 90},
            {"name": "b", "unit": 2, "address": 5},
            {"name": "absent", "unit": 3, "address": 5},
            transport="rtu_over_tcp",
            host="127.0.0.1",
            port=server.sockets[0].getsockname()[1],
            timeout_s=0.15,
            late_answer_s=0.05,
            retries=0,
            max_gap=0,
            silent_pause_max_s=1,
        )
        seen = {"a": set(), "b": set(), "late": set(), "absent": set()}
        batches = 0
        async for batch in driver.readings():
            for sample in batch:
                assert sample.quality is Quality.GOOD or sample.value is None
                seen[sample.signal].add(sample.value)
            batches += 1
            if batches > 200 and seen["b"] - {None}:
                break
        # Whatever the timing, a value is the right one or none at all.
        assert seen["a"] == {1005}
        assert seen["b"] <= {2005, None}
        assert seen["late"] <= {2090, None}
        assert seen["absent"] == {None}
        await driver.close()
