"""Settings of the scripted driver."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from lineside.contracts.errors import ConfigurationError
from lineside.contracts.samples import Quality, SignalValue
from lineside.drivers.settings import read_settings


class StepSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that the scripted device does; exactly one of `values`, `scan`, `notice`, `lost`.

    Attributes:
        after_s: Pause before it, seconds of the clock.
        values: Signals read together.
        quality: Of those values.
        scan: Code of a scan; each character up to U+00FF is one byte.
        problem: What is wrong with the scan's frame.
        notice: Kind of a notice; `detail` is its text.
        lost: The device is lost at this point.
    """

    after_s: float = 0.0
    values: dict[str, SignalValue] | None = None
    quality: Quality = Quality.GOOD
    scan: str | None = None
    problem: str = ""
    notice: str | None = None
    detail: str = ""
    lost: bool = False


class ScriptedSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The device's table of the configuration file.

    Attributes:
        steps: What happens, in order.
        repeat: Begin again at the end.
        at_end: `wait` for ever, or be `lost`, when there is nothing more to do.
        writable: Signals that may be written; they are kept in `ScriptedDriver.written`.
    """

    steps: tuple[StepSettings, ...] = ()
    repeat: bool = False
    at_end: Literal["wait", "lost"] = "wait"
    writable: tuple[str, ...] = ()


def read_config(settings: Mapping[str, Any], *, file: str) -> ScriptedSettings:
    """Check the device's table.

    Raises:
        ConfigurationError: Names file, key, what was found and what was expected.
    """
    config = read_settings(settings, ScriptedSettings, file=file)
    for index, step in enumerate(config.steps):
        acts = [step.values is not None, step.scan is not None, step.notice is not None, step.lost]
        if sum(acts) != 1:
            raise ConfigurationError(
                file=file,
                key=f"steps[{index}]",
                found=sum(acts),
                expected="exactly one of values, scan, notice, lost",
            )
        if step.scan is not None and not step.scan.isascii() and max(map(ord, step.scan)) > 0xFF:  # noqa: PLR2004
            raise ConfigurationError(
                file=file,
                key=f"steps[{index}].scan",
                found=step.scan,
                expected="characters up to \\u00ff, one byte each",
            )
    if config.repeat and not any(step.after_s > 0 for step in config.steps):
        raise ConfigurationError(
            file=file, key="repeat", found=True, expected="false, or a step with after_s above 0"
        )
    return config
