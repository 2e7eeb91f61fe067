"""Command codes of the terminal, as people print and scan them: everything without a touch.

The terminal decides what a code does; this list says which ones there are, in the order of a sheet
beside the station.
"""

from __future__ import annotations

from typing import NamedTuple


class CommandCode(NamedTuple):
    """What a scanner reads, and what it stands for."""

    code: str
    zh: str
    en: str


class CommandGroup(NamedTuple):
    """Commands that belong together on a sheet."""

    zh: str
    en: str
    commands: tuple[CommandCode, ...]


COMMAND_GROUPS: tuple[CommandGroup, ...] = (
    CommandGroup(
        "加工",
        "Work",
        (
            CommandCode("CMD-FINISH", "完成", "Finish"),
            CommandCode("CMD-FAIL", "不合格", "Finish as failed"),
            CommandCode("CMD-REWORK", "返工", "Finish as rework"),
            CommandCode("CMD-FIRST", "首件送检", "Present first piece"),
            CommandCode("CMD-MOUNT", "换料 · 上料", "Mount material"),
            CommandCode("CMD-PAUSE", "暂停", "Pause"),
            CommandCode("CMD-FINISH-ORDER", "工单完工", "Finish the order"),
            CommandCode("CMD-COMPLETE", "工序完成", "Operation complete"),
            CommandCode("CMD-PART", "部分完成", "Part of it"),
            CommandCode("CMD-DECLARE", "报数", "Report quantity"),
        ),
    ),
    CommandGroup(
        "编号、标签、载具",
        "Numbers, labels, carriers",
        (
            CommandCode("CMD-NUMBERS", "新序列号 / 标签", "New number / label"),
            CommandCode("CMD-NEWUNIT", "新序列号", "New serial number"),
            CommandCode("CMD-NEWLOT", "新批次", "New lot"),
            CommandCode("CMD-NEWCARRIER", "新载具标签", "New carrier label"),
            CommandCode("CMD-REPRINT", "补打标签", "Print a label again"),
            CommandCode("CMD-CARRIER", "载具", "Carrier"),
            CommandCode("CMD-UNIT", "工件", "Piece"),
            CommandCode("CMD-LOT", "批次", "Lot"),
            CommandCode("CMD-PUT", "放入", "Put in"),
            CommandCode("CMD-TAKE", "取出", "Take out"),
            CommandCode("CMD-CONTENT", "查看内容", "Show what is in it"),
        ),
    ),
    CommandGroup(
        "回答",
        "Answers",
        (
            CommandCode("CMD-YES", "是", "Yes"),
            CommandCode("CMD-NO", "否", "No"),
            CommandCode("CMD-OK", "确定", "OK"),
            CommandCode("CMD-CANCEL", "返回", "Back"),
            *(CommandCode(f"CMD-{n}", f"第 {n} 项", f"Choice {n}") for n in range(1, 7)),
        ),
    ),
    CommandGroup(
        "质量与停机",
        "Quality and stops",
        (
            CommandCode("CMD-DEFECT", "报废 / 缺陷", "Scrap / defect"),
            CommandCode("CMD-SCRAP", "报废", "Scrap"),
            CommandCode("CMD-SUSPECT", "待判定", "To be decided"),
            CommandCode("CMD-REASON", "停机原因", "Stop reason"),
            CommandCode("CMD-CALL", "呼叫", "Call"),
        ),
    ),
    CommandGroup(
        "设备状态与活动",
        "Machine state and activity",
        (
            CommandCode("CMD-STATE", "设备状态", "Machine state"),
            CommandCode("CMD-RUN", "运行", "Running"),
            CommandCode("CMD-SETUP", "换型", "Set-up"),
            CommandCode("CMD-STOP", "停止", "Stopped"),
            CommandCode("CMD-IDLE", "空闲", "Idle"),
            CommandCode("CMD-PRODUCTION", "生产", "Production"),
            CommandCode("CMD-BREAKDOWN", "故障维修", "Breakdown"),
        ),
    ),
    CommandGroup(
        "更正与其他",
        "Corrections and more",
        (
            CommandCode("CMD-UNDO", "更正上一条", "Undo the last entry"),
            CommandCode("CMD-MOVE", "改工单", "Move to other order"),
            CommandCode("CMD-SPLIT", "拆分跨界计数", "Split a count"),
            CommandCode("CMD-BACK", "补录", "Back-entry"),
            CommandCode("CMD-SIGNOFF", "签退", "Sign off"),
            CommandCode("CMD-MENU", "更多", "More"),
            CommandCode("CMD-TYPE", "手工输入", "Type a number"),
            CommandCode("CMD-LANGUAGE", "中文 / English", "中文 / English"),
        ),
    ),
)
CALL_TOPICS: tuple[CommandCode, ...] = (
    CommandCode("CMD-CALL-maintenance", "维修", "Maintenance"),
    CommandCode("CMD-CALL-material", "物料", "Material"),
    CommandCode("CMD-CALL-quality", "质量", "Quality"),
    CommandCode("CMD-CALL-leader", "班长", "Shift leader"),
)
"""Whom to call."""


def groups_of_site(
    stops: dict[str, tuple[str, str]], defects: dict[str, tuple[str, str]]
) -> tuple[CommandGroup, ...]:
    """All commands, with the site's own stop reasons and defects.

    Args:
        stops: Stop reasons: code to (zh, en).
        defects: Defects: code to (zh, en).
    """

    def named(prefix: str, table: dict[str, tuple[str, str]]) -> tuple[CommandCode, ...]:
        return tuple(CommandCode(f"CMD-{prefix}-{code}", *labels) for code, labels in table.items())

    own = (
        CommandGroup("停机原因", "Stop reasons", named("REASON", stops)),
        CommandGroup("缺陷", "Defects", named("DEFECT", defects)),
        CommandGroup("呼叫", "Calls", CALL_TOPICS),
    )
    return (*COMMAND_GROUPS, *(group for group in own if group.commands))
