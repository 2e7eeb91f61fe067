"""The application identifiers of GS1: format, content rules, pairings, place in web links.

Facts of the GS1 Barcode Syntax Dictionary (Apache-2.0), state of July 2026, 541 identifiers, in a
table of our own. Columns: identifiers (one or a range), `*` for those of predefined length, the
components of the value, the pairings in the dictionary's order.

A component is a character set (N digits, X set 82, Y set 39, Z file-safe base 64) with its length
(`6`, or `..20` for 1 to 20), then the names of its content rules (see `content.py`); `[...]` may be
left out at the end. `req=` wants one of the alternatives on the same item, `+` joins identifiers
that must stand together; `ex=` forbids each one of the list; `n` stands for any digit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_NET_MEASURES = (
    *range(310, 317),
    *range(320, 330),
    *range(350, 353),
    *(356, 357, 360, 361, 364, 365, 366),
)
_LOGISTIC_MEASURES = (
    *range(330, 337),
    *range(340, 350),
    *(353, 354, 355, 362, 363, 367, 368, 369),
)

_TABLE = """
00 * | N18,csum,gcp2 |
01 * | N14,csum,gcp2 | ex=255,37
02 * | N14,csum,gcp2 | ex=01,03 req=37
03 * | N14,csum,gcp2 | ex=01,02,37,235
10 | X..20 | req=01,02,03,8006,8026
11 * | N6,yymmd0 | req=01,02,03,8006,8026
12 * | N6,yymmd0 | req=8020
13 * | N6,yymmd0 | req=01,02,03,8006,8026
15-16 * | N6,yymmd0 | req=01,02,03,8006,8026
17 * | N6,yymmd0 | req=01,02,03,255,8006,8026
20 * | N2 | req=01,02,03,8006,8026
21 | X..20 | req=01,03,8006 ex=235
22 | X..20 | req=01
235 | X..28 | req=01
240-241 | X..30 | req=01,02,03,8006,8026
242 | N..6 | req=01,02,8006,8026
243 | X..20 | req=01,03
250 | X..30 | req=01+21,03+21,8006+21
251 | X..30 | req=01,03,8006
253 | N13,csum,gcp1 [X..17] |
254 | X..20 | req=414
255 | N13,csum,gcp1 [N..12] | ex=01,02,415,8006,8020,8026
30 | N..8 | req=01,02
3370-3375 * | N6 | req=01 ex=337n
37 | N..8 | req=00+02,00+8026
3900-3909 | N..15 | req=255,8020 ex=390n,391n,394n,8111
3910-3919 | N3,iso4217 N..15 | req=8020 ex=391n
3920-3929 | N..15 | req=01+30,01+31nn,01+32nn,01+35nn,01+36nn ex=392n,393n
3930-3939 | N3,iso4217 N..15 | req=30,31nn,32nn,35nn,36nn ex=393n
3940-3943 | N4 | req=255 ex=394n,8111
3950-3955 | N6 | req=30,31nn,32nn,35nn,36nn ex=392n,393n,395n,8005
400 | X..30 |
401 | X..30,gcp1 |
402 | N17,csum,gcp1 |
403 | X..30 | req=00
410-414 * | N13,csum,gcp1 |
415 * | N13,csum,gcp1 | req=8020
416-417 * | N13,csum,gcp1 |
420 | X..20 | ex=421
421 | N3,iso3166 X..9 | ex=4307
422 | N3,iso3166 | req=01,02,03,8006,8026 ex=426
423 | N3,iso3166 [N3],iso3166 [N3],iso3166 [N3],iso3166 [N3],iso3166 | req=01,02,03 ex=426
424 | N3,iso3166 | req=01,02,03 ex=426
425 | N3,iso3166 [N3],iso3166 [N3],iso3166 [N3],iso3166 [N3],iso3166 | req=01,02,03 ex=426
426 | N3,iso3166 | req=01,02,03
427 | X..3 | req=01+422,02+422,03+422
4300-4301 | X..35,pcenc | req=00
4302 | X..70,pcenc | req=00
4303 | X..70,pcenc | req=4302
4304-4306 | X..70,pcenc | req=00
4307 | X2,iso3166alpha2 | req=00
4308 | X..30 | req=00
4309 | N10,latitude N10,longitude | req=00
4310-4311 | X..35,pcenc | req=00
4312 | X..70,pcenc | req=00
4313 | X..70,pcenc | req=4312
4314-4316 | X..70,pcenc | req=00
4317 | X2,iso3166alpha2 | req=00
4318 | X..20 | req=00
4319 | X..30 | req=00
4320 | X..35,pcenc | req=00
4321-4323 | N1,yesno | req=00
4324-4325 | N6,yymmd0 N4,hhmi | req=00
4326 | N6,yymmdd | req=00
4330 | N6 [X1],hyphen | req=00 ex=4331
4331 | N6 [X1],hyphen | req=00 ex=4330
4332 | N6 [X1],hyphen | req=00 ex=4333
4333 | N6 [X1],hyphen | req=00 ex=4332
7001 | N13 | req=01,02,8006,8026
7002 | X..30 | req=01,02
7003 | N6,yymmdd N4,hhmi | req=01,02,03
7004 | N..4 | req=01+10,03+10
7005 | X..12 | req=01,02
7006 | N6,yymmdd | req=01,02
7007 | N6,yymmdd [N6],yymmdd | req=01,02
7008 | X..3 | req=01,02
7009 | X..10 | req=01,02
7010 | X..2 | req=01,02,03
7011 | N6,yymmdd [N4],hhmi | req=01,02,03
7020 | X..20 | req=01+416,03+416,8006+416
7021 | X..20 | req=01,03,8006
7022 | X..20 | req=01+7021,03+7021,8006+7021
7023 | X..30,gcp1 |
7030-7039 | N3,iso3166999 X..27 | req=01,02
7040 | N1 X1 X1 X1,importeridx |
7041 | X..4,packagetype | req=00
710-717 | X..20 | req=01
7230-7239 | X2 X..28 | req=01,8004
7240 | X..20 | req=01,8006 ex=03
7241 | N2,mediatype | req=8017,8018
7242 | X..25 | req=8017,8018
7250 | N8,yyyymmdd | req=8018 ex=7251
7251 | N8,yyyymmdd N4,hhmi | req=8018 ex=7250
7252 | N1,iso5218 | req=8018
7253-7254 | X..40,pcenc | req=8017,8018 ex=7256,7259
7255 | X..10 | req=8017,8018 ex=7256,7259
7256 | X..90,pcenc | req=8017,8018
7257 | X..70,pcenc | req=8018
7258 | X3,posinseqslash | req=8018+7259
7259 | X..40,pcenc | req=8018 ex=7256
8001 | N4,nonzero N5,nonzero N3,nonzero N1,winding N1 | req=01
8002 | X..20 |
8003 | N1,zero N13,csum,gcp1 [X..16] |
8004 | X..30,gcp1 |
8005 | N6 | req=01,02
8006 | N14,csum,gcp2 N4,pieceoftotal | ex=01,03,37
8007 | X..34,iban | req=415
8008 | N6,yymmd0 N2,hh [N2],mi [N2],ss | req=01,02,03
8009 | X..50 | req=00,01,03
8010 | Y..30,gcp1 |
8011 | N..12,nozeroprefix | req=8010
8012 | X..20 | req=01,03,8006
8013 | X..25,csumalpha,gcp1 |
8014 | X..25,csumalpha,gcp1,hasnondigit | req=01
8017 | N18,csum,gcp1 | ex=8018
8018 | N18,csum,gcp1 | ex=8017
8019 | N..10 | req=8017,8018
8020 | X..25 | req=415
8026 | N14,csum,gcp2 N4,pieceoftotal | req=37 ex=02,03,8006
8030 | Z..90 | req=00,01+21,03+21,253,255,8003,8004,8006+21,8010+8011,8017,8018
8040 | N15 | req=01+21
8041 | N15 | req=01+21+8040
8042 | N32 | req=01+21+8040
8043 | N18 [N..2] | req=01+21+8040
8110 | X..70 |
8111 | N4 | req=255
8112 | X..70 |
8200 | X..70 | req=01
90 | X..30 |
91-99 | X..90 |
"""

LINK_KEYS: dict[str, tuple[tuple[str, ...], ...]] = {
    "00": ((),),
    "01": (("22", "10", "21"), ("235",)),
    "253": ((),),
    "255": ((),),
    "401": ((),),
    "402": ((),),
    "414": (("254",), ("7040",)),
    "415": (("8020",),),
    "417": (("7040",),),
    "8003": ((),),
    "8004": (("7040",),),
    "8006": (("22", "10", "21"),),
    "8010": (("8011",),),
    "8013": ((),),
    "8017": (("8019",),),
    "8018": (("8019",),),
}
"""Keys of a Digital Link, each with its alternative ordered lists of optional qualifiers."""

NOT_IN_QUERY = frozenset(
    {"03", "21", "22", "235", "254", "7040", "7041", "8011", "8014", "8019", "8020"}
    | {"8040", "8041", "8042", "8043", "8200"}
)
"""Identifiers that may not be query attributes of a Digital Link."""


@dataclass(frozen=True, slots=True)
class Component:
    """One part of a value.

    Attributes:
        charset: `N`, `X`, `Y` or `Z`.
        shortest, longest: Characters, inclusive.
        optional: May be left out when the value has ended.
        rules: Names of content rules, in the order in which they are checked.
    """

    charset: str
    shortest: int
    longest: int
    optional: bool
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pairing:
    """What must or must not stand with an identifier on the same item.

    Attributes:
        rule: `requires` (`pattern` lists the alternatives) or `excludes` (`pattern` is one).
        pattern: As written in the dictionary.
    """

    rule: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Identifier:
    """One application identifier.

    Attributes:
        ai: Two to four digits.
        predefined: In the table of predefined lengths: no separator is needed after it.
        components: In order.
        shortest, longest: Characters of the whole value, inclusive.
        pairings: In the order of the dictionary.
    """

    ai: str
    predefined: bool
    components: tuple[Component, ...]
    shortest: int
    longest: int
    pairings: tuple[Pairing, ...]


def _component(text: str) -> Component:
    head, *rules = text.split(",")
    bare = head.strip("[]")
    variable = bare[1:].startswith("..")
    longest = int(bare[1:].strip("."))
    shortest = 1 if variable else longest
    return Component(bare[0], shortest, longest, head.startswith("["), tuple(rules))


def _pairings(text: str) -> tuple[Pairing, ...]:
    found: list[Pairing] = []
    for attribute in text.split():
        kind, patterns = attribute.split("=")
        if kind == "req":
            found.append(Pairing("requires", patterns))
        else:
            found.extend(Pairing("excludes", pattern) for pattern in patterns.split(","))
    return tuple(found)


def _row(line: str) -> dict[str, Identifier]:
    names, spec, pairs = (cell.strip() for cell in line.split("|"))
    ais, _, flag = names.partition(" ")
    first, _, last = ais.partition("-")
    components = tuple(_component(part) for part in spec.split())
    shortest = sum(part.shortest for part in components if not part.optional)
    longest = sum(part.longest for part in components)
    pairings = _pairings(pairs)
    return {
        ai: Identifier(ai, flag == "*", components, shortest, longest, pairings)
        for ai in (f"{n:0{len(first)}d}" for n in range(int(first), int(last or first) + 1))
    }


def _lines() -> list[str]:
    lines = _TABLE.strip().splitlines()
    for measures, needs in ((_NET_MEASURES, "01,02"), (_LOGISTIC_MEASURES, "00,01")):
        lines += [f"{m}0-{m}5 * | N6 | req={needs} ex={m}n" for m in measures]
    return lines


IDENTIFIERS: dict[str, Identifier] = {
    ai: identifier for line in _lines() for ai, identifier in _row(line).items()
}
"""All identifiers by their digits. No identifier is the beginning of another one."""


def identifier_at(text: str, at: int) -> Identifier | None:
    """The identifier that begins at this index of the text, or None (rule G5)."""
    for length in (2, 3, 4):
        if found := IDENTIFIERS.get(text[at : at + length]):
            return found
    return None


def broken_pairings(identifier: Identifier, present: frozenset[str]) -> tuple[Pairing, ...]:
    """The pairings of one identifier that the identifiers beside it break, in dictionary order.

    Args:
        identifier: The identifier whose pairings are asked for.
        present: All identifiers on the item, its own included.
    """
    others = present - {identifier.ai}
    return tuple(
        pairing
        for pairing in identifier.pairings
        if (pairing.rule == "requires")
        != any(_stands(alternative, others) for alternative in pairing.pattern.split(","))
    )


def _stands(alternative: str, present: frozenset[str]) -> bool:
    return all(
        any(re.fullmatch(wanted.replace("n", "[0-9]"), ai) for ai in present)
        for wanted in alternative.split("+")
    )
