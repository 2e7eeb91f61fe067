"""What every command that needs the database shares: configuration, connection, transaction."""

from __future__ import annotations

import argparse
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, text

from lineside.central import embedded_postgres
from lineside.central.config import CentralConfig, load_config
from lineside.central.downlink.handlers import DownlinkListeners
from lineside.central.downlink.publisher import Publisher
from lineside.central.kit.unit_of_work import UnitOfWork, unit_of_work
from lineside.central.migrate import check_migrated, migrate
from lineside.central.runtime import open_database
from lineside.central.wiring import listeners
from lineside.contracts.clock import SystemClock


@dataclass(frozen=True, slots=True)
class Opened:
    """An open database of a command."""

    config: CentralConfig
    engine: Engine

    @contextmanager
    def act(self) -> Generator[UnitOfWork]:
        """A transaction that other domains hear of; central sends what changed within a second."""
        clock = SystemClock()
        heard = listeners(DownlinkListeners(Publisher(self.engine, clock)))
        with unit_of_work(self.engine, clock, heard) as work:
            yield work


def add_config_argument(parser: argparse.ArgumentParser) -> None:
    """`--config`, the same everywhere."""
    parser.add_argument(
        "--config", type=Path, default=Path("central.toml"), help="default: central.toml"
    )


@contextmanager
def opened(path: Path, *, current: bool = True) -> Generator[Opened]:
    """The database of a configuration; our own server is started for the command if need be.

    Args:
        path: The configuration file.
        current: Bring our own server's tables up to date, and refuse any other that is not.

    Raises:
        CentralConfigurationError: Wrong keys.
        EmbeddedPostgresError: Our own server does not start.
        NotReadyError: The database has other tables than this program expects.
    """
    config = load_config(path)
    engine, server = open_database(config)
    try:
        if current and server is not None:
            migrate(engine)
        if current:
            check_migrated(engine)
        yield Opened(config, engine)
    finally:
        ours = server is not None and server.started and not _used_by_others(engine)
        engine.dispose()
        if server is not None and ours:
            embedded_postgres.stop(server)


def _used_by_others(engine: Engine) -> bool:
    """Whether central came up while the command ran, on the server that the command started."""
    with engine.connect() as connection:
        others = connection.execute(
            text(
                "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
                " AND application_name = 'lineside-central' AND pid <> pg_backend_pid()"
            )
        ).scalar_one()
    return bool(others > 1)  # the pool of this command may hold one more
