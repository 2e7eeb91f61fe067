"""Command codes: everything on the terminal can be done by scanner alone."""

from __future__ import annotations

from collections.abc import Callable

from lineside.contracts.clock import Microseconds
from lineside.edge_agent.terminal import (
    corrections,
    number_acts,
    order_acts,
    people_acts,
    quality_acts,
    shift_acts,
    unit_acts,
)
from lineside.edge_agent.terminal.situation import CANCEL, Decision, Situation, ask, option, refused
from lineside.edge_agent.terminal.views import Command, Text

Stops = Callable[[], list[tuple[Microseconds, Microseconds]]]
WITH_ARGUMENT = ("DEFECT", "REASON", "CALL", "SETUP")

COMMANDS = (
    ("CMD-PAUSE", "暂停", "Pause", "pause_order", ""),
    ("CMD-FINISH", "完成", "Finish", "finish_order", ""),
    ("CMD-DEFECT", "报废 / 缺陷", "Scrap / defect", "defect", "defect"),
    ("CMD-MOUNT", "换料 · 上料", "Mount material", "mount", "lot"),
    ("CMD-REASON", "停机原因", "Stop reason", "reason", "reason"),
    ("CMD-UNDO", "更正上一条", "Undo the last entry", "void", ""),
    ("CMD-CALL", "呼叫", "Call", "call", "topic"),
    ("CMD-FAIL", "不合格", "Finish as failed", "finish_unit", ""),
    ("CMD-REWORK", "返工", "Finish as rework", "finish_unit", ""),
    ("CMD-FIRST", "首件送检", "Present first piece", "first_piece", ""),
    ("CMD-NEWUNIT", "新序列号", "New serial number", "new_number", ""),
    ("CMD-NEWLOT", "新批次", "New lot", "new_number", "quantity"),
    ("CMD-NEWCARRIER", "新载具标签", "New carrier label", "new_number", ""),
    ("CMD-REPRINT", "补打标签", "Print a label again", "reprint", ""),
    ("CMD-SIGNOFF", "签退", "Sign off", "sign_off", ""),
    ("CMD-YES", "是", "Yes", "", ""),
    ("CMD-NO", "否", "No", "", ""),
)


def command_list() -> list[Command]:
    """Commands with their labels."""
    return [
        Command(code=code, label=Text(zh=zh, en=en), kind=kind, needs=needs)
        for code, zh, en, kind, needs in COMMANDS
    ]


def run_command(s: Situation, command: str, act: str, stops: Stops) -> Decision:
    """Do what a command says; `DEFECT-<code>`, `REASON-<code>`, `CALL-<topic>` name more."""
    name, _, argument = command.partition("-")
    if argument and name not in WITH_ARGUMENT:
        return refused("command.unknown", command=command)
    if name == "FINISH":
        return _finish(s)
    simple: dict[str, Callable[[], Decision]] = {
        "PAUSE": lambda: order_acts.pause_order(s),
        "DEFECT": lambda: quality_acts.record_defect(s, code=argument),
        "MOUNT": lambda: ask("material.scan_lot", [CANCEL]),
        "REASON": lambda: shift_acts.reason_scanned(s, argument, stops()),
        "UNDO": lambda: corrections.take_back(s, 0, corrections.BY_SCAN),
        "CALL": lambda: shift_acts.raise_call(s, act, argument),
        "FAIL": lambda: unit_acts.finish_unit(s, result="fail"),
        "REWORK": lambda: unit_acts.finish_unit(s, result="rework"),
        "FIRST": lambda: shift_acts.present_first_piece(s),
        "NEWUNIT": lambda: number_acts.new_number(s, thing="unit"),
        "NEWLOT": lambda: number_acts.new_number(s, thing="lot"),
        "NEWCARRIER": lambda: number_acts.new_number(s, thing="carrier"),
        "REPRINT": lambda: number_acts.reprint(s),
        "SIGNOFF": lambda: people_acts.sign_off(s),
        "YES": lambda: refused("question.none"),
        "NO": lambda: refused("question.none"),
    }
    chosen = simple.get(name)
    return chosen() if chosen is not None else refused("command.unknown", command=command)


def _finish(s: Situation) -> Decision:
    """The piece in work; without one the order, after a question."""
    if s.state.floor.units:
        return unit_acts.finish_unit(s)
    if s.confirm == "finish":
        return order_acts.finish_order(s)
    if not s.state.floor.jobs:
        return refused("order.not_running", order="-")
    job = next(iter(s.state.floor.jobs.values()))
    finish = option("finish", "完工", "Finish the order", "CMD-FINISH")
    return ask("order.finish_question", [finish, CANCEL], order=job.order)
