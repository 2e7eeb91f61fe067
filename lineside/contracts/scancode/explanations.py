"""What is wrong with a scan, why, and what to do: for operators, in Chinese and English."""

from __future__ import annotations

from dataclasses import dataclass

from lineside.contracts.scancode.identifiers import IDENTIFIERS
from lineside.contracts.scancode.results import Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """One sentence in both languages of the terminal."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a scan leads to nothing.

    Attributes:
        code: Stable dotted name, e.g. `scan.gs1_check_digit`.
        what: What is wrong.
        why: The usual cause.
        action: What to do now.
    """

    code: str
    what: Words
    why: Words
    action: Words


_AGAIN = ("请重新扫描；若仍失败，请更换标签。", "Scan again; if it fails again, replace the label.")
_GS_ON = (
    "请在扫码枪中打开 AIM 标识和 GS（FNC1）传输，然后重新扫描。",
    "Switch on AIM id and GS (FNC1) transmission in the scanner, then scan again.",
)
_OWN_RULE = (
    "请扫描正确的标签，或请工程师为此类条码配置规则。",
    "Scan the right label, or ask the engineer for a rule for such codes.",
)
_PRINTED_WRONG = ("标签内容不符合 GS1 规则。", "The label's content breaks the rules of GS1.")
_DAMAGED = ("条码损坏或打印错误。", "The code is damaged or was printed wrongly.")

_TEXTS: dict[str, tuple[tuple[str, str], tuple[str, str], tuple[str, str]]] = {
    "scan.empty": (
        ("扫描内容为空。", "The scan is empty."),
        ("扫码枪没有读到数据。", "The scanner sent no data."),
        _AGAIN,
    ),
    "scan.too_long": (
        ("扫描内容过长。", "The scan is too long."),
        (
            "超过 4096 字节，可能是两次扫描连在了一起。",
            "It has more than 4096 bytes; two scans may have run together.",
        ),
        (
            "请检查扫码枪的结束符设置，然后重新扫描。",
            "Check the scanner's suffix setting, then scan again.",
        ),
    ),
    "scan.partial": (
        ("扫描内容不完整。", "The scan is incomplete."),
        ("扫码枪在结束符之前停止发送。", "The scanner stopped before its suffix."),
        (
            "请检查连接线和结束符设置，然后重新扫描。",
            "Check the cable and the suffix setting, then scan again.",
        ),
    ),
    "scan.not_text": (
        ("扫描内容不是可读文本。", "The scan is not readable text."),
        (
            "字节与配置的字符编码（{encoding}）不符。",
            "Its bytes are not of the configured encoding ({encoding}).",
        ),
        (
            "请检查串口参数和字符编码设置。",
            "Check the serial port's settings and the configured encoding.",
        ),
    ),
    "scan.control_character": (
        ("扫描内容含有不可见字符。", "The scan contains an invisible character."),
        (
            "发现 {found}：串口参数错误或传输受干扰。",
            "Found {found}: wrong port settings or a disturbed line.",
        ),
        (
            "请检查波特率、校验位和接地，然后重新扫描。",
            "Check baud rate, parity and grounding, then scan again.",
        ),
    ),
    "scan.number_too_long": (
        ("条码内容过长，不能作为编号。", "The code is too long for a number."),
        ("编号最多 128 个字符。", "Numbers have at most 128 characters."),
        _OWN_RULE,
    ),
    "scan.malformed": (
        ("条码前缀已知，但其余部分无法识别。", "The beginning is known, the rest is not."),
        (
            "以“{prefix}”开头的条码不能作为序列号。",
            "Codes that begin with {prefix} are never serial numbers.",
        ),
        _OWN_RULE,
    ),
    "scan.no_serial_pattern": (
        ("条码不符合任何已配置的规则。", "The code matches no configured rule."),
        (
            "本工厂的序列号有固定格式，此条码不符合。",
            "Serial numbers of this plant have a set form, which this code has not.",
        ),
        _OWN_RULE,
    ),
    "scan.web_address": (
        ("这是一个网址，不含 GS1 编号。", "This is a web address without a GS1 number."),
        ("扫到了包装或手册上的二维码。", "A code of a package or a manual was scanned."),
        _OWN_RULE,
    ),
    "scan.iso15434": (
        (
            "这是 ISO 15434 格式的条码，未配置规则。",
            "This is an ISO 15434 code, for which there is no rule.",
        ),
        (
            "供应商标签使用了另一种格式。",
            "The supplier's label uses another format.",
        ),
        _OWN_RULE,
    ),
    "scan.item_only": (
        ("条码只说明是什么物料。", "The code only says which item it is."),
        ("其中没有序列号、批号或载具号。", "It has no serial, lot or carrier number."),
        (
            "请扫描带有序列号或批号的标签。",
            "Scan the label that carries the serial or lot number.",
        ),
    ),
    "scan.no_subject": (
        ("条码中没有可用的编号。", "The code has no number that is used here."),
        (
            "其中的 GS1 数据不是产品、批次或载具的编号。",
            "Its GS1 data names neither unit nor lot nor carrier.",
        ),
        _OWN_RULE,
    ),
    "scan.ambiguous_separator": (
        ("条码有两种读法。", "The code can be read in two ways."),
        (
            "扫码枪可能去掉了分隔符 GS，字段 ({ai}) 可能吞掉了后面的内容。",
            "The scanner may strip GS, so that field ({ai}) may have swallowed what follows.",
        ),
        _GS_ON,
    ),
    "scan.ambiguous_number": (
        ("条码有两种读法。", "The code can be read in two ways."),
        (
            "没有 AIM 标识，无法区分序列号和 GS1 编号。",
            "Without AIM id a serial number cannot be told from a GS1 number.",
        ),
        _GS_ON,
    ),
}

_GS1_WHY: dict[str, tuple[tuple[str, str], tuple[str, str], tuple[str, str]]] = {
    "EMPTY": (("扫描内容为空。", "The scan is empty."), _DAMAGED, _AGAIN),
    "UNKNOWN_AI": (
        ("GS1 应用标识符未知。", "There is no such GS1 identifier."),
        (
            "分隔符 GS 丢失，或标签打印错误。",
            "A separator GS is missing, or the label is printed wrongly.",
        ),
        _GS_ON,
    ),
    "DATA_TOO_SHORT": (("字段 ({ai}) 太短。", "Field ({ai}) is too short."), _DAMAGED, _AGAIN),
    "DATA_TOO_LONG": (
        ("字段 ({ai}) 太长。", "Field ({ai}) is too long."),
        (
            "扫码枪去掉了分隔符 GS，字段吞掉了后面的内容。",
            "The scanner strips GS, and the field has swallowed what follows.",
        ),
        _GS_ON,
    ),
    "INVALID_CHARACTER": (
        ("字段 ({ai}) 含有不允许的字符。", "Field ({ai}) has a character that is not allowed."),
        (
            "分隔符 GS 被替换成别的字符，或标签打印错误。",
            "GS was replaced by something else, or the label is printed wrongly.",
        ),
        _GS_ON,
    ),
    "CHECK_DIGIT": (
        ("字段 ({ai}) 的校验码错误。", "The check digit of field ({ai}) is wrong."),
        _DAMAGED,
        _AGAIN,
    ),
    "INVALID_DATE": (
        ("字段 ({ai}) 的日期不存在。", "There is no such date as in field ({ai})."),
        _PRINTED_WRONG,
        _AGAIN,
    ),
    "INVALID_TIME": (
        ("字段 ({ai}) 的时间不存在。", "There is no such time as in field ({ai})."),
        _PRINTED_WRONG,
        _AGAIN,
    ),
    "INVALID_GCP": (
        (
            "字段 ({ai}) 不以厂商识别代码开头。",
            "Field ({ai}) does not begin with a company prefix.",
        ),
        _PRINTED_WRONG,
        _AGAIN,
    ),
    "INVALID_VALUE": (
        ("字段 ({ai}) 的内容无效。", "The content of field ({ai}) is not valid."),
        _PRINTED_WRONG,
        _AGAIN,
    ),
    "REPEATED_AI": (
        ("字段 ({ai}) 出现两次且内容不同。", "Field ({ai}) stands twice with different values."),
        (
            "标签打印错误，或两次扫描连在了一起。",
            "The label is printed wrongly, or two scans ran together.",
        ),
        _AGAIN,
    ),
    "BAD_LENGTH": (
        ("商品条码的位数不对。", "The item code has a wrong number of digits."),
        _DAMAGED,
        _AGAIN,
    ),
    "DL_BAD_QUALIFIER": (
        ("链接中的字段 ({ai}) 位置不对。", "Field ({ai}) may not stand there in the link."),
        _PRINTED_WRONG,
        _AGAIN,
    ),
    "DL_INVALID_ATTRIBUTE": (
        ("链接参数中不允许字段 ({ai})。", "Field ({ai}) may not be a parameter of the link."),
        _PRINTED_WRONG,
        _AGAIN,
    ),
    "BAD_HRI": (
        ("括号格式无法识别。", "The bracketed text cannot be read."),
        (
            "格式应为 (01)... (10)...。",
            "It must have the form (01)... (10)... without spaces.",
        ),
        ("请重新输入标签上的文字。", "Type the text of the label again."),
    ),
}


def explain(code: str, **facts: str) -> Explanation:
    """The explanation of a dotted code, with the facts filled in.

    Raises:
        KeyError: There is no such code, or a fact is missing.
    """
    what, why, action = _TEXTS[code]
    return _filled(code, what, why, action, facts)


def explain_failure(failure: Failure) -> Explanation:
    """The explanation of GS1 data that breaks the rules."""
    what, why, action = _GS1_WHY[failure.code]
    identifier = IDENTIFIERS.get(failure.ai or "")
    if failure.code == "DATA_TOO_LONG" and identifier is not None and identifier.predefined:
        why, action = _PRINTED_WRONG, _AGAIN
    facts = {"ai": failure.ai or "GTIN"}
    return _filled(f"scan.gs1_{failure.code.lower()}", what, why, action, facts)


def _filled(
    code: str,
    what: tuple[str, str],
    why: tuple[str, str],
    action: tuple[str, str],
    facts: dict[str, str],
) -> Explanation:
    words = [
        Words(zh=zh.format_map(facts), en=en.format_map(facts)) for zh, en in (what, why, action)
    ]
    return Explanation(code=code, what=words[0], why=words[1], action=words[2])
