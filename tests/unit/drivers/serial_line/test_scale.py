"""Lines of scales to weights."""

import pytest

from lineside.drivers.serial_line.scale import ScaleLineError, Weight, parse_weight


@pytest.mark.parametrize(
    ("raw", "form", "weight"),
    [
        (b"ST,GS,+  12.345kg", "st_gs", Weight(text="12.345", unit="kg", stable=True, net=False)),
        (b"ST,NT,-   0.500 g", "st_gs", Weight(text="-0.500", unit="g", stable=True, net=True)),
        (b"US,GS,+00012.340kg", "st_gs", Weight(text="12.340", unit="kg", net=False)),
        (b"ST,+00012.34  g", "st_gs", Weight(text="12.34", unit="g", stable=True)),
        (b"ST,GS,-   0.000kg", "st_gs", Weight(text="0.000", unit="kg", stable=True, net=False)),
        (b"OL,GS,+99999999kg", "st_gs", Weight(text=None, trouble="overload")),
        (b"S S     100.00 g", "mt_sics", Weight(text="100.00", unit="g", stable=True)),
        (b"S D      -0.01 g", "mt_sics", Weight(text="-0.01", unit="g")),
        (b"S +", "mt_sics", Weight(text=None, trouble="overload")),
        (b"S -", "mt_sics", Weight(text=None, trouble="underload")),
        (b"S I", "mt_sics", Weight(text=None, trouble="not ready")),
    ],
)
def test_a_line_is_the_weight_it_says(raw, form, weight):
    assert parse_weight(raw, form) == weight


@pytest.mark.parametrize(
    "raw",
    [b"", b"ST,GS,", b"ST,GS,+1.2.3kg", b"12.345kg", b"ST,GS,+ 1 2kg", b"ST,GS,nan", b"\xff" * 200],
)
def test_a_line_that_is_no_weight_is_refused_not_read_as_zero(raw):
    with pytest.raises(ScaleLineError):
        parse_weight(raw, "st_gs")
