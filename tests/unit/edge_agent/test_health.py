"""What an agent says about itself to people and to Prometheus."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from lineside.edge_agent.health import DeviceHealth, Health

HEALTH = Health(
    recording=True,
    values={"recording": 1.0, "head_seq": 12_345_678.0, "scans_refused": 3.0, "devices_lost": 1.0},
    lost={"plc": "no route"},
    devices={
        "plc": DeviceHealth(connected=False, silent_s=61.5),
        "scanner": DeviceHealth(connected=True, silent_s=None),
    },
    problems=("plc: no route",),
)


def samples() -> dict[tuple[str, str], float]:
    return {
        (sample.name, sample.labels.get("device", "")): sample.value
        for family in text_string_to_metric_families(HEALTH.metrics())
        for sample in family.samples
    }


def test_metrics_are_what_prometheus_reads() -> None:
    found = samples()

    assert found["lineside_edge_head_seq", ""] == 12_345_678
    assert found["lineside_edge_scans_refused_total", ""] == 3
    assert found["lineside_edge_device_silent_seconds", "plc"] == 61.5
    assert found["lineside_edge_device_connected", "plc"] == 0
    assert found["lineside_edge_device_connected", "scanner"] == 1


def test_a_device_that_was_never_read_has_no_age() -> None:
    """Unknown is not zero: an age of 0 s would look like a good reading."""
    assert ("lineside_edge_device_silent_seconds", "scanner") not in samples()


def test_the_document_names_devices_and_problems() -> None:
    document = HEALTH.document()

    assert document["status"] == "ok"
    assert document["head_seq"] == 12_345_678
    assert document["devices_lost"] == {"plc": "no route"}  # the metric of this name is a number
    assert document["devices_silent_s"] == {"plc": 61.5, "scanner": None}
