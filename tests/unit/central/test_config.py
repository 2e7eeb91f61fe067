"""`central.toml`."""

from __future__ import annotations

import tomllib

import pytest
from pydantic import BaseModel

from lineside.central.config import SAMPLE, CentralConfig, CentralConfigurationError, load_config


def test_the_sample_says_the_defaults() -> None:
    """A file that `init` wrote runs exactly as no file would."""
    assert CentralConfig.model_validate(tomllib.loads(SAMPLE)) == CentralConfig()


def test_every_key_stands_in_the_sample() -> None:
    document = tomllib.loads(SAMPLE)
    for name, field in CentralConfig.model_fields.items():
        assert name in document
        section = field.default
        if isinstance(section, BaseModel):
            assert set(document[name]) == set(type(section).model_fields)


def test_every_wrong_key_is_named_at_once(tmp_path) -> None:
    path = tmp_path / "central.toml"
    path.write_text('[server]\nport = 99999\nhots = "x"\n[site]\ntime_zone = "Mars/Base"\n')
    with pytest.raises(CentralConfigurationError) as refusal:
        load_config(path)
    text = str(refusal.value)
    assert "server.port" in text
    assert "server.hots is not a key" in text
    assert "Mars/Base" in text
    assert len(refusal.value.problems) == 3


@pytest.mark.parametrize("content", ["[server", "\x00", "port = "])
def test_a_file_that_is_no_toml_is_said_so(tmp_path, content) -> None:
    path = tmp_path / "central.toml"
    path.write_text(content)
    with pytest.raises(CentralConfigurationError, match="not TOML"):
        load_config(path)


@pytest.mark.parametrize("host", ["0.0.0.0", "broker.plant", "192.0.2.1"])
def test_the_embedded_broker_is_for_this_computer_alone(tmp_path, host) -> None:
    """It does not know who publishes: the refusal says so, and what to do."""
    path = tmp_path / "central.toml"
    path.write_text(f'[broker]\nhost = "{host}"\n')
    with pytest.raises(CentralConfigurationError, match="does not know who publishes"):
        load_config(path)
    path.write_text(f'[broker]\nembedded = false\nhost = "{host}"\n')
    assert load_config(path).broker.host == host


def test_paths_are_meant_from_the_file(tmp_path) -> None:
    path = tmp_path / "central.toml"
    path.write_text('[broker]\nca_file = "certificates/ca.crt"\n')
    config = load_config(path)
    assert config.database.directory == tmp_path / "data/postgres"
    assert config.broker.ca_file == str(tmp_path / "certificates/ca.crt")
    assert config.broker.key_file == ""
