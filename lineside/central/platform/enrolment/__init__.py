"""Enrolment: how an edge gets, renews and loses its certificate."""
