"""`central.toml`: one file, one class, every wrong key named at once."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from lineside.contracts.errors import LinesideError

BROKER_FILES = ("password_file", "ca_file", "certificate_file", "key_file")
Port = Annotated[int, Field(ge=0, le=65_535)]


class CentralConfigurationError(LinesideError):
    """One or more keys of the configuration are wrong; nothing starts until a person mends them."""

    code = "configuration.invalid"
    status = 422

    def __init__(self, file: str, problems: tuple[str, ...]) -> None:
        super().__init__(
            f"{file}: {'; '.join(problems)}.",
            hint="`lineside-central init` writes a file with every key explained.",
        )
        self.problems = problems


HERE = frozenset({"127.0.0.1", "::1", "localhost"})


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ServerConfig(_Section):
    """`[server]`: where the pages and the API are served.

    Attributes:
        host: Address to listen on.
        port: 0 takes a free one.
        web_directory: The built console; empty: the one in the package.
        certificate_file: Our certificate (`authority server`); empty: no TLS.
        key_file: Its private key.
    """

    host: str = "127.0.0.1"
    port: Port = 8400
    web_directory: str = ""
    certificate_file: str = ""
    key_file: str = ""


class DatabaseConfig(_Section):
    """`[database]`: your server by `dsn`, or our own in `directory`.

    Attributes:
        dsn: `postgresql://...` of PostgreSQL 15 or newer; empty: the embedded one.
        directory: Data directory of the embedded server, relative to the configuration file.
        name: Database name on the embedded server.
    """

    dsn: str = ""
    directory: Path = Path("data/postgres")
    name: str = "lineside"


class BrokerConfig(_Section):
    """`[broker]`: the wire to the edges.

    Attributes:
        enabled: False runs without edges (imports, tests).
        embedded: Start the broker of the package; False: connect to `host`.
        host: Broker's address.
        port: Broker's port; 0 with an embedded broker takes a free one.
        user: Name to sign in with, empty without.
        password_file: File with the password, so that it never stands in a configuration.
        ca_file: Certificate authority of the broker; empty: no TLS.
        certificate_file: Our certificate for mutual TLS.
        key_file: Its private key.
    """

    enabled: bool = True
    embedded: bool = True
    host: str = "127.0.0.1"
    port: Port = 1883
    user: str = ""
    password_file: str = ""
    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""

    @model_validator(mode="after")
    def _guards(self) -> BrokerConfig:
        if self.enabled and self.embedded and self.host not in HERE:
            message = (
                f"the embedded broker cannot be reached at {self.host}: it does not know who "
                "publishes, so it serves this computer alone; for edges on other computers run "
                "Mosquitto (deploy/broker) and set embedded = false"
            )
            raise ValueError(message)
        return self


class SiteConfig(_Section):
    """`[site]`: the plant.

    Attributes:
        name: For pages and prints.
        time_zone: IANA name; used until a calendar is kept in the database.
    """

    name: str = "Plant"
    time_zone: str = "UTC"

    @field_validator("time_zone")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as problem:
            message = f"{value!r} is not an IANA time zone such as Asia/Shanghai"
            raise ValueError(message) from problem
        return value


class AccessConfig(_Section):
    """`[access]`: signing in.

    Attributes:
        token_hours: How long a token of a person is valid.
        edge_token_days: How long a token of an edge is valid.
        failures_max: Wrong passwords in a row before the account rests.
        lock_s: How long it rests, seconds; doubled with every further failure up to an hour.
    """

    token_hours: Annotated[int, Field(ge=1, le=24 * 30)] = 12
    edge_token_days: Annotated[int, Field(ge=1, le=400)] = 90
    failures_max: Annotated[int, Field(ge=3, le=100)] = 5
    lock_s: Annotated[int, Field(ge=1, le=3600)] = 30


class EnrolmentConfig(_Section):
    """`[enrolment]`: how edges get their certificates.

    Attributes:
        authority: Folder of the site's authority, relative to the configuration file. Without one
            there, edges cannot ask for a certificate.
        certificate_days: How long a certificate of an edge is valid; renewed after two thirds.
    """

    authority: Path = Path("data/authority")
    certificate_days: Annotated[int, Field(ge=2, le=397)] = 90


class BackupConfig(_Section):
    """`[backup]`: what central may promise to its edges.

    Attributes:
        none_declared: The site declares that it has no backup; edges then prune by age alone.
    """

    none_declared: bool = False


class CentralConfig(_Section):
    """Everything that central is told before it starts.

    Attributes:
        simulation: Events marked `replayed` are taken; business time may run on a replay clock.
    """

    simulation: bool = False
    server: ServerConfig = ServerConfig()
    database: DatabaseConfig = DatabaseConfig()
    broker: BrokerConfig = BrokerConfig()
    site: SiteConfig = SiteConfig()
    access: AccessConfig = AccessConfig()
    enrolment: EnrolmentConfig = EnrolmentConfig()
    backup: BackupConfig = BackupConfig()


def load_config(path: Path) -> CentralConfig:
    """The configuration of a file; relative paths in it are meant from the file's directory.

    Raises:
        CentralConfigurationError: The file is missing, is no TOML, or has wrong keys; names them
        all.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise CentralConfigurationError(str(path), (problem.strerror or str(problem),)) from problem
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise CentralConfigurationError(str(path), (f"not TOML: {problem}",)) from problem
    config = parse_config(document, file=str(path))
    folder = path.resolve().parent
    database = config.database.model_copy(update={"directory": folder / config.database.directory})
    files = {
        name: str(folder / getattr(config.broker, name))
        for name in BROKER_FILES
        if getattr(config.broker, name)
    }
    found: dict[str, BaseModel] = {
        "database": database,
        "broker": config.broker.model_copy(update=files),
    }
    served = {
        name: str(folder / getattr(config.server, name))
        for name in ("certificate_file", "key_file")
        if getattr(config.server, name)
    }
    found["server"] = config.server.model_copy(update=served)
    authority = folder / config.enrolment.authority
    found["enrolment"] = config.enrolment.model_copy(update={"authority": authority})
    return config.model_copy(update=found)


def parse_config(document: dict[str, Any], *, file: str) -> CentralConfig:
    """The configuration in a document.

    Raises:
        CentralConfigurationError: Wrong keys or values; names them all.
    """
    try:
        return CentralConfig.model_validate(document)
    except ValidationError as problem:
        found = tuple(
            _sentence(error["loc"], error["type"], error["msg"], error["input"])
            for error in problem.errors()
        )
        raise CentralConfigurationError(file, found) from problem


def _sentence(where: tuple[int | str, ...], kind: str, text: str, found: object) -> str:
    key = ".".join(str(part) for part in where)
    if kind == "extra_forbidden":
        return f"{key} is not a key of this file"
    return f"{key} is {found!r}: {text[0].lower()}{text[1:]}"


SAMPLE = """\
# Configuration of lineside-central. Every key stands here with its default.

# Takes events marked `replayed` and lets a replay clock drive business time. Never in production.
simulation = false

[server]
host = "127.0.0.1"
port = 8400
web_directory = ""            # built console; empty: the one in the package
certificate_file = ""         # with both files it serves https; see `lineside-central authority`
key_file = ""

[database]
dsn = ""                      # postgresql://user@host/name; empty: our own server in `directory`
directory = "data/postgres"   # relative to this file
name = "lineside"

[broker]
enabled = true
embedded = true               # one box and demo; production: Mosquitto, embedded = false
host = "127.0.0.1"
port = 1883
user = ""
password_file = ""
ca_file = ""
certificate_file = ""
key_file = ""

[site]
name = "Plant"
time_zone = "UTC"             # IANA name, e.g. Asia/Shanghai

[access]
token_hours = 12
edge_token_days = 90
failures_max = 5
lock_s = 30

[enrolment]
authority = "data/authority"  # the site's authority; signs the certificates of edges
certificate_days = 90

[backup]
none_declared = false         # true: this site has no backup, edges prune by age alone
"""
"""Text of a new `central.toml`; a test reads it and compares it with the defaults."""
