"""Central's ingest until it is killed. Arguments: dsn, port, certificate folder or `-`, name."""

import sys
import threading

from lineside.central.db import open_engine
from lineside.central.ingest.event_store import PostgresEventStore
from lineside.central.ingest.inbound import Inbound
from lineside.central.ingest.mqtt import BrokerAddress, IngestService
from lineside.contracts.clock import SystemClock

dsn, port, certificates = sys.argv[1], int(sys.argv[2]), sys.argv[3]
clock = SystemClock()
files = (
    ("", "", "")
    if certificates == "-"
    else tuple(f"{certificates}/{name}" for name in ("ca.crt", "central.crt", "central.key"))
)
store = PostgresEventStore(open_engine(dsn), now=clock.now())
name = sys.argv[4] if len(sys.argv) > 4 else ""
service = IngestService(
    Inbound(store, clock=clock, owner=name),
    BrokerAddress("127.0.0.1", port, *files),
    client_id=name or "lineside-central",
)
service.start()
service.connected.wait(30)
sys.stdout.write("ready\n")
sys.stdout.flush()
threading.Event().wait()
