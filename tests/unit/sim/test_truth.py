from lineside.sim.truth import Truth, time_by_category

S = 1_000_000


def test_categories_of_a_window_sum_to_it():
    truth = Truth()
    truth.state("M", "RUN", 10 * S)
    truth.order_on("M", "WO-1", "10", 12 * S)
    truth.state("M", "STOP", 20 * S)
    truth.state("M", "SETUP", 24 * S)
    truth.order_off("M", 30 * S)

    sums = time_by_category(truth, "M", 0, 40 * S)

    assert sums == {
        "unknown_s": 10 * S,
        "ADOT_s": 12 * S,
        "APT_s": 8 * S,
        "ADET_s": 4 * S,
        "AUST_s": 6 * S,
    }
    assert sum(sums.values()) == 40 * S


def test_an_order_ends_the_one_before_it():
    truth = Truth()
    truth.order_on("M", "WO-1", "10", 1)
    truth.order_on("M", "WO-2", "10", 5)
    assert truth.order_spans["M"] == [("WO-1", "10", 1, 5), ("WO-2", "10", 5, None)]


def test_equal_neighbouring_states_are_one_span():
    truth = Truth()
    for at, state in ((1, "RUN"), (2, "RUN"), (3, "STOP"), (4, "STOP"), (5, "RUN")):
        truth.state("M", state, at)
    assert truth.states["M"] == [(1, "RUN"), (3, "STOP"), (5, "RUN")]
    assert truth.stops("M") == 1
