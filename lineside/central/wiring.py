"""Who listens to whom, and which readers run: the places where domains meet."""

from __future__ import annotations

from lineside.central.downlink.handlers import AppliedReader, DownlinkListeners
from lineside.central.kit.notices import Listeners
from lineside.central.kit.unit_of_work import UnitOfWork
from lineside.central.mes.carriers.handlers import CarrierMoves, CarrierPassports
from lineside.central.mes.carriers.service import send_types
from lineside.central.mes.edge_configuration.projections import ConfigurationsTold
from lineside.central.mes.exceptions.projections import Exceptions
from lineside.central.mes.figures.bookings import Bookings
from lineside.central.mes.figures.projections import KpiEvents, StationSignals
from lineside.central.mes.master_data.service import admit_edge, edge_ids
from lineside.central.mes.notices import DocumentsGone, DocumentWanted, EdgeEquipped
from lineside.central.mes.numbers.handlers import Numbers
from lineside.central.mes.numbers.service import stock
from lineside.central.mes.orders.handlers import Passports, send_units_needed
from lineside.central.mes.orders.notices import (
    DocumentsAsked,
    ItemsNeeded,
    OrderClosed,
    RevisionsAsked,
)
from lineside.central.mes.orders.projections import OrderProgress
from lineside.central.mes.orders.withdrawal import withdraw_passports
from lineside.central.mes.things.handlers import Things
from lineside.central.mes.things.service import send_holds, send_lots_needed
from lineside.central.platform.enrolment.notices import EdgeInvited
from lineside.central.platform.identity.notices import PersonChanged, PersonForgotten
from lineside.central.platform.identity.people import tell_all
from lineside.central.projections.base import Reader
from lineside.central.trace.projections import Trace
from lineside.contracts import commands


def listeners(downlink: DownlinkListeners) -> Listeners:
    """Every notice with those who hear it, in order."""
    return Listeners(
        {
            DocumentWanted: (downlink.wanted,),
            DocumentsGone: (downlink.gone,),
            DocumentsAsked: (downlink.named,),
            OrderClosed: (withdraw_passports,),
            RevisionsAsked: (downlink.asked,),
            PersonChanged: (_person_changed,),
            PersonForgotten: (_person_forgotten,),
            EdgeInvited: (_edge_invited,),
            EdgeEquipped: (_edge_equipped,),
            ItemsNeeded: (send_units_needed, send_lots_needed),
        }
    )


def readers() -> tuple[Reader, ...]:
    """Every reader of events, in an order in which each comes after those that it follows."""
    return (
        OrderProgress(),
        Trace(),
        KpiEvents(),
        StationSignals(),
        Bookings(),
        Passports(),
        Things(),
        Numbers(),
        CarrierMoves(),
        CarrierPassports(),
        AppliedReader(),
        ConfigurationsTold(),
        Exceptions(),
    )


def _person_changed(work: UnitOfWork, notice: PersonChanged) -> None:
    document = commands.Person(
        person=notice.person, badge=notice.badge, name=notice.name, roles=notice.roles
    )
    for edge in edge_ids(work):
        work.publish(DocumentWanted(edge=edge, kind="person", id=notice.person, body=document))


def _person_forgotten(work: UnitOfWork, notice: PersonForgotten) -> None:
    for edge in edge_ids(work):
        work.publish(DocumentWanted(edge=edge, kind="person", id=notice.person, body=None))


def _edge_invited(work: UnitOfWork, notice: EdgeInvited) -> None:
    admit_edge(work, notice.edge, notice.name)


def _edge_equipped(work: UnitOfWork, notice: EdgeEquipped) -> None:
    tell_all(work)  # edges that know a person already are not told again
    send_holds(work, notice.edge)
    stock(work, notice.edge)
    send_types(work, notice.edge)
