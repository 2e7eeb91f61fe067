"""A soak sees what grows and does not take noise for a leak."""

import random

import pytest

from tests.soak.__main__ import Watched, growth, judge


def watched(rss, descriptors=30):
    program = Watched("edge", 1)
    for second in range(120):
        program.at_s.append(float(second))
        program.rss.append(round(rss(second)))
        program.descriptors.append(round(descriptors + 0 * second))
        program.threads.append(8)
    return program


@pytest.mark.fault("F-15")
def test_a_leak_is_seen():
    assert judge(watched(lambda second: 100e6 + 400_000 * second))


@pytest.mark.fault("F-15")
def test_warming_up_and_noise_are_no_leak():
    chance = random.Random(1)
    assert not judge(watched(lambda s: 100e6 + min(s, 30) * 1e6 + chance.uniform(-2e6, 2e6)))


def test_a_line_gains_what_it_gains():
    assert growth([0, 1, 2, 3], [5, 7, 9, 11]) == pytest.approx(6)
    assert growth([1], [5]) == 0
